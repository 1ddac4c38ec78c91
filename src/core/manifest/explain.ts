import type { ConfigProperty } from '../config/schema.js';
import { buildJob } from './build-job.js';
import { inputUnits, type InputRef, type InputUnit, type Layer } from './input-units.js';
import type { BuildJobInput } from './job-manifest.js';
import { type FieldValue, flattenFields } from './manifest-fields.js';

export interface FieldExplanation {
  /** e.g. `spec.template.spec.containers[agent].image`. */
  readonly path: string;
  readonly value: FieldValue;
  /** Whose word it is. `generated`: the controller writes this, whatever the input. */
  readonly layer: Layer | 'generated';
  /** The inputs the value is made of, the most telling first; for a generated field the input that makes it appear at all. */
  readonly inputs: readonly ExplainedInput[];
}

export interface ExplainedInput {
  readonly layer: Layer;
  readonly name: string;
  /** Nobody set it: the default of the configuration key is at work. */
  readonly isDefault: boolean;
  readonly ref: InputRef;
}

export interface ExplainOptions {
  /** Whether the user set this key of the configuration. */
  readonly isSet: (property: ConfigProperty) => boolean;
}

/**
 * Which input sets each field of the Job: the builder is pure and fast, so every input is varied alone and the manifest built again; what
 * changes depends on it. Layers that are overwritten change nothing and are not named, so of two that agree the winner is.
 * A job that cannot be built has no explanation: the result of the build is returned instead.
 */
export function explainJob(
  input: BuildJobInput,
  options: ExplainOptions,
): readonly FieldExplanation[] | Extract<ReturnType<typeof buildJob>, { ok: false }> {
  const built = buildJob(input);
  if (!built.ok) return built;
  const fields = flattenFields(built.value.manifest);
  const influences = inputUnits(input).flatMap((unit) => influenceOf(unit, fields) ?? []);
  return [...fields].map(([path, value]) => explainField(path, value, { influences, isSet: options.isSet }));
}

interface Influence {
  readonly unit: InputUnit;
  /** Paths whose value changed when the unit's value was changed. */
  readonly changed: ReadonlySet<string>;
  /** Paths that were gone when the unit was changed or left out. */
  readonly vanished: ReadonlySet<string>;
  /** How much depends on the unit; the less, the better it explains a single field. */
  readonly reach: number;
}

function influenceOf(unit: InputUnit, fields: ReadonlyMap<string, FieldValue>): Influence | undefined {
  const changed = new Set<string>();
  const vanished = new Set<string>();
  for (const variation of unit.variations) {
    const varied = fieldsOf(variation.input);
    if (varied === undefined) continue;
    for (const [path, value] of fields) {
      const other = varied.get(path);
      if (other === undefined) vanished.add(path);
      else if (variation.kind === 'changed' && !sameValue(value, other)) changed.add(path);
    }
  }
  const reach = new Set([...changed, ...vanished]).size;
  return reach === 0 ? undefined : { unit, changed, vanished, reach };
}

function fieldsOf(input: BuildJobInput): ReadonlyMap<string, FieldValue> | undefined {
  try {
    const built = buildJob(input);
    return built.ok ? flattenFields(built.value.manifest) : undefined;
  } catch {
    // A varied configuration has not been validated (a volume without its name), so the builder may stumble: no evidence.
    return undefined;
  }
}

function sameValue(a: FieldValue, b: FieldValue): boolean {
  return a === b || (typeof a === 'object' && typeof b === 'object' && JSON.stringify(a) === JSON.stringify(b));
}

interface Evidence extends ExplainOptions {
  readonly influences: readonly Influence[];
}

function explainField(path: string, value: FieldValue, { influences, isSet }: Evidence): FieldExplanation {
  const named = (chosen: readonly Influence[]): readonly ExplainedInput[] =>
    chosen.map(({ unit }) => ({
      layer: unit.layer,
      name: unit.name,
      isDefault: unit.ref.in === 'config' && !isSet(unit.ref.property),
      ref: unit.ref,
    }));
  const leaves = bySpecificity(influences.filter(({ unit }) => unit.value !== undefined));
  const changing = leaves.filter(({ changed }) => changed.has(path));
  const copied = [...changing, ...leaves.filter(({ vanished }) => vanished.has(path))].find(({ unit }) =>
    sameText(unit.value, value),
  );
  const sources = copied === undefined ? changing : [copied];
  const [first] = sources;
  if (first !== undefined) return { path, value, layer: first.unit.layer, inputs: named(sources) };
  const cause = bySpecificity(influences.filter(({ vanished }) => vanished.has(path)))[0];
  if (cause === undefined) return { path, value, layer: 'generated', inputs: [] };
  const written = typeof value === 'object' && value !== null && cause.reach === 1;
  return { path, value, layer: written ? cause.unit.layer : 'generated', inputs: named([cause]) };
}

/** The narrowest first; of equals the later layer, which is how `inputUnits` lists them. */
function bySpecificity(influences: readonly Influence[]): readonly Influence[] {
  return [...influences].reverse().sort((a, b) => a.reach - b.reach);
}

function sameText(input: InputUnit['value'], value: FieldValue): boolean {
  return typeof value !== 'object' && String(input) === String(value);
}

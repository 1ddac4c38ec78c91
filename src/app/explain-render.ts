import { readFile } from 'node:fs/promises';
import { closestName } from '../core/closest-name.js';
import { CONFIG_KEYS } from '../core/config/schema.js';
import { type ConfigDocument, readConfigFile } from '../core/config/read-config-file.js';
import type { ResolvedConfig } from '../core/config/resolve-config.js';
import { UsageError } from '../core/errors.js';
import { explainJob, type FieldExplanation } from '../core/manifest/explain.js';
import type { InputRef } from '../core/manifest/input-units.js';
import { fieldsBelow, pathPrefixes } from '../core/manifest/manifest-fields.js';
import type { CommandStep } from '../core/pipeline/pipeline.js';
import { formatPlace, placeAt } from '../core/pipeline/source-tree.js';
import type { RenderedJob } from './render-jobs.js';

export interface ExplainedJob {
  readonly title: string;
  readonly fields: readonly PlacedField[];
}

/** A field of the manifest, what sets it, and where that was written. */
export interface PlacedField {
  readonly path: string;
  readonly value: FieldExplanation['value'];
  readonly layer: FieldExplanation['layer'];
  readonly inputs: readonly {
    readonly layer: string;
    readonly name: string;
    readonly isDefault: boolean;
    /** `file:line:column`, `--flag` or `variable NAME`; absent when it was not written anywhere. */
    readonly at?: string;
  }[];
}

export interface ExplainRequest {
  readonly resolved: ResolvedConfig;
  /** Subtree of the manifest; empty = all of it. */
  readonly path: string;
}

/**
 * What sets each field of the jobs that could be built. Throws a `UsageError` with the nearest path when a job has no such field.
 */
export async function explainRendering(
  jobs: readonly RenderedJob[],
  request: ExplainRequest,
): Promise<readonly ExplainedJob[]> {
  const document = await configDocument(request.resolved);
  const { origins } = request.resolved;
  const explained: ExplainedJob[] = [];
  const known = new Set<string>();
  for (const job of jobs) {
    const all = explainJob(job.input, { isSet: (property) => origins[property].layer !== 'default' });
    if ('error' in all) continue;
    const paths = all.map(({ path }) => path);
    for (const path of paths) for (const prefix of pathPrefixes(path)) known.add(prefix);
    const wanted = new Set(request.path === '' ? paths : fieldsBelow(paths, request.path));
    if (wanted.size === 0) continue;
    const place = (ref: InputRef): string | undefined => placeOf(ref, { job, document, request });
    explained.push({
      title: job.title,
      fields: all.filter(({ path }) => wanted.has(path)).map((field) => placed(field, place)),
    });
  }
  if (explained.length === 0 && known.size > 0) throw new UsageError(unknownPath(request.path, known));
  return explained;
}

function placed(field: FieldExplanation, place: (ref: InputRef) => string | undefined): PlacedField {
  return {
    path: field.path,
    value: field.value,
    layer: field.layer,
    inputs: field.inputs.map(({ layer, name, isDefault, ref }) => {
      const at = place(ref);
      return { layer, name, isDefault, ...(at === undefined ? {} : { at }) };
    }),
  };
}

interface PlaceContext {
  readonly job: RenderedJob;
  readonly document: ConfigDocument | undefined;
  readonly request: ExplainRequest;
}

function placeOf(ref: InputRef, context: PlaceContext): string | undefined {
  if (ref.in === 'config') return configPlace(ref, context);
  if (ref.in === 'podTemplate' || ref.in === 'version') return undefined;
  const step = context.job.origin?.step;
  return step === undefined ? context.job.file : stepPlace(ref, step);
}

function stepPlace(ref: InputRef, step: CommandStep): string | undefined {
  const at = (...path: (string | number)[]): string => formatPlace(placeAt(step.source, path));
  switch (ref.in) {
    case 'plugin':
      return at(...(step.plugins[ref.index]?.path ?? []), ...ref.path);
    case 'command':
      return at(commandKey(step.source));
    case 'rule':
      return step.agents && at('agents');
    case 'priority':
      return step.priority === undefined ? undefined : at('priority');
    case 'env':
      return envPlace(ref.name, at, step.env);
    default:
      return undefined;
  }
}

function commandKey(source: Parameters<typeof placeAt>[0]): string {
  const keys = source.kind === 'map' ? source.entries.map(({ key }) => key) : [];
  return ['commands', 'command', 'script'].find((key) => keys.includes(key)) ?? 'command';
}

const STEP_FIELD_BY_VARIABLE: Readonly<Record<string, string>> = {
  BUILDKITE_ARTIFACT_PATHS: 'artifact_paths',
  BUILDKITE_IMAGE: 'image',
  BUILDKITE_LABEL: 'label',
  BUILDKITE_STEP_KEY: 'key',
  BUILDKITE_TIMEOUT: 'timeout_in_minutes',
};

function envPlace(
  name: string,
  at: (...path: (string | number)[]) => string,
  env: Readonly<Record<string, string>>,
): string | undefined {
  const field = STEP_FIELD_BY_VARIABLE[name];
  if (field !== undefined) return at(field);
  return name in env ? at('env', name) : undefined;
}

function configPlace(
  ref: Extract<InputRef, { in: 'config' }>,
  { document, request }: PlaceContext,
): string | undefined {
  const origin = request.resolved.origins[ref.property];
  switch (origin.layer) {
    case 'default':
      return undefined;
    case 'flag':
      return `--${origin.name}`;
    case 'environment':
      return `variable ${origin.name}`;
    case 'file': {
      const { line, column } = document?.valuePosition([CONFIG_KEYS[ref.property].key, ...ref.path]) ?? origin;
      return formatPlace({ file: origin.file, line, column });
    }
  }
}

/** The file once more: the resolved configuration knows the places of whole keys only. */
async function configDocument({ origins }: ResolvedConfig): Promise<ConfigDocument | undefined> {
  const file = Object.values(origins).find((origin) => origin.layer === 'file')?.file;
  if (file === undefined) return undefined;
  const read = readConfigFile(await readFile(file, 'utf8'), file);
  return read.ok ? read.value : undefined;
}

function unknownPath(path: string, known: ReadonlySet<string>): string {
  const short = [...known].map((full) => full.replace(/^spec\.template\.spec\./, ''));
  const near = closestName(path, [...known, ...short]);
  const tops = [...new Set(short.map((candidate) => candidate.split(/[.[]/)[0] ?? ''))].slice(0, 20);
  return `the manifest has no field "${path}"; ${near === undefined ? `it begins with one of ${tops.join(', ')}` : `did you mean "${near}"?`}`;
}

import { CONFIG_KEYS, type ConfigProperty } from '../config/schema.js';
import { KUBERNETES_PLUGIN } from '../job/kubernetes-plugin.js';
import type { BuildJobInput } from './job-manifest.js';

/** Which kind of input a field of the manifest comes from. */
export type Layer =
  'config' | 'pod-spec-patch' | 'image' | 'podSpecPatch' | 'plugin' | 'podTemplate' | 'step' | 'job' | 'controller';

/** Where an input stands: the part of the builder's input, then the way into it. */
export type InputRef =
  | { readonly in: 'config'; readonly property: ConfigProperty; readonly path: readonly PathSegment[] }
  /** `index` counts all plugins of the job. */
  | { readonly in: 'plugin'; readonly index: number; readonly path: readonly PathSegment[] }
  | { readonly in: 'podTemplate'; readonly path: readonly PathSegment[] }
  | { readonly in: 'env'; readonly name: string }
  | { readonly in: 'command' | 'id' | 'priority' | 'version' }
  | { readonly in: 'rule'; readonly index: number };

export type PathSegment = string | number;

/** One input that can be varied: a leaf, or a whole element or section that can only be left out. */
export interface InputUnit {
  readonly ref: InputRef;
  readonly layer: Layer;
  /** As the user would name it: `default-image-pull-policy`, `podSpec.containers[0].image`, `env.BUILDKITE_BRANCH`. */
  readonly name: string;
  /** The leaf's value; undefined for sections. */
  readonly value: string | number | boolean | undefined;
  /** Inputs that differ from the given one in this unit alone: changed values first, then left out. */
  readonly variations: readonly Variation[];
}

export interface Variation {
  readonly kind: 'changed' | 'removed';
  readonly input: BuildJobInput;
}

/** All inputs of the builder, one by one. */
export function inputUnits(input: BuildJobInput): readonly InputUnit[] {
  return [...configUnits(input), ...templateUnits(input), ...jobUnits(input), ...pluginUnits(input)];
}

function* configUnits(input: BuildJobInput): Generator<InputUnit> {
  for (const [property, { key }] of typedEntries(CONFIG_KEYS)) {
    const layer = property === 'podSpecPatch' ? 'pod-spec-patch' : 'config';
    const replace = (value: unknown): BuildJobInput => ({ ...input, config: { ...input.config, [property]: value } });
    for (const unit of treeUnits(input.config[property], replace, key)) {
      yield { ...unit, layer, name: formatPath(key, unit.path), ref: { in: 'config', property, path: unit.path } };
    }
  }
}

function* templateUnits(input: BuildJobInput): Generator<InputUnit> {
  if (input.podTemplateSpec === undefined) return;
  // A varied template is as unchecked as a real one: the builder has to cope.
  const replace = (value: unknown): BuildJobInput => ({
    ...input,
    podTemplateSpec: value as NonNullable<BuildJobInput['podTemplateSpec']>,
  });
  for (const unit of treeUnits(input.podTemplateSpec, replace)) {
    yield {
      ...unit,
      layer: 'podTemplate',
      name: formatPath('template.spec', unit.path),
      ref: { in: 'podTemplate', path: unit.path },
    };
  }
}

function* jobUnits(input: BuildJobInput): Generator<InputUnit> {
  const { job } = input;
  const leaf = (
    ref: InputRef,
    about: { readonly layer: Layer; readonly name: string; readonly value: string | number },
    apply: (value: unknown) => BuildJobInput,
  ): InputUnit => ({
    ref,
    ...about,
    variations: changedValues(about.value, about.name).map((value) => ({ kind: 'changed', input: apply(value) })),
  });
  const withJob = (change: object): BuildJobInput => ({ ...input, job: { ...job, ...change } });
  yield leaf(
    { in: 'version' },
    { layer: 'controller', name: 'version of this program', value: input.version },
    (version) => ({ ...input, version: String(version) }),
  );
  yield leaf({ in: 'id' }, { layer: 'job', name: 'job UUID', value: job.id }, (id) =>
    withJob({ id: otherUuid(id, job.id) }),
  );
  yield leaf({ in: 'priority' }, { layer: 'step', name: 'priority', value: job.priority }, (priority) =>
    withJob({ priority }),
  );
  yield leaf({ in: 'command' }, { layer: 'step', name: 'command', value: job.command }, (command) =>
    withJob({ command }),
  );
  for (const [index, rule] of job.agentQueryRules.entries()) {
    const [key = rule] = rule.split('=');
    const unit = leaf(
      { in: 'rule', index },
      { layer: 'step', name: `agents.${key}`, value: rule.slice(key.length + 1) },
      (value) => withJob({ agentQueryRules: job.agentQueryRules.with(index, `${key}=${String(value)}`) }),
    );
    // Another resource class may be none, and then the job cannot be built; without the rule it can.
    const leftOut = withJob({ agentQueryRules: job.agentQueryRules.toSpliced(index, 1) });
    yield { ...unit, variations: [...unit.variations, { kind: 'changed', input: leftOut }] };
  }
  for (const [name, value] of Object.entries(job.env)) {
    if (name === 'BUILDKITE_PLUGINS') continue;
    const image = name === 'BUILDKITE_IMAGE';
    yield leaf(
      { in: 'env', name },
      { layer: image ? 'image' : 'job', name: image ? 'image' : `env.${name}`, value },
      (other) => withJob({ env: { ...job.env, [name]: String(other) } }),
    );
  }
}

function* pluginUnits(input: BuildJobInput): Generator<InputUnit> {
  const plugins = parsePlugins(input.job.env.BUILDKITE_PLUGINS ?? '');
  for (const [index, plugin] of plugins.entries()) {
    if (typeof plugin !== 'object' || plugin === null || !Object.hasOwn(plugin, KUBERNETES_PLUGIN)) continue;
    const replace = (config: unknown): BuildJobInput => {
      const changed = JSON.stringify(plugins.with(index, { [KUBERNETES_PLUGIN]: config }));
      return { ...input, job: { ...input.job, env: { ...input.job.env, BUILDKITE_PLUGINS: changed } } };
    };
    for (const unit of treeUnits(Reflect.get(plugin, KUBERNETES_PLUGIN), replace)) {
      const layer = unit.path[0] === 'podSpecPatch' ? 'podSpecPatch' : 'plugin';
      yield { ...unit, layer, name: formatPath('', unit.path), ref: { in: 'plugin', index, path: unit.path } };
    }
  }
}

function parsePlugins(text: string): readonly unknown[] {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}

const MERGE_KEYS: ReadonlySet<string> = new Set([
  'containerPort',
  'devicePath',
  'ip',
  'mountPath',
  'name',
  'topologyKey',
]);

interface TreeUnit extends Pick<InputUnit, 'value' | 'variations'> {
  readonly path: readonly PathSegment[];
}

/** Leaves and sections of a JSON value; `replace` puts a varied copy of the whole value back into the input. */
function* treeUnits(root: unknown, replace: (value: unknown) => BuildJobInput, rootName = ''): Generator<TreeUnit> {
  yield* walk(root, []);

  function* walk(value: unknown, path: readonly PathSegment[]): Generator<TreeUnit> {
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') yield leaf(value, path);
    if (typeof value !== 'object' || value === null) return;
    yield { path, value: undefined, variations: [removal(path)] };
    const children: Iterable<[PathSegment, unknown]> = Array.isArray(value) ? value.entries() : Object.entries(value);
    for (const [key, child] of children) yield* walk(child, [...path, key]);
  }

  function leaf(value: string | number | boolean, path: readonly PathSegment[]): TreeUnit {
    const name = path.findLast((segment) => typeof segment === 'string') ?? rootName;
    // Without what identifies it, a list element is nothing that could be merged.
    const optional = path.length === 0 || MERGE_KEYS.has(name) ? [] : [removal(path)];
    const changed = changedValues(value, name).map((other): Variation => ({
      kind: 'changed',
      input: replace(withValue(root, path, other)),
    }));
    return { path, value, variations: [...changed, ...optional] };
  }

  function removal(path: readonly PathSegment[]): Variation {
    return { kind: 'removed', input: replace(path.length === 0 ? undefined : without(root, path)) };
  }
}

/** Other values of the same kind that are still valid where the first was. */
function changedValues(value: string | number | boolean, name: string): readonly (string | number | boolean)[] {
  if (typeof value === 'boolean') return [!value];
  // The second is for values in milliseconds that end up in seconds.
  if (typeof value === 'number') return [value + 1, value + 1000];
  if (/policy$/i.test(name)) return ['Always', 'IfNotPresent', 'Never'].filter((policy) => policy !== value);
  if (name === 'image') return imageVariations(value);
  if (name === 'interposer') return ['buildkite', 'vector', 'legacy'].filter((other) => other !== value);
  return /^[0-9.]+[a-zA-Z]*$/.test(value) ? ['777Mi', `${value}x`] : [`${value}x`];
}

const OTHER_DIGEST = `@sha256:${'0'.repeat(64)}`;

function imageVariations(image: string): readonly string[] {
  const [name = image, digest] = image.split('@');
  return digest === undefined ? [`${image}x`, `${image}${OTHER_DIGEST}`] : [`${name}${OTHER_DIGEST}`, name];
}

function otherUuid(wanted: unknown, id: string): string {
  return id.endsWith('0') ? `${id.slice(0, -1)}1` : typeof wanted === 'string' ? `${id.slice(0, -1)}0` : id;
}

function withValue(root: unknown, path: readonly PathSegment[], value: unknown): unknown {
  const [first, ...rest] = path;
  if (first === undefined) return value;
  if (Array.isArray(root))
    return root.map((item: unknown, index) => (index === first ? withValue(item, rest, value) : item));
  if (typeof root !== 'object' || root === null) return root;
  return { ...root, [first]: withValue(Reflect.get(root, first), rest, value) };
}

function without(root: unknown, path: readonly PathSegment[]): unknown {
  const [first, ...rest] = path;
  if (first === undefined || typeof root !== 'object' || root === null) return root;
  if (Array.isArray(root)) {
    if (rest.length === 0) return root.filter((_, index) => index !== first);
    return root.map((item: unknown, index) => (index === first ? without(item, rest) : item));
  }
  const entries = Object.entries(root);
  if (rest.length === 0) return Object.fromEntries(entries.filter(([key]) => key !== first));
  return Object.fromEntries(entries.map(([key, item]) => [key, key === first ? without(item, rest) : item]));
}

function formatPath(start: string, path: readonly PathSegment[]): string {
  return path.reduce<string>((text, segment) => {
    if (typeof segment === 'number') return `${text}[${segment}]`;
    return text === '' ? segment : `${text}.${segment}`;
  }, start);
}

function typedEntries<K extends string, V>(record: Readonly<Record<K, V>>): readonly [K, V][] {
  // Object.entries forgets the key type; the record is a closed table.
  return Object.entries(record) as [K, V][];
}

import type { V1Volume } from '@kubernetes/client-node';
import { fieldType } from '../../manifest/merge-keys.js';
import { type MapEntry, type MapNode, type ScalarNode, type SourceNode, valueOf } from '../../pipeline/source-tree.js';
import { type LintJob, unpatchedPod } from '../lint-job.js';
import { entriesOf, itemsOf, knownText, mapsIn, nodeAt, type Path } from '../nodes.js';
import type { Found, RuleSet, StepContext } from '../rule.js';
import { writtenContainers } from '../written-containers.js';
import { PATCHED_CONTAINER_RULES, patchedContainers } from './patch-lists.js';

/** What a podSpecPatch does otherwise than its author thinks. */
export const patchRules: RuleSet = {
  rules: [
    ...PATCHED_CONTAINER_RULES,
    {
      id: 'patch/lost-directive',
      severity: 'error',
      summary: 'A patch tries to remove or reset something in a way the Go controller loses.',
      why: 'The Go controller reads podSpecPatch into a typed pod before it merges: "$patch" and its like, nulls, empty lists and a false of plain fields are gone by then, so nothing is removed. Besides, the upload expands "$patch" as a variable. The TypeScript controller honours "$$patch" and nulls.',
      remedy:
        'Leave the field out of what is patched instead: change the podSpec, the PodTemplate or the controller configuration that sets it.',
    },
    {
      id: 'patch/list-replaces',
      severity: 'warning',
      summary: 'A patch replaces a list that its author may think it extends.',
      why: 'Lists without a merge key, such as envFrom and tolerations, are replaced as a whole: what podSpec, gitEnvFrom or the controller put there is gone, and for example the checkout loses its credentials.',
      remedy:
        'Repeat the entries that must stay, or use a setting that appends, such as "checkout.envFrom" or "commandParams.envFrom".',
    },
    {
      id: 'patch/volume-source',
      severity: 'error',
      summary: 'A patch gives an existing volume a second type.',
      why: 'The Go controller merges both sources into one volume, and Kubernetes refuses the Job: a volume has one type. (The TypeScript controller takes the one of the patch.)',
      remedy:
        'Change the volume where it is defined; for the workspace set "workspace-volume" in the controller configuration.',
    },
  ],
  checks: [
    { scope: 'job', check: patchedContainers },
    {
      scope: 'step',
      check: (step, context) => step.kubernetes.flatMap(({ config }) => [...lostDirectives(config, context)]),
    },
    { scope: 'job', check: emptiedVariables },
    { scope: 'job', check: replacedLists },
    { scope: 'job', check: volumeSources },
  ],
};

const DIRECTIVE = /^["']?\$\$?(?:patch|retainKeys|setElementOrder|deleteFromPrimitiveList)\b/;

/** Fields that Go cannot tell from "not set" when they are false. */
const PLAIN_BOOLEANS = new Set(['hostNetwork', 'hostPID', 'hostIPC', 'stdin', 'stdinOnce', 'tty']);

/** Texts that Go cannot tell from "not set" when they are empty. */
const PLAIN_TEXTS = new Set([
  'hostname',
  'image',
  'imagePullPolicy',
  'nodeName',
  'priorityClassName',
  'schedulerName',
  'serviceAccountName',
  'subdomain',
  'workingDir',
]);

function* lostDirectives(config: SourceNode | undefined, context: StepContext): Iterable<Found> {
  yield* lostBelow(nodeAt(config, ['podSpecPatch']), context.document.text);
}

function* lostBelow(node: SourceNode | undefined, text: string): Iterable<Found> {
  for (const item of itemsOf(node)) yield* lostBelow(item, text);
  for (const entry of entriesOf(node)) {
    const what = whatIsLost(entry, text);
    if (what === undefined) yield* lostBelow(entry.value, text);
    else {
      yield {
        rule: 'patch/lost-directive',
        at: entry.keySpan,
        message: `"${what}" has no effect here: the Go controller's podSpecPatch can add and change, but not remove or reset; change the place that sets it`,
      };
    }
  }
}

function whatIsLost({ key, keySpan, value }: MapEntry, text: string): string | undefined {
  const written = text.slice(keySpan.start, keySpan.end);
  if (DIRECTIVE.test(written)) {
    const name = written.replace(/^["']?\$\$?/, '$').replace(/["']$/, '');
    return value.kind === 'scalar' ? `${name}: ${value.text}` : name;
  }
  if (value.kind === 'list' && value.items.length === 0) return `${key}: []`;
  return value.kind === 'scalar' ? lostScalar(key, value) : undefined;
}

function lostScalar(key: string, { value, written }: ScalarNode): string | undefined {
  // "emptyDir:" means "emptyDir: {}" to everybody, and Kubernetes agrees.
  if (value === null) return key === 'emptyDir' ? undefined : `${key}: null`;
  if (value === false) return PLAIN_BOOLEANS.has(key) ? `${key}: false` : undefined;
  return value === '' && written === undefined && PLAIN_TEXTS.has(key) ? `${key}: ""` : undefined;
}

/** An empty value of a variable that has another one already is lost as well. */
function* emptiedVariables(job: LintJob): Iterable<Found> {
  const patches = writtenContainers(job.step).filter(({ within }) => within === 'podSpecPatch');
  for (const { node, path, name = '' } of patches) {
    const empty = mapsIn(nodeAt(node, ['env'])).flatMap((item) => emptyValue(item) ?? []);
    for (const { variable, value } of empty) {
      const before = builtAt(unpatchedPod(job), [path[1] ?? '', name, 'env', variable, 'value']);
      if (before === undefined || before === '') continue;
      yield {
        rule: 'patch/lost-directive',
        at: value,
        message: `the empty value of "${variable}" has no effect: the Go controller's podSpecPatch cannot reset what has a value already; change the place that sets it`,
      };
    }
  }
}

function emptyValue(item: MapNode): { readonly variable: string; readonly value: ScalarNode } | undefined {
  const variable = knownText(nodeAt(item, ['name']));
  const value = nodeAt(item, ['value']);
  if (variable === undefined || value?.kind !== 'scalar') return undefined;
  return value.value === '' && value.written === undefined ? { variable, value } : undefined;
}

/** Its words are what a patch of them is for. */
const WORDS = new Set(['command', 'args']);

function* replacedLists(job: LintJob): Iterable<Found> {
  for (const { config } of job.step.kubernetes) {
    const patch = nodeAt(config, ['podSpecPatch']);
    const lists = [...plainLists(patch, 'PodSpec', [])];
    const before = lists.length === 0 ? undefined : unpatchedPod(job);
    if (before === undefined) continue;
    for (const { entry, path } of lists) {
      const lost = lostItems(entry.value, builtAt(before, path));
      if (lost.length === 0) continue;
      yield {
        rule: 'patch/list-replaces',
        at: entry.keySpan,
        message: `patching "${entry.key}" replaces the whole list and removes ${lost.join(', ')}; repeat what must stay${entry.key === 'envFrom' ? ', or use "checkout.envFrom" or "commandParams.envFrom", which append' : ''}`,
      };
    }
  }
}

interface PatchedList {
  readonly entry: MapEntry;
  /** In the pod; elements of merging lists by their name. */
  readonly path: Path;
}

function* plainLists(node: SourceNode | undefined, definition: string, path: Path): Iterable<PatchedList> {
  for (const entry of entriesOf(node)) {
    const type = fieldType(definition, entry.key);
    const here = [...path, entry.key];
    if (entry.value.kind === 'map' && type.definition !== undefined)
      yield* plainLists(entry.value, type.definition, here);
    if (entry.value.kind !== 'list' || WORDS.has(entry.key)) continue;
    if (type.mergeKey === undefined) yield { entry, path: here };
    else if (type.definition !== undefined) yield* listsInItems(entry.value, type.definition, here);
  }
}

function* listsInItems(list: SourceNode, definition: string, path: Path): Iterable<PatchedList> {
  for (const item of mapsIn(list)) {
    const name = knownText(nodeAt(item, ['name']));
    if (name !== undefined) yield* plainLists(item, definition, [...path, name]);
  }
}

function builtAt(pod: unknown, path: Path): unknown {
  return path.reduce<unknown>((here, segment) => {
    if (Array.isArray(here)) return here.find((item: unknown) => read(item, 'name') === segment);
    return read(here, segment);
  }, pod);
}

function read(value: unknown, key: string | number): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;
}

function lostItems(list: SourceNode, before: unknown): string[] {
  if (!Array.isArray(before)) return [];
  const kept = new Set(itemsOf(list).map((item) => sortedJson(valueOf(item))));
  return before.filter((item: unknown) => !kept.has(sortedJson(item))).map(nameOf);
}

function sortedJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(sortedJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${sortedJson(item)}`).join(',')}}`;
}

/** What people would call an element: its name or key, wherever it stands. */
function nameOf(item: unknown): string {
  if (typeof item !== 'object' || item === null) return JSON.stringify(item);
  const name = ['name', 'key'].map((key) => read(item, key)).find((value) => typeof value === 'string');
  if (name !== undefined) return JSON.stringify(name);
  const inner: unknown = Object.values(item).find((value) => typeof value === 'object' && value !== null);
  return inner === undefined ? JSON.stringify(item) : nameOf(inner);
}

function* volumeSources(job: LintJob): Iterable<Found> {
  for (const { config } of job.step.kubernetes) {
    const volumes = mapsIn(nodeAt(config, ['podSpecPatch', 'volumes']));
    const before = volumes.length === 0 ? undefined : unpatchedPod(job);
    for (const volume of volumes) yield* secondSource(volume, before?.volumes ?? []);
    for (const node of doubleNames(volumes)) {
      yield {
        rule: 'volume/duplicate-name',
        at: node,
        message: `volume "${node.text}" is defined twice in this patch: the two become one, with two types or the fields of both; rename one`,
      };
    }
  }
}

function doubleNames(volumes: readonly MapNode[]): readonly ScalarNode[] {
  const names = volumes.map((volume) => nodeAt(volume, ['name'])).filter((node) => node?.kind === 'scalar');
  return names.filter((node, index) => {
    const text = knownText(node);
    return text !== undefined && names.slice(0, index).some((other) => other.text === text);
  });
}

function* secondSource(volume: MapNode, before: readonly V1Volume[]): Iterable<Found> {
  const name = knownText(nodeAt(volume, ['name']));
  const source = Object.keys(before.find((known) => known.name === name) ?? {}).find((key) => key !== 'name');
  if (name === undefined || source === undefined) return;
  const second = volume.entries.find(({ key, value }) => key !== 'name' && key !== source && value.kind === 'map');
  if (second === undefined) return;
  yield {
    rule: 'patch/volume-source',
    at: second.keySpan,
    message: `volume "${name}" already is ${article(source)}, and a patch of the Go controller cannot change its type: Kubernetes refuses two; ${adviceFor(name)}`,
  };
}

function article(source: string): string {
  return `${/^[aeiou]/.test(source) ? 'an' : 'a'} ${source}`;
}

function adviceFor(name: string): string {
  return name === 'workspace'
    ? 'set "workspace-volume" in the controller configuration'
    : 'change it where it is defined';
}

import type { V1Container } from '@kubernetes/client-node';
import { entryOf, type MapEntry, type MapNode, type SourceNode, valueOf } from '../../pipeline/source-tree.js';
import type { LintCommandStep } from './document.js';
import type { Span } from '../finding.js';
import type { LintJob } from './lint-job.js';
import { itemsOf, knownText, nodeAt, type Path } from './nodes.js';
import { firstSpan } from './spans.js';
import { type ContainerRole, writtenContainers } from './written-containers.js';

/** Where a part of the built Job comes from. */
export interface Origin {
  /** The value in the pipeline, or the closest thing around it that its author wrote. */
  readonly node: SourceNode | undefined;
  /** The entry that holds the value, when it is the value of a key. */
  readonly entry: MapEntry | undefined;
  /** What to underline: the value; of a mapping or list its key, else its first line. */
  readonly at: Span;
  /** Whether it is the very field, not only something around it. */
  readonly exact: boolean;
  /**
   * Why the part is in a place where its author did not write it, for messages: `in container "agent", added by the controller, from
   * "extraVolumeMounts[1]"`; empty when it stands where it was written.
   */
  readonly cause: string;
}

/**
 * The origin of a path in the built pod's spec, e.g. `['containers', 1, 'volumeMounts', 0, 'name']`, or of `['metadata', 'labels', 'team']` of
 * the Job. Later layers win: podSpecPatch, the step's image, podSpec and the other settings of the plugin; what none of them set is the
 * controller's, and its origin is the plugin or the step as a whole.
 */
export function originOf(job: LintJob, path: Path): Origin {
  const candidates = [...candidatesOf(job, path)];
  const exact = candidates.find((candidate) => candidate.exact);
  const best = exact ?? candidates.sort((a, b) => b.depth - a.depth)[0];
  if (best !== undefined && (best.exact || best.depth > 0)) return toOrigin(best);
  return { ...stepOrigin(job.step), cause: controllerCause(job, path) };
}

interface Candidate {
  readonly node: SourceNode;
  readonly entry: MapEntry | undefined;
  readonly exact: boolean;
  /** How many segments of the path were found. */
  readonly depth: number;
  readonly cause: string;
}

function toOrigin({ node, entry, exact, cause }: Candidate): Origin {
  const at = node.kind === 'scalar' && node.end > node.start ? node : (entry?.keySpan ?? firstSpan(node));
  return { node, entry, at, exact, cause };
}

function stepOrigin(step: LintCommandStep): Omit<Origin, 'cause'> {
  const plugin = step.kubernetes.at(-1);
  const at = plugin?.name ?? firstSpan(step.step.source);
  return { node: plugin?.config, entry: plugin?.entry, at, exact: false };
}

function* candidatesOf(job: LintJob, path: Path): Iterable<Candidate> {
  const config = job.step.kubernetes.at(-1)?.config;
  const place = containerAt(job, path);
  if (place !== undefined) yield* containerCandidates(job.step, place);
  else if (path[0] === 'metadata') yield* config === undefined ? [] : [follow(config, path, job.manifest)];
  else {
    const parts = ['podSpecPatch', 'podSpec'].flatMap((part) => nodeAt(config, [part]) ?? []);
    yield* parts.map((part) => follow(part, path, job.pod));
    if (path[0] === 'volumes') yield* gitVolumeCandidates(job, path);
  }
}

/** Volumes that the controller makes from settings of the checkout. */
function* gitVolumeCandidates({ step, pod }: LintJob, [, index, ...path]: Path): Iterable<Candidate> {
  const volume = typeof index === 'number' ? pod?.volumes?.[index] : undefined;
  const checkout = nodeAt(step.kubernetes.at(-1)?.config, ['checkout']);
  if (volume === undefined) return;
  const mirrors = nodeAt(checkout, ['gitMirrors', 'volume']);
  const isMirrors = knownText(nodeAt(mirrors, ['name'])) === volume.name;
  if (mirrors !== undefined && isMirrors) yield follow(mirrors, path, volume);
  const isSecret = volume.name.startsWith('git-credentials') && path[0] === 'secret';
  yield* isSecret ? secretCandidates(checkout, path.slice(1), volume.secret) : [];
}

function secretCandidates(checkout: SourceNode | undefined, path: Path, built: unknown): readonly Candidate[] {
  const secret = nodeAt(checkout, ['gitCredentialsSecret']);
  return secret === undefined ? [] : [follow(secret, path, built)];
}

interface ContainerPlace {
  readonly container: V1Container;
  /** Which of the containers with this name in the list it is, from 0. */
  readonly ordinal: number;
  readonly roles: readonly ContainerRole[];
  /** In the container. */
  readonly path: Path;
}

const ROLES: Readonly<Record<'containers' | 'initContainers', readonly ContainerRole[]>> = {
  containers: ['command'],
  initContainers: ['init', 'sidecar'],
};

function containerAt({ pod }: LintJob, [list, index, ...path]: Path): ContainerPlace | undefined {
  if ((list !== 'containers' && list !== 'initContainers') || typeof index !== 'number') return undefined;
  const all = pod?.[list] ?? [];
  const container = all[index];
  if (container === undefined) return undefined;
  const ordinal = all.slice(0, index).filter(({ name }) => name === container.name).length;
  return { container, ordinal, roles: ROLES[list], path };
}

function* containerCandidates(step: LintCommandStep, place: ContainerPlace): Iterable<Candidate> {
  const { container, ordinal, roles, path } = place;
  const written = writtenContainers(step).filter(({ name, role }) => name === container.name && roles.includes(role));
  for (const { node } of written.filter(({ within }) => within === 'podSpecPatch')) yield atContainer(node, place);
  if (path[0] === 'image') yield* imageCandidates(step, container);
  const own = written.filter(({ within }) => within !== 'podSpecPatch');
  const exact = own[ordinal] ?? own[0];
  if (exact !== undefined) yield atContainer(exact.node, place);
  yield* sharedCandidates(step, container, { path, own: written.length > 0 });
}

/** To have found the container is something already. */
function atContainer(node: MapNode, { container, path }: ContainerPlace): Candidate {
  const found = follow(node, path, container);
  return { ...found, depth: found.depth + 1 };
}

function* imageCandidates({ step, root }: LintCommandStep, container: V1Container): Iterable<Candidate> {
  const entry = entryOf(step.source, 'image') ?? entryOf(root, 'image');
  if (entry?.value.kind !== 'scalar' || entry.value.text !== container.image) return;
  yield { node: entry.value, entry, exact: true, depth: 1, cause: '' };
}

/** Settings of the plugin that the controller copies into several containers. */
const SHARED: Readonly<Record<string, readonly Path[]>> = {
  volumeMounts: [
    ['extraVolumeMounts'],
    ['commandParams', 'extraVolumeMounts'],
    ['sidecarParams', 'extraVolumeMounts'],
    ['checkout', 'extraVolumeMounts'],
  ],
  envFrom: [['gitEnvFrom'], ['commandParams', 'envFrom'], ['sidecarParams', 'envFrom'], ['checkout', 'envFrom']],
};

interface SharedSearch {
  readonly path: Path;
  /** The container itself was written by the author. */
  readonly own: boolean;
}

function* sharedCandidates(
  step: LintCommandStep,
  container: V1Container,
  { path, own }: SharedSearch,
): Iterable<Candidate> {
  const [field, index, ...rest] = path;
  if (typeof field !== 'string' || typeof index !== 'number') return;
  const built = childOf(childOf(container, field), index);
  for (const { config } of step.kubernetes) {
    for (const setting of SHARED[field] ?? []) {
      const items = itemsOf(nodeAt(config, setting));
      const position = findItem(items, built, -1);
      const item = items[position];
      if (item === undefined) continue;
      const from = `from "${setting.join('.')}[${position}]"`;
      const cause = own ? from : `in container "${container.name}", added by the controller, ${from}`;
      const found = follow(item, rest, built);
      yield { ...found, depth: found.depth + 2, cause };
    }
  }
}

/** Goes down a path of the built value through what was written, as far as it goes; list elements are known by their content. */
function follow(start: SourceNode, path: Path, builtStart: unknown): Candidate {
  let node = start;
  let entry: MapEntry | undefined;
  let built = builtStart;
  for (const [depth, segment] of path.entries()) {
    const next = typeof segment === 'number' ? undefined : entryOf(node, segment);
    const list = childOf(built, segment);
    const item = typeof segment === 'number' ? itemsOf(node)[findItem(itemsOf(node), list, segment)] : next?.value;
    if (item === undefined) return { node, entry, exact: false, depth, cause: '' };
    [node, entry, built] = [item, next, list];
  }
  return { node, entry, exact: true, depth: path.length, cause: '' };
}

/** What tells elements of a list apart, in the order of preference. */
const IDENTITIES = ['name', 'mountPath', 'containerPort', 'devicePath', 'ip', 'topologyKey', 'key'] as const;

function findItem(items: readonly SourceNode[], built: unknown, index: number): number {
  const text = JSON.stringify(built);
  const same = items.findIndex((item) => JSON.stringify(valueOf(item)) === text);
  if (same >= 0 || built === undefined) return same;
  for (const identity of IDENTITIES) {
    const wanted = childOf(built, identity);
    if (wanted === undefined) continue;
    const found = items.findIndex((item) => {
      const own = nodeAt(item, [identity]);
      return own?.kind === 'scalar' && (own.value === wanted || own.text.includes('{{'));
    });
    if (found >= 0) return found;
  }
  return typeof built === 'object' ? -1 : index;
}

function childOf(value: unknown, key: string | number): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;
}

function controllerCause(job: LintJob, path: Path): string {
  const name = containerAt(job, path)?.container.name;
  return name === undefined ? '' : `in container "${name}", added by the controller`;
}

import { isCommandContainer } from '../../manifest/command-containers.js';
import { entryOf, type MapEntry, type SourceNode } from '../../pipeline/source-tree.js';
import { hasValue, stepSpan } from '../command-containers.js';
import type { LintCommandStep } from '../document.js';
import type { LintJob } from '../lint-job.js';
import { entriesOf, knownText, mapsIn, nodeAt } from '../nodes.js';
import type { Found, StepContext } from '../rule.js';

const POD_PARTS = ['podSpec', 'podSpecPatch'] as const;
/** The first minor version of Kubernetes that has them without being told to. */
const POD_LEVEL_SINCE = 34;

/** Resources that belong to the pod, by their place. */
export function* podLevelResources(step: LintCommandStep, { world }: StepContext): Iterable<Found> {
  const version = world.versions.kubernetes ?? world.facts?.kubernetesVersion;
  const oldVersion = [version].find((each) => each !== undefined && isOld(each));
  for (const pod of podsOf(step)) {
    const entry = entryOf(pod, 'resources');
    if (entry === undefined || !hasValue(pod, 'resources')) continue;
    const container = likelyContainer(pod, entry);
    const mayBeMeant = version !== undefined && oldVersion === undefined;
    if (container !== undefined || !mayBeMeant) yield podLevel(entry, container, oldVersion);
  }
}

function podsOf({ kubernetes }: LintCommandStep): readonly SourceNode[] {
  return kubernetes.flatMap(({ config }) => POD_PARTS.flatMap((part) => nodeAt(config, [part]) ?? []));
}

function podLevel({ keySpan }: MapEntry, container: string | undefined, oldVersion: string | undefined): Found {
  return {
    rule: 'resources/pod-level',
    at: keySpan,
    message: messageOf(container, oldVersion),
    ...(oldVersion !== undefined && { severity: 'error' as const }),
  };
}

function isOld(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map((part) => Number.parseInt(part, 10));
  return major === 1 && minor < POD_LEVEL_SINCE;
}

function messageOf(container: string | undefined, oldVersion: string | undefined): string {
  const remedy = `indent it to give it to ${container === undefined ? 'a container' : `"${container}"`}`;
  return oldVersion === undefined
    ? `these are resources of the whole pod, which Kubernetes knows since 1.${POD_LEVEL_SINCE}, not those of a container; ${remedy}`
    : `these are resources of the whole pod, which Kubernetes ${oldVersion} does not have, so they have no effect; ${remedy}`;
}

/** The last container of the list just before, when it has no resources itself. */
function likelyContainer(pod: SourceNode | undefined, entry: MapEntry): string | undefined {
  const entries = entriesOf(pod);
  const before = entries[entries.indexOf(entry) - 1];
  if (before?.key !== 'containers' && before?.key !== 'initContainers') return undefined;
  const last = mapsIn(before.value).at(-1);
  if (last === undefined || hasValue(last, 'resources')) return undefined;
  return knownText(nodeAt(last, ['name'])) ?? knownText(nodeAt(last, ['image']));
}

/** Jobs whose memory nobody plans for. */
export function* missingResources(job: LintJob, { world, isOn }: StepContext): Iterable<Found> {
  if (job.baseUnknown || hasDefaultRequest(world.facts) || !isOn('resources/missing')) return;
  const { pod, step } = job;
  if (pod === undefined) return;
  // The API object of newer versions has resources of the pod as a whole.
  if ((pod as { resources?: unknown }).resources !== undefined) return;
  const bare = pod.containers.filter(isCommandContainer).filter(({ resources }) => {
    const { requests, limits } = resources ?? {};
    return requests?.['memory'] === undefined && limits?.['memory'] === undefined;
  });
  const [first] = bare;
  if (first === undefined) return;
  yield {
    rule: 'resources/missing',
    at: stepSpan(step),
    message: `container "${first.name}" requests no memory; its pod is the first to be evicted when the node runs out of it; set "resources.requests"`,
  };
}

function hasDefaultRequest(facts: StepContext['world']['facts']): boolean {
  return (facts?.limitRanges ?? []).some(({ limits }) =>
    limits.some(
      ({ type, defaultRequest, _default }) =>
        type === 'Container' && (defaultRequest?.['memory'] ?? _default?.['memory']) !== undefined,
    ),
  );
}

import type { V1Container, V1PodSpec } from '@kubernetes/client-node';
import { refused, type ApiPath, type ApiProblem, type Check, type Context } from './api-problem.js';

/** A container with its place; containers first, as the API server counts. */
export function containersOf(pod: V1PodSpec): (readonly [ApiPath, V1Container])[] {
  return (['containers', 'initContainers'] as const).flatMap((list) =>
    (pod[list] ?? []).map((container, index) => [[list, index], container] as const),
  );
}

interface Named {
  readonly rule: string;
  readonly what: string;
  readonly names: readonly (readonly [ApiPath, string])[];
}

/** Names given twice: of containers, volumes, resource claims, ports and so on. */
export const duplicateNames: Check<V1PodSpec> = function* (pod, _path, context) {
  const kinds: Named[] = [
    {
      rule: 'container/duplicate-name',
      what: 'containers',
      names: containersOf(pod).map(([path, { name }]) => [[...path, 'name'], name]),
    },
    { rule: 'volume/duplicate-name', what: 'volumes', names: namesOf('volumes', pod.volumes) },
    { rule: 'buildable', what: 'resource claims', names: namesOf('resourceClaims', pod.resourceClaims) },
    { rule: 'buildable', what: 'scheduling gates', names: namesOf('schedulingGates', pod.schedulingGates) },
    {
      rule: 'buildable',
      what: 'sysctls',
      names: namesOf('sysctls', pod.securityContext?.sysctls).map(([path, name]) => [
        ['securityContext', ...path],
        name,
      ]),
    },
  ];
  for (const kind of kinds) yield* duplicates(kind, context);
};

function namesOf(list: string, items: readonly { name?: string }[] = []): (readonly [ApiPath, string])[] {
  return items.map(({ name = '' }, index) => [[list, index, 'name'], name]);
}

/** Every name after its first; those still unknown and empty ones do not count. */
export function* duplicates({ rule, what, names }: Named, { isUnknown }: Context): Iterable<ApiProblem> {
  const first = new Map<string, ApiPath>();
  for (const [path, name] of names) {
    if (name === '' || isUnknown(name)) continue;
    const relatedPath = first.get(name);
    if (relatedPath === undefined) first.set(name, path);
    else yield refused({ rule, path, relatedPath, what: `two ${what} are called "${name}"`, remedy: 'rename one' });
  }
}

/** Such containers are only for pods that run already. */
export const ephemeralContainers: Check<V1PodSpec> = function* (pod) {
  if ((pod.ephemeralContainers ?? []).length === 0) return;
  yield refused({
    rule: 'buildable',
    path: ['ephemeralContainers'],
    what: '"ephemeralContainers" can only be added to a pod that runs',
    remedy: 'remove them, or make them sidecars',
  });
};

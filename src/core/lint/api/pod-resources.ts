import type { V1Container, V1PodSpec } from '@kubernetes/client-node';
import { parseQuantity } from '../../quantity.js';
import { accepted, refused, type ApiPath, type ApiProblem, type Check, type Context } from './api-problem.js';
import { isHugePages, requirements } from './resources.js';

const RULE = 'resources/pod-level';
const SINCE_MINOR = 34;
const PATH: ApiPath = ['resources'];

/** Resources of the pod as a whole, on by default since Kubernetes 1.34. */
export const podResources: Check<V1PodSpec> = function* (pod, _path, context) {
  const { resources } = pod;
  if (resources === undefined) return;
  const at = { rule: RULE, path: PATH };
  if (context.minor < SINCE_MINOR) {
    const what = `"resources" of a pod need Kubernetes 1.${SINCE_MINOR}`;
    yield accepted({ ...at, what, remedy: 'give them to the containers' }, `Kubernetes 1.${context.minor} drops them`);
    return;
  }
  if (pod.os?.name === 'windows') {
    const what = '"resources" of a pod are not for Windows';
    yield refused({ ...at, what, remedy: 'give them to the containers' });
    return;
  }
  if (resources.claims !== undefined) {
    const what = '"claims" belong to containers, not to the pod';
    yield refused({ rule: RULE, path: [...PATH, 'claims'], what, remedy: 'move them to a container' });
  }
  yield* requirements(resources, PATH, context, podResourceName);
  yield* lessThanContainers(pod, context);
};

function podResourceName(name: string): string | undefined {
  const isFine = name === 'cpu' || name === 'memory' || isHugePages(name);
  return isFine
    ? undefined
    : `"${name}" cannot be given to a pod as a whole, only "cpu", "memory" and "hugepages-…" can`;
}

function* lessThanContainers(pod: V1PodSpec, { isUnknown }: Context): Iterable<ApiProblem> {
  const { requests = {}, limits = {} } = pod.resources ?? {};
  for (const [name, text] of Object.entries(requests)) {
    const sum = totalRequest(pod, name, isUnknown);
    const own = isUnknown(text) ? undefined : nanosOf(text);
    if (own === undefined || sum === undefined || sum <= own) continue;
    const what = `the pod requests ${text} of "${name}", less than its containers together`;
    yield refused({ rule: RULE, path: [...PATH, 'requests', name], what, remedy: 'raise it, or request less in them' });
  }
  for (const [index, container] of pod.containers.entries()) {
    for (const [name, text] of Object.entries(container.resources?.limits ?? {})) {
      const [own, most] = [nanosOf(text), nanosOf(limits[name] ?? '')];
      if (own === undefined || most === undefined || own <= most || [text, limits[name] ?? ''].some(isUnknown))
        continue;
      yield refused({
        rule: RULE,
        path: ['containers', index, 'resources', 'limits', name],
        relatedPath: [...PATH, 'limits', name],
        what: `container "${container.name}" has a limit of ${text} of "${name}", above that of the pod, ${limits[name] ?? ''}`,
        remedy: 'lower one or raise the other',
      });
    }
  }
}

/** Init containers run one after the other, next to the sidecars started before them. */
function totalRequest(pod: V1PodSpec, name: string, isUnknown: Context['isUnknown']): bigint | undefined {
  const request = (container: V1Container): bigint | undefined => {
    const text = container.resources?.requests?.[name];
    if (text === undefined) return 0n;
    return isUnknown(text) ? undefined : nanosOf(text);
  };
  let sidecars = 0n;
  let peak = 0n;
  for (const container of pod.initContainers ?? []) {
    const own = request(container);
    if (own === undefined) return undefined;
    if (sidecars + own > peak) peak = sidecars + own;
    if (container.restartPolicy === 'Always') sidecars += own;
  }
  let sum = sidecars;
  for (const container of pod.containers) {
    const own = request(container);
    if (own === undefined) return undefined;
    sum += own;
  }
  return sum > peak ? sum : peak;
}

function nanosOf(text: string): bigint | undefined {
  const parsed = parseQuantity(text);
  return parsed.ok ? parsed.value.nanos : undefined;
}

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
  yield* requestsOfContainers(pod, reader(context));
  yield* limitsOfContainers(pod, reader(context));
};

function podResourceName(name: string): string | undefined {
  const isFine = name === 'cpu' || name === 'memory' || isHugePages(name);
  return isFine
    ? undefined
    : `"${name}" cannot be given to a pod as a whole, only "cpu", "memory" and "hugepages-…" can`;
}

/** The containers together do not request more than the pod. */
function* requestsOfContainers(pod: V1PodSpec, amountOf: AmountOf): Iterable<ApiProblem> {
  for (const [name, text] of Object.entries(pod.resources?.requests ?? {})) {
    const [own, sum] = [amountOf(text), totalRequest(pod, name, amountOf)];
    if (own === undefined || sum === undefined || sum <= own) continue;
    const what = `the pod requests ${text} of "${name}", less than its containers together`;
    yield refused({ rule: RULE, path: [...PATH, 'requests', name], what, remedy: 'raise it, or request less in them' });
  }
}

/** No container may have more than the pod. */
function* limitsOfContainers(pod: V1PodSpec, amountOf: AmountOf): Iterable<ApiProblem> {
  const { limits = {} } = pod.resources ?? {};
  for (const [index, { name: container, resources }] of pod.containers.entries()) {
    for (const [name, text] of Object.entries({ ...resources?.limits })) {
      const [own, most] = [amountOf(text), amountOf(limits[name])];
      if (own === undefined || most === undefined || own <= most) continue;
      const what = `container "${container}" has a limit of ${text} of "${name}", the pod a lower one`;
      const path = ['containers', index, 'resources', 'limits', name];
      const relatedPath = [...PATH, 'limits', name];
      yield refused({ rule: RULE, path, relatedPath, what, remedy: 'lower the one or raise the other' });
    }
  }
}

/** Init containers run one after the other, next to the sidecars started before them. */
function totalRequest(pod: V1PodSpec, name: string, amountOf: AmountOf): bigint | undefined {
  const request = ({ resources }: V1Container): bigint | undefined => amountOf(resources?.requests?.[name] ?? '0');
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

/** A written amount in billionths; undefined when it is unknown or none. */
type AmountOf = (text: string | undefined) => bigint | undefined;

function reader({ isUnknown }: Context): AmountOf {
  return (text) => {
    if (typeof text !== 'string' || isUnknown(text)) return undefined;
    const parsed = parseQuantity(text);
    return parsed.ok ? parsed.value.nanos : undefined;
  };
}

import type { V1Container, V1ContainerPort, V1LifecycleHandler, V1PodSpec, V1Probe } from '@kubernetes/client-node';
import { refused, type ApiPath, type ApiProblem, type Check, type Context } from './api-problem.js';
import { containersOf, duplicates } from './names.js';

const RULE = 'buildable';
const DEFAULT_GRACE_SECONDS = 30;
const PROBE_HANDLERS = ['exec', 'httpGet', 'tcpSocket', 'grpc'] as const;
const LIFECYCLE_HANDLERS = ['exec', 'httpGet', 'tcpSocket', 'sleep'] as const;

/** A probe has one handler, and some settings only make sense for some probes. */
export const probe: Check<V1Probe> = function* (value, path, context) {
  yield* oneHandler(PROBE_HANDLERS, value, path);
  const kind = path.at(-1);
  const { successThreshold = 1 } = value;
  if (kind !== 'readinessProbe' && successThreshold > 1 && !context.isUnknown(successThreshold)) {
    const what = `"successThreshold" of a ${String(kind)} is ${successThreshold}, and one success is enough for it`;
    yield refused({ rule: RULE, path: [...path, 'successThreshold'], what, remedy: 'remove it' });
  }
  if (kind !== 'readinessProbe' || value.terminationGracePeriodSeconds === undefined) return;
  const what = 'a readinessProbe ends nothing and has no grace period';
  yield refused({ rule: RULE, path: [...path, 'terminationGracePeriodSeconds'], what, remedy: 'remove it' });
};

/** A hook has one handler, and it cannot sleep longer than the pod has to end. */
export const lifecycleHandler: Check<V1LifecycleHandler> = function* (value, path, { pod, isUnknown }) {
  yield* oneHandler(LIFECYCLE_HANDLERS, value, path);
  const { seconds = 0 } = value.sleep ?? {};
  const grace = pod.terminationGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS;
  if ((seconds >= 0 && seconds <= grace) || isUnknown(seconds) || isUnknown(grace)) return;
  const what = `the hook sleeps ${seconds} seconds, and the pod has ${grace} to end`;
  const remedy = 'sleep less or raise "terminationGracePeriodSeconds"';
  yield refused({ rule: RULE, path: [...path, 'sleep'], what, remedy });
};

function* oneHandler(kinds: readonly string[], value: object, path: ApiPath): Iterable<ApiProblem> {
  const given = kinds.filter((kind) => kind in value);
  const [first] = given;
  const name = String(path.at(-1));
  if (first === undefined) {
    yield refused({ rule: RULE, path, what: `"${name}" does not say what to do`, remedy: `add "exec" or "httpGet"` });
  }
  for (const other of given.slice(1)) {
    const what = `"${name}" has the handlers "${first ?? ''}" and "${other}"`;
    yield refused({
      rule: RULE,
      path: [...path, other],
      relatedPath: [...path, first ?? ''],
      what,
      remedy: 'keep one',
    });
  }
}

/** An init container ends before anybody could ask whether it lives, unless it is a sidecar. */
export const initContainerHandlers: Check<V1PodSpec> = function* ({ initContainers = [] }) {
  for (const [index, container] of initContainers.entries()) {
    if (container.restartPolicy === 'Always') continue;
    for (const field of ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'] as const) {
      if (container[field] === undefined) continue;
      const what = `init container "${container.name}" has a "${field}", which only sidecars may have`;
      const remedy = 'remove it, or set "restartPolicy: Always" on the container';
      yield refused({ rule: RULE, path: ['initContainers', index, field], what, remedy });
    }
  }
};

/** Two ports of a container have different names. */
export const portNames: Check<V1Container> = function* ({ ports = [] }, path, context) {
  const names = ports.map(({ name = '' }, index) => [[...path, 'ports', index, 'name'], name] as const);
  yield* duplicates({ rule: RULE, what: 'ports of a container', names }, context);
};

/** A port of the node belongs to one container; on the node's own network it is the container's. */
export const hostPorts: Check<V1PodSpec> = function* (pod, _path, context) {
  const taken = new Map<string, ApiPath>();
  for (const [path, { ports = [] }] of containersOf(pod)) {
    const users = path[0] === 'containers' ? taken : new Map<string, ApiPath>();
    for (const [index, port] of ports.entries()) {
      const at = [...path, 'ports', index, 'hostPort'];
      if (path[0] === 'containers') yield* hostNetworkPort(port, at, context);
      yield* takenPort(port, at, users, context);
    }
  }
};

function* hostNetworkPort(port: V1ContainerPort, path: ApiPath, { pod, isUnknown }: Context): Iterable<ApiProblem> {
  const { containerPort, hostPort = 0 } = port;
  if (pod.hostNetwork !== true || hostPort === 0 || hostPort === containerPort) return;
  if (isUnknown(hostPort) || isUnknown(containerPort)) return;
  const what = `"hostPort" is ${hostPort} and "containerPort" ${containerPort}, and with "hostNetwork" they are the same`;
  yield refused({ rule: RULE, path, what, remedy: 'remove "hostPort"' });
}

/** Init containers run one after the other: only ports of one container can collide. */
function* takenPort(
  { hostPort = 0, hostIP = '', protocol = 'TCP' }: V1ContainerPort,
  path: ApiPath,
  users: Map<string, ApiPath>,
  { isUnknown }: Context,
): Iterable<ApiProblem> {
  if (hostPort === 0 || isUnknown(hostPort)) return;
  const key = `${protocol}/${hostIP}/${hostPort}`;
  const relatedPath = users.get(key);
  users.set(key, relatedPath ?? path);
  if (relatedPath === undefined) return;
  yield refused({
    rule: RULE,
    path,
    relatedPath,
    what: `port ${hostPort} of the node is taken twice`,
    remedy: 'change one',
  });
}

import { kubeTime, recordsAt, textAt, type JsonRecord } from '../kubernetes/objects.js';

/** What the kubelet knows of one container. */
export type ContainerState =
  | { readonly kind: 'waiting'; readonly reason: string; readonly message?: string }
  | { readonly kind: 'running'; readonly startedAt: number }
  | {
      readonly kind: 'terminated';
      readonly exitCode: number;
      readonly startedAt: number;
      readonly finishedAt: number;
    };

/** What the kubelet knows of one pod; `podStatus` turns it into what the API shows. */
export interface PodView {
  readonly spec: JsonRecord;
  /** By container name; absent = waiting for its turn. */
  readonly states: ReadonlyMap<string, ContainerState>;
  /** By container name, for sidecars that ended and were started again. */
  readonly restarts: ReadonlyMap<string, number>;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly now: number;
  /** Why the kubelet ended the pod itself, e.g. `DeadlineExceeded`. */
  readonly endedBy?: { readonly reason: string; readonly message: string } | undefined;
}

/** The status object of a pod, as a real kubelet writes it. */
export function podStatus(view: PodView, current: JsonRecord): JsonRecord {
  const phase = phaseOf(view);
  const initialized = isInitialized(view);
  const ready =
    phase === 'Running' && recordsAt(view.spec, 'containers').every((one) => stateOf(view, one).kind === 'running');
  const condition = conditionWriter(view, current);
  const notReady = phase === 'Succeeded' ? 'PodCompleted' : phase === 'Failed' ? 'PodFailed' : 'ContainersNotReady';
  const initContainers = recordsAt(view.spec, 'initContainers');
  return {
    ...(current['qosClass'] === undefined ? {} : { qosClass: current['qosClass'] }),
    phase,
    ...(view.endedBy ?? {}),
    conditions: [
      condition('PodReadyToStartContainers', phase === 'Running' || phase === 'Pending'),
      condition('Initialized', initialized, phase === 'Succeeded' ? 'PodCompleted' : 'ContainersNotInitialized'),
      condition('Ready', ready, notReady),
      condition('ContainersReady', ready, notReady),
      condition('PodScheduled', true),
    ],
    hostIP: '127.0.0.1',
    podIP: '127.0.0.1',
    startTime: kubeTime(view.startedAt),
    ...(initContainers.length > 0
      ? { initContainerStatuses: initContainers.map((container) => containerStatus(view, container)) }
      : {}),
    containerStatuses: recordsAt(view.spec, 'containers').map((container) => containerStatus(view, container)),
  };
}

/** True for an init container that runs beside the others: a native sidecar. */
export function isSidecar(container: JsonRecord): boolean {
  return container['restartPolicy'] === 'Always';
}

function phaseOf(view: PodView): 'Pending' | 'Running' | 'Succeeded' | 'Failed' {
  if (view.endedBy) return 'Failed';
  const init = recordsAt(view.spec, 'initContainers');
  const sidecarsRun = init.filter(isSidecar).some((one) => stateOf(view, one).kind === 'running');
  const initFailed = init.some((one) => !isSidecar(one) && exitCodeOf(view, one) > 0);
  if (initFailed && !sidecarsRun) return 'Failed';
  const main = recordsAt(view.spec, 'containers').map((one) => stateOf(view, one));
  if (main.every((state) => state.kind === 'terminated') && !sidecarsRun) {
    return main.some((state) => state.exitCode !== 0) ? 'Failed' : 'Succeeded';
  }
  return main.some((state) => state.kind !== 'waiting') ? 'Running' : 'Pending';
}

function isInitialized(view: PodView): boolean {
  return recordsAt(view.spec, 'initContainers').every((container) => {
    const state = stateOf(view, container);
    if (isSidecar(container)) return state.kind !== 'waiting';
    return state.kind === 'terminated' && state.exitCode === 0;
  });
}

function stateOf(view: PodView, container: JsonRecord): ContainerState {
  return view.states.get(textAt(container, 'name')) ?? { kind: 'waiting', reason: 'PodInitializing' };
}

function exitCodeOf(view: PodView, container: JsonRecord): number {
  const state = stateOf(view, container);
  return state.kind === 'terminated' ? state.exitCode : 0;
}

function containerStatus(view: PodView, container: JsonRecord): JsonRecord {
  const name = textAt(container, 'name');
  const state = stateOf(view, container);
  const running = state.kind === 'running';
  const finishedInit = state.kind === 'terminated' && state.exitCode === 0 && isPlainInit(view, name);
  return {
    name,
    image: textAt(container, 'image'),
    imageID: '',
    ...(state.kind === 'waiting' ? {} : { containerID: `sandbox://${name}` }),
    ready: running || finishedInit,
    started: running,
    restartCount: view.restarts.get(name) ?? 0,
    state: stateObject(state),
    lastState: {},
  };
}

function isPlainInit(view: PodView, name: string): boolean {
  return recordsAt(view.spec, 'initContainers').some((one) => textAt(one, 'name') === name && !isSidecar(one));
}

function stateObject(state: ContainerState): JsonRecord {
  switch (state.kind) {
    case 'waiting':
      return { waiting: { reason: state.reason, ...(state.message === undefined ? {} : { message: state.message }) } };
    case 'running':
      return { running: { startedAt: kubeTime(state.startedAt) } };
    case 'terminated':
      return {
        terminated: {
          exitCode: state.exitCode,
          reason: state.exitCode === 0 ? 'Completed' : 'Error',
          startedAt: kubeTime(state.startedAt),
          finishedAt: kubeTime(state.finishedAt),
        },
      };
  }
}

function conditionWriter(view: PodView, current: JsonRecord) {
  const before = new Map(recordsAt(current, 'conditions').map((condition) => [textAt(condition, 'type'), condition]));
  return (type: string, holds: boolean, reasonWhenNot?: string): JsonRecord => {
    const status = holds ? 'True' : 'False';
    const known = before.get(type);
    const unchanged = textAt(known, 'status') === status;
    return {
      type,
      status,
      lastProbeTime: null,
      lastTransitionTime: unchanged ? textAt(known, 'lastTransitionTime') : kubeTime(view.now),
      ...(holds || reasonWhenNot === undefined ? {} : { reason: reasonWhenNot }),
    };
  };
}

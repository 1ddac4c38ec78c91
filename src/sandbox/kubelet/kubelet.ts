import { chmodSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { Agent as HttpAgent } from 'node:http';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ObjectStore } from '../kubernetes/object-store.js';
import { kubeTime, numberAt, recordAt, recordsAt, textAt, type KubeObject } from '../kubernetes/objects.js';
import { ContainerLog, type ReadLogOptions } from './container-log.js';
import { PodWorker, type StopRequest } from './pod-worker.js';

export interface KubeletOptions {
  readonly store: ObjectStore;
  /** Scratch directory; everything the pods write goes below it. @default a fresh one in the system's temporary directory */
  readonly workDir?: string;
  /** Pods that run at once; others stay Pending. @default twice the number of processors */
  readonly maxPods?: number;
  /** @default 'sandbox' */
  readonly nodeName?: string;
  /** The `buildkite-agent` stand-in that jobs call. @default the one beside this module */
  readonly agentProgram?: string;
  /** Told of everything containers write. */
  readonly onLog?: (target: LogTarget, text: string) => void;
  /** Something in here is broken; pods are not meant by that. */
  readonly onError?: (error: unknown) => void;
}

export interface Kubelet {
  readonly workDir: string;
  /** Pods that have a process or a turn. */
  running(): number;
  /** What a container wrote, as `kubectl logs` shows it. */
  podLogs(target: LogTarget, options: ReadLogOptions): AsyncIterable<string>;
  /** Kills all pods' processes, stops watching and removes the scratch directory. */
  close(): Promise<void>;
}

export interface LogTarget {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
}

interface Running {
  readonly worker: PodWorker;
  readonly done: Promise<void>;
  readonly deadline: NodeJS.Timeout | undefined;
}

/**
 * Runs the pods of an embedded API server as processes on this machine. Images are not used; what pods write stays
 * below `workDir`, as far as their commands keep to relative paths and their mounts.
 */
export function startKubelet(options: KubeletOptions): Kubelet {
  const kubelet = new LocalKubelet(options);
  kubelet.start();
  return kubelet;
}

class LocalKubelet implements Kubelet {
  readonly workDir: string;
  readonly #store: ObjectStore;
  readonly #nodeName: string;
  readonly #maxPods: number;
  readonly #onError: (error: unknown) => void;
  readonly #onLog: KubeletOptions['onLog'];
  readonly #binDir: string;
  readonly #httpAgent = new HttpAgent({ keepAlive: true, maxSockets: 64 });
  /** By UID, in order of arrival. */
  readonly #queue = new Map<string, KubeObject>();
  readonly #running = new Map<string, Running>();
  /** By UID, then container name. */
  readonly #logs = new Map<string, Map<string, ContainerLog>>();
  #unwatch: () => void = () => undefined;
  #admitting: NodeJS.Immediate | undefined;
  #closed = false;

  constructor(options: KubeletOptions) {
    this.#store = options.store;
    this.#nodeName = options.nodeName ?? 'sandbox';
    this.#maxPods = options.maxPods ?? 2 * availableParallelism();
    this.#onLog = options.onLog;
    this.#onError = options.onError ?? (() => undefined);
    this.workDir = options.workDir ?? mkdtempSync(join(tmpdir(), 'agent-stack-k8s-'));
    this.#binDir = join(this.workDir, 'bin');
    mkdirSync(this.#binDir, { recursive: true });
    writeAgentLauncher(this.#binDir, options.agentProgram ?? fileURLToPath(new URL('./agent-cli.js', import.meta.url)));
  }

  start(): void {
    this.#unwatch = this.#store.watch('pods', {}, ({ type, object }) => {
      if (type === 'DELETED') this.#onDeleted(object);
      else this.#onPod(object);
    });
  }

  running(): number {
    return this.#running.size;
  }

  podLogs(target: LogTarget, options: ReadLogOptions): AsyncIterable<string> {
    const pod = this.#store.get('pods', target.namespace, target.pod);
    return this.#logOf(pod.metadata.uid, target).read(options);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#unwatch();
    clearImmediate(this.#admitting);
    this.#queue.clear();
    for (const { worker } of this.#running.values()) worker.stop({ graceMs: 0 });
    await Promise.all([...this.#running.values()].map(({ done }) => done));
    this.#httpAgent.destroy();
    await rm(this.workDir, { recursive: true, force: true, maxRetries: 3 });
  }

  /** Runs inside of a write of the store: only takes notes. */
  #onPod(pod: KubeObject): void {
    const { uid, deletionTimestamp, deletionGracePeriodSeconds } = pod.metadata;
    if (deletionTimestamp !== undefined) {
      const running = this.#running.get(uid);
      const graceMs = (deletionGracePeriodSeconds ?? 0) * 1000;
      if (running) running.worker.stop({ graceMs });
      else if (this.#queue.delete(uid)) setImmediate(() => this.#deleteFinally(pod));
      return;
    }
    if (
      this.#running.has(uid) ||
      textAt(pod, 'status', 'phase') !== 'Pending' ||
      textAt(pod, 'spec', 'nodeName') !== ''
    )
      return;
    const isNew = !this.#queue.has(uid);
    this.#queue.set(uid, pod);
    if (isNew) this.#admitting ??= setImmediate(() => this.#admit());
  }

  #onDeleted(pod: KubeObject): void {
    const { uid } = pod.metadata;
    this.#queue.delete(uid);
    this.#logs.delete(uid);
    this.#running.get(uid)?.worker.stop({ graceMs: 0 });
  }

  #admit(): void {
    this.#admitting = undefined;
    if (this.#closed) return;
    for (const pod of this.#queue.values()) {
      if (this.#running.size >= this.#maxPods) this.#markUnschedulable(pod);
      else this.#startPod(pod);
    }
  }

  #startPod(queued: KubeObject): void {
    const { uid, namespace = '', name } = queued.metadata;
    this.#queue.delete(uid);
    try {
      const pod = this.#store.bindPod(namespace, name, this.#nodeName);
      const worker = new PodWorker(pod, {
        nodeName: this.#nodeName,
        podDir: join(this.workDir, 'pods', uid),
        binDir: this.#binDir,
        httpAgent: this.#httpAgent,
        find: (resource, wanted) => this.#store.find(resource, namespace, wanted),
        writeStatus: (change) => this.#writeStatus(pod, (current) => change(recordAt(current, 'status'))),
        logOf: (container) => this.#logOf(uid, { namespace, pod: name, container }),
      });
      const done = this.#runToTheEnd(pod, worker);
      this.#running.set(uid, { worker, done, deadline: deadlineOf(pod, worker) });
    } catch (error) {
      this.#onError(error);
    }
  }

  async #runToTheEnd(pod: KubeObject, worker: PodWorker): Promise<void> {
    const { uid, namespace = '', name } = pod.metadata;
    try {
      await worker.run();
    } catch (error) {
      this.#onError(error);
    } finally {
      clearTimeout(this.#running.get(uid)?.deadline);
      this.#running.delete(uid);
      this.#admitting ??= setImmediate(() => this.#admit());
    }
    const current = this.#store.find('pods', namespace, name);
    if (current?.metadata.uid === uid && current.metadata.deletionTimestamp !== undefined) this.#deleteFinally(pod);
  }

  /** The kubelet's last word on a pod that was told to go: everything has ended, the object may too. */
  #deleteFinally(pod: KubeObject): void {
    const { uid, namespace = '', name } = pod.metadata;
    const current = this.#store.find('pods', namespace, name);
    if (this.#closed || current?.metadata.uid !== uid) return;
    this.#store.delete('pods', namespace, name, { uid, gracePeriodSeconds: 0 });
  }

  #markUnschedulable(pod: KubeObject): void {
    if (recordsAt(pod, 'status', 'conditions').length > 0) return;
    const condition = {
      type: 'PodScheduled',
      status: 'False',
      reason: 'Unschedulable',
      message: '0/1 nodes are available: 1 Too many pods.',
      lastProbeTime: null,
      lastTransitionTime: kubeTime(Date.now()),
    };
    this.#writeStatus(pod, (current) => ({ ...recordAt(current, 'status'), conditions: [condition] }));
  }

  #writeStatus(pod: KubeObject, change: (current: KubeObject) => Readonly<Record<string, unknown>>): void {
    const { uid, namespace = '', name } = pod.metadata;
    if (this.#closed || this.#store.find('pods', namespace, name)?.metadata.uid !== uid) return;
    try {
      this.#store.updateStatus('pods', { namespace, name }, change);
    } catch (error) {
      this.#onError(error);
    }
  }

  #logOf(uid: string, target: LogTarget): ContainerLog {
    const logs = this.#logs.get(uid) ?? new Map<string, ContainerLog>();
    this.#logs.set(uid, logs);
    const log = logs.get(target.container) ?? new ContainerLog((text) => this.#onLog?.(target, text));
    logs.set(target.container, log);
    return log;
  }
}

function deadlineOf(pod: KubeObject, worker: PodWorker): NodeJS.Timeout | undefined {
  const seconds = numberAt(pod, 'spec', 'activeDeadlineSeconds');
  if (seconds === undefined) return undefined;
  const graceMs = (numberAt(pod, 'spec', 'terminationGracePeriodSeconds') ?? 30) * 1000;
  const message = 'Pod was active on the node longer than the specified deadline';
  const request: StopRequest = { graceMs, endedBy: { reason: 'DeadlineExceeded', message } };
  return setTimeout(() => worker.stop(request), Math.min(seconds * 1000, 2 ** 31 - 1));
}

/** `buildkite-agent` on the jobs' PATH. */
function writeAgentLauncher(directory: string, program: string): void {
  const quoted = (path: string): string => `'${path.replaceAll("'", `'\\''`)}'`;
  const path = join(directory, 'buildkite-agent');
  writeFileSync(path, `#!/bin/sh\nexec ${quoted(process.execPath)} ${quoted(program)} "$@"\n`);
  chmodSync(path, 0o755);
}

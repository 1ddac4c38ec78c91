import { ApiError } from './api-error.js';
import { EventRecorder } from './event-recorder.js';
import { endOf, planJob, type JobPlan } from './job-plan.js';
import { recordAt, textAt, type KubeObject, type OwnerReference } from './objects.js';
import { randomName, type ObjectStore, type WatchEvent } from './object-store.js';

export interface JobControllerOptions {
  /** Runs `action` after `ms`; returns the way to cancel it. @default real timers that do not keep the process alive */
  readonly after?: (ms: number, action: () => void) => () => void;
}

/** Makes pods for Jobs and keeps their status: the job controller and the TTL controller of kube-controller-manager. */
export interface JobController {
  /** Stops at once; nothing is changed afterwards. */
  close(): void;
}

/** Jobs looked at before other work gets a turn. */
const BATCH = 25;
const RETRY_MS = 1000;

function realAfter(ms: number, action: () => void): () => void {
  const timer = setTimeout(action, ms);
  timer.unref();
  return () => clearTimeout(timer);
}

/** Starts a job controller on a store. Time is the store's. */
export function startJobController(store: ObjectStore, options: JobControllerOptions = {}): JobController {
  return new Controller(store, options.after ?? realAfter);
}

/** The pods of one Job, and how those that are gone had ended. */
interface Family {
  readonly pods: Map<string, KubeObject>;
  readonly gone: { succeeded: number; failed: number };
  readonly withdrawn: Set<string>;
}

class Controller implements JobController {
  readonly #store: ObjectStore;
  readonly #after: (ms: number, action: () => void) => () => void;
  readonly #recorder: EventRecorder;
  readonly #families = new Map<string, Family>();
  readonly #queue = new Set<string>();
  readonly #timers = new Map<string, () => void>();
  readonly #stops: readonly (() => void)[];
  #turn: NodeJS.Immediate | undefined;
  #closed = false;

  constructor(store: ObjectStore, after: (ms: number, action: () => void) => () => void) {
    this.#store = store;
    this.#after = after;
    this.#recorder = new EventRecorder(store, 'job-controller');
    this.#stops = [
      store.watch('pods', {}, (event) => this.#onPod(event)),
      store.watch('jobs', {}, (event) => this.#onJob(event)),
    ];
  }

  close(): void {
    this.#closed = true;
    for (const stop of this.#stops) stop();
    for (const cancel of this.#timers.values()) cancel();
    if (this.#turn !== undefined) clearImmediate(this.#turn);
    this.#queue.clear();
  }

  #onJob({ type, object }: WatchEvent): void {
    const key = keyOf(object);
    if (type !== 'DELETED') return this.#enqueue(key);
    this.#families.delete(object.metadata.uid);
    this.#cancelTimer(key);
  }

  #onPod({ type, object }: WatchEvent): void {
    const owner = jobOwnerOf(object);
    if (owner === undefined) return;
    const family = this.#familyOf(owner.uid);
    const { uid, namespace = '' } = object.metadata;
    if (type === 'DELETED') {
      const known = family.pods.delete(uid);
      if (known && !family.withdrawn.delete(uid))
        family.gone[textAt(object, 'status', 'phase') === 'Succeeded' ? 'succeeded' : 'failed'] += 1;
    } else family.pods.set(uid, object);
    this.#enqueue(`${namespace}/${owner.name}`);
  }

  #familyOf(uid: string): Family {
    const known = this.#families.get(uid);
    if (known !== undefined) return known;
    const family: Family = { pods: new Map(), gone: { succeeded: 0, failed: 0 }, withdrawn: new Set() };
    this.#families.set(uid, family);
    return family;
  }

  #enqueue(key: string): void {
    if (this.#closed) return;
    this.#queue.add(key);
    this.#turn ??= setImmediate(() => this.#work());
  }

  #work(): void {
    this.#turn = undefined;
    for (const key of [...this.#queue].slice(0, BATCH)) {
      this.#queue.delete(key);
      this.#sync(key);
    }
    if (this.#queue.size > 0) this.#turn = setImmediate(() => this.#work());
  }

  #sync(key: string): void {
    const [namespace = '', name = ''] = key.split('/');
    const job = this.#store.find('jobs', namespace, name);
    this.#cancelTimer(key);
    if (job === undefined || job.metadata.deletionTimestamp !== undefined) return;
    const family = this.#familyOf(job.metadata.uid);
    const now = this.#store.now();
    const plan = planJob({ ...family, job, pods: [...family.pods.values()], now });
    try {
      this.#carryOut(job, plan);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.#wake(key, RETRY_MS);
    }
    if (plan.wakeAt !== undefined) this.#wake(key, Math.max(1, plan.wakeAt - now));
  }

  #carryOut(job: KubeObject, plan: JobPlan): void {
    const { namespace = '', name, uid } = job.metadata;
    if (plan.expired) {
      this.#store.delete('jobs', namespace, name, { uid, propagationPolicy: 'Foreground' });
      return;
    }
    if (endOf(job) !== undefined) return;
    this.#store.updateStatus('jobs', { namespace, name }, () => plan.status);
    for (const event of plan.events) this.#recorder.record(job, event);
    for (const pod of plan.podsToDelete) {
      if (plan.withdraws) this.#familyOf(uid).withdrawn.add(pod.metadata.uid);
      this.#deletePod(job, pod);
    }
    for (let made = 0; made < plan.podsToCreate; made++) this.#createPod(job);
  }

  #createPod(job: KubeObject): void {
    const { namespace = '', name, uid } = job.metadata;
    const template = recordAt(job, 'spec', 'template');
    const owner = { apiVersion: 'batch/v1', kind: 'Job', name, uid, controller: true, blockOwnerDeletion: true };
    const metadata = {
      ...recordAt(template, 'metadata'),
      generateName: `${name}-`,
      name: randomName(`${name}-`),
      namespace,
      ownerReferences: [owner],
    };
    try {
      const pod = this.#store.create('pods', { metadata, spec: recordAt(template, 'spec') });
      const message = `Created pod: ${pod.metadata.name}`;
      this.#recorder.record(job, { type: 'Normal', reason: 'SuccessfulCreate', message });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const message = `Error creating: ${error.message}`;
      this.#recorder.record(job, { type: 'Warning', reason: 'FailedCreate', message });
      throw error;
    }
  }

  #deletePod(job: KubeObject, pod: KubeObject): void {
    const { namespace = '', name } = pod.metadata;
    this.#store.delete('pods', namespace, name, { propagationPolicy: 'Background' });
    const message = `Deleted pod: ${name}`;
    this.#recorder.record(job, { type: 'Normal', reason: 'SuccessfulDelete', message });
  }

  #wake(key: string, ms: number): void {
    this.#cancelTimer(key);
    this.#timers.set(
      key,
      this.#after(ms, () => this.#enqueue(key)),
    );
  }

  #cancelTimer(key: string): void {
    this.#timers.get(key)?.();
    this.#timers.delete(key);
  }
}

function keyOf(object: KubeObject): string {
  return `${object.metadata.namespace ?? ''}/${object.metadata.name}`;
}

function jobOwnerOf(pod: KubeObject): OwnerReference | undefined {
  return pod.metadata.ownerReferences?.find((owner) => owner.controller === true && owner.kind === 'Job');
}

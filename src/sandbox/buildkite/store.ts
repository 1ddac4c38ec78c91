import type { BuildkiteEvent, BuildkiteListener } from './events.js';
import { createIdSource, type IdSource } from './ids.js';
import type { Agent, Artifact, Build, Job, JobState, Pipeline, Queue, Stack } from './model.js';

export interface StoreOptions {
  /** Seeds every id and token; the same seed and the same calls give the same world. */
  readonly seed: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly organizationSlug: string;
  readonly clusterName: string;
  /** The first key is the cluster's default queue. */
  readonly queueKeys: readonly string[];
  /** Put every job into the default queue, whatever agents its step asks for. @default false */
  readonly ignoreAgentRules?: boolean;
}

/** Everything the embedded Buildkite knows, and the event stream that tells of changes. */
export class Store {
  readonly ids: IdSource;
  readonly now: () => number;
  readonly ignoreAgentRules: boolean;
  readonly organization: { readonly id: string; readonly slug: string; readonly name: string };
  readonly cluster: { readonly id: string; readonly name: string };
  readonly agentToken: string;
  readonly apiToken: string;
  readonly defaultQueue: Queue;
  readonly queues = new Map<string, Queue>();
  readonly pipelines = new Map<string, Pipeline>();
  readonly builds = new Map<string, Build>();
  readonly jobs = new Map<string, Job>();
  readonly agents = new Map<string, Agent>();
  readonly stacks = new Map<string, Stack>();
  readonly artifacts = new Map<string, Artifact>();
  /** Agents by session token. */
  readonly sessions = new Map<string, Agent>();
  /** Job acquisition tokens, expired ones included. */
  readonly acquisitionTokens = new Map<string, { readonly jobId: string; readonly expiresAt: number }>();
  readonly secrets = new Map<string, string>();
  /** Jobs in state scheduled: what listings and dispatch look at. */
  readonly scheduled = new Set<Job>();
  readonly #listeners = new Set<BuildkiteListener>();
  #sequence = 0;

  constructor(options: StoreOptions) {
    this.ids = createIdSource(options.seed);
    this.now = options.now;
    this.ignoreAgentRules = options.ignoreAgentRules ?? false;
    this.organization = {
      id: this.ids.uuid(),
      slug: options.organizationSlug,
      name: options.organizationSlug,
    };
    this.cluster = { id: this.ids.uuid(), name: options.clusterName };
    this.agentToken = this.ids.token('bkct_');
    this.apiToken = this.ids.token('bkua_');
    const [first = 'default', ...others] = options.queueKeys;
    this.defaultQueue = this.addQueue(first);
    for (const key of others) this.addQueue(key);
  }

  addQueue(key: string): Queue {
    const queue: Queue = { id: this.ids.uuid(), key, paused: false };
    this.queues.set(key, queue);
    return queue;
  }

  /** The queue of a key; `_default`, `__default__` and an empty key mean the cluster's default queue. */
  findQueue(key: string): Queue | undefined {
    if (key === '' || key === '_default' || key === '__default__') return this.defaultQueue;
    return this.queues.get(key);
  }

  nextSequence(): number {
    this.#sequence += 1;
    return this.#sequence;
  }

  /** Moves a job to another state and tells the listeners. */
  setJobState(job: Job, to: JobState): void {
    const from = job.state;
    job.state = to;
    if (to === 'scheduled') {
      job.scheduledAt ??= this.now();
      this.scheduled.add(job);
    } else {
      this.scheduled.delete(job);
    }
    this.emitJobState(job, from);
  }

  emitJobState(job: Job, from: JobState | undefined): void {
    this.emit({
      type: 'job-state',
      buildId: job.build.id,
      jobId: job.id,
      label: job.plan.title,
      stepKey: job.step.plan.key,
      from,
      to: job.state,
      at: this.now(),
      exitStatus: job.exitStatus,
      signalReason: job.signalReason,
      softFailed: job.softFailed,
      retryOf: job.retryOf,
      stackError: job.stackError,
    });
  }

  emit(event: BuildkiteEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  /** Subscribes to events; the returned function unsubscribes. */
  onEvent(listener: BuildkiteListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

/** Oldest `scheduled_at` first, creation order among equals: the order of every listing. */
export function bySchedule(a: Job, b: Job): number {
  return (a.scheduledAt ?? 0) - (b.scheduledAt ?? 0) || a.sequence - b.sequence;
}

/** Everything received of a job's log, in order of sequence. */
export function jobLog(job: Job): string {
  const numbers = [...job.log.keys()].sort((a, b) => a - b);
  return Buffer.concat(numbers.map((sequence) => job.log.get(sequence) ?? Buffer.alloc(0))).toString('utf8');
}

/** Removes the agent's timestamp markers (`ESC _bk;t=… BEL`) for display. */
export function withoutMarkers(log: string): string {
  return log.replace(/\u001b_bk;t=\d+\u0007/g, '');
}

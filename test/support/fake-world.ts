import type { V1Job } from '@kubernetes/client-node';
import { ExternalError } from '../../src/core/errors.js';
import type { BuildkiteJobState, RunnableJob } from '../../src/core/job/job.js';
import type { JobListing, JobNotification, JobSource, Reservation } from '../../src/ports/buildkite.js';
import type { Cluster, CreateOutcome, JobEvent, JobRecord } from '../../src/ports/cluster.js';
import type { Clock, Logger } from '../../src/ports/runtime.js';

/** A clock on which waiting costs (almost) no time: every sleep lets the event loop turn once. */
export class FastClock implements Clock {
  #now = 0;
  now(): number {
    return this.#now;
  }
  async sleep(ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) throw signal.reason;
    await new Promise<void>((resolve, reject) => {
      const onAbort = (): void => {
        clearTimeout(timer);
        reject(signal.reason as Error);
      };
      const timer = setTimeout(
        () => {
          signal.removeEventListener('abort', onAbort);
          this.#now += ms;
          resolve();
        },
        Math.min(ms / 200, 20),
      );
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }
}

export const silentLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silentLogger,
};

export interface FakeJob {
  readonly id: string;
  readonly priority?: number;
  readonly rules?: readonly string[];
  readonly env?: Record<string, string>;
  state: BuildkiteJobState;
  failure?: string;
  notes: string[];
}

/** Buildkite as the controller sees it: jobs with states, reservations without expiry. */
export class FakeBuildkite implements JobSource {
  readonly name = 'stacks';
  readonly jobs = new Map<string, FakeJob>();
  paused = false;
  disconnected = 0;
  /** Called before every operation; throw to play a fault. */
  fault: (operation: string, ids: readonly string[]) => void = () => undefined;

  addJob(id: string, details: Partial<FakeJob> = {}): FakeJob {
    const job: FakeJob = { id, state: 'scheduled', notes: [], ...details };
    this.jobs.set(id, job);
    return job;
  }

  connect(): Promise<void> {
    this.fault('connect', []);
    return Promise.resolve();
  }

  async listScheduledJobs(): Promise<JobListing> {
    this.fault('list', []);
    const jobs = [...this.jobs.values()]
      .filter((job) => job.state === 'scheduled')
      .map((job) => ({ id: job.id, priority: job.priority ?? 0, agentQueryRules: job.rules ?? [] }));
    return Promise.resolve({ jobs, paused: this.paused });
  }

  async reserve(ids: readonly string[]): Promise<Reservation> {
    this.fault('reserve', ids);
    const reserved = ids.filter((id) => this.jobs.get(id)?.state === 'scheduled');
    for (const id of reserved) this.#set(id, 'reserved');
    return Promise.resolve({ reserved, notReserved: ids.filter((id) => !reserved.includes(id)) });
  }

  async release(ids: readonly string[]): Promise<void> {
    for (const id of ids) if (this.jobs.get(id)?.state === 'reserved') this.#set(id, 'scheduled');
    return Promise.resolve();
  }

  /** What happens by itself when the reservations of a killed controller run out. */
  expireReservations(): void {
    for (const job of this.jobs.values()) if (job.state === 'reserved') job.state = 'scheduled';
  }

  async getJob(id: string): Promise<RunnableJob | undefined> {
    this.fault('get', [id]);
    const job = this.jobs.get(id);
    if (job === undefined || !['scheduled', 'reserved'].includes(job.state)) return Promise.resolve(undefined);
    return Promise.resolve({ id, command: 'true', env: job.env ?? {} });
  }

  getJobStates(ids: readonly string[]): Promise<ReadonlyMap<string, BuildkiteJobState>> {
    return Promise.resolve(new Map(ids.flatMap((id) => (this.jobs.has(id) ? [[id, this.jobs.get(id)!.state]] : []))));
  }

  failJob(id: string, text: string): Promise<void> {
    this.fault('fail', [id]);
    const job = this.jobs.get(id)!;
    job.state = 'finished';
    job.failure = text;
    return Promise.resolve();
  }

  notify(notifications: readonly JobNotification[]): Promise<void> {
    for (const { jobId, detail } of notifications) this.jobs.get(jobId)?.notes.push(detail);
    return Promise.resolve();
  }

  disconnect(): Promise<void> {
    this.disconnected++;
    return Promise.resolve();
  }

  #set(id: string, state: BuildkiteJobState): void {
    this.jobs.get(id)!.state = state;
  }
}

interface StoredJob {
  readonly record: JobRecord;
  readonly manifest: V1Job;
}

/** A cluster that stores Jobs; tests end them by hand or let them end by themselves. */
export class FakeCluster implements Cluster {
  readonly jobs = new Map<string, StoredJob>();
  readonly created: string[] = [];
  readonly podTemplates = new Map<string, unknown>();
  fault: (name: string) => void = () => undefined;
  onCreated: (jobId: string, name: string) => void = () => undefined;
  readonly #listeners = new Set<(event: JobEvent) => void>();
  #uid = 0;

  async createJob(manifest: V1Job): Promise<CreateOutcome> {
    const name = manifest.metadata?.name ?? '';
    await Promise.resolve();
    this.fault(name);
    const existing = this.jobs.get(name);
    if (existing !== undefined) return { outcome: 'exists', record: existing.record };
    const jobId = manifest.metadata?.labels?.['buildkite.com/job-uuid'] ?? '';
    const record = { jobId, name, uid: `uid-${++this.#uid}`, createdAt: 0 };
    this.jobs.set(name, { record, manifest });
    this.created.push(jobId);
    this.#emit({ type: 'upserted', record });
    this.onCreated(jobId, name);
    return { outcome: 'created', record, warnings: [] };
  }

  endJob(name: string, result: 'complete' | 'failed' = 'complete', reason?: string): void {
    const stored = this.jobs.get(name);
    if (stored === undefined) throw new ExternalError(`no Job "${name}"`, { retryable: false });
    const record = { ...stored.record, ended: { result, reason } };
    this.jobs.set(name, { ...stored, record });
    this.#emit({ type: 'upserted', record });
  }

  deleteJob({ name, uid }: Pick<JobRecord, 'name' | 'uid'>): Promise<boolean> {
    const stored = this.jobs.get(name);
    if (stored?.record.uid !== uid) return Promise.resolve(false);
    this.jobs.delete(name);
    this.#emit({ type: 'deleted', record: stored.record });
    return Promise.resolve(true);
  }

  getPodTemplateSpec(name: string): Promise<unknown> {
    return Promise.resolve(this.podTemplates.get(name));
  }

  getSecretValue(): Promise<string> {
    return Promise.resolve('bkct_test');
  }

  async watchJobs(onEvent: (event: JobEvent) => void, signal: AbortSignal): Promise<void> {
    onEvent({ type: 'synced', records: [...this.jobs.values()].map(({ record }) => record) });
    this.#listeners.add(onEvent);
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    this.#listeners.delete(onEvent);
  }

  #emit(event: JobEvent): void {
    for (const listener of this.#listeners) listener(event);
  }
}

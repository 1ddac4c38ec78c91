import { backoffDelayMs } from '../core/backoff.js';
import { ExternalError } from '../core/errors.js';
import type { ControllerConfig } from '../core/config/config.js';
import type { ScheduledJob } from '../core/job/job.js';
import { JobLedger } from '../core/job/ledger.js';
import type { JobListing, JobSource } from '../ports/buildkite.js';
import type { Cluster, JobEvent } from '../ports/cluster.js';
import type { Clock, Logger } from '../ports/runtime.js';
import { Admission } from './admission.js';
import { EndedJobs } from './ended-jobs.js';
import { JobReconciler } from './job-reconciler.js';
import { runMonitor } from './monitor.js';
import { Notifier } from './notifier.js';
import { ReadyQueue } from './ready-queue.js';
import { Wake } from './wake.js';

export interface ControllerOptions {
  readonly config: ControllerConfig;
  readonly version: string;
  readonly source: JobSource;
  readonly cluster: Cluster;
  readonly clock: Clock;
  readonly logger: Logger;
  /** In [0, 1). */
  readonly random: () => number;
  /** How long a stop may take: work in hand is finished, reservations are given back. @default 20000 */
  readonly shutdownBudgetMs?: number;
}

/**
 * The controller: polls Buildkite, claims what there is room for, creates Jobs and follows them, until the signal aborts.
 * Rejects only when it cannot start (Buildkite refuses this controller); outages on the way are waited out.
 */
export class Controller {
  readonly #options: ControllerOptions;
  readonly #ledger = new JobLedger();
  readonly #wake = new Wake();
  readonly #ready: ReadyQueue<ScheduledJob>;
  readonly #notifier: Notifier;
  readonly #admission: Admission;
  readonly #reconciler: JobReconciler;
  readonly #ended: EndedJobs;
  readonly #attempts = new Map<string, number>();

  constructor(options: ControllerOptions) {
    this.#options = options;
    const shared = { ...options, ledger: this.#ledger };
    this.#ready = new ReadyQueue(options.clock);
    this.#notifier = new Notifier(options);
    this.#admission = new Admission({ ...shared, ready: this.#ready, wake: this.#wake });
    this.#reconciler = new JobReconciler({ ...shared, notifier: this.#notifier });
    this.#ended = new EndedJobs(shared);
  }

  async run(signal: AbortSignal): Promise<void> {
    const { source, logger, config } = this.#options;
    await this.#connect(signal);
    // Work in hand outlives the stop signal until the budget is used up; only then is it cut off.
    const hard = new AbortController();
    const watching = new AbortController();
    const synced = new Wake();
    const watch = this.#options.cluster
      .watchJobs((event) => this.#observe(event, synced), watching.signal)
      .catch((error: unknown) => logger.error('watching Jobs ended, slots are no longer freed', { error }));
    await Promise.race([synced.wait(), untilAborted(signal)]);
    if (!signal.aborted)
      logger.info('started', {
        source: source.name,
        slotsInUse: this.#ledger.slotsInUse,
        maxInFlight: config.maxInFlight,
      });
    const workers = Array.from({ length: config.jobCreationConcurrency }, () => this.#work(hard.signal));
    const loops = [this.#monitor(signal), this.#admission.run(signal, hard.signal), this.#notifier.run(signal)];
    await untilAborted(signal);
    await this.#shutDown({ loops, workers, hard });
    watching.abort();
    await watch;
  }

  async #connect(signal: AbortSignal): Promise<void> {
    const { source, clock, logger, random } = this.#options;
    for (let attempt = 0; !signal.aborted; attempt++) {
      try {
        await source.connect(signal);
        return;
      } catch (error) {
        if (isAborted(signal)) return;
        if (!(error instanceof ExternalError) || !error.retryable) throw error;
        const delayMs = backoffDelayMs(attempt, { retryAfterMs: error.retryAfterMs, random: random() });
        logger.warn('Buildkite cannot be reached yet, trying again', { error, retryInMs: Math.round(delayMs) });
        await clock.sleep(delayMs, signal).catch(() => undefined);
      }
    }
  }

  #observe(event: JobEvent, synced: Wake): void {
    this.#ledger.observe(event);
    if (event.type === 'synced') synced.ring();
    this.#wake.ring();
  }

  #monitor(signal: AbortSignal): Promise<void> {
    const { config } = this.#options;
    const onListing = async (listing: JobListing) => {
      const ended = this.#admission.admit(listing);
      if (ended.length > 0) await this.#ended.settle(ended, signal);
    };
    return runMonitor({ ...this.#options, pollIntervalMs: Math.max(config.pollIntervalMs, 1000), onListing }, signal);
  }

  async #work(signal: AbortSignal): Promise<void> {
    for (;;) {
      const job = await this.#ready.take();
      if (job === undefined) return;
      this.#wake.ring();
      await this.#reconcile(job, signal);
    }
  }

  async #reconcile(job: ScheduledJob, signal: AbortSignal): Promise<void> {
    const { logger, random } = this.#options;
    try {
      await this.#reconciler.reconcile(job, signal);
      this.#attempts.delete(job.id);
      this.#wake.ring();
    } catch (error) {
      if (signal.aborted) return;
      const attempt = this.#attempts.get(job.id) ?? 0;
      this.#attempts.set(job.id, attempt + 1);
      const { delayMs: retryInMs, permanent } = retryPlan(error, attempt, random());
      const fields = { jobId: job.id, attempt: attempt + 1, retryInMs: Math.round(retryInMs), error };
      if (permanent) logger.error('creating the Job failed, trying again', fields);
      else logger.warn('creating the Job failed, trying again', fields);
      this.#ready.addLater(job, retryInMs);
    }
  }

  async #shutDown(running: { loops: Promise<void>[]; workers: Promise<void>[]; hard: AbortController }): Promise<void> {
    const { source, clock, logger, shutdownBudgetMs = 20_000 } = this.#options;
    logger.info('stopping');
    const unstarted = this.#ready.close();
    const budget = new AbortController();
    const deadline = clock.sleep(shutdownBudgetMs, budget.signal).then(
      () => running.hard.abort(new Error(`not done within ${shutdownBudgetMs} ms of the stop signal`)),
      () => undefined,
    );
    await Promise.all([...running.loops, ...running.workers]);
    // Work in hand that failed meanwhile came back into the closed queue.
    const released = [...unstarted, ...this.#ready.close()].map((job) => job.id);
    const goodbyes: [string, () => Promise<void>][] = [
      [
        'giving reservations back',
        () => (released.length > 0 ? source.release(released, running.hard.signal) : Promise.resolve()),
      ],
      ['sending the last notifications', () => this.#notifier.flush(running.hard.signal)],
      ['disconnecting from Buildkite', () => source.disconnect(running.hard.signal)],
    ];
    for (const [what, act] of goodbyes) {
      await act().catch((error: unknown) => logger.warn(`${what} failed`, { error }));
    }
    budget.abort();
    await deadline;
    logger.info('stopped', { releasedReservations: released.length });
  }
}

/** Not retryable means that somebody has to change something (permissions, our code): look again, but rarely. */
function retryPlan(error: unknown, attempt: number, random: number): { delayMs: number; permanent: boolean } {
  const external = error instanceof ExternalError ? error : undefined;
  const permanent = external?.retryable !== true;
  const delayMs = backoffDelayMs(attempt, { retryAfterMs: external?.retryAfterMs, random });
  return { delayMs: permanent ? Math.max(delayMs, 30_000) : delayMs, permanent };
}

/** Asked anew after each wait; a plain `signal.aborted` would be taken for unchanged by the compiler. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}

function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

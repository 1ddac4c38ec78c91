import { backoffDelayMs } from '../core/backoff.js';
import { ExternalError } from '../core/errors.js';
import { matchAgentTags, normaliseQueueRules } from '../core/job/agent-tags.js';
import type { ControllerConfig } from '../core/config/config.js';
import type { ScheduledJob } from '../core/job/job.js';
import type { JobLedger } from '../core/job/ledger.js';
import type { JobListing, JobSource } from '../ports/buildkite.js';
import type { Clock, Logger } from '../ports/runtime.js';
import type { ReadyQueue } from './ready-queue.js';
import type { Wake } from './wake.js';
import { WorkQueue } from './work-queue.js';

export interface AdmissionOptions {
  readonly source: JobSource;
  readonly ledger: JobLedger;
  readonly ready: ReadyQueue<ScheduledJob>;
  readonly config: ControllerConfig;
  /** Rung whenever there may be room: a slot is free, a worker has taken a job, a poll is in. */
  readonly wake: Wake;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: () => number;
}

/** Buildkite allows ten reservations a second to a stack; within the gap, freed slots add up to one call. */
const RESERVE_GAP_MS = 100;

/**
 * Decides which listed jobs run here and when: matches their tags, leaves out known ones, and claims the most urgent while there is
 * room. No more is reserved than can be created soon: what is reserved and lost with this process stays hidden at Buildkite until
 * the reservation expires.
 */
export class Admission {
  readonly #options: AdmissionOptions;
  readonly #queue: WorkQueue;
  /** Jobs reserved ahead of the workers, at most. */
  readonly #lookahead: number;
  readonly #mismatches = new Set<string>();
  #paused = false;

  constructor(options: AdmissionOptions) {
    this.#options = options;
    this.#queue = new WorkQueue(options.config.workQueueLimit);
    this.#lookahead = options.config.jobCreationConcurrency * 8;
  }

  /** Takes over what a poll has found. @returns listed jobs whose Job has ended although Buildkite says that they wait */
  admit(listing: JobListing): ScheduledJob[] {
    const { ledger, logger, wake, config } = this.#options;
    if (listing.paused !== this.#paused) {
      this.#paused = listing.paused;
      logger.info(
        listing.paused ? 'the queue is paused at Buildkite, starting nothing' : 'the queue is resumed at Buildkite',
      );
    }
    ledger.settle(new Set(listing.jobs.map((job) => job.id)));
    const ours = listing.jobs
      .map((job) => ({ ...job, agentQueryRules: normaliseQueueRules(job.agentQueryRules, config) }))
      .filter((job) => this.#matches(job));
    this.#queue.replace(ours.filter((job) => ledger.entry(job.id) === undefined));
    wake.ring();
    return ours.filter((job) => ledger.entry(job.id)?.phase === 'ended');
  }

  #matches(job: ScheduledJob): boolean {
    const mismatch = matchAgentTags(job.agentQueryRules, this.#options.config);
    if (mismatch === undefined) return true;
    // Said once a job, not once a poll.
    if (!this.#mismatches.has(job.id)) {
      if (this.#mismatches.size >= 10_000) this.#mismatches.clear();
      this.#mismatches.add(job.id);
      this.#options.logger.info('job is not for this controller', { jobId: job.id, reason: mismatch });
    }
    return false;
  }

  /**
   * Claims jobs whenever there is room, until the signal aborts.
   * @param hard cuts off a reservation in flight; a plain stop lets it finish, or the jobs would stay reserved for nobody
   */
  async run(signal: AbortSignal, hard: AbortSignal): Promise<void> {
    const { wake } = this.#options;
    signal.addEventListener('abort', () => wake.ring(), { once: true });
    let failures = 0;
    while (!signal.aborted) {
      const batch = this.#claimBatch();
      if (batch.length === 0) {
        await wake.wait();
        continue;
      }
      const refusal = await this.#reserve(batch, hard);
      failures = refusal === undefined ? 0 : failures + 1;
      const delayMs =
        refusal === undefined
          ? RESERVE_GAP_MS
          : backoffDelayMs(failures - 1, { ...refusal, random: this.#options.random() });
      await this.#options.clock.sleep(delayMs, signal).catch(() => undefined);
    }
  }

  #claimBatch(): ScheduledJob[] {
    const { ledger, ready, config } = this.#options;
    if (this.#paused) return [];
    const slots = config.maxInFlight === 0 ? Infinity : config.maxInFlight - ledger.slotsInUse;
    const room = Math.min(slots, this.#lookahead - ready.size);
    // Half-empty before the next reservation: few calls, and yet the workers never run dry.
    if (room <= 0 || (ready.size > 0 && room < this.#lookahead / 2 && room < slots)) return [];
    return this.#queue.take(room).filter((job) => ledger.claim(job.id));
  }

  /** @returns undefined when it went well, else how long Buildkite wants to be left alone */
  async #reserve(
    batch: readonly ScheduledJob[],
    signal: AbortSignal,
  ): Promise<{ retryAfterMs: number | undefined } | undefined> {
    const { source, ledger, ready, logger } = this.#options;
    try {
      const { reserved } = await source.reserve(
        batch.map((job) => job.id),
        signal,
      );
      const ours = new Set(reserved);
      for (const job of batch) {
        if (ours.has(job.id)) ready.add(job);
        else ledger.release(job.id);
      }
      const lost = batch.length - ours.size;
      if (lost > 0)
        logger.info('some jobs were reserved elsewhere or are gone', { reserved: ours.size, notReserved: lost });
      return undefined;
    } catch (error) {
      for (const job of batch) ledger.release(job.id);
      if (!signal.aborted)
        logger.warn('reserving jobs failed, the next poll brings them back', { count: batch.length, error });
      return { retryAfterMs: error instanceof ExternalError ? error.retryAfterMs : undefined };
    }
  }
}

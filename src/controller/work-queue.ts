import type { ScheduledJob } from '../core/job/job.js';

/** Waiting jobs, the most urgent first: higher priority, then older, then by id so that the order never depends on luck. */
export class WorkQueue {
  readonly #limit: number;
  #jobs: ScheduledJob[] = [];

  /** @param limit jobs kept at most; the least urgent are left out (they are listed again by the next poll) */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#jobs.length;
  }

  /** Replaces what is waiting by what Buildkite says now: cancelled jobs are gone, changed priorities hold at once. */
  replace(jobs: readonly ScheduledJob[]): void {
    const unique = new Map(jobs.map((job) => [job.id, job]));
    this.#jobs = [...unique.values()].sort(byUrgency).slice(0, this.#limit);
  }

  /** Takes up to `count` jobs off the front. */
  take(count: number): ScheduledJob[] {
    return this.#jobs.splice(0, count);
  }
}

function byUrgency(left: ScheduledJob, right: ScheduledJob): number {
  return (
    right.priority - left.priority ||
    compare(left.scheduledAt ?? '', right.scheduledAt ?? '') ||
    compare(left.id, right.id)
  );
}

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

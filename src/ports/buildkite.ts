import type { BuildkiteJobState, RunnableJob, ScheduledJob } from '../core/job/job.js';

export interface JobListing {
  /** Oldest first where the source can tell. */
  readonly jobs: readonly ScheduledJob[];
  /** The queue is paused at Buildkite: start nothing. */
  readonly paused: boolean;
  /** Buildkite asked us not to poll again before this many milliseconds. */
  readonly retryAfterMs?: number | undefined;
}

export interface Reservation {
  readonly reserved: readonly string[];
  /** Claimed by somebody else, cancelled or gone. */
  readonly notReserved: readonly string[];
}

export interface JobNotification {
  readonly jobId: string;
  /** At most 255 characters are shown; longer text is cropped. */
  readonly detail: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/**
 * Where jobs come from and where their fate is reported. GraphQL and Stacks API are two implementations.
 * Every method throws `ExternalError` (with `retryable` and `retryAfterMs`) when Buildkite refuses or cannot be reached,
 * and rejects with the signal's reason when aborted.
 */
export interface JobSource {
  readonly name: 'graphql' | 'stacks';
  /** Checks identity and introduces this controller; call once before anything else. */
  connect(signal: AbortSignal): Promise<void>;
  listScheduledJobs(signal: AbortSignal): Promise<JobListing>;
  /** Claims jobs for this controller. A source without reservations answers that all are reserved. */
  reserve(ids: readonly string[], signal: AbortSignal): Promise<Reservation>;
  /** Gives claims back so that the jobs are listed again soon; a source without reservations does nothing. */
  release(ids: readonly string[], signal: AbortSignal): Promise<void>;
  /** @returns undefined when the job is gone or no longer waiting for an agent. */
  getJob(id: string, signal: AbortSignal): Promise<RunnableJob | undefined>;
  /** Lower-case states; unknown jobs are missing from the map. */
  getJobStates(ids: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, BuildkiteJobState>>;
  /** Ends the job as failed; `text` is what the person reading the build sees. Safe to repeat. */
  failJob(id: string, text: string, signal: AbortSignal): Promise<void>;
  /** Adds lines to the jobs' timelines; best effort, sources without notifications do nothing. */
  notify(notifications: readonly JobNotification[], signal: AbortSignal): Promise<void>;
  /** Says goodbye (deregister); safe to repeat. */
  disconnect(signal: AbortSignal): Promise<void>;
}

import { backoffDelayMs } from '../core/backoff.js';
import { ExternalError } from '../core/errors.js';
import type { JobListing, JobSource } from '../ports/buildkite.js';
import type { Clock, Logger } from '../ports/runtime.js';

export interface MonitorOptions {
  readonly source: JobSource;
  /** Between two polls; Buildkite's Retry-After can make it longer, never shorter. */
  readonly pollIntervalMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
  /** In [0, 1). */
  readonly random: () => number;
  readonly onListing: (listing: JobListing) => Promise<void>;
}

const POLL_FAILED = 'polling Buildkite failed, no new jobs until it works again';

/** Polls Buildkite until the signal aborts. An outage only makes it wait longer: it never gives up. */
export async function runMonitor(options: MonitorOptions, signal: AbortSignal): Promise<void> {
  let failures = 0;
  while (!signal.aborted) {
    const { delayMs, failed } = await poll(options, failures, signal);
    failures = failed ? failures + 1 : 0;
    await options.clock.sleep(delayMs, signal).catch(() => undefined);
  }
}

async function poll(
  options: MonitorOptions,
  failures: number,
  signal: AbortSignal,
): Promise<{ delayMs: number; failed: boolean }> {
  const { source, pollIntervalMs, logger, random, onListing } = options;
  try {
    const listing = await source.listScheduledJobs(signal);
    await onListing(listing);
    return { delayMs: Math.max(pollIntervalMs, listing.retryAfterMs ?? 0), failed: false };
  } catch (error) {
    if (signal.aborted) return { delayMs: 0, failed: true };
    const retryAfterMs = error instanceof ExternalError ? error.retryAfterMs : undefined;
    const backoffMs = backoffDelayMs(failures, {
      baseMs: pollIntervalMs,
      maxMs: 60_000,
      retryAfterMs,
      random: random(),
    });
    const delayMs = Math.max(pollIntervalMs, backoffMs);
    const fields = { error, retryInMs: Math.round(delayMs) };
    const passing = error instanceof ExternalError && error.retryable;
    if (passing) logger.warn(POLL_FAILED, fields);
    else logger.error(POLL_FAILED, fields);
    return { delayMs, failed: true };
  }
}

import { ExternalError } from '../../core/errors.js';
import type { Clock } from '../../ports/runtime.js';

export interface RetryOptions {
  /** How often the action is tried in all. @default 5 */
  readonly attempts?: number;
  readonly clock: Clock;
  /** Uniform in [0, 1), as `Math.random`. */
  readonly random: () => number;
  readonly signal: AbortSignal;
  /** Also try again after errors that are not marked retryable, e.g. a 423 that means "not yet". */
  readonly alsoRetry?: (error: ExternalError) => boolean;
}

const DEFAULT_ATTEMPTS = 5;

/**
 * Runs `action` until it succeeds, its error is not retryable, or the attempts are used up (then that error is thrown).
 * A `Retry-After` of the other side replaces our own delay.
 */
export async function withRetry<T>(action: (attempt: number) => Promise<T>, options: RetryOptions): Promise<T> {
  const attempts = options.attempts ?? DEFAULT_ATTEMPTS;
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await action(attempt);
    } catch (error) {
      if (attempt + 1 >= attempts || !worthRetrying(error, options)) throw error;
      const delayMs = error.retryAfterMs ?? backoffMs(attempt, options.random);
      await options.clock.sleep(delayMs, options.signal);
    }
  }
}

function worthRetrying(error: unknown, options: RetryOptions): error is ExternalError {
  if (options.signal.aborted || !(error instanceof ExternalError)) return false;
  return error.retryable || (options.alsoRetry?.(error) ?? false);
}

/** About 1.0, 1.5, 2.4, 3.7 s … plus 0.5 to 1 s of jitter: the curve Buildkite's own clients use. */
export function backoffMs(attempt: number, random: () => number): number {
  return 1000 ** (attempt / 16 + 1) + 500 + random() * 500;
}

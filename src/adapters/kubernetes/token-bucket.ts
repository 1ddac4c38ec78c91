import type { Clock } from '../../ports/runtime.js';

/** What waits its turn before a request goes out. */
export interface RateLimiter {
  /** Resolves when the next request may go, first come first served; rejects with the signal's reason when it aborts first. */
  take(signal: AbortSignal): Promise<void>;
}

export interface TokenBucketOptions {
  /** Requests a second in the long run; above 0. */
  readonly qps: number;
  /** Requests that may go at once after a quiet time; at least 1. */
  readonly burst: number;
  readonly clock: Clock;
}

/**
 * A token bucket as client-go's flow control has it: full at the start, refilled continuously, and a caller who finds
 * it empty reserves a future token, so that callers go in the order they came. Aborting gives the reservation back.
 */
export function createTokenBucket({ qps, burst, clock }: TokenBucketOptions): RateLimiter {
  const size = Math.max(1, burst);
  let tokens = size;
  let filledAt = clock.now();
  const refill = () => {
    const now = clock.now();
    // A clock set back must not take tokens away.
    tokens = Math.min(size, tokens + (Math.max(0, now - filledAt) * qps) / 1000);
    filledAt = now;
  };
  return {
    async take(signal) {
      signal.throwIfAborted();
      refill();
      tokens -= 1;
      if (tokens >= 0) return;
      try {
        await clock.sleep((-tokens * 1000) / qps, signal);
      } catch (error) {
        tokens += 1;
        throw error;
      }
    },
  };
}

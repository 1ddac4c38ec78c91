export interface BackoffOptions {
  /** @default 1000 */
  readonly baseMs?: number;
  /** @default 30000 */
  readonly maxMs?: number;
  /** What the other side asked for; the delay is never shorter. */
  readonly retryAfterMs?: number | undefined;
  /** A number in [0, 1): half of the delay is random, so that many waiters do not come back together. */
  readonly random: number;
}

/** Delay in milliseconds before try number `attempt` + 1 (attempts count from 0): doubling, capped, jittered, and polite to Retry-After. */
export function backoffDelayMs(attempt: number, options: BackoffOptions): number {
  const { baseMs = 1000, maxMs = 30_000, retryAfterMs = 0, random } = options;
  const full = Math.min(maxMs, baseMs * 2 ** Math.min(attempt, 30));
  return Math.max(retryAfterMs, full / 2 + (full / 2) * random);
}

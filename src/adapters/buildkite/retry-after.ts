import { parseRetryAfter } from '../../core/retry-after.js';
import type { WireAnswer } from '../http/connection.js';

/**
 * How long an answer asks us to wait, in milliseconds: `Retry-After` in seconds (decimals allowed) or as an HTTP date on
 * any answer, else, on 429 only, the longest of the `RateLimit-*Reset` headers.
 * @param now milliseconds since the epoch, for HTTP dates.
 */
export function retryAfterMs(headers: WireAnswer['headers'], status: number, now: number): number | undefined {
  const asked = parseRetryAfter(headers['retry-after'], now);
  if (asked !== undefined || status !== 429) return asked;
  const resets = ['ratelimit-reset', 'ratelimit-user-reset']
    .map((name) => parseSeconds(headers[name]))
    .filter((ms) => ms !== undefined);
  return resets.length > 0 ? Math.max(...resets) : undefined;
}

function parseSeconds(value: string | undefined): number | undefined {
  if (value === undefined || !/^\s*\d+(\.\d+)?\s*$/.test(value)) return undefined;
  return Math.round(Number(value) * 1000);
}

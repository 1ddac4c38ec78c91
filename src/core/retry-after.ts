/**
 * Milliseconds that a `Retry-After` header asks for: seconds (decimals allowed) or an HTTP date (RFC 9110, 10.2.3).
 * @param now milliseconds since the epoch, for dates
 * @returns undefined when there is no header or it makes no sense
 */
export function parseRetryAfter(header: string | undefined, now: number): number | undefined {
  const text = header?.trim() ?? '';
  if (/^\d+(\.\d+)?$/.test(text)) return Math.round(Number(text) * 1000);
  const at = /[a-z]/i.test(text) ? Date.parse(text) : NaN;
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}

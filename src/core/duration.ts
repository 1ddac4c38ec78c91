import { fail, ok, type Result } from './result.js';

const NS_PER_MS = 1_000_000n;
const NS_PER_SECOND = 1_000_000_000n;
const MAX_LENGTH = 100;
const MAX_NS = 2n ** 63n - 1n;

const UNITS = new Map<string, bigint>([
  ['ns', 1n],
  ['us', 1_000n],
  ['µs', 1_000n],
  ['μs', 1_000n],
  ['ms', NS_PER_MS],
  ['s', NS_PER_SECOND],
  ['m', 60n * NS_PER_SECOND],
  ['h', 3600n * NS_PER_SECOND],
]);

const PARTS = /(\d*)(?:\.(\d*))?(ns|us|µs|μs|ms|s|m|h)/gy;

/**
 * Reads a Go duration (`1h2m3s`, `500ms`, `1.5h`, `-2s`, `0`) into nanoseconds.
 * The error is a message that names the text and says what is allowed.
 */
export function parseDuration(text: string): Result<bigint, string> {
  const unsigned = text.replace(/^[+-]/, '');
  const negative = text.startsWith('-');
  if (unsigned === '0') return ok(0n);
  const total = text.length > MAX_LENGTH ? undefined : sumParts(unsigned);
  // Go's range is that of a signed 64-bit integer, which has one more value below zero than above.
  if (total === undefined) return fail(notADuration(text));
  if (total > MAX_NS + (negative ? 1n : 0n)) return fail(`"${text}" is too long: the limit is about 292 years`);
  return ok(negative ? -total : total);
}

/** Reads a Go duration into milliseconds; what is finer than that becomes a fraction. Errors as {@link parseDuration}. */
export function parseDurationMs(text: string): Result<number, string> {
  const parsed = parseDuration(text);
  return parsed.ok ? ok(nanosecondsToMs(parsed.value)) : parsed;
}

/** Nanoseconds, which is what a bare number means in the configuration file, as milliseconds. */
export function nanosecondsToMs(nanoseconds: bigint): number {
  return Number(nanoseconds / NS_PER_MS) + Number(nanoseconds % NS_PER_MS) / Number(NS_PER_MS);
}

/** Whether a bare number surely lacks its unit: as nanoseconds, for which Go takes it, it would be next to nothing. */
export function lacksUnit(value: number): boolean {
  return value !== 0 && Math.abs(value) < Number(NS_PER_MS);
}

/** The text Go's `Duration.String()` gives for so many nanoseconds: `5m0s`, `1.5s`, `250µs`, `0s`. */
export function formatDuration(nanoseconds: bigint): string {
  if (nanoseconds === 0n) return '0s';
  if (nanoseconds < 0n) return `-${formatDuration(-nanoseconds)}`;
  if (nanoseconds < 1_000n) return `${nanoseconds}ns`;
  if (nanoseconds < NS_PER_MS) return `${decimal(nanoseconds, 1_000n)}µs`;
  if (nanoseconds < NS_PER_SECOND) return `${decimal(nanoseconds, NS_PER_MS)}ms`;
  const minutes = nanoseconds / (60n * NS_PER_SECOND);
  const seconds = decimal(nanoseconds % (60n * NS_PER_SECOND), NS_PER_SECOND);
  if (minutes === 0n) return `${seconds}s`;
  return minutes < 60n ? `${minutes}m${seconds}s` : `${minutes / 60n}h${minutes % 60n}m${seconds}s`;
}

/** {@link formatDuration} for milliseconds. */
export function formatDurationMs(milliseconds: number): string {
  return formatDuration(BigInt(Math.round(milliseconds * Number(NS_PER_MS))));
}

/** Undefined unless the whole text is one or more numbers, each with its unit. */
function sumParts(text: string): bigint | undefined {
  let total = 0n;
  let read = 0;
  for (const [part, whole = '', fraction = '', unit = ''] of text.matchAll(PARTS)) {
    if (whole + fraction === '') return undefined;
    total += (BigInt(whole + fraction) * (UNITS.get(unit) ?? 0n)) / 10n ** BigInt(fraction.length);
    read += part.length;
  }
  return text === '' || read < text.length ? undefined : total;
}

function decimal(value: bigint, unit: bigint): string {
  const width = unit.toString().length - 1;
  const fraction = (value % unit).toString().padStart(width, '0').replace(/0+$/, '');
  const whole = value / unit;
  return fraction === '' ? `${whole}` : `${whole}.${fraction}`;
}

function notADuration(text: string): string {
  const shown = text.length > 60 ? `${text.slice(0, 59)}…` : text;
  const bareNumber = /^[+-]?\d+(\.\d+)?$/.test(text) ? `; did you mean "${shown}s"?` : '';
  return (
    `"${shown}" is not a duration: write numbers, each with a unit (ns, us, ms, s, m, h), ` +
    `such as "30s", "1h30m" or "500ms"${bareNumber}`
  );
}

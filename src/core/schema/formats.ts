import { parseDuration } from '../duration.js';
import { parseQuantity } from '../quantity.js';
import { quoted } from './describe.js';

const INTEGER_RANGES = new Map<string, readonly [minimum: number, maximum: number]>([
  ['int32', [-(2 ** 31), 2 ** 31 - 1]],
  ['int64', [-(2 ** 63), 2 ** 63 - 1]],
  ['uint16', [0, 2 ** 16 - 1]],
]);

const DATE_TIME = /^\d{4}-(0\d|1[0-2])-([0-2]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Why the text does not fit the format of its schema; undefined when it does or the format is not one we check. */
export function textFormatProblem(text: string, format: string | undefined): string | undefined {
  switch (format) {
    case 'quantity':
      return problemOf(parseQuantity(text));
    case 'duration':
      return problemOf(parseDuration(text));
    case 'date-time':
      return DATE_TIME.test(text) ? undefined : `must be a time such as "2026-01-31T12:00:00Z", but is ${quoted(text)}`;
    case 'byte':
      // The text may be a secret, so it is not repeated. Go skips line breaks in base64.
      return BASE64.test(text.replace(/[\r\n]/g, '')) ? undefined : 'must be base64, but is not; encode the value';
    case undefined:
    default:
      return undefined;
  }
}

/** The limits of an integer format; undefined when the format sets none. */
export function integerRange(format: string | undefined): readonly [minimum: number, maximum: number] | undefined {
  return format === undefined ? undefined : INTEGER_RANGES.get(format);
}

function problemOf(result: { readonly ok: true } | { readonly ok: false; readonly error: string }): string | undefined {
  return result.ok ? undefined : result.error;
}

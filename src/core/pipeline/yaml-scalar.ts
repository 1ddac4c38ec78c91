import type { Scalar } from 'yaml';

export type ScalarValue = string | number | boolean | null;
export type JsonValue = ScalarValue | readonly JsonValue[] | { readonly [key: string]: JsonValue };

export interface ResolvedScalar {
  readonly value: ScalarValue;
  /** What `fmt.Sprint` of Go makes of the value; empty for null. */
  readonly text: string;
}

const NULLS = new Set(['', '~', 'null', 'Null', 'NULL']);
const BOOLEANS = new Map([
  ['true', true],
  ['True', true],
  ['TRUE', true],
  ['false', false],
  ['False', false],
  ['FALSE', false],
]);
const INTEGER = /^[-+]?(?:0[xX][0-9a-fA-F_]+|0[bB][01_]+|0[oO]?[0-7_]*|[1-9][0-9_]*)$/;
const FLOAT = /^[-+]?(?:\.[0-9]+|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9]+)?$/;

/**
 * The value of a scalar of a document parsed with the `failsafe` schema, by the rules of Go's yaml.v3, which the agent uses:
 * `0755` and `0o755` are octal, `1_000` is a number, `yes` and `on` are words.
 */
export function resolveScalar(node: Scalar): ResolvedScalar {
  const text = typeof node.value === 'string' ? node.value : (node.source ?? '');
  if (node.type !== 'PLAIN' || node.tag === 'tag:yaml.org,2002:str' || node.tag === '!') return { value: text, text };
  return resolvePlain(text);
}

/** @see resolveScalar; for a plain (unquoted) scalar's text. */
function resolvePlain(text: string): ResolvedScalar {
  if (NULLS.has(text)) return { value: null, text: '' };
  const flag = BOOLEANS.get(text);
  if (flag !== undefined) return { value: flag, text: String(flag) };
  if (INTEGER.test(text)) return resolveInteger(text);
  if (FLOAT.test(text)) {
    const value = Number(text.replaceAll('_', ''));
    return Number.isFinite(value) ? { value, text: floatText(value) } : { value: text, text };
  }
  return { value: text, text };
}

function resolveInteger(text: string): ResolvedScalar {
  const negative = text.startsWith('-');
  const digits = text.replace(/^[-+]/, '').replaceAll('_', '');
  const legacyOctal = /^0[0-7]+$/.test(digits);
  const magnitude = BigInt(legacyOctal ? `0o${digits.slice(1)}` : digits.toLowerCase());
  const value = negative ? -magnitude : magnitude;
  return { value: Number(value), text: value.toString() };
}

/** Go's `fmt.Sprint` writes a float in exponent form below 1e-4 and from 1e6 on. */
function floatText(value: number): string {
  if (value === 0) return '0';
  const [mantissa = '', exponent = '0'] = value.toExponential().split('e');
  const power = Number(exponent);
  if (power >= -4 && power < 6) return String(value);
  return `${mantissa}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`;
}

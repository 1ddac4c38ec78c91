import { fail, ok, type Result } from './result.js';

/**
 * An exact Kubernetes resource quantity.
 * `family` is the kind of suffix it was written with: canonical output stays in that family, as Kubernetes does.
 */
export interface Quantity {
  /** The value in units of 10⁻⁹; Kubernetes rounds anything finer away from zero. */
  readonly nanos: bigint;
  readonly family: 'decimal' | 'binary' | 'exponent';
}

const NANO_EXPONENT = 9;
const ONE = 10n ** 9n;
/** Kubernetes caps binary quantities at the largest signed 64-bit integer. */
const BINARY_MAX = (2n ** 63n - 1n) * ONE;
/** Far beyond any real amount; keeps a hostile `1e999999999` from eating the memory. */
const MAX_EXPONENT = 100;
const MAX_LENGTH = 100;

const DECIMAL_EXPONENTS: Readonly<Record<string, number>> = {
  n: -9,
  u: -6,
  m: -3,
  '': 0,
  k: 3,
  M: 6,
  G: 9,
  T: 12,
  P: 15,
  E: 18,
};
const BINARY_SUFFIXES = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'] as const;
const SYNTAX = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+)|([numkMGTPE]|[KMGTPE]i)?)$/;

/**
 * Reads a quantity such as `500m`, `1.5Gi`, `2e3` or the bare number 2. A suffix without a number, which Kubernetes takes
 * for 0, is refused.
 * The error is a message that names the text and says what is allowed.
 */
export function parseQuantity(written: string | number): Result<Quantity, string> {
  const text = String(written).trim();
  const quantity = text.length > MAX_LENGTH ? undefined : readQuantity(text);
  return quantity === undefined ? fail(notAQuantity(text)) : ok(quantity);
}

/** The canonical text Kubernetes prints: no fraction, the largest suffix that loses nothing (`1000m` is `1`, `0.5Gi` is `512Mi`). */
export function formatQuantity(quantity: Quantity): string {
  const { nanos, family } = quantity;
  if (nanos === 0n) return '0';
  const wholeBytes = nanos % ONE === 0n && magnitude(nanos) >= 1024n * ONE;
  return family === 'binary' && wholeBytes ? formatBinary(nanos / ONE) : formatDecimal(nanos, family === 'exponent');
}

/** Negative, zero or positive, as `a` is less than, equal to or more than `b`. */
export function compareQuantities(a: Quantity, b: Quantity): -1 | 0 | 1 {
  if (a.nanos === b.nanos) return 0;
  return a.nanos < b.nanos ? -1 : 1;
}

/** Whether two written quantities mean the same amount; text that is no quantity equals only itself. */
export function sameQuantity(a: string | number, b: string | number): boolean {
  const left = parseQuantity(a);
  const right = parseQuantity(b);
  return left.ok && right.ok ? left.value.nanos === right.value.nanos : a === b;
}

function readQuantity(text: string): Quantity | undefined {
  const [, sign, whole = '', fraction = '', exponent, suffix = ''] = SYNTAX.exec(text) ?? [];
  if (sign === undefined || whole + fraction === '') return undefined;
  const digits = BigInt(whole + fraction) * (sign === '-' ? -1n : 1n);
  if (exponent !== undefined) return withExponent(digits, Number(exponent), fraction.length);
  const power = DECIMAL_EXPONENTS[suffix];
  if (power !== undefined) return { nanos: scale(digits, power - fraction.length), family: 'decimal' };
  const binaryPower = BINARY_SUFFIXES.findIndex((known) => known === suffix);
  return capped(scale(digits * 1024n ** BigInt(binaryPower), -fraction.length));
}

function withExponent(digits: bigint, exponent: number, decimals: number): Quantity | undefined {
  if (Math.abs(exponent) > MAX_EXPONENT) return undefined;
  return { nanos: scale(digits, exponent - decimals), family: 'exponent' };
}

/** `digits` × 10^exponent in nanos, rounded away from zero. */
function scale(digits: bigint, exponent: number): bigint {
  const shift = exponent + NANO_EXPONENT;
  if (shift >= 0) return digits * 10n ** BigInt(shift);
  const divisor = 10n ** BigInt(-shift);
  const quotient = digits / divisor;
  if (digits % divisor === 0n) return quotient;
  return digits < 0n ? quotient - 1n : quotient + 1n;
}

function capped(nanos: bigint): Quantity {
  if (magnitude(nanos) > BINARY_MAX) return { nanos: nanos < 0n ? -BINARY_MAX : BINARY_MAX, family: 'binary' };
  const lessThanOne = nanos !== 0n && magnitude(nanos) < ONE;
  return { nanos, family: lessThanOne ? 'decimal' : 'binary' };
}

function formatBinary(units: bigint): string {
  let rest = units;
  let power = 0;
  while (rest % 1024n === 0n && power < BINARY_SUFFIXES.length - 1) {
    rest /= 1024n;
    power += 1;
  }
  return `${rest}${BINARY_SUFFIXES[power] ?? ''}`;
}

function formatDecimal(nanos: bigint, asExponent: boolean): string {
  let rest = nanos;
  let exponent = -NANO_EXPONENT;
  while (rest % 1000n === 0n && (asExponent || exponent < 18)) {
    rest /= 1000n;
    exponent += 3;
  }
  if (asExponent) return exponent === 0 ? `${rest}` : `${rest}e${exponent}`;
  const suffix = Object.keys(DECIMAL_EXPONENTS).find((known) => DECIMAL_EXPONENTS[known] === exponent);
  return `${rest}${suffix ?? ''}`;
}

function magnitude(value: bigint): bigint {
  return value < 0n ? -value : value;
}

function notAQuantity(text: string): string {
  const shown = text.length > 60 ? `${text.slice(0, 59)}…` : text;
  return (
    `"${shown}" is not a quantity: write a number, without a space before the suffix if there is one ` +
    `(n, u, m, k, M, G, T, P, E or Ki, Mi, Gi, Ti, Pi, Ei), such as "500m" or "2Gi"${meant(text)}`
  );
}

/** People write `2 GB` and `512mb`; guess the power of 1000 and of 1024 they may have meant. */
function meant(text: string): string {
  const [, number, letter] = /^(\d+(?:\.\d+)?)\s*([kmgtp])i?b?$/i.exec(text) ?? [];
  if (number === undefined || letter === undefined) return '';
  const upper = letter.toUpperCase();
  return `; did you mean "${number}${upper}i"?`;
}

import { closestName } from '../closest-name.js';
import { formatDurationMs, lacksUnit, nanosecondsToMs, parseDuration } from '../duration.js';
import { parseQuantity } from '../quantity.js';
import { fail, ok, type Result } from '../result.js';
import type { ConfigKey } from './config-key.js';

const TRUE_WORDS: ReadonlySet<string> = new Set(['true', '1', 'yes', 't', 'on', 'y']);
const FALSE_WORDS: ReadonlySet<string> = new Set(['false', '0', 'no', 'f', 'off', 'n']);

/** Reads the text of a flag or variable as a value of the key and checks it; the error is a whole message. */
export function readText(key: ConfigKey, text: string): Result<unknown, string> {
  switch (key.kind) {
    case 'integer':
      return /^[-+]?\d+$/.test(text.trim()) ? checked(key, Number(text)) : refuse(key, text);
    case 'boolean': {
      const word = text.trim().toLowerCase();
      if (TRUE_WORDS.has(word)) return ok(true);
      return FALSE_WORDS.has(word) ? ok(false) : refuse(key, text);
    }
    case 'list':
      return ok(text === '' ? [] : text.split(',').map((item) => item.trim()));
    default:
      return readFileValue(key, text);
  }
}

/** Reads a value of the file, other than lists and sections, and checks it; the error is a whole message. */
export function readFileValue(key: ConfigKey, value: unknown): Result<unknown, string> {
  switch (key.kind) {
    case 'integer':
      return typeof value === 'number' && Number.isSafeInteger(value) ? checked(key, value) : refuse(key, value);
    case 'boolean':
      return typeof value === 'boolean' ? ok(value) : refuse(key, value);
    case 'duration':
      return readDuration(key, value);
    case 'quantity':
      return readQuantity(key, value);
    default:
      return typeof value === 'string' ? checkedText(key, value) : refuse(key, value);
  }
}

/** What a key accepts, to be read after "use": `true or false`, `a whole number from 1 to 500`. */
export function allowedValues(key: ConfigKey): string {
  switch (key.kind) {
    case 'integer':
      return `a whole number${range(key, String)}`;
    case 'boolean':
      return 'true or false';
    case 'duration':
      return `a duration such as 30s or 1h30m${range(key, formatDurationMs)}`;
    case 'quantity':
      return 'a Kubernetes quantity such as 200m or 128Mi';
    case 'list':
      return 'a list of texts';
    default:
      if (key.allowed === undefined) return key.required === true ? 'text that is not empty' : 'text';
      return `one of ${key.allowed.map((word) => (word === '' ? '""' : word)).join(', ')}`;
  }
}

function range(key: ConfigKey, show: (value: number) => string): string {
  if (key.min === undefined) return '';
  if (key.max !== undefined) return ` from ${show(key.min)} to ${show(key.max)}`;
  return key.kind === 'duration' && key.min === 0 ? '' : ` of at least ${show(key.min)}`;
}

function checked(key: ConfigKey, value: number, written: unknown = value): Result<unknown, string> {
  const inRange = value >= (key.min ?? -Infinity) && value <= (key.max ?? Infinity);
  return inRange ? ok(value) : refuse(key, written);
}

function checkedText(key: ConfigKey, value: string): Result<unknown, string> {
  if (value === '' && key.required === true) return fail(`"${key.key}" must not be empty`);
  return key.allowed === undefined || key.allowed.includes(value) ? ok(value) : refuse(key, value);
}

function readDuration(key: ConfigKey, value: unknown): Result<unknown, string> {
  if (typeof value === 'number' && Number.isSafeInteger(value)) {
    if (!lacksUnit(value)) return checked(key, nanosecondsToMs(BigInt(value)), value);
    return fail(`"${key.key}" is ${value} without a unit, which would be nanoseconds; did you mean ${value}s?`);
  }
  if (typeof value !== 'string') return refuse(key, value);
  const nanoseconds = parseDuration(value);
  return nanoseconds.ok ? checked(key, nanosecondsToMs(nanoseconds.value), value) : refuse(key, value);
}

function readQuantity(key: ConfigKey, value: unknown): Result<unknown, string> {
  if (typeof value !== 'string') return refuse(key, value);
  return parseQuantity(value).ok ? ok(value) : refuse(key, value);
}

function refuse(key: ConfigKey, value: unknown): Result<unknown, string> {
  return fail(`"${key.key}" cannot be ${shown(key, value)}: use ${allowedValues(key)}${remedy(key, value)}`);
}

function remedy(key: ConfigKey, value: unknown): string {
  if (key.secret === true) return '';
  if (typeof value === 'string') return didYouMean(key, value);
  const isWord = typeof value === 'number' || typeof value === 'boolean';
  return isWord && (key.kind === 'text' || key.kind === 'quantity') ? '; put it in quotes' : '';
}

function didYouMean(key: ConfigKey, value: string): string {
  if (key.kind === 'duration') return /^\d+$/.test(value) ? `; did you mean ${value}s?` : '';
  const closest = closestName(value, (key.allowed ?? []).filter(Boolean));
  return closest === undefined ? '' : `; did you mean "${closest}"?`;
}

/** A bad value for a message: never a secret, never long. */
function shown(key: ConfigKey, value: unknown): string {
  if (key.secret === true) return 'what is given (hidden)';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'a mapping';
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}

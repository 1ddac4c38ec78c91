import { closestName } from '../../closest-name.js';
import { parseQuantity } from '../../quantity.js';
import type { ScalarNode } from '../../pipeline/source-tree.js';
import { renameKey, replaceValue } from '../edits.js';
import type { Fix } from '../finding.js';
import { isUnknown, PLACEHOLDER } from '../placeholder.js';
import type { Found } from '../rule.js';
import type { PluginPlace } from './plugin-place.js';
import { REFUSED } from './words.js';

/** A key that differs from a field in capitals only. */
export function explainWrongCase({ key, issue, entry, text, at }: PluginPlace): Found {
  const field = issue.suggestion ?? '';
  const both = issue.message.includes('ignored');
  return {
    rule: 'kubernetes/key-spelling',
    severity: 'warning',
    at,
    message: both
      ? `"${key}" stands beside "${field}", and the controller mixes the two; remove one`
      : `"${key}" is read as "${field}" by an accident of the Go controller, other tools do not know it; write "${field}"`,
    fix: both || entry === undefined ? undefined : renameKey(text, entry, field),
  };
}

/** A value that is of the right type and still none of those that are allowed; undefined when only the upload knows. */
export function explainNotAllowed(place: PluginPlace): Found | undefined {
  const { owner, key, value, at, issue, schema } = place;
  // `pod/restart-policy` has more to say.
  if (key === 'restartPolicy') return undefined;
  if (typeof value === 'string' && isUnknown(value)) return undefined;
  if (key.startsWith('$')) return { rule: 'pod/enum', at, message: `"${key}" ${issue.message}; ${REFUSED}` };
  if (owner === 'CommandParams' && key === 'interposer')
    return {
      rule: 'kubernetes/interposer',
      at,
      message: `unknown interposer "${shown(value)}", expected "buildkite" (the default), "vector" or "legacy"; ${REFUSED}`,
    };
  const choices = schema?.enum?.map(String);
  if (choices === undefined)
    return { rule: 'pod/type', at, message: `"${key}" ${issue.message}; Kubernetes refuses the pod` };
  return enumFound(place, choices);
}

function enumFound({ key, value, at, node, text }: PluginPlace, choices: readonly string[]): Found {
  const written = typeof value === 'string' ? value : JSON.stringify(value ?? '');
  const meant = choices.find((choice) => plain(choice) === plain(written));
  const close = meant ?? closestName(written, choices);
  const expected =
    choices.length > 12
      ? 'a name that Kubernetes knows'
      : choices
          .filter(Boolean)
          .map((choice) => `"${choice}"`)
          .join(', ');
  const message =
    meant === undefined
      ? `"${key}" is "${shown(value)}", expected ${expected}; Kubernetes refuses the Job, so the build step fails${close === undefined ? '' : `; did you mean "${close}"?`}`
      : `"${shown(value)}" must be written "${meant}"; Kubernetes refuses the Job, so the build step fails`;
  return {
    rule: 'pod/enum',
    at,
    message,
    fix: meant !== undefined && isAsWritten(node, written) ? sameStyle(text, node, meant) : undefined,
  };
}

function plain(word: string): string {
  return word.toLowerCase().replace(/[-_ ]/g, '');
}

function shown(value: unknown): string {
  const text = String(value);
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}

/** Text that does not fit its format: quantities, times. */
export function explainBadFormat(place: PluginPlace): Found | undefined {
  const { schema, value, at, key, issue } = place;
  if (schema?.format !== 'quantity' || typeof value !== 'string') {
    if (typeof value === 'string' && isUnknown(value)) return undefined;
    return { rule: 'pod/type', at, message: `"${key}" ${issue.message}; ${REFUSED}` };
  }
  return isUnknown(value) && mayBeQuantity(value) ? undefined : quantityFound(place, value);
}

/** What a variable in a quantity may stand for. */
const COMPLETIONS = ['', '1', '1k', '1G', '1Gi', '1.', '1e'];

function mayBeQuantity(text: string): boolean {
  return COMPLETIONS.some((completion) => parseQuantity(text.replaceAll(PLACEHOLDER, completion)).ok);
}

const UNITS: Readonly<Record<string, string>> = { k: 'k', m: 'M', g: 'G', t: 'T', p: 'P' };

function quantityFound({ at, key, node }: PluginPlace, value: string): Found {
  const written = node?.kind === 'scalar' ? (node.written ?? node.text) : value;
  const [, number = '', unit = ''] = /^\s*(\d+(?:[.,]\d+)?)\s*([kmgtp])(?:i?b?|ega|iga|era)?\s*$/i.exec(value) ?? [];
  const amount = number.replace(',', '.');
  const prefix = UNITS[unit.toLowerCase()] ?? '';
  const guess =
    key === 'cpu' || prefix === ''
      ? cpuGuess(value)
      : `; did you mean "${amount}${prefix}" (powers of 1000) or "${amount}${prefix.toUpperCase()}i" (powers of 1024)?`;
  return {
    rule: 'resources/quantity',
    at,
    message: `invalid quantity "${shown(written)}" for "${key}", expected a number with one of the suffixes m, k, M, G, T, Ki, Mi, Gi, Ti; the job fails before it starts, with a message that names neither field nor step${guess}`,
  };
}

function cpuGuess(value: string): string {
  const [, number, unit = ''] = /^\s*(\d+(?:[.,]\d+)?)\s*(m|[a-z]*)\s*$/i.exec(value) ?? [];
  if (number === undefined) return '';
  const amount = number.replace(',', '.');
  return `; did you mean "${amount}${/^m/i.test(unit) ? 'm' : ''}"?`;
}

/** Not what a variable or a token of a matrix became. */
function isAsWritten(node: PluginPlace['node'], value: string): boolean {
  return node?.kind === 'scalar' && node.written === undefined && node.text === value;
}

function sameStyle(text: string, node: PluginPlace['node'], value: string): Fix | undefined {
  return node?.kind === 'scalar' ? replaceValue(text, node, quoteLike(text, node, value)) : undefined;
}

function quoteLike(text: string, node: ScalarNode, value: string): string {
  const [sign = ''] = /^["']/.exec(text.slice(node.start, node.end)) ?? [];
  return `${sign}${value}${sign}`;
}

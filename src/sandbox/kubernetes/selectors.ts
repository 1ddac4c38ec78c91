import { badRequest } from './api-error.js';
import type { KubeObject } from './objects.js';
import { labelValue, qualifiedName } from './validation/names.js';

export type Labels = Readonly<Record<string, string>>;
export type LabelPredicate = (labels: Labels) => boolean;
export type Fields = Readonly<Record<string, string>>;
export type FieldPredicate = (fields: Fields) => boolean;

/** Selects objects by labels and fields; undefined members select everything. */
export interface Selection {
  readonly labels?: LabelPredicate | undefined;
  readonly fields?: FieldPredicate | undefined;
}

/** Splits at commas outside of parentheses. */
function splitRequirements(text: string): readonly string[] {
  const parts: string[] = [];
  let depth = 0;
  let current = '';
  for (const char of text) {
    if (char === '(') depth++;
    if (char === ')') depth--;
    if (char === ',' && depth === 0) {
      parts.push(current);
      current = '';
    } else current += char;
  }
  return [...parts, current];
}

function checkedKey(key: string): string {
  const [problem] = qualifiedName(key);
  if (problem !== undefined)
    throw badRequest(`unable to parse requirement: key: Invalid value: ${JSON.stringify(key)}: ${problem}`);
  return key;
}

function checkedValue(key: string, value: string): string {
  const [problem] = labelValue(value);
  if (problem === undefined) return value;
  throw badRequest(
    `unable to parse requirement: values[0][${key}]: Invalid value: ${JSON.stringify(value)}: ${problem}`,
  );
}

function parseSet(text: string): LabelPredicate | undefined {
  const [, key, operator, list = ''] = /^\s*(\S+)\s+(in|notin)\s*\(([^()]*)\)\s*$/.exec(text) ?? [];
  if (key === undefined) return undefined;
  checkedKey(key);
  const values = new Set(list.split(',').map((value) => checkedValue(key, value.trim())));
  return operator === 'in'
    ? (labels) => key in labels && values.has(labels[key] ?? '')
    : (labels) => !(key in labels) || !values.has(labels[key] ?? '');
}

function parseEquality(text: string): LabelPredicate | undefined {
  const [, key, operator, value = ''] = /^\s*([^\s=!(),]+)\s*(==|=|!=)\s*([^\s=!(),]*)\s*$/.exec(text) ?? [];
  if (key === undefined) return undefined;
  checkedKey(key);
  checkedValue(key, value);
  return operator === '!=' ? (labels) => labels[key] !== value : (labels) => labels[key] === value;
}

function parseComparison(text: string): LabelPredicate | undefined {
  const [, key, operator, value = ''] = /^\s*([^\s=!(),<>]+)\s*([<>])\s*(-?\d+)\s*$/.exec(text) ?? [];
  if (key === undefined) return undefined;
  checkedKey(key);
  const holds = (label: string): boolean =>
    operator === '>' ? Number(label) > Number(value) : Number(label) < Number(value);
  return (labels) => /^-?\d+$/.test(labels[key] ?? '') && holds(labels[key] ?? '');
}

function parseExistence(text: string): LabelPredicate | undefined {
  const [, not, key] = /^\s*(!?)\s*([^\s=!(),]+)\s*$/.exec(text) ?? [];
  if (key === undefined) return undefined;
  checkedKey(key);
  return not === '!' ? (labels) => !(key in labels) : (labels) => key in labels;
}

function parseRequirement(text: string): LabelPredicate {
  const predicate = parseSet(text) ?? parseEquality(text) ?? parseComparison(text) ?? parseExistence(text);
  if (predicate !== undefined) return predicate;
  throw badRequest(`unable to parse requirement: found '${text.trim()}', expected: !, identifier, or 'end of string'`);
}

/**
 * Parses a label selector: `a=b`, `a==b`, `a!=b`, `a in (b, c)`, `a notin (b)`, `a>1`, `a<1`, `a`, `!a`, joined by commas.
 * Throws a 400 when it is malformed.
 */
export function parseLabelSelector(text: string): LabelPredicate | undefined {
  if (text.trim() === '') return undefined;
  const requirements = splitRequirements(text).map(parseRequirement);
  return (labels) => requirements.every((matches) => matches(labels));
}

/**
 * Parses a field selector: `key=value` and `key!=value` joined by commas, backslash escapes in values.
 * Throws a 400 when it is malformed or names a field that cannot be selected by.
 */
export function parseFieldSelector(text: string, known: ReadonlySet<string>): FieldPredicate | undefined {
  if (text.trim() === '') return undefined;
  const terms = text.split(/(?<!\\),/).map((term) => {
    const parsed = /^([^=!]+)(==|=|!=)(.*)$/.exec(term);
    if (!parsed) throw badRequest(`invalid selector: '${text}'; can't understand '${term}'`);
    const [, key = '', operator, raw = ''] = parsed;
    if (!known.has(key)) throw badRequest(`field label not supported: ${key}`);
    return { key, equal: operator !== '!=', value: raw.replace(/\\([\\,=])/g, '$1') };
  });
  return (fields) => terms.every((term) => (fields[term.key] === term.value) === term.equal);
}

/** Whether an object is selected. `fieldsOf` is called only when there is a field selector. */
export function selects(selection: Selection, object: KubeObject, fieldsOf: (object: KubeObject) => Fields): boolean {
  if (selection.labels && !selection.labels(object.metadata.labels ?? {})) return false;
  return selection.fields === undefined || selection.fields(fieldsOf(object));
}

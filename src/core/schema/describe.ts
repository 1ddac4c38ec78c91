import type { JsonSchema } from './json-schema.js';

const LONGEST_ECHO = 60;
const MOST_CHOICES = 12;

const FORMATS = new Map([
  ['int-or-string', 'an integer or a string'],
  ['quantity', 'a quantity such as "500m" or "2Gi"'],
  ['duration', 'a duration such as "30s" or "1h30m"'],
]);

const TYPES = {
  boolean: 'true or false',
  integer: 'an integer',
  number: 'a number',
  string: 'a string',
  array: 'a list',
  object: 'a map',
} as const;

/** `the number 8080`, `the string "main"`, `a list`: what was found, cropped when long. */
export function describeValue(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a map';
  if (typeof value === 'string') return `the string ${quoted(value)}`;
  if (typeof value === 'number' || typeof value === 'boolean') return `the ${typeof value} ${value}`;
  return `a ${typeof value}`;
}

/** `a string`, `a list of strings`, `true or false`: what the schema wants. */
export function describeExpectation(schema: JsonSchema): string {
  const ofFormat = FORMATS.get(schema.format ?? '');
  if (ofFormat !== undefined) return ofFormat;
  if (schema.type === 'array' && schema.items?.type === 'string') return 'a list of strings';
  return TYPES[schema.type ?? 'object'];
}

/** How to turn the value into what the schema wants, as a clause with its leading `; `; empty when there is no simple way. */
export function describeRemedy(schema: JsonSchema, value: unknown): string {
  if (schema.type === 'string' && (typeof value === 'number' || typeof value === 'boolean')) {
    return `; quote it: "${value}"`;
  }
  if (typeof value === 'string' && meansType(value, schema)) return `; remove the quotes: ${value}`;
  if (schema.type === 'array') return listRemedy(schema, value);
  if (schema.type === 'object' && Array.isArray(value)) return '; remove the "- " in front of its fields';
  return '';
}

/** The allowed values for a message: `"Always", "Never" or "IfNotPresent"`; the first ones when there are many. */
export function describeChoices(choices: readonly (string | number)[]): string {
  if (choices.length > MOST_CHOICES) {
    return `one of ${choices.length} values like ${describeChoices(choices.slice(0, 3))}`;
  }
  const words = choices.map((choice) => (typeof choice === 'string' ? `"${choice}"` : String(choice)));
  const last = words.pop() ?? '';
  return words.length === 0 ? last : `${words.join(', ')} or ${last}`;
}

/** Double-quoted as in JSON, at most about 60 characters. */
export function quoted(text: string): string {
  return JSON.stringify(crop(text));
}

function crop(text: string): string {
  const characters = Array.from(text.slice(0, LONGEST_ECHO * 2));
  return characters.length <= LONGEST_ECHO ? text : `${characters.slice(0, LONGEST_ECHO - 1).join('')}…`;
}

function meansType(text: string, schema: JsonSchema): boolean {
  if (schema.type === 'boolean') return text === 'true' || text === 'false';
  if (schema.type === 'integer') return /^-?\d{1,15}$/.test(text);
  return schema.type === 'number' && /^-?\d{1,15}(\.\d{1,15})?$/.test(text);
}

function listRemedy(schema: JsonSchema, value: unknown): string {
  const takesText = schema.items?.type === 'string';
  if (takesText && typeof value === 'string') return `; put it into a list: [${quoted(value)}]`;
  return typeof value === 'object' ? '; start each entry with "- "' : '';
}

import { isRecord } from '../is-record.js';
import { closestName } from '../closest-name.js';
import { report, within, type DecodeContext, type DecodeIssue, type DecodeOptions } from './decode-context.js';
import { decodeScalar, wrongType } from './decode-scalar.js';
import { quoted } from './describe.js';
import { definitionOf, type JsonSchema } from './json-schema.js';
import { directiveProblem, isDirective } from './patch-directives.js';
import { formatPath, type PathSegment } from './path.js';

export { formatPath, type PathSegment, type DecodeIssue, type DecodeOptions };

export interface Decoded {
  /**
   * A copy of the value with null fields dropped (unless `patch`), keys in their canonical case, quantities as text, and
   * without unknown fields and values of a wrong type. Undefined when nothing is left.
   */
  readonly value: unknown;
  readonly issues: readonly DecodeIssue[];
}

/** Nothing real is nested this deep; it keeps hostile input off our stack. */
const MAX_DEPTH = 500;

/**
 * Checks a JSON value against a schema and copies what fits, with the rules of Go's encoding/json: a null field is absent, a
 * null entry of a list is the zero value of its type, types are strict, a key that differs from a field only in case is taken
 * for that field. Never throws on any JSON; throws on a `$ref` that leads nowhere, which is a mistake in the schema.
 */
export function decode(value: unknown, schema: JsonSchema, options: DecodeOptions): Decoded {
  const context: DecodeContext = { options, path: [], issues: [] };
  return { value: decodeValue(value, schema, context), issues: context.issues };
}

/** An issue as one line: path, message, suggestion. */
export function formatIssue(issue: DecodeIssue): string {
  const path = formatPath(issue.path);
  const hint =
    issue.kind === 'wrong-case' || issue.suggestion === undefined ? '' : `; did you mean ${quoted(issue.suggestion)}?`;
  return `${path === '' ? '' : `${path}: `}${issue.message}${hint}`;
}

function decodeValue(value: unknown, schema: JsonSchema, context: DecodeContext): unknown {
  if (value === undefined) return undefined;
  if (value === null) return context.options.patch === true ? null : undefined;
  if (context.path.length > MAX_DEPTH)
    return report(context, 'wrong-type', `is nested deeper than ${MAX_DEPTH} levels`);
  const target = resolve(schema, context.options.definitions);
  if (target.type === 'array') return decodeList(value, target, context);
  if (target.type === 'object') return decodeMap(value, target, context);
  if (takesAnything(target)) return copyAny(value, context);
  return hasFields(target) ? decodeMap(value, target, context) : decodeScalar(value, target, context);
}

function resolve(schema: JsonSchema, definitions: DecodeOptions['definitions']): JsonSchema {
  let target = schema;
  for (let name = definitionOf(target); name !== undefined; name = definitionOf(target)) {
    const next = Object.hasOwn(definitions, name) ? definitions[name] : undefined;
    if (next === undefined) throw new Error(`schema refers to "${target.$ref}", which is not defined`);
    target = next;
  }
  return target;
}

function decodeList(value: unknown, schema: JsonSchema, context: DecodeContext): unknown {
  if (!Array.isArray(value)) return wrongType(value, schema, context);
  const entries: readonly unknown[] = value;
  const items = schema.items ?? {};
  const decoded = entries.map((entry, index) => {
    // Also in a patch: null deletes fields, not entries.
    if (entry === null) return zeroValue(items, context);
    return within(context, index, () => decodeValue(entry, items, context));
  });
  return decoded.filter((entry) => entry !== undefined);
}

function decodeMap(value: unknown, schema: JsonSchema, context: DecodeContext): unknown {
  if (!isRecord(value)) return wrongType(value, schema, context);
  const kept: [string, unknown][] = [];
  for (const [key, entry] of Object.entries(value)) {
    const field = within(context, key, () => decodeField(key, entry, { schema, siblings: value, context }));
    if (field !== undefined && field[1] !== undefined) kept.push(field);
  }
  // fromEntries, because a plain assignment of the key "__proto__" would not make a field.
  const result = Object.fromEntries(kept);
  if (context.options.requireFields === true && context.options.patch !== true) {
    reportMissing([...Object.keys(result), ...presentKeys(value)], schema, context);
  }
  return result;
}

interface MapInProgress {
  readonly schema: JsonSchema;
  readonly siblings: object;
  readonly context: DecodeContext;
}

function decodeField(key: string, value: unknown, map: MapInProgress): [string, unknown] | undefined {
  const { schema, context } = map;
  const fields = schema.properties ?? {};
  if (!Object.hasOwn(fields, key)) {
    if (context.options.patch === true && isDirective(key, schema)) return [key, decodeDirective(key, value, context)];
    const { additionalProperties } = schema;
    if (typeof additionalProperties === 'object') return [key, decodeEntry(value, additionalProperties, context)];
    if (additionalProperties ?? schema.properties === undefined) return [key, decodeValue(value, {}, context)];
  }
  const name = fieldName(key, map);
  return name === undefined ? undefined : [name, decodeValue(value, fields[name] ?? {}, context)];
}

/** A key of a free-form map is there even without a value, as for Go: `labels: {canary: }` is a label without text. */
function decodeEntry(value: unknown, schema: JsonSchema, context: DecodeContext): unknown {
  if (value !== null || context.options.patch === true) return decodeValue(value, schema, context);
  return zeroValue(schema, context);
}

/** What Go makes of a null that cannot be absent, because it has a place in a list or map; undefined when anything may stand there. */
function zeroValue(schema: JsonSchema, { options }: DecodeContext): unknown {
  const { type, format, properties } = resolve(schema, options.definitions);
  if (format === 'quantity') return '0';
  if (type === 'string') return '';
  if (type === 'array') return [];
  if (type === 'object' || properties !== undefined) return {};
  return type === 'integer' || type === 'number' ? 0 : undefined;
}

/** The canonical name of a written key; undefined, and reported, when it names no field. */
function fieldName(key: string, { schema, siblings, context }: MapInProgress): string | undefined {
  const names = Object.keys(schema.properties ?? {});
  if (names.includes(key)) return key;
  const canonical = names.find((name) => name.toLowerCase() === key.toLowerCase());
  if (canonical === undefined) {
    return report(context, 'unknown-field', `unknown field ${quoted(key)}`, closestName(key, names));
  }
  if (Object.hasOwn(siblings, canonical)) {
    return report(context, 'wrong-case', `${quoted(key)} is ignored, because "${canonical}" is there too`, canonical);
  }
  report(context, 'wrong-case', `${quoted(key)} must be written "${canonical}"`, canonical);
  return canonical;
}

function decodeDirective(key: string, value: unknown, context: DecodeContext): unknown {
  const problem = directiveProblem(key, value);
  return problem === undefined ? copyAny(value, context) : report(context, 'not-allowed', problem);
}

function reportMissing(present: readonly string[], schema: JsonSchema, context: DecodeContext): void {
  for (const name of schema.required ?? []) {
    if (present.includes(name)) continue;
    within(context, name, () => report(context, 'missing-field', `"${name}" is required`));
  }
}

/** Fields that were written but not kept have their own issue already. */
function presentKeys(value: Readonly<Record<string, unknown>>): string[] {
  return Object.keys(value).filter((key) => value[key] !== null && value[key] !== undefined);
}

function copyAny(value: unknown, context: DecodeContext): unknown {
  if (Array.isArray(value)) return decodeList(value, {}, context);
  return isRecord(value) ? decodeMap(value, {}, context) : value;
}

function takesAnything({ properties, additionalProperties, format, enum: choices, type }: JsonSchema): boolean {
  return [properties, additionalProperties, format, choices, type].every((part) => part === undefined);
}

function hasFields({ properties, additionalProperties, type }: JsonSchema): boolean {
  return type === undefined && (properties !== undefined || additionalProperties !== undefined);
}

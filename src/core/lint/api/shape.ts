import { isRecord } from '../../is-record.js';
import { kubernetesDefinitions } from '../../schema/kubernetes-definitions.generated.js';
import { definitionOf, fieldSchema, type JsonSchema } from '../../schema/json-schema.js';
import type { ApiPath } from './api-problem.js';

/**
 * The part of a value that has the types its schema promises: what the checks may rely on. A list with one wrong item is left
 * out as a whole, so that indexes stay right; so is null, which Kubernetes takes for absent. A required field that is absent is
 * what Go makes of it: empty text, empty list, 0.
 */
export function shaped(value: unknown, schema: JsonSchema): unknown {
  const target = targetOf(schema);
  if (isRecord(value)) return target.type === 'object' ? shapedObject(value, target) : undefined;
  if (Array.isArray(value)) return target.type === 'array' ? shapedList(value, target.items ?? {}) : undefined;
  return shapedScalar(value, target);
}

function targetOf(schema: JsonSchema): JsonSchema {
  const name = definitionOf(schema);
  return name === undefined ? schema : (kubernetesDefinitions[name] ?? {});
}

function shapedScalar(value: unknown, { type, format }: JsonSchema): unknown {
  const isInteger = Number.isSafeInteger(value);
  if (format === 'quantity') return typeof value === 'number' ? String(value) : textOnly(value);
  if (format === 'int-or-string') return isInteger ? value : textOnly(value);
  if (type === 'integer') return isInteger ? value : undefined;
  return value !== null && typeof value === type ? value : undefined;
}

function textOnly(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function shapedObject(value: Readonly<Record<string, unknown>>, schema: JsonSchema): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const field of schema.required ?? []) result[field] = zeroOf(fieldSchema(schema, field) ?? {});
  for (const [key, field] of Object.entries(value)) {
    const declared = fieldSchema(schema, key);
    const copy = declared === undefined ? undefined : shaped(field, declared);
    if (copy !== undefined) result[key] = copy;
  }
  return result;
}

function zeroOf(schema: JsonSchema): unknown {
  if (schema.$ref !== undefined) return shaped({}, schema);
  if (schema.type === 'string') return '';
  return schema.type === 'array' ? [] : 0;
}

function shapedList(value: readonly unknown[], items: JsonSchema): unknown[] | undefined {
  const copies = value.map((item) => shaped(item, items));
  return copies.includes(undefined) ? undefined : copies;
}

/** A field's value with its place, or those of its items when it is a list. */
export function valuesAt(value: unknown, path: ApiPath): (readonly [ApiPath, unknown])[] {
  if (!Array.isArray(value)) return [[path, value]];
  return value.map((item, index) => [[...path, index], item]);
}

import { kubernetesDefinitions } from '../../schema/kubernetes-definitions.generated.js';
import type { JsonSchema } from '../../schema/json-schema.js';
import type { ApiPath } from './api-problem.js';

/** The name of a definition that a schema refers to, e.g. `Container`. */
export function definitionOf(schema: JsonSchema): string | undefined {
  return schema.$ref?.slice('#/definitions/'.length);
}

/**
 * The part of a value that has the types its schema promises: what the checks may rely on. A list with one wrong item is left
 * out as a whole, so that indexes stay right; so is null, which Kubernetes takes for absent. A required field that is absent is
 * what Go makes of it: empty text, empty list, 0.
 */
export function shaped(value: unknown, schema: JsonSchema): unknown {
  const name = definitionOf(schema);
  const target = name === undefined ? schema : (kubernetesDefinitions[name] ?? {});
  if (target.format === 'quantity' || target.format === 'int-or-string') return scalar(value, target.format);
  switch (target.type) {
    case 'object':
      return isRecord(value) ? shapedObject(value, target) : undefined;
    case 'array':
      return Array.isArray(value) ? shapedList(value, target.items ?? {}) : undefined;
    case 'integer':
      return Number.isSafeInteger(value) ? value : undefined;
    default:
      return typeof value === target.type ? value : undefined;
  }
}

function scalar(value: unknown, format: string): unknown {
  if (typeof value === 'number' && Number.isFinite(value)) return format === 'quantity' ? String(value) : value;
  return typeof value === 'string' ? value : undefined;
}

function shapedObject(value: Readonly<Record<string, unknown>>, schema: JsonSchema): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const field of schema.required ?? []) result[field] = zeroOf(schemaOf(schema, field) ?? {});
  for (const [key, field] of Object.entries(value)) {
    const fieldSchema = schemaOf(schema, key);
    const copy = fieldSchema === undefined ? undefined : shaped(field, fieldSchema);
    if (copy !== undefined) result[key] = copy;
  }
  return result;
}

function zeroOf(schema: JsonSchema): unknown {
  if (schema.$ref !== undefined) return shaped({}, schema);
  if (schema.type === 'string') return '';
  return schema.type === 'array' ? [] : 0;
}

/** The schema of a field: declared, or that of every value of a map. */
export function schemaOf({ properties, additionalProperties }: JsonSchema, key: string): JsonSchema | undefined {
  if (properties !== undefined && Object.hasOwn(properties, key)) return properties[key];
  return typeof additionalProperties === 'object' ? additionalProperties : undefined;
}

function shapedList(value: readonly unknown[], items: JsonSchema): unknown[] | undefined {
  const copies = value.map((item) => shaped(item, items));
  return copies.includes(undefined) ? undefined : copies;
}

/** Whether it is an object with keys. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A field's value with its place, or those of its items when it is a list. */
export function valuesAt(value: unknown, path: ApiPath): (readonly [ApiPath, unknown])[] {
  if (!Array.isArray(value)) return [[path, value]];
  return value.map((item, index) => [[...path, index], item]);
}

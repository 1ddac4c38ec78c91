import type { JsonSchema } from './json-schema.js';
import type { PathSegment } from './path.js';

export interface MissingField {
  readonly name: string;
  /** Of the object that lacks it. */
  readonly path: readonly PathSegment[];
}

/**
 * The first field that the schema requires and the value lacks, depth first. `decode` finds it too, with everything else that
 * is wrong, but copies the value on the way: this is for values that were decoded before and are built for every job.
 */
export function findMissingField(
  value: unknown,
  schema: JsonSchema,
  definitions: Readonly<Record<string, JsonSchema>>,
): MissingField | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const target = schema.$ref === undefined ? schema : definitions[schema.$ref.slice('#/definitions/'.length)];
  if (target === undefined) return undefined;
  const absent = Array.isArray(value) ? undefined : absentField(value, target);
  if (absent !== undefined) return { name: absent, path: [] };
  for (const [key, field] of entriesOf(value)) {
    const found = findMissingField(field, fieldSchema(target, key), definitions);
    if (found !== undefined) return { ...found, path: [key, ...found.path] };
  }
  return undefined;
}

function absentField(value: object, { required = [] }: JsonSchema): string | undefined {
  return required.find((name) => (value as Readonly<Record<string, unknown>>)[name] == null);
}

function entriesOf(value: object): Iterable<[PathSegment, unknown]> {
  return Array.isArray(value) ? value.entries() : Object.entries(value);
}

function fieldSchema({ properties, items, additionalProperties }: JsonSchema, key: PathSegment): JsonSchema {
  if (typeof key === 'number') return items ?? {};
  if (properties !== undefined && Object.hasOwn(properties, key)) return properties[key] ?? {};
  return typeof additionalProperties === 'object' ? additionalProperties : {};
}

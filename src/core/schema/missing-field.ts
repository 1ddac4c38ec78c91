import { definitionOf, fieldSchema, type JsonSchema } from './json-schema.js';
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
  const target = resolve(schema, definitions);
  if (target === undefined) return undefined;
  const absent = Array.isArray(value) ? undefined : absentField(value, target);
  if (absent !== undefined) return { name: absent, path: [] };
  for (const key of Object.keys(value)) {
    const field = (value as Readonly<Record<string, unknown>>)[key];
    // Most fields are scalars, and what schema those have does not matter.
    if (typeof field !== 'object') continue;
    const segment = Array.isArray(value) ? Number(key) : key;
    const found = findMissingField(field, childSchema(target, segment), definitions);
    if (found !== undefined) return { ...found, path: [segment, ...found.path] };
  }
  return undefined;
}

function resolve(
  schema: JsonSchema,
  definitions: Readonly<Record<string, JsonSchema>>,
): JsonSchema | undefined {
  const definition = definitionOf(schema);
  return definition === undefined ? schema : definitions[definition];
}

function childSchema(parent: JsonSchema, key: PathSegment): JsonSchema {
  return (typeof key === 'number' ? parent.items : fieldSchema(parent, key)) ?? {};
}

function absentField(value: object, { required = [] }: JsonSchema): string | undefined {
  return required.find((name) => (value as Readonly<Record<string, unknown>>)[name] == null);
}

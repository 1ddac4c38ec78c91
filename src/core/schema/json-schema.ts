const REFERENCE = '#/definitions/';

/** The subset of JSON Schema (draft-07) that our published schemas and the pinned Kubernetes definitions use. */
export interface JsonSchema {
  readonly $ref?: string;
  readonly type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean';
  readonly description?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  /** `false` (or absent together with `properties`) means closed; a schema types the values of a map. */
  readonly additionalProperties?: boolean | JsonSchema;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly enum?: readonly (string | number)[];
  /** `int-or-string`, `quantity`, `duration`, `int32`, `int64`, `date-time`, `byte`, … */
  readonly format?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly default?: unknown;
}

/** Name of the definition that a schema refers to, e.g. `Container`; undefined when it stands for itself. */
export function definitionOf({ $ref }: JsonSchema): string | undefined {
  return $ref?.slice(REFERENCE.length);
}

/** The schema of a field: declared, or that of every value of a map; undefined when there is no such field. */
export function fieldSchema({ properties, additionalProperties }: JsonSchema, key: string): JsonSchema | undefined {
  if (properties !== undefined && Object.hasOwn(properties, key)) return properties[key];
  return typeof additionalProperties === 'object' ? additionalProperties : undefined;
}

/** Names of the definitions that a schema refers to anywhere in it. */
export function definitionsIn(schema: unknown): string[] {
  if (typeof schema !== 'object' || schema === null) return [];
  return Object.entries(schema).flatMap(([key, value]: [string, unknown]) =>
    key === '$ref' && typeof value === 'string' ? [value.slice(REFERENCE.length)] : definitionsIn(value),
  );
}

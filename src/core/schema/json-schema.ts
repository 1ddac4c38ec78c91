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

import { stringsAt, textAt, without, type JsonRecord, type KubeObject } from './objects.js';
import type { ResourceType } from './resources.js';
import { enumProblems } from './schema-check.js';
import type { Fields } from './selectors.js';
import type { FieldError } from './validation/field-errors.js';
import { validateObjectMeta } from './validation/metadata.js';
import { dns1123Subdomain, type NameCheck } from './validation/names.js';

/** What is particular to one kind of object. Functions return new objects and never change their arguments. */
export interface Strategy {
  readonly nameCheck: NameCheck;
  /** Fields a field selector may name. */
  readonly selectable: ReadonlySet<string>;
  readonly fieldsOf: (object: KubeObject) => Fields;
  /** Fills in what the API server defaults when it decodes an object. */
  readonly withDefaults: (object: JsonRecord) => JsonRecord;
  /** Sets what a new object starts with; name and UID are known by now. */
  readonly prepareForCreate: (object: KubeObject) => KubeObject;
  readonly validate: (object: KubeObject) => readonly FieldError[];
  readonly validateUpdate: (next: KubeObject, current: KubeObject) => readonly FieldError[];
  readonly warnings: (object: KubeObject) => readonly string[];
  /** Seconds an object lives on after a DELETE that asked for `asked` seconds. */
  readonly gracePeriod: (object: KubeObject, asked: number | undefined) => number;
  /** What happens to dependents when a DELETE does not say. */
  readonly defaultPropagation: 'Background' | 'Orphan';
}

/** `metadata.name` and `metadata.namespace`, which every kind can be selected by. */
export function metadataFields(object: KubeObject): Fields {
  return { 'metadata.name': object.metadata.name, 'metadata.namespace': object.metadata.namespace ?? '' };
}

/** How an object without peculiarities is treated. */
export const plainStrategy: Strategy = {
  nameCheck: dns1123Subdomain,
  selectable: new Set(['metadata.name', 'metadata.namespace']),
  fieldsOf: metadataFields,
  withDefaults: (object) => object,
  prepareForCreate: (object) => object,
  validate: () => [],
  validateUpdate: () => [],
  warnings: () => [],
  gracePeriod: () => 0,
  defaultPropagation: 'Background',
};

/** Everything wrong with an object: its metadata, what its strategy finds, and values its definition does not list. */
export function problemsOf(type: ResourceType, strategy: Strategy, object: KubeObject): readonly FieldError[] {
  const found = [...validateObjectMeta(object, type.namespaced, strategy.nameCheck), ...strategy.validate(object)];
  const known = new Set(found.map((problem) => problem.field));
  return [...found, ...enumProblems(object, type.definition).filter((problem) => !known.has(problem.field))];
}

/** Base64 values of `stringData` merged over `data`, as Secrets are written. */
export function withStringData(object: JsonRecord): JsonRecord {
  if (object.stringData === undefined) return object;
  const encoded = Object.entries(stringsAt(object, 'stringData')).map(([key, value]) => [
    key,
    Buffer.from(value).toString('base64'),
  ]);
  return { ...without(object, 'stringData'), data: { ...stringsAt(object, 'data'), ...Object.fromEntries(encoded) } };
}

/** `fields` read from text at the paths they name. */
export function textFields(object: KubeObject, names: readonly string[]): Fields {
  return Object.fromEntries(names.map((name) => [name, textAt(object, ...name.split('.'))]));
}

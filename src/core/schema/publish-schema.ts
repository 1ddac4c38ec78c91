import { definitionsIn, type JsonSchema } from './json-schema.js';

/** Go durations: numbers, each with a unit. */
const DURATION_PATTERN = '^[-+]?(0|([0-9]+(\\.[0-9]*)?|\\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+$';
const QUANTITY_PATTERN = '^[-+]?([0-9]+(\\.[0-9]*)?|\\.[0-9]+)([eE][-+]?[0-9]+|[numkMGTPE]|[KMGTPE]i)?$';
const DIRECTIVE_PATTERN = '^\\$(patch|retainKeys|setElementOrder/.*|deleteFromPrimitiveList/.*)$';

/** A JSON Schema as it is written to a file. */
export type PublishedSchema = Readonly<Record<string, unknown>>;

export interface PublishInput {
  readonly id: string;
  readonly title: string;
  readonly description: string;
  /** Properties of the document. */
  readonly properties: Readonly<Record<string, PublishedSchema>>;
  /** What the properties may refer to; only what they reach is published. */
  readonly definitions: Readonly<Record<string, JsonSchema>>;
  /** Definitions used as patches: nothing is required in them, null and directives are allowed. */
  readonly isPatch: (definition: string) => boolean;
}

/** Writes a closed draft-07 schema that editors and validators understand without our own formats. */
export function publishSchema({ definitions, isPatch, ...document }: PublishInput): PublishedSchema {
  const published: Record<string, PublishedSchema> = {};
  const queue = definitionsIn(document.properties);
  for (const name of queue) {
    const definition = definitions[name];
    if (definition === undefined || published[name] !== undefined) continue;
    published[name] = publishNode(definition, { patch: isPatch(name) });
    queue.push(...definitionsIn(published[name]));
  }
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    $id: document.id,
    title: document.title,
    description: document.description,
    type: 'object',
    additionalProperties: false,
    properties: document.properties,
    definitions: Object.fromEntries(Object.entries(published).sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

/** One schema of ours in plain JSON Schema; `patch` as in `PublishInput.isPatch`. */
export function publishNode(schema: JsonSchema, { patch }: { readonly patch: boolean }): PublishedSchema {
  const { properties, items, additionalProperties, required, format, ...others } = schema;
  const node: Record<string, unknown> = { ...others, ...publishFormat(format) };
  if (items !== undefined) node['items'] = publishNode(items, { patch });
  if (properties !== undefined) {
    node['properties'] = mapValues(properties, (property) => publishNode(property, { patch }));
    if (patch) node['patternProperties'] = { [DIRECTIVE_PATTERN]: {} };
    node['additionalProperties'] = false;
  }
  if (typeof additionalProperties === 'object') {
    node['additionalProperties'] = publishNode(additionalProperties, { patch });
  }
  if (required !== undefined && !patch) node['required'] = required;
  return patch ? nullable(node) : node;
}

function publishFormat(format: string | undefined): PublishedSchema {
  switch (format) {
    case 'duration':
      return { pattern: DURATION_PATTERN, type: ['string', 'integer'] };
    case 'quantity':
      return { type: ['string', 'number'], pattern: QUANTITY_PATTERN };
    case 'int-or-string':
      return { type: ['integer', 'string'] };
    case 'date-time':
      return { format };
    default:
      // int32, byte and the like mean nothing to most validators.
      return {};
  }
}

function nullable(node: Readonly<Record<string, unknown>>): PublishedSchema {
  const { type, enum: choices, ...others } = node;
  if (type === undefined) return node;
  const choicesWithNull = Array.isArray(choices) ? { enum: [...(choices as unknown[]), null] } : {};
  return { ...others, type: [type, 'null'].flat(), ...choicesWithNull };
}

function mapValues<V, W>(values: Readonly<Record<string, V>>, change: (value: V) => W): Record<string, W> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, change(value)]));
}

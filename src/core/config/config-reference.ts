import { kubernetesDefinitions } from '../schema/kubernetes-definitions.generated.js';
import { definitionOf, type JsonSchema } from '../schema/json-schema.js';
import { publishNode, type PublishedSchema, publishSchema } from '../schema/publish-schema.js';
import { configDefinitions } from './config-definitions.js';
import { type ConfigKey, defaultText, envNames } from './config-key.js';
import { allowedValues } from './read-value.js';
import { CONFIG_ENTRIES, RETIRED_KEYS } from './schema.js';
import { sectionDefinitions } from './section-definitions.js';

/** The JSON Schema of the configuration file, for editors and validators. */
export function configJsonSchema(): PublishedSchema {
  const keys = CONFIG_ENTRIES.map(({ key }) => [key.key, keySchema(key)] as const);
  const retired = Object.entries(RETIRED_KEYS)
    .filter(([, { accepted }]) => accepted)
    .map(
      ([key, { reason }]) => [key, { type: 'string', deprecated: true, description: `No effect: ${reason}.` }] as const,
    );
  return publishSchema({
    id: 'urn:agent-stack-k8s:controller-config',
    title: 'Configuration of agent-stack-k8s',
    description: 'The file given by --config, -f or the variable CONFIG.',
    properties: Object.fromEntries([...keys, ...retired]),
    definitions: configDefinitions,
    // The same Kubernetes types serve pod-spec-patch and complete volumes; the resolver tells them apart.
    isPatch: (name) => Object.hasOwn(kubernetesDefinitions, name),
  });
}

function keySchema(key: ConfigKey): PublishedSchema {
  return {
    description: key.description,
    ...valueSchema(key),
    ...(key.noEffect === undefined ? {} : { deprecated: true }),
    ...(defaultText(key) === '' ? {} : { default: key.kind === 'duration' ? defaultText(key) : key.default }),
  };
}

function valueSchema(key: ConfigKey): PublishedSchema {
  switch (key.kind) {
    case 'integer':
      return { type: 'integer', ...defined({ minimum: key.min, maximum: key.max }) };
    case 'boolean':
      return { type: 'boolean' };
    case 'duration':
      return publishNode({ format: 'duration' }, { patch: false });
    case 'quantity':
      return { ...publishNode({ format: 'quantity' }, { patch: false }), type: 'string' };
    case 'list':
    case 'section':
      return publishNode(key.schema ?? {}, { patch: false });
    case 'text':
      return { type: 'string', ...defined({ enum: key.allowed, minLength: key.required === true ? 1 : undefined }) };
  }
}

function defined(values: PublishedSchema): PublishedSchema {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

/** The tables of the documentation: all keys by group, then the fields of the nested sections. */
export function configReference(): string {
  const groups = [...new Set(CONFIG_ENTRIES.map(({ group }) => group))];
  const sections = Object.entries(sectionDefinitions) as [string, JsonSchema][];
  return [
    ...groups.flatMap((group) => [`### ${group}`, groupTable(group)]),
    '## Nested sections',
    ...sections.flatMap(([name, schema]) => [`### ${name}`, schema.description ?? '', fieldTable(schema)]),
  ].join('\n\n');
}

function groupTable(group: string): string {
  const keys = CONFIG_ENTRIES.filter((entry) => entry.group === group).map(({ key }) => key);
  return table([
    ['Key', 'Value', 'Default', 'Variable', 'Since', 'Meaning'],
    ...keys.map((key) => [
      code(key.key),
      valueText(key),
      code(defaultText(key)),
      envNames(key).map(code).join(', ') || 'file only',
      key.since,
      key.noEffect === undefined ? key.description : `No effect: ${key.noEffect}. ${key.description}`,
    ]),
  ]);
}

function valueText(key: ConfigKey): string {
  if (key.kind === 'section') return typeText(key.schema ?? {});
  const unit = key.unit === undefined || key.unit === 'port' ? '' : ` (${key.unit})`;
  const allowed = allowedValues(key)
    .replace(/^an? /, '')
    .replace(/ such as .*?(?= from | of at |$)/, '');
  return allowed + unit;
}

function fieldTable(schema: JsonSchema): string {
  const fields = Object.entries(schema.properties ?? {});
  return table([
    ['Field', 'Value', 'Meaning'],
    ...fields.map(([name, field]) => [code(name), typeText(field), field.description ?? '']),
  ]);
}

function typeText(schema: JsonSchema): string {
  const name = definitionOf(schema);
  if (name !== undefined) return Object.hasOwn(sectionDefinitions, name) ? sectionLink(name) : kubernetesLink(name);
  if (schema.enum !== undefined) return schema.enum.map((word) => (word === '' ? '""' : String(word))).join(', ');
  if (schema.format !== undefined) return schema.format;
  if (schema.type === 'array') return `list of ${typeText(schema.items ?? {})}`;
  const { additionalProperties: values } = schema;
  if (typeof values === 'object') return `map of ${typeText(values)}`;
  return { boolean: 'true or false', integer: 'whole number' }[String(schema.type)] ?? 'text';
}

function sectionLink(name: string): string {
  return `[${name}](#${name.toLowerCase()})`;
}

function kubernetesLink(name: string): string {
  return `Kubernetes ${name}`;
}

function table(rows: readonly (readonly string[])[]): string {
  const [head = [], ...body] = rows.map((row) => row.map((cell) => cell.replaceAll('|', '\\|')));
  return [head, head.map(() => '---'), ...body].map((row) => `| ${row.join(' | ')} |`).join('\n');
}

function code(text: string): string {
  return text === '' ? '' : `\`${text}\``;
}

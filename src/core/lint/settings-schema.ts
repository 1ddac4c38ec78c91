import type { JsonSchema } from '../schema/json-schema.js';
import { publishNode, type PublishedSchema, publishSchema } from '../schema/publish-schema.js';
import type { RuleInfo } from './rule.js';

const LEVELS = ['off', 'info', 'warning', 'error'] as const;
const PRESETS = ['recommended', 'strict'] as const;
const TEXTS: JsonSchema = { type: 'array', items: { type: 'string' } };

const RULES = {
  type: 'object',
  description: 'Severity by rule id, or by "area/*" for all rules of an area; the more exact one wins.',
  additionalProperties: { type: 'string', enum: LEVELS },
} as const satisfies JsonSchema;

const PRESET: JsonSchema = {
  type: 'string',
  enum: PRESETS,
  description: '"strict" turns on opinions and raises some severities.',
};

const OVERRIDE: JsonSchema = {
  type: 'object',
  description: 'Other rules for some files; later overrides win.',
  required: ['files'],
  properties: {
    files: { ...TEXTS, description: 'Globs, from the folder of this file.' },
    preset: PRESET,
    rules: RULES,
  },
};

/** The one source of truth for `.agent-stack-lint.yaml`: reading, the published schema and the documentation derive from it. */
export const SETTINGS_PROPERTIES = {
  preset: { ...PRESET, default: 'recommended' },
  rules: RULES,
  overrides: { type: 'array', items: OVERRIDE, description: 'Other rules for some files; later overrides win.' },
  ignore: { ...TEXTS, description: 'Globs of files that are never linted, from the folder of this file.' },
  'known-env': { ...TEXTS, description: 'Names of variables that are set when pipelines are uploaded.' },
  'no-interpolation': {
    type: 'boolean',
    default: false,
    description: 'Pipelines are uploaded with --no-interpolation, so "$" means nothing.',
  },
  'require-ignore-reason': {
    type: 'boolean',
    default: true,
    description: 'A lint-ignore comment without a reason ignores nothing.',
  },
  'max-warnings': {
    type: 'integer',
    minimum: 0,
    description: 'More warnings than this are a failure; without it their number does not matter.',
  },
  'fail-on': {
    type: 'string',
    enum: ['error', 'warning', 'info'],
    default: 'error',
    description: 'Least severity that is a failure.',
  },
  queues: { ...TEXTS, description: 'Names of the queues that exist; a step with another one is reported.' },
  'images-without-shell': {
    ...TEXTS,
    description: 'Images that hold no shell, so that commands cannot run in them; "*" stands for any text.',
  },
  baseline: {
    type: 'string',
    description: 'File with known findings, which are not reported; from the folder of this file.',
  },
  config: { type: 'string', description: 'Configuration file of the controller; from the folder of this file.' },
  facts: { type: 'string', description: 'Snapshot of the cluster; from the folder of this file.' },
  'agent-version': { type: 'string', description: 'Version of buildkite-agent, such as "3.136.2".' },
  'controller-version': { type: 'string', description: 'Version of the controller, such as "0.47.0".' },
  'kubernetes-version': { type: 'string', description: 'Version of Kubernetes, such as "1.36".' },
} as const satisfies Readonly<Record<string, JsonSchema>>;

/** A key of the settings file. */
export type SettingsKey = keyof typeof SETTINGS_PROPERTIES;

/** The settings file as a schema for `decode`. */
export const SETTINGS_SCHEMA: JsonSchema = { type: 'object', properties: SETTINGS_PROPERTIES };

/** The JSON Schema of the settings file, with the ids of the rules, for editors and validators. */
export function settingsJsonSchema(rules: readonly RuleInfo[]): PublishedSchema {
  return publishSchema({
    id: 'urn:agent-stack-k8s:lint-config',
    title: 'Settings of agent-stack-k8s lint',
    description: 'The file .agent-stack-lint.yaml, or the one given by --lint-config.',
    properties: Object.fromEntries(
      Object.entries(SETTINGS_PROPERTIES).map(([key, schema]) => [key, withRuleIds(schema, rules)]),
    ),
    definitions: {},
    isPatch: () => false,
  });
}

function withRuleIds(schema: JsonSchema, rules: readonly RuleInfo[]): PublishedSchema {
  const { items, ...node } = schema;
  if (schema === RULES) return rulesNode(rules);
  if (items?.properties === undefined) return publishNode(schema, { patch: false });
  return { ...publishNode(node, { patch: false }), items: overrideNode(items, rules) };
}

function overrideNode(schema: JsonSchema, rules: readonly RuleInfo[]): PublishedSchema {
  const properties = Object.entries(schema.properties ?? {}).map(([key, value]) => [key, withRuleIds(value, rules)]);
  return { ...publishNode(schema, { patch: false }), properties: Object.fromEntries(properties) as unknown };
}

function rulesNode(rules: readonly RuleInfo[]): PublishedSchema {
  const areas = areasOf(rules.map(({ id }) => id));
  const names = [
    ...areas.map((area) => [area, ''] as const),
    ...rules.map(({ id, summary }) => [id, summary] as const),
  ];
  const { additionalProperties: level, ...node } = RULES;
  return {
    ...node,
    additionalProperties: false,
    properties: Object.fromEntries(
      names.map(([name, description]) => [name, { ...level, ...(description === '' ? {} : { description }) }]),
    ),
  };
}

/** `area/*` for every area among the ids of rules. */
export function areasOf(ruleIds: readonly string[]): readonly string[] {
  return [...new Set(ruleIds.filter((id) => id.includes('/')).map((id) => id.replace(/\/.*$/, '/*')))];
}

import { type AttributeShape, SIGNAL_REASONS } from '../pipeline/step-attributes.js';
import { kubernetesPluginSchema } from '../job/kubernetes-plugin.js';
import type { PublishedSchema } from '../schema/publish-schema.js';

/** Text in which a variable or a token of a matrix stands for something. */
export const MAYBE_VARIABLE: PublishedSchema = { type: 'string', pattern: '\\$|\\{\\{' };

const NOTHING: PublishedSchema = { type: 'null' };
const ref = (name: AttributeShape | 'step' | 'KubernetesPlugin' | `${string}Step`): PublishedSchema => ({
  $ref: `#/definitions/${name}`,
});
const closed = (properties: Readonly<Record<string, PublishedSchema>>): PublishedSchema => ({
  type: 'object',
  properties,
  additionalProperties: false,
});
const words = (...allowed: string[]): PublishedSchema => ({ anyOf: [{ enum: allowed }, MAYBE_VARIABLE, NOTHING] });
const listOf = (items: PublishedSchema): PublishedSchema => ({ type: 'array', items });
const mapOf = (values: PublishedSchema): PublishedSchema => ({ type: 'object', additionalProperties: values });
const oneOrMore = (items: PublishedSchema): PublishedSchema => ({ anyOf: [items, listOf(items)] });

/** Numbers and booleans become text. */
const text: PublishedSchema = { type: ['string', 'number', 'boolean', 'null'] };
const flag: PublishedSchema = { anyOf: [{ type: ['boolean', 'null'] }, { enum: ['true', 'false'] }, MAYBE_VARIABLE] };
const integer: PublishedSchema = {
  anyOf: [{ type: ['integer', 'null'] }, { type: 'string', pattern: '^[-+]?[0-9]+$' }, MAYBE_VARIABLE],
};
const exitStatus = oneOrMore({ anyOf: [integer, { enum: ['*'] }] });

const pluginFields = Object.keys(kubernetesPluginSchema.properties ?? {}).filter((name) => /[A-Z]/.test(name));
/** A mapping from a plugin to its configuration. */
const plugin: PublishedSchema = {
  type: 'object',
  properties: { kubernetes: ref('KubernetesPlugin') },
  propertyNames: {
    allOf: [
      { not: { pattern: '^(?:[Kk]ubernetes#|Kubernetes$|k8s$)' } },
      // A field of the kubernetes plugin that is not indented below it.
      { not: { enum: pluginFields } },
    ],
  },
};

const automatic = closed({
  exit_status: exitStatus,
  limit: integer,
  signal: text,
  signal_reason: words(...SIGNAL_REASONS),
});

const globs = oneOrMore(text);
const skip: PublishedSchema = text;
const softFail: PublishedSchema = {
  anyOf: [flag, oneOrMore({ type: 'object', properties: { exit_status: exitStatus } })],
};
const element: PublishedSchema = { type: ['string', 'number', 'boolean'] };

/** What may stand behind each kind of attribute, by the name of its definition. */
export const SHAPES: Readonly<Record<AttributeShape | 'step', PublishedSchema>> = {
  text,
  textOrNull: text,
  flag,
  integer,
  texts: { anyOf: [text, listOf(text)] },
  object: { type: ['object', 'null'] },
  agents: { anyOf: [text, mapOf(text), listOf({ anyOf: [text, mapOf(text)] })] },
  blockedState: words('passed', 'failed', 'running'),
  cache: { anyOf: [text, listOf(text), { type: 'object' }] },
  checkout: { type: ['object', 'boolean', 'null'] },
  commands: { anyOf: [text, listOf(text)] },
  concurrencyMethod: words('ordered', 'eager'),
  dependsOn: {
    anyOf: [text, oneOrMore({ anyOf: [text, closed({ step: text, allow_failure: flag })] })],
  },
  env: { anyOf: [mapOf(text), NOTHING] },
  fields: { anyOf: [listOf({ type: 'object', required: ['key'] }), NOTHING] },
  ifChanged: { anyOf: [text, globs, closed({ include: globs, exclude: globs })] },
  key: {
    anyOf: [
      { type: ['integer', 'null'] },
      {
        type: 'string',
        pattern: '^[A-Za-z0-9_:.,-]+$',
        not: { pattern: '^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$' },
      },
      MAYBE_VARIABLE,
    ],
  },
  matrix: {
    anyOf: [
      listOf(element),
      {
        type: 'object',
        required: ['setup'],
        properties: {
          setup: { anyOf: [listOf(element), mapOf(oneOrMore(element))] },
          adjustments: listOf({
            type: 'object',
            required: ['with'],
            properties: { with: { anyOf: [oneOrMore(element), mapOf(element)] }, skip, soft_fail: softFail },
          }),
        },
      },
      NOTHING,
    ],
  },
  notify: { anyOf: [listOf({ type: ['string', 'object'] }), NOTHING] },
  plugins: {
    anyOf: [
      listOf({ anyOf: [{ type: 'string', not: { pattern: '^[Kk]ubernetes#' } }, plugin] }),
      { ...plugin, deprecated: true, deprecationMessage: 'write a list, one item for each plugin' },
      NOTHING,
    ],
  },
  retry: {
    anyOf: [
      closed({
        automatic: { anyOf: [flag, oneOrMore(automatic)] },
        manual: { anyOf: [flag, closed({ allowed: flag, permit_on_passed: flag, reason: text })] },
      }),
      NOTHING,
    ],
  },
  secrets: { anyOf: [text, mapOf(text), listOf({ type: ['string', 'object'] })] },
  skip,
  softFail,
  steps: { anyOf: [listOf(ref('step')), NOTHING] },
  stepType: {
    enum: ['command', 'commands', 'script', 'wait', 'waiter', 'block', 'manual', 'input', 'trigger', 'group'],
  },
  triggeredBuild: {
    anyOf: [
      closed({ branch: text, commit: text, message: text, env: ref('env'), meta_data: { type: ['object', 'null'] } }),
      NOTHING,
    ],
  },
  step: {
    anyOf: [
      { enum: ['wait', 'waiter', 'block', 'input'] },
      ref('commandStep'),
      ref('waitStep'),
      ref('blockStep'),
      ref('inputStep'),
      ref('triggerStep'),
      ref('groupStep'),
    ],
  },
};

import { kubernetesPluginSchema, pluginDefinitions } from '../../job/kubernetes-plugin.js';
import {
  type AttributeShape,
  PIPELINE_ATTRIBUTES,
  STEP_ATTRIBUTES,
  type StepType,
} from '../../pipeline/step-attributes.js';
import { definitionsIn, type JsonSchema } from '../../schema/json-schema.js';
import { publishNode, type PublishedSchema } from '../../schema/publish-schema.js';
import { PLUGIN_HELP } from './editor-help.js';
import { MAYBE_VARIABLE, SHAPES } from './editor-shapes.js';

const DRAFT = 'http://json-schema.org/draft-07/schema#';

/** The JSON Schema of the `kubernetes` plugin's configuration. */
export function pluginJsonSchema(): PublishedSchema {
  const { type, ...plugin } = publishPlugin();
  return {
    $schema: DRAFT,
    $id: 'urn:agent-stack-k8s:kubernetes-plugin',
    title: 'The kubernetes plugin of a Buildkite step',
    description: 'What a step may say about the pod that agent-stack-k8s runs it in.',
    type,
    ...plugin,
    definitions: definitionsBelow(plugin),
  };
}

/** The JSON Schema of a whole pipeline file, with the kubernetes plugin in it. */
export function pipelineJsonSchema(): PublishedSchema {
  const KubernetesPlugin = publishPlugin();
  const properties = Object.fromEntries(Object.entries(PIPELINE_ATTRIBUTES).map(([name, of]) => [name, attribute(of)]));
  const steps = Object.fromEntries(STEP_TYPES.map((type) => [`${type}Step`, stepSchema(type)]));
  return {
    $schema: DRAFT,
    $id: 'urn:agent-stack-k8s:pipeline',
    title: 'A Buildkite pipeline',
    description: 'The file that buildkite-agent uploads; the old form is a list of steps only.',
    anyOf: [{ type: 'object', required: ['steps'], properties }, { $ref: '#/definitions/steps' }],
    definitions: {
      ...SHAPES,
      ...steps,
      KubernetesPlugin,
      ...definitionsBelow(KubernetesPlugin),
    },
  };
}

const STEP_TYPES: readonly StepType[] = ['command', 'wait', 'block', 'input', 'trigger', 'group'];

/** Attributes any of which makes a step one of its type. */
const MAKING: Readonly<Record<StepType, readonly string[]>> = {
  command: ['command', 'commands', 'script', 'plugins'],
  wait: ['wait', 'waiter'],
  block: ['block', 'manual'],
  input: ['input'],
  trigger: ['trigger'],
  group: ['group'],
};

const TYPE_NAMES: Readonly<Record<StepType, readonly string[]>> = {
  command: ['command', 'commands', 'script'],
  wait: ['wait', 'waiter'],
  block: ['block', 'manual'],
  input: ['input'],
  trigger: ['trigger'],
  group: ['group'],
};

function stepSchema(type: StepType): PublishedSchema {
  const known = Object.entries(STEP_ATTRIBUTES).filter(([, { on }]) => (on as readonly StepType[]).includes(type));
  const ofType = { required: ['type'], properties: { type: { enum: TYPE_NAMES[type] } } };
  return {
    type: 'object',
    properties: Object.fromEntries(
      known.map(([name, of]) => [name, mayNest(name, type) ? orNested(attribute(of)) : attribute(of)]),
    ),
    additionalProperties: false,
    anyOf: [...MAKING[type].map((name) => ({ required: [name] })), ofType],
  };
}

function mayNest(name: string, type: StepType): boolean {
  return MAKING[type].includes(name) && name !== 'plugins' && name !== 'group';
}

/** `wait: {key: x}`: the attributes of the step may stand one level deeper. */
function orNested({ allOf, ...attribute }: PublishedSchema): PublishedSchema {
  return { ...attribute, anyOf: [...(allOf as readonly PublishedSchema[]), { type: 'object' }] }; // as `attribute` made it
}

interface Described {
  readonly shape: AttributeShape;
  readonly description: string;
  readonly deprecated?: string;
}

/** In draft-07 nothing counts beside a `$ref`, hence the list of one. */
function attribute({ shape, description, deprecated }: Described): PublishedSchema {
  const old = deprecated === undefined ? {} : { deprecated: true, deprecationMessage: deprecated };
  return { description, ...old, allOf: [{ $ref: `#/definitions/${shape}` }] };
}

function publishPlugin(): PublishedSchema {
  const node = publishEditorNode(kubernetesPluginSchema, { directives: false });
  const properties = node['properties'] as Readonly<Record<string, PublishedSchema>>; // made from an object's schema just above
  const described = Object.entries(properties).map(([name, property]) => {
    const help = PLUGIN_HELP.get(name) ?? {};
    return [name, property['$ref'] === undefined ? { ...help, ...property } : { ...help, allOf: [property] }];
  });
  return { ...node, properties: Object.fromEntries(described) };
}

/** All definitions that a published schema reaches. */
function definitionsBelow(schema: PublishedSchema): Readonly<Record<string, PublishedSchema>> {
  const published: Record<string, PublishedSchema> = {};
  const queue = definitionsIn(schema);
  for (const name of queue) {
    const definition = pluginDefinitions[name];
    if (definition === undefined || published[name] !== undefined) continue;
    published[name] = publishEditorNode(definition, { directives: !OWN.has(name) });
    queue.push(...definitionsIn(published[name]));
  }
  return Object.fromEntries(Object.entries(published).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Definitions of ours, which are never patched. */
const OWN: ReadonlySet<string> = new Set([
  'CheckoutParams',
  'GitMirrors',
  'CommandParams',
  'SidecarParams',
  'Metadata',
]);

/**
 * Like the decoder of the controller: null is absent, nothing is required (the controller names containers, a patch leaves out what it does
 * not change), and text that holds a variable may become any of the allowed words.
 */
function publishEditorNode(schema: JsonSchema, { directives }: { readonly directives: boolean }): PublishedSchema {
  const { patternProperties, ...node } = publishNode(schema, { patch: true });
  const relaxed = relax(directives && patternProperties !== undefined ? { ...node, patternProperties } : node);
  return relaxed as PublishedSchema; // an object stays an object
}

function relax(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(relax);
  if (typeof value !== 'object' || value === null) return value;
  const node = Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, relax(inner)]));
  const { enum: words, pattern, ...others } = node;
  if (Array.isArray(words)) return { ...others, anyOf: [{ enum: words }, MAYBE_VARIABLE] };
  return typeof pattern === 'string' ? { ...others, anyOf: [{ pattern }, MAYBE_VARIABLE] } : node;
}

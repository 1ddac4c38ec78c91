import type { JsonSchema } from '../../schema/json-schema.js';
import type { ScalarNode } from '../../pipeline/source-tree.js';
import { mappingInText, quote, replaceValue, sourceOf } from '../edits.js';
import type { Fix } from '../finding.js';
import { isUnknown } from '../placeholder.js';
import { writtenText } from '../nodes.js';
import type { Found } from '../rule.js';
import type { PluginPlace } from './plugin-place.js';
import { PLUGIN } from './plugin-schema.js';
import { rewriteShape, wrapInList, wrapUnder } from './shape-fixes.js';
import { ownerWord, REFUSED } from './words.js';

type Said = Omit<Found, 'at'>;

/** What a value of a wrong type is, by the first of these that knows it. */
const EXPLAIN: readonly ((place: PluginPlace) => Said | undefined)[] = [
  wholePlugin,
  pluginField,
  gitCredentials,
  envValue,
  commandList,
  mapValue,
  interposer,
  ownSection,
  listOrMap,
  quantity,
  numberTrap,
];

/** The one finding for a value that is not of the type that the plugin or the pod wants. */
export function explainWrongType(place: PluginPlace): Found {
  const said = EXPLAIN.map((explain) => explain(place)).find((each) => each !== undefined) ?? {
    rule: isOwn(place) ? 'kubernetes/type' : 'pod/type',
    message: `"${nameOf(place)}" ${place.issue.message}; ${REFUSED}`,
  };
  return { ...said, at: place.at };
}

function wholePlugin({ path, node, text }: PluginPlace): Said | undefined {
  if (path.length > 0) return undefined;
  const isText = node?.kind === 'scalar' && (node.style === 'literal' || node.style === 'folded');
  return {
    rule: 'kubernetes/type',
    message: `the kubernetes plugin is configured with a mapping, not with ${describe(node)}; ${REFUSED}; ${isText ? 'remove the "|"' : 'write its fields as "key: value", e.g. podSpecPatch'}`,
    fix: isText ? withoutBlockSign(text, node) : undefined,
  };
}

/** The three fields that say what the pod is. */
function pluginField(place: PluginPlace): Said | undefined {
  const { path, key, node } = place;
  if (path.length !== 1) return undefined;
  if (key === 'podTemplate') return podTemplate(place);
  const rules = new Map([
    ['podspec', 'kubernetes/podspec-type'],
    ['podspecpatch', 'kubernetes/podspecpatch-type'],
  ]);
  const rule = rules.get(key.toLowerCase());
  if (rule === undefined) return undefined;
  const message = `"${key}" must be a mapping, not ${describe(node)}; ${REFUSED}`;
  if (node?.kind === 'list')
    return {
      rule,
      message: `${message}; write these items under "${key}.containers"`,
      fix: wrapUnder(place, 'containers'),
    };
  const isText = node?.kind === 'scalar' && (node.style === 'literal' || node.style === 'folded');
  return {
    rule,
    message: `${message}; ${isText ? `remove the "${place.text.charAt(node.start)}"` : 'write the fields of the pod below it'}`,
    fix: isText ? withoutBlockSign(place.text, node) : undefined,
  };
}

/** `key: |` with a mapping below it is that mapping, once the sign is gone. */
function withoutBlockSign(text: string, scalar: ScalarNode): Fix | undefined {
  const source = text.slice(scalar.start, scalar.end);
  const [sign = ''] = /^[|>][-+]?(?=\r?\n)/.exec(source) ?? [];
  if (sign === '' || scalar.alias !== undefined || mappingInText(scalar.text) === undefined) return undefined;
  return {
    description: `remove the ${sign}`,
    edits: [{ start: scalar.start, end: scalar.start + sign.length, text: '' }],
  };
}

function podTemplate({ node, text }: PluginPlace): Said {
  const isScalar = node?.kind === 'scalar';
  return {
    rule: 'kubernetes/podtemplate-type',
    message: `"podTemplate" is the name of a PodTemplate of the cluster, not ${describe(node)}; ${REFUSED}; ${isScalar ? 'put quotes around it' : 'write a pod of your own under "podSpec"'}`,
    fix: isScalar ? quote(text, node) : undefined,
  };
}

function gitCredentials({ path, node, text }: PluginPlace): Said | undefined {
  if (path[0] !== 'checkout' || path[1] !== 'gitCredentialsSecret' || path.length > 2) return undefined;
  const name = node?.kind === 'scalar' && typeof node.value === 'string' ? sourceOf(text, node) : undefined;
  return {
    rule: 'kubernetes/git-credentials-secret',
    message: `"gitCredentialsSecret" is a secret volume, not ${describe(node)}; ${REFUSED}; write {secretName: ${name ?? '…'}}`,
    fix: name === undefined ? undefined : replaceValue(text, node, `{secretName: ${name}}`),
  };
}

function envValue({ owner, key, node, text }: PluginPlace): Said | undefined {
  if (owner !== 'EnvVar' || key !== 'value') return undefined;
  if (node?.kind !== 'scalar')
    return {
      rule: 'pod/env-string',
      message: `an env value must be a string, not ${describe(node)}; ${REFUSED}; write it as one text in quotes, or take it from somewhere with "valueFrom"`,
    };
  const source = sourceOf(text, node);
  return {
    rule: 'pod/env-string',
    message: `an env value must be a string, but YAML reads ${source} as a ${typeof node.value}; ${REFUSED}; write "${source}" in quotes`,
    fix: quote(text, node),
  };
}

const COMMANDS: ReadonlySet<string> = new Set(['Container', 'EphemeralContainer', 'ExecAction']);

function commandList(place: PluginPlace): Said | undefined {
  const { owner, key, node, text, path } = place;
  const name = key.toLowerCase();
  if (!COMMANDS.has(owner ?? '') || (name !== 'command' && name !== 'args')) return undefined;
  if (typeof path.at(-1) === 'number') return commandItem(place);
  const of = owner === 'ExecAction' ? '"exec"' : 'a container';
  const source =
    node?.kind === 'scalar' && node.style !== 'literal' && node.style !== 'folded' ? sourceOf(text, node) : undefined;
  const shown =
    source === undefined || source.length > 60
      ? 'a list with it as the one item'
      : `["${source.replace(/^["']|["']$/g, '')}"]`;
  return {
    rule: 'pod/command-type',
    message: `"${key}" of ${of} is a list of strings, unlike the step's own "command", but this is ${describe(node)}; ${REFUSED}; write ${shown}`,
    fix: wrapInList(place),
  };
}

function commandItem({ key, node, text }: PluginPlace): Said {
  const colon = node?.kind === 'map' ? '; a text with ": " in it needs quotes' : '';
  const source = node?.kind === 'scalar' ? `; write "${sourceOf(text, node)}" in quotes` : colon;
  return {
    rule: 'pod/command-type',
    message: `the items of "${key}" must be strings, but this is ${describe(node)}; ${REFUSED}${source}`,
    fix: node?.kind === 'scalar' ? quote(text, node) : undefined,
  };
}

/** Labels, annotations, node selectors: mappings of texts. */
function mapValue({ owners, owner, schema, node, key, text, path }: PluginPlace): Said | undefined {
  const around = owners.at(-1)?.schema;
  if (owner !== undefined || schema?.type !== 'string' || typeof around?.additionalProperties !== 'object')
    return undefined;
  const map = path.slice(0, -1).findLast((segment) => typeof segment === 'string') ?? '';
  if (node?.kind !== 'scalar')
    return {
      rule: 'pod/map-string',
      message: `the values of "${map}" are strings, but "${key}" is ${describe(node)}; ${REFUSED}; write one text`,
    };
  const source = sourceOf(text, node);
  return {
    rule: 'pod/map-string',
    message: `the values of "${map}" are strings, but YAML reads ${source} as a ${typeof node.value}; ${REFUSED}; write "${source}" in quotes`,
    fix: quote(text, node),
  };
}

function interposer({ owner, key }: PluginPlace): Said | undefined {
  if (owner !== 'CommandParams' || key !== 'interposer') return undefined;
  return {
    rule: 'kubernetes/interposer',
    message: `"interposer" must be "buildkite" (the default), "vector" or "legacy"; ${REFUSED}`,
  };
}

const OWN_TYPES: ReadonlySet<string> = new Set([
  PLUGIN,
  'CheckoutParams',
  'CommandParams',
  'SidecarParams',
  'GitMirrors',
  'Metadata',
]);

function isOwn({ owner }: PluginPlace): boolean {
  return owner !== undefined && OWN_TYPES.has(owner);
}

/** Parts of the plugin itself that are not of their type; lists and free mappings are told by `pod/list-or-map`. */
function ownSection(place: PluginPlace): Said | undefined {
  const { schema, node, key, text, type, value, path } = place;
  const isStructure =
    schema?.type === 'array' || (schema?.type === 'object' && (type === undefined || !OWN_TYPES.has(type)));
  if (!isOwn(place) || isStructure || typeof path.at(-1) === 'number') return undefined;
  const rule = 'kubernetes/type';
  if (key === 'checkout') return checkout(place);
  if (schema?.type === 'object')
    return {
      rule,
      message: `"${key}" must be a mapping, not ${describe(node)}; ${REFUSED}; write its fields below it`,
    };
  const scalar = node?.kind === 'scalar' ? scalarFix(schema, node, text) : undefined;
  return {
    rule,
    message: `"${key}" must be ${wanted(schema)}, but is ${describe(node, value)}; ${REFUSED}${scalar === undefined ? '' : `; ${scalar.advice}`}`,
    fix: scalar?.fix,
  };
}

function checkout({ node, text }: PluginPlace): Said {
  const off = node?.kind === 'scalar' && node.text === 'false';
  return {
    rule: 'kubernetes/type',
    message: `"checkout" must be a mapping, not ${describe(node)}; ${REFUSED}; to leave the checkout out write "checkout: {skip: true}"`,
    fix: off ? replaceValue(text, node, '{skip: true}') : undefined,
  };
}

function listOrMap(place: PluginPlace): Said | undefined {
  const { schema, node, type } = place;
  const wantsList = schema?.type === 'array';
  const wantsMap = schema?.type === 'object' || (type !== undefined && schema?.properties !== undefined);
  if (!wantsList && !wantsMap && node?.kind === 'scalar') return undefined;
  const { advice, fix } = rewriteShape(place);
  return {
    rule: 'pod/list-or-map',
    message: `"${nameOf(place)}" ${shapeMessage(place)}; ${REFUSED}${advice === undefined ? '' : `; ${advice}`}`,
    fix,
  };
}

function shapeMessage({ schema, node, path, type }: PluginPlace): string {
  const isItem = typeof path.at(-1) === 'number';
  const want =
    schema?.type === 'array'
      ? 'a list'
      : schema?.type === 'object' || type !== undefined
        ? 'a mapping'
        : 'a single value';
  return isItem
    ? `has items that must each be ${want}, but this is ${describe(node)}`
    : `must be ${want}, but is ${describe(node)}`;
}

function quantity({ schema, node, key }: PluginPlace): Said | undefined {
  if (schema?.format !== 'quantity') return undefined;
  return {
    rule: 'resources/quantity',
    message: `"${key}" must be a quantity such as "500m" or "2Gi", but is ${describe(node)}; ${REFUSED}`,
  };
}

/** Numbers, booleans and strings that YAML reads as another of them. */
function numberTrap(place: PluginPlace): Said | undefined {
  const { node, schema, text, value } = place;
  if (node?.kind !== 'scalar') return undefined;
  const scalar = scalarFix(schema, node, text);
  if (scalar === undefined) return undefined;
  return {
    rule: 'yaml/number-trap',
    message: `"${nameOf(place)}" must be ${wanted(schema)}, but this is ${describe(node, value)}; ${REFUSED}; ${scalar.advice}`,
    fix: scalar.fix,
  };
}

interface ScalarRemedy {
  readonly advice: string;
  readonly fix: Fix | undefined;
}

/** How a scalar becomes one of the wanted type; undefined when that takes more than quotes. */
function scalarFix(schema: JsonSchema | undefined, node: ScalarNode, text: string): ScalarRemedy | undefined {
  const source = sourceOf(text, node);
  if (schema?.type === 'string' && typeof node.value !== 'string')
    return { advice: `write "${source}" in quotes`, fix: quote(text, node) };
  if (typeof node.value !== 'string') return undefined;
  if (isUnknown(node.text) || node.written !== undefined)
    return { advice: `a variable in a pipeline always becomes text, so write the value itself`, fix: undefined };
  const bare = bareValue(schema, node.text);
  return bare === undefined
    ? undefined
    : {
        advice: node.style === 'plain' ? `write ${bare}` : `write ${bare} without quotes`,
        fix: replaceValue(text, node, bare),
      };
}

const WORDS = new Map([
  ['true', 'true'],
  ['yes', 'true'],
  ['on', 'true'],
  ['false', 'false'],
  ['no', 'false'],
  ['off', 'false'],
]);

/** The number or boolean that a text stands for. */
function bareValue(schema: JsonSchema | undefined, value: string): string | undefined {
  if (schema?.type === 'boolean') return WORDS.get(value.toLowerCase());
  if (schema?.type === 'integer') return /^-?\d{1,15}$/.test(value) ? value : undefined;
  return schema?.type === 'number' && /^-?\d{1,15}(?:\.\d{1,15})?$/.test(value) ? value : undefined;
}

function wanted(schema: JsonSchema | undefined): string {
  if (schema?.type === 'boolean') return 'true or false';
  if (schema?.type === 'integer') return 'a whole number without quotes';
  return schema?.type === 'string' ? 'a string' : `a ${schema?.type ?? 'value of another type'}`;
}

function nameOf({ key, owner, path }: PluginPlace): string {
  const parent = ownerWord(owner, undefined);
  return key === '' ? parent : typeof path.at(-1) === 'number' ? `${key}` : key;
}

/** What was found, without repeating what may be long or secret. */
function describe(node: PluginPlace['node'], value: PluginPlace['value'] = undefined): string {
  if (node?.kind === 'list') return 'a list';
  if (node?.kind === 'map') return 'a mapping';
  if (node === undefined) return typeof value === 'string' ? 'a string' : 'something else';
  if (node.value === null) return 'nothing';
  if (node.style === 'literal' || node.style === 'folded') return 'a text of several lines';
  const written = writtenText(node);
  if (typeof node.value === 'string') return written.length > 60 ? 'a string' : `the string "${written}"`;
  return `the ${typeof node.value} ${written}`;
}

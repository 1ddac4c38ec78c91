import type { JsonSchema } from '../../schema/json-schema.js';
import type { ScalarNode } from '../../pipeline/source-tree.js';
import { mappingInText, quote, replaceValue, sourceOf } from '../edits.js';
import type { Fix } from '../finding.js';
import { isUnknown } from '../placeholder.js';
import { entriesOf, itemsOf, writtenText } from '../nodes.js';
import type { Found } from '../rule.js';
import type { PluginPlace } from './plugin-place.js';
import { fieldsOf, PLUGIN } from './plugin-schema.js';
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
  const isText = isBlockText(node);
  return {
    rule: 'kubernetes/type',
    message: `the kubernetes plugin is configured with a mapping, not with ${describe(node)}; ${REFUSED}; ${isText ? 'remove the "|"' : 'write its fields as "key: value", e.g. podSpecPatch'}`,
    fix: isText ? withoutBlockSign(text, node) : undefined,
  };
}

const POD_FIELDS = new Map([
  ['podspec', 'kubernetes/podspec-type'],
  ['podspecpatch', 'kubernetes/podspecpatch-type'],
]);

/** The three fields that say what the pod is. */
function pluginField(place: PluginPlace): Said | undefined {
  const { path, key, node, text } = place;
  if (path.length !== 1) return undefined;
  if (key === 'podTemplate') return podTemplate(place);
  const rule = POD_FIELDS.get(key.toLowerCase());
  if (rule === undefined) return undefined;
  const message = `"${key}" must be a mapping, not ${describe(node)}; ${REFUSED}`;
  if (node?.kind === 'list') return { rule, ...listForPod(place, message) };
  return isBlockText(node)
    ? {
        rule,
        message: `${message}; remove the "${text.charAt(node?.start ?? 0)}"`,
        fix: withoutBlockSign(text, node),
      }
    : { rule, message: `${message}; write the fields of the pod below it` };
}

/** Containers without the key above them, a mapping behind a dash, or the operations of a JSON patch. */
function listForPod(place: PluginPlace, message: string): Pick<Said, 'message' | 'fix'> {
  const { node, key } = place;
  const keys = itemsOf(node).flatMap((item) => entriesOf(item).map((entry) => entry.key));
  if (keys.includes('op'))
    return {
      message: `${message}; operations of a JSON patch are not known here, write the fields of the pod below it`,
    };
  if (keys.every((name) => Object.hasOwn(fieldsOf('Container'), name)))
    return { message: `${message}; write these items under "${key}.containers"`, fix: wrapUnder(place, 'containers') };
  return { message: `${message}; remove the "- " and write the fields of the pod below it` };
}

/** `key: |` with a mapping below it is that mapping, once the sign is gone. */
function withoutBlockSign(text: string, scalar: PluginPlace['node']): Fix | undefined {
  if (scalar?.kind !== 'scalar') return undefined;
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
  const { owner, key, node, path } = place;
  const name = key.toLowerCase();
  if (!COMMANDS.has(owner ?? '') || (name !== 'command' && name !== 'args')) return undefined;
  if (typeof path.at(-1) === 'number') return commandItem(place);
  const of = owner === 'ExecAction' ? '"exec"' : 'a container';
  return {
    rule: 'pod/command-type',
    message: `"${key}" of ${of} is a list of strings, unlike the step's own "command", but this is ${describe(node)}; ${REFUSED}; write ${asList(node)}`,
    fix: wrapInList(place),
  };
}

/** The list that a command stands for, when it is short enough for a message. */
function asList(node: PluginPlace['node']): string {
  if (node?.kind !== 'scalar') return 'one string for each line';
  const item = isBlockText(node) ? undefined : JSON.stringify(writtenText(node));
  return item === undefined || item.length > 60 ? 'a list with it as the one item' : `[${item}]`;
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
  const { schema, node, key } = place;
  if (!isOwn(place) || isStructure(place)) return undefined;
  const rule = 'kubernetes/type';
  if (key === 'checkout') return checkout(place);
  const message = `"${key}" must be ${wanted(schema)}, but is ${describe(node)}; ${REFUSED}`;
  if (schema?.type === 'object') return { rule, message: `${message}; write its fields below it` };
  const scalar = scalarFix(place);
  return { rule, message: scalar === undefined ? message : `${message}; ${scalar.advice}`, fix: scalar?.fix };
}

/** Whether a list or a mapping that is not the controller's own is wanted. */
function isStructure({ schema, type, path }: PluginPlace): boolean {
  if (schema?.type === 'array' || typeof path.at(-1) === 'number') return true;
  return schema?.type === 'object' && !OWN_TYPES.has(type ?? '');
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
  const { node, path } = place;
  const want = wantedShape(place);
  if (want === undefined && node?.kind === 'scalar') return undefined;
  const { advice, fix } = want === undefined ? { advice: undefined, fix: undefined } : rewriteShape(place);
  const shape = want ?? 'a single value';
  const message =
    typeof path.at(-1) === 'number'
      ? `each item of "${nameOf(place)}" must be ${shape}, but this is ${describe(node)}`
      : `"${nameOf(place)}" must be ${shape}, but is ${describe(node)}`;
  return {
    rule: 'pod/list-or-map',
    message: `${message}; ${REFUSED}${advice === undefined ? '' : `; ${advice}`}`,
    fix,
  };
}

/** Undefined where a scalar is wanted. */
function wantedShape({ schema }: PluginPlace): string | undefined {
  if (schema?.type === 'array') return 'a list';
  return schema?.type === 'object' || schema?.properties !== undefined ? 'a mapping' : undefined;
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
  const { node, schema } = place;
  const scalar = scalarFix(place);
  if (scalar === undefined) return undefined;
  return {
    rule: 'yaml/number-trap',
    message: `"${nameOf(place)}" must be ${wanted(schema)}, but this is ${describe(node)}; ${REFUSED}; ${scalar.advice}`,
    fix: scalar.fix,
  };
}

interface ScalarRemedy {
  readonly advice: string;
  readonly fix: Fix | undefined;
}

/** How a scalar becomes one of the wanted type; undefined when that takes more than quotes. */
function scalarFix(place: PluginPlace): ScalarRemedy | undefined {
  const { schema, node, text } = place;
  if (node?.kind !== 'scalar') return undefined;
  if (typeof node.value === 'string') return bareFix(place, node);
  const source = sourceOf(text, node);
  return schema?.type === 'string' ? { advice: `write "${source}" in quotes`, fix: quote(text, node) } : undefined;
}

/** For text where a number or a boolean is wanted. */
function bareFix({ schema, text, key }: PluginPlace, node: ScalarNode): ScalarRemedy | undefined {
  if (isUnknown(node.text) || node.written !== undefined)
    return { advice: 'a variable in a pipeline always becomes text, so write the value itself', fix: undefined };
  const bare = bareValue(schema, node.text, key);
  if (bare === undefined)
    return schema?.type === 'integer' && /^\d+$/.test(node.text)
      ? { advice: 'write the number without quotes; one that begins with 0 is octal', fix: undefined }
      : undefined;
  const advice = node.style === 'plain' ? `write ${bare}` : `write ${bare} without quotes`;
  return { advice, fix: replaceValue(text, node, bare) };
}

const WORDS = new Map([
  ['true', 'true'],
  ['yes', 'true'],
  ['on', 'true'],
  ['false', 'false'],
  ['no', 'false'],
  ['off', 'false'],
]);

const NUMBERS: Readonly<Record<string, RegExp>> = {
  integer: /^-?(?:0|[1-9]\d{0,14})$/,
  number: /^-?\d{1,15}(?:\.\d{1,15})?$/,
};

/** The number or boolean that a text stands for. */
function bareValue(schema: JsonSchema | undefined, value: string, key: string): string | undefined {
  if (/^(?:default)?mode$/i.test(key)) return /^0?[0-7]{3}$/.test(value) ? `0${value.slice(-3)}` : undefined;
  if (schema?.type === 'boolean') return WORDS.get(value.toLowerCase());
  return NUMBERS[schema?.type ?? '']?.test(value) === true ? value : undefined;
}

const WANTED: Readonly<Record<string, string>> = {
  boolean: 'true or false',
  integer: 'a whole number without quotes',
  number: 'a number without quotes',
  string: 'a string',
  object: 'a mapping',
};

function wanted(schema: JsonSchema | undefined): string {
  return WANTED[schema?.type ?? ''] ?? 'a value of another type';
}

function nameOf({ key, owner }: PluginPlace): string {
  return key === '' ? ownerWord(owner, undefined) : key;
}

function isBlockText(node: PluginPlace['node']): boolean {
  return node?.kind === 'scalar' && (node.style === 'literal' || node.style === 'folded');
}

/** What was found, without repeating what is long. */
function describe(node: PluginPlace['node']): string {
  if (node === undefined) return 'something else';
  if (node.kind !== 'scalar') return node.kind === 'list' ? 'a list' : 'a mapping';
  if (isBlockText(node)) return 'a text of several lines';
  const written = writtenText(node);
  if (typeof node.value !== 'string') return `the ${typeof node.value} ${written}`;
  return written.length > 60 ? 'a string' : `the string "${written}"`;
}

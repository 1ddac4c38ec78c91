import { attributesOf } from '../../pipeline/step-attributes.js';
import { entryOf, type MapNode, type SourceNode } from '../../pipeline/source-tree.js';
import { renameKey, replaceValue } from '../edits.js';
import { entriesOf } from '../nodes.js';
import { isUnknown } from '../placeholder.js';
import type { Found } from '../rule.js';
import { adviceFor, controllerOption, fieldOfOption, OBJECT_KEYS, renamedTo, volumeSourceFor } from './key-hints.js';
import { moveOutOfPodSpec, moveUnderPodSpec } from './key-moves.js';
import type { PluginPlace } from './plugin-place.js';
import { fieldLike, fieldsOf, plainKey, PLUGIN, typeOfField } from './plugin-schema.js';
import { DROPPED, ownerWord } from './words.js';

type Said = Omit<Found, 'at'>;

/** What an unknown key is, by the first of these that knows it. */
const EXPLAIN: readonly ((place: PluginPlace) => Said | undefined)[] = [
  directive,
  spelling,
  envShorthand,
  objectKey,
  podKey,
  securityLevel,
  volumeSource,
  checkoutKey,
  gitCredentials,
];

/** The one finding for a key that the plugin or the pod does not have; undefined when another key explains this one. */
export function explainUnknownKey(place: PluginPlace): Found | undefined {
  // A key with a variable in it is not this key: `$patch` in an uploaded file has a rule of its own.
  if (isUnknown(place.key) || isFollower(place) || isReserved(place)) return undefined;
  const said = EXPLAIN.map((explain) => explain(place)).find((each) => each !== undefined) ?? general(place);
  return { ...said, at: place.at };
}

/** `metadata/reserved` knows more of these. */
function isReserved({ owner, key }: PluginPlace): boolean {
  return owner === 'Metadata' && (key === 'name' || key === 'namespace' || key === 'generateName');
}

/** `- FOO: a` with `BAR: b` below is one mistake. */
function isFollower(place: PluginPlace): boolean {
  return place.owner === 'EnvVar' && isShorthand(place.around) && place.around.entries[0]?.key !== place.key;
}

function directive({ key, owner }: PluginPlace): Said | undefined {
  if (!key.startsWith('$')) return undefined;
  return {
    rule: 'pod/unknown-key',
    message: `"${key}" is a directive of a patch and means nothing in ${ownerWord(owner, undefined)} here; ${DROPPED}; it works under "podSpecPatch" only`,
  };
}

function spelling({ key, owner, entry, text, around }: PluginPlace): Said | undefined {
  const field = fieldLike(owner, key);
  if (field === undefined) return undefined;
  const how = key.includes('-') ? 'is written like an option of the controller' : 'is written with underscores';
  return {
    rule: 'kubernetes/key-spelling',
    message: `"${key}" ${how}, so ${DROPPED}; in a pipeline write "${field}"`,
    fix: entry && entryOf(around, field) === undefined ? renameKey(text, entry, field) : undefined,
  };
}

function envShorthand({ owner, around, key, text }: PluginPlace): Said | undefined {
  if (owner !== 'EnvVar' || !isShorthand(around)) return undefined;
  return {
    rule: 'env/entry',
    message: `"env" is a list of names and values, so "${key}" is dropped as an unknown key and Kubernetes refuses the entry without a name; write {name: ${key}, value: …}`,
    fix: envFix(around, text),
  };
}

/** An entry of `env` in which the names of variables stand as keys. */
function isShorthand(node: SourceNode | undefined): node is MapNode {
  if (node?.kind !== 'map' || node.entries.length === 0) return false;
  const fields = fieldsOf('EnvVar');
  return node.entries.every(({ key, value }) => !Object.hasOwn(fields, key) && value.kind === 'scalar');
}

function envFix(node: MapNode, text: string): Found['fix'] {
  const [entry, ...others] = node.entries;
  if (entry === undefined || others.length > 0 || entry.value.kind !== 'scalar' || entry.value.alias !== undefined)
    return undefined;
  const { keySpan, value, key } = entry;
  const written = text.slice(keySpan.start, value.end).trimEnd();
  if (written.includes('\n') || value.style === 'literal' || value.style === 'folded') return undefined;
  const old = text.slice(value.start, value.end).trimEnd();
  const quoted = value.style === 'plain' ? JSON.stringify(old) : old;
  const inFlow = text.charAt(node.start) === '{';
  const pair = `name: ${text.slice(keySpan.start, keySpan.end)}, value: ${quoted}`;
  return {
    description: `name the variable ${key}`,
    edits: [{ start: keySpan.start, end: keySpan.start + written.length, text: inFlow ? pair : `{${pair}}` }],
  };
}

function objectKey(place: PluginPlace): Said | undefined {
  const { key, owner } = place;
  if (owner !== 'PodSpec' || !OBJECT_KEYS.has(key)) return undefined;
  return { rule: 'pod/metadata-in-podspec', message: describeObjectKey(key), fix: moveOutOfPodSpec(place) };
}

function describeObjectKey(key: string): string {
  const nothing = `a pod spec has no "${key}", so ${DROPPED}`;
  switch (key) {
    case 'metadata':
    case 'labels':
    case 'annotations': {
      const field = key === 'metadata' ? 'labels" and "metadata.annotations' : key;
      return `${nothing}; write it under "metadata.${field}" of the plugin, for the Job and its pod`;
    }
    case 'namespace':
      return `${nothing}; all jobs run in the namespace of the controller`;
    default:
      return `${nothing}; "podSpec" is only what stands under "spec" of a Pod, so write its fields directly`;
  }
}

function podKey(place: PluginPlace): Said | undefined {
  const { owner, key } = place;
  const field = owner === PLUGIN ? fieldLike('PodSpec', key) : undefined;
  if (field === undefined) return undefined;
  const also = field === 'resources' ? ', or in a container there' : '';
  return {
    rule: 'kubernetes/pod-key-outside-podspec',
    message: `"${key}" is a field of the pod, not of the plugin, so ${DROPPED}; write "${field}" under "podSpecPatch" or "podSpec"${also}`,
    fix: field === key && field !== 'resources' ? moveUnderPodSpec(place) : undefined,
  };
}

function securityLevel({ owner, key }: PluginPlace): Said | undefined {
  if (owner === 'PodSecurityContext' && fieldLike('SecurityContext', key) !== undefined) {
    return {
      rule: 'security/context-level',
      message: `"${key}" is set per container and has no effect in the "securityContext" of the pod; ${DROPPED}; move it into the "securityContext" of the container that needs it`,
    };
  }
  if (owner === 'SecurityContext' && fieldLike('PodSecurityContext', key) !== undefined) {
    return {
      rule: 'security/context-level',
      message: `"${key}" is a field of the pod and has no effect in the "securityContext" of a container; ${DROPPED}; move it to "securityContext" of the pod spec`,
    };
  }
  return undefined;
}

function volumeSource({ owner, key, around, entry, text, issue }: PluginPlace): Said | undefined {
  if (owner !== 'Volume' || hasSource(around)) return undefined;
  const meant = volumeSourceFor(key);
  const guess = meant ?? (issue.suggestion === 'name' ? undefined : issue.suggestion);
  const hint = guess === undefined ? 'name one of the volume types of Kubernetes' : `did you mean "${guess}"?`;
  return {
    rule: 'volume/no-source',
    message: `"${key}" is not a type of volume, so this becomes an empty directory and the job runs without its files; ${hint}`,
    fix: entry !== undefined && fitsSource(meant, entry.value) ? renameKey(text, entry, meant ?? '') : undefined,
  };
}

function hasSource(volume: SourceNode | undefined): boolean {
  return entriesOf(volume).some(({ key }) => key !== 'name' && fieldLike('Volume', key) !== undefined);
}

/** Whether what stands under the wrong name is right under the other one. */
function fitsSource(source: string | undefined, value: SourceNode): boolean {
  const type = typeOfField(fieldsOf('Volume')[source ?? ''] ?? {});
  return (
    source !== undefined && value.kind === 'map' && value.entries.every(({ key }) => Object.hasOwn(fieldsOf(type), key))
  );
}

function checkoutKey(place: PluginPlace): Said | undefined {
  const { owner, key, issue } = place;
  if (owner !== 'CheckoutParams' && owner !== 'GitMirrors') return undefined;
  const hint = adviceFor(owner, key) ?? suggestion(renamedTo(owner, key) ?? nested(owner, key) ?? issue.suggestion);
  return {
    rule: 'kubernetes/checkout-key',
    message: `"checkout" of the plugin has no "${key}", so ${DROPPED}; ${hint ?? `it has ${listFields(owner)}`}`,
    fix: withoutSubmodules(place),
  };
}

/** `submodules: false` is `noSubmodules: true`. */
function withoutSubmodules({ key, entry, around, text }: PluginPlace): Found['fix'] {
  if (key !== 'submodules' || entry?.value.kind !== 'scalar' || entry.value.value !== false) return undefined;
  if (entriesOf(around).some((other) => other.key === 'noSubmodules')) return undefined;
  const [rename, value] = [renameKey(text, entry, 'noSubmodules'), replaceValue(text, entry.value, 'true')];
  return (
    value && {
      description: 'write noSubmodules: true instead of submodules: false',
      edits: [...rename.edits, ...value.edits],
    }
  );
}

function nested(owner: string, key: string): string | undefined {
  if (owner !== 'CheckoutParams') return undefined;
  return fieldLike('GitMirrors', key) === undefined ? undefined : `gitMirrors.${key}`;
}

function gitCredentials(place: PluginPlace): Said | undefined {
  const { path, key, owner, issue, around } = place;
  if (path[0] !== 'checkout' || path[1] !== 'gitCredentialsSecret' || owner !== 'SecretVolumeSource') return undefined;
  const isNamed = entryOf(around, 'secretName') !== undefined;
  const meant = isNamed ? undefined : renamedTo(owner, key);
  const effect = isNamed ? DROPPED : 'the secret has no name and Kubernetes refuses every Job';
  return {
    rule: 'kubernetes/git-credentials-secret',
    message: `unknown key "${key}" in "gitCredentialsSecret", so ${effect}; ${suggestion(meant ?? issue.suggestion) ?? 'a secret volume uses "secretName"'}`,
    fix: meant === undefined ? undefined : renameUnless(place, meant),
  };
}

/** Everything else: what to write instead, where the key belongs, or which one is close. */
function general(place: PluginPlace): Said {
  const { owner, key, path } = place;
  const parent = path.slice(0, -1).findLast((segment) => typeof segment === 'string');
  const hint = hintFor(place);
  const meant = renamedTo(owner, key) ?? (owner === PLUGIN ? fieldOfOption(key) : undefined);
  return {
    rule: OWN_PARTS.has(owner ?? '') ? 'kubernetes/unknown-key' : 'pod/unknown-key',
    message: `unknown key "${key}" in ${ownerWord(owner, parent)}; ${DROPPED}${hint === undefined ? '' : `; ${hint}`}`,
    fix: meant === undefined ? undefined : renameUnless(place, meant),
  };
}

/** The parts of the plugin that are the controller's own. */
const OWN_PARTS: ReadonlySet<string> = new Set([PLUGIN, 'CommandParams', 'SidecarParams', 'Metadata']);

function hintFor(place: PluginPlace): string | undefined {
  const { owner, key, issue } = place;
  const option = owner === PLUGIN ? fieldOfOption(key) : undefined;
  if (option !== undefined) return `in a pipeline it is called "${option}"`;
  return adviceFor(owner, key) ?? suggestion(renamedTo(owner, key)) ?? home(place) ?? suggestion(issue.suggestion);
}

/** A rename, unless the field is there already or the value would not fit it. */
function renameUnless({ around, entry, owner, text }: PluginPlace, field: string): Found['fix'] {
  if (entry === undefined || around?.kind !== 'map') return undefined;
  if (around.entries.some((other) => fieldLike(owner, other.key) === field)) return undefined;
  const { type, $ref } = fieldsOf(owner)[field] ?? {};
  const kind = type === 'array' ? 'list' : type === 'object' || $ref !== undefined ? 'map' : 'scalar';
  return entry.value.kind === kind ? renameKey(text, entry, field) : undefined;
}

function suggestion(name: string | undefined): string | undefined {
  return name === undefined ? undefined : `did you mean "${name}"?`;
}

/** Too many things have one of these. */
const COMMON: ReadonlySet<string> = new Set(['name', 'key', 'value', 'type', 'path', 'items', 'optional', 'kind']);

/** Where a key belongs that is right elsewhere: one level down, further up, beside, on the step, in the controller. */
function home({ key, owner, owners }: PluginPlace): string | undefined {
  if (COMMON.has(key)) return undefined;
  const below = fieldWith(owner, key);
  if (below !== undefined) return `it belongs under "${below}"`;
  for (const { type } of owners.slice(0, -1).reverse()) {
    if (Object.hasOwn(fieldsOf(type), key)) return `it belongs to ${ownerWord(type, undefined)}, not in here`;
    const beside = fieldWith(type, key);
    if (beside !== undefined && type !== PLUGIN) return `it belongs under "${beside}" of ${ownerWord(type, undefined)}`;
  }
  return owner === PLUGIN ? homeOutside(key) : undefined;
}

/** The field of a definition whose value has the key; undefined when fields of several kinds do. */
function fieldWith(type: string | undefined, key: string): string | undefined {
  const found = Object.entries(fieldsOf(type)).filter(([name, schema]) => {
    const inner = typeOfField(schema);
    return name !== 'ephemeralContainers' && inner !== type && Object.hasOwn(fieldsOf(inner), key);
  });
  const types = new Set(found.map(([, schema]) => typeOfField(schema)));
  return types.size === 1 ? found[0]?.[0] : undefined;
}

function homeOutside(key: string): string | undefined {
  const option = controllerOption(key);
  if (option !== undefined) return `"${option}" is an option of the controller, which a pipeline cannot set`;
  const attribute = attributesOf('command').find((name) => plainKey(name) === plainKey(key));
  return attribute === undefined ? undefined : `"${attribute}" is an attribute of the step, beside "plugins"`;
}

function listFields(owner: string): string {
  return Object.keys(fieldsOf(owner))
    .map((name) => `"${name}"`)
    .join(', ');
}

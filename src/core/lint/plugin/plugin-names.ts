import { KUBERNETES_PLUGIN } from '../../job/kubernetes-plugin.js';
import { pluginSource } from '../../pipeline/plugin-source.js';
import { stepAttribute } from '../../pipeline/step-attributes.js';
import type { MapEntry, SourceNode } from '../../pipeline/source-tree.js';
import { entriesOf } from '../nodes.js';
import { fieldLike, plainKey, PLUGIN } from './plugin-schema.js';

/** Fields of the plugin that are ordinary words: a plugin or a step may have them for another reason. */
const WORDS: ReadonlySet<string> = new Set(['metadata', 'checkout', 'sidecars']);

/** Whether the name can only be meant as a field of the kubernetes plugin. */
export function isPluginField(name: string): boolean {
  const field = fieldLike(PLUGIN, name);
  return field !== undefined && !WORDS.has(field);
}

/** Whether the name is one of the plugin's or the pod's fields, in any spelling. */
export function mayBePluginField(name: string): boolean {
  return fieldLike(PLUGIN, name) !== undefined || fieldLike('PodSpec', name) !== undefined;
}

/** Whether a key of a step can only be meant as a field of the kubernetes plugin. */
export function isStrayField(key: string): boolean {
  return isPluginField(key) || key === 'sidecars';
}

/** A key of a step that belongs under `plugins`: the kubernetes plugin by any name, one of its fields, or any plugin with a version. */
export function looksLikePlugin({ key, value }: Pick<MapEntry, 'key' | 'value'>): boolean {
  if (stepAttribute(key) !== undefined) return false;
  if (key === 'kubernetes' || isStrayField(key) || /^[\w@:/.-]+#\S+$/.test(key)) return true;
  return value.kind === 'map' && lookalikeOf(key, value) !== undefined;
}

/** What a plugin that is not the kubernetes plugin seems to be. */
export type Lookalike = 'version' | 'name';

/** Whether a plugin was meant to be the kubernetes plugin; real plugins with similar names are not. */
export function lookalikeOf(name: string, config: SourceNode | undefined): Lookalike | undefined {
  const source = pluginSource(name);
  if (source === KUBERNETES_PLUGIN) return undefined;
  if (source.replace(/#.*$/s, '') === KUBERNETES_PLUGIN) return 'version';
  if (isOtherAddress(source)) return 'name';
  return isMeant(name, config) ? 'name' : undefined;
}

function isMeant(name: string, config: SourceNode | undefined): boolean {
  const [bare = ''] = name.split('#');
  // A plugin of its own, whose "pod-spec" is no slip.
  if (bare === 'k8s-job') return false;
  const holdsPod = entriesOf(config).some(({ key }) => isPluginField(key));
  if (holdsPod && /kube|k8s/i.test(bare)) return true;
  // Somebody else's plugin has an owner or a version.
  const isAnother = name !== bare || bare.includes('/');
  return isTypo(bare) ? holdsPod || !isAnother : !isAnother && ALIASES.has(plainKey(bare.trim()));
}

/** The repository of the plugin by another address: with a scheme, by ssh, with `.git`. */
function isOtherAddress(source: string): boolean {
  return /(?:^|[/:])buildkite-plugins\/kubernetes-buildkite-plugin(?:\.git)?(?:#.*)?$/i.test(source);
}

const ALIASES: ReadonlySet<string> = new Set([
  'kubernetes',
  'k8s',
  'kube',
  'kubernetesplugin',
  'kubernetesbuildkiteplugin',
  'agentstackk8s',
]);

/** One or two letters beside `kubernetes`. */
function isTypo(name: string): boolean {
  const written = name.toLowerCase();
  if (written === 'kubernetes' || Math.abs(written.length - 'kubernetes'.length) > 2) return false;
  return [...written].sort().join('') === [...'kubernetes'].sort().join('') || isOneLetterOff(written);
}

function isOneLetterOff(written: string): boolean {
  const wanted = 'kubernetes';
  let start = 0;
  while (start < wanted.length && written[start] === wanted[start]) start += 1;
  let end = 0;
  while (end < wanted.length - start && end < written.length - start && written.at(-1 - end) === wanted.at(-1 - end))
    end += 1;
  const rest = Math.max(wanted.length, written.length) - start - end;
  return rest <= 2 && start >= 3;
}

import type { V1EmptyDirVolumeSource } from '@kubernetes/client-node';
import { closestName } from '../../closest-name.js';
import { kubernetesDefinitions } from '../../schema/kubernetes-definitions.generated.js';
import { oneOf, refused, stuck, type ApiPath, type ApiProblem, type Check, type Context } from './api-problem.js';
import { valuesAt } from './shape.js';

/** Words that the schema does not list, or of which an API server takes fewer than the schema lists. */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  'Container.restartPolicy': ['Always', 'Never', 'OnFailure'],
  'ContainerResizePolicy.resourceName': ['cpu', 'memory'],
  'ContainerResizePolicy.restartPolicy': ['NotRequired', 'RestartContainer'],
  'ContainerRestartRule.action': ['Restart', 'RestartAllContainers'],
  'ContainerRestartRuleOnExitCodes.operator': ['In', 'NotIn'],
  'LabelSelectorRequirement.operator': ['In', 'NotIn', 'Exists', 'DoesNotExist'],
  'PodOS.name': ['linux', 'windows'],
  'PodSecurityContext.seLinuxChangePolicy': ['Recursive'],
  'Toleration.operator': ['Equal', 'Exists'],
  'VolumeMount.recursiveReadOnly': ['Disabled', 'Enabled', 'IfPossible'],
  // Behind a feature gate that is off: the API server drops the field, whatever it says.
  'Lifecycle.stopSignal': [],
};

/** Fields that may be absent but, once written, may not be empty. */
const NEVER_EMPTY: ReadonlySet<string> = new Set([
  'AzureDiskVolumeSource.cachingMode',
  'AzureDiskVolumeSource.kind',
  'Container.restartPolicy',
  'PersistentVolumeClaimSpec.accessModes',
  'PodSecurityContext.fsGroupChangePolicy',
  'PodSecurityContext.seLinuxChangePolicy',
  'PodSecurityContext.supplementalGroupsPolicy',
  'PodSpec.preemptionPolicy',
  'SecurityContext.procMount',
  'TopologySpreadConstraint.nodeAffinityPolicy',
  'TopologySpreadConstraint.nodeTaintsPolicy',
  'VolumeMount.mountPropagation',
  'VolumeMount.recursiveReadOnly',
]);

const RULES: Readonly<Record<string, string>> = { 'PodSpec.restartPolicy': 'pod/restart-policy' };

/** The words allowed at every field that has only some, by definition and field. */
const ENUMS = collectEnums();

/** Fields that hold a word Kubernetes does not know. */
export function* wrongWords(
  definition: string,
  value: Readonly<Record<string, unknown>>,
  path: ApiPath,
  { isUnknown }: Context,
): Iterable<ApiProblem> {
  for (const [field, words] of ENUMS.get(definition) ?? []) {
    const name = `${definition}.${field}`;
    for (const [place, word] of valuesAt(value[field], [...path, field])) {
      if (typeof word !== 'string' || isUnknown(word)) continue;
      const isFine = words.includes(word) || (word === '' && !NEVER_EMPTY.has(name));
      if (!isFine) yield wrongWord(RULES[name] ?? 'pod/enum', place, word, words);
    }
  }
}

function wrongWord(rule: string, path: ApiPath, word: string, words: readonly string[]): ApiProblem {
  const replacement = closestName(word, words);
  return refused({
    rule,
    path,
    what: `"${word}" is not a value of "${nameOf(path)}"`,
    remedy:
      replacement === undefined ? `write ${oneOf(words.filter((known) => known !== ''))}` : `write "${replacement}"`,
    replacement,
  });
}

/** The field, with the one around it where it says little by itself: `os.name`. */
function nameOf(path: ApiPath): string {
  const names = path.filter((part) => typeof part === 'string');
  const last = names.at(-1) ?? '';
  return last === 'name' || last === 'type' ? names.slice(-2).join('.') : last;
}

/** The API server does not look at it, the kubelet does. */
export const emptyDirMedium: Check<V1EmptyDirVolumeSource> = function* ({ medium = '' }, path, { isUnknown }) {
  if (isUnknown(medium) || /^(?:Memory|HugePages(?:-.+)?)?$/.test(medium)) return;
  const replacement = closestName(medium, ['Memory', 'HugePages']);
  yield stuck({
    rule: /^memory$/i.test(medium) ? 'volume/memory-medium' : 'pod/enum',
    path: [...path, 'medium'],
    what: `"${medium}" is no medium of an emptyDir`,
    remedy: `write "${replacement ?? 'Memory'}", or leave it out for the disk of the node`,
    replacement,
  });
};

function collectEnums(): ReadonlyMap<string, readonly [field: string, words: readonly string[]][]> {
  const all = new Map<string, [string, readonly string[]][]>();
  for (const [definition, { properties = {} }] of Object.entries(kubernetesDefinitions)) {
    const fields = Object.entries(properties).flatMap(([field, schema]): [string, readonly string[]][] => {
      const words = WORDS[`${definition}.${field}`] ?? (schema.enum ?? schema.items?.enum ?? []).map(String);
      return words.length === 0 ? [] : [[field, words]];
    });
    if (fields.length > 0) all.set(definition, fields);
  }
  return all;
}

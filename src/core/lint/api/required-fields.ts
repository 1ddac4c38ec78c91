import { kubernetesDefinitions } from '../../schema/kubernetes-definitions.generated.js';
import { refused, type ApiPath, type ApiProblem } from './api-problem.js';

/** The schema wants these, the API server does not. */
const NOT_ENFORCED: Readonly<Record<string, readonly string[]>> = {
  HTTPHeader: ['value'],
  Sysctl: ['value'],
  PodCertificateProjection: ['keyType', 'signerName'],
  ClusterTrustBundleProjection: ['path'],
  EphemeralContainer: ['name'],
};

/** The API server wants these, the schema does not: an old client may leave them out. */
const ENFORCED: Readonly<Record<string, readonly string[]>> = {
  CephFSVolumeSource: ['monitors'],
  ConfigMapEnvSource: ['name'],
  ConfigMapKeySelector: ['name'],
  ConfigMapProjection: ['name'],
  ConfigMapVolumeSource: ['name'],
  Container: ['image'],
  EphemeralVolumeSource: ['volumeClaimTemplate'],
  ExecAction: ['command'],
  PersistentVolumeClaimSpec: ['accessModes'],
  ScaleIOVolumeSource: ['volumeName'],
  SecretEnvSource: ['name'],
  SecretKeySelector: ['name'],
  SecretProjection: ['name'],
  SecretVolumeSource: ['secretName'],
};

/** The rule a missing field belongs to, if it is not `buildable`. */
const RULES: Readonly<Record<string, string>> = {
  'Container.image': 'container/image-missing',
  'Container.name': 'container/name',
  'Volume.name': 'container/name',
  'EnvVar.name': 'env/entry',
  'ObjectFieldSelector.fieldPath': 'env/entry',
  'ResourceFieldSelector.resource': 'env/entry',
  'FileKeySelector.key': 'env/entry',
  'FileKeySelector.path': 'env/entry',
  'FileKeySelector.volumeName': 'env/entry',
  'VolumeMount.mountPath': 'volume/sub-path',
  'VolumeDevice.name': 'volume/mount-without-volume',
  'VolumeMount.name': 'volume/mount-without-volume',
};
const REFERENCES = /^(?:ConfigMap|Secret|PersistentVolumeClaimVolume)/;

/** What an object lacks; an empty text or list is none. */
export function* missingFields(
  definition: string,
  value: Readonly<Record<string, unknown>>,
  path: ApiPath,
): Iterable<ApiProblem> {
  for (const field of requiredFields(definition)) {
    if (!isMissing(value[field])) continue;
    yield refused({
      rule: RULES[`${definition}.${field}`] ?? (REFERENCES.test(definition) ? 'reference/name-format' : 'buildable'),
      path: [...path, field],
      what: `"${field}" is missing and has no default`,
      remedy: 'add it',
    });
  }
}

const KNOWN = new Map<string, readonly string[]>();

function requiredFields(definition: string): readonly string[] {
  const known = KNOWN.get(definition) ?? readRequiredFields(definition);
  KNOWN.set(definition, known);
  return known;
}

function readRequiredFields(definition: string): readonly string[] {
  const declared = kubernetesDefinitions[definition]?.required ?? [];
  const spared = NOT_ENFORCED[definition] ?? [];
  return [...new Set([...declared.filter((field) => !spared.includes(field)), ...(ENFORCED[definition] ?? [])])];
}

function isMissing(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0;
  return value === undefined || value === '';
}

import { refused, stuck, type ApiPath, type ApiProblem, type Context } from './api-problem.js';
import { environmentNameFormat, FORMATS, matches, type TextFormat } from './formats.js';
import { valuesAt } from './shape.js';

interface FieldFormat {
  readonly format: keyof typeof FORMATS | 'environmentName';
  /** What the text is, e.g. `the name of a container`. */
  readonly as: string;
  readonly rule: string;
  /** Once written, it may not be empty; texts in lists never may. */
  readonly neverEmpty?: true;
  /** The API server does not check it; what happens then. */
  readonly stuck?: string;
}

const CONTAINER_NAME = 'container/name';
const REFERENCE = 'reference/name-format';
const SUB_PATH = 'volume/sub-path';
const ENV = 'env/entry';
const LABEL = 'metadata/label-syntax';

const field = (format: FieldFormat['format'], as: string, rule = 'buildable'): FieldFormat => ({ format, as, rule });
const neverEmpty = (expected: FieldFormat): FieldFormat => ({ ...expected, neverEmpty: true });
const reference = (kind: string): FieldFormat => field('dnsSubdomain', `the name of a ${kind}`, REFERENCE);
/** The name of something that is looked up only when the pod starts. */
const lateReference = (kind: string): FieldFormat => ({
  ...reference(kind),
  stuck: `no ${kind} can have that name, and the pod waits for it until the pending timeout`,
});

/** The texts the API server (or, where it says `stuck`, only the kubelet) reads, by definition and field. */
const TEXTS: Readonly<Record<string, Readonly<Record<string, FieldFormat>>>> = {
  Container: { name: field('dnsLabel', 'the name of a container', CONTAINER_NAME) },
  ContainerPort: { name: field('portName', 'the name of a port') },
  ConfigMapEnvSource: { name: reference('ConfigMap') },
  ConfigMapKeySelector: {
    name: reference('ConfigMap'),
    key: field('configKey', 'the key of a ConfigMap', REFERENCE),
  },
  ConfigMapProjection: { name: lateReference('ConfigMap') },
  ConfigMapVolumeSource: { name: lateReference('ConfigMap') },
  CSIVolumeSource: { driver: field('driverName', 'the name of a CSI driver', REFERENCE) },
  DownwardAPIVolumeFile: { path: field('fileInVolume', 'the path in a volume', SUB_PATH) },
  EnvFromSource: { prefix: field('environmentName', 'the prefix of environment variables', ENV) },
  EnvVar: { name: field('environmentName', 'the name of an environment variable', ENV) },
  FileKeySelector: {
    key: field('environmentName', 'the name of an environment variable', ENV),
    path: field('noBackstep', 'the path of an environment file', ENV),
  },
  GitRepoVolumeSource: { directory: field('descending', 'the directory of a gitRepo volume', SUB_PATH) },
  HostAlias: { ip: field('ip', 'the address of a host alias'), hostnames: field('dnsSubdomain', 'a host name') },
  HostPathVolumeSource: { path: field('noBackstep', 'the path on the node', SUB_PATH) },
  HTTPGetAction: { port: field('portName', 'the name of a port') },
  HTTPHeader: { name: field('headerName', 'the name of an HTTP header') },
  KeyToPath: {
    key: {
      ...field('configKey', 'the key of a Secret or ConfigMap', REFERENCE),
      stuck: 'nothing has such a key, and the pod waits for it until the pending timeout',
    },
    path: field('fileInVolume', 'the path in a volume', SUB_PATH),
  },
  ISCSIVolumeSource: {
    iqn: field('iscsiName', 'the name of an iSCSI target'),
    initiatorName: neverEmpty(field('iscsiName', 'the name of an iSCSI initiator')),
  },
  LabelSelectorRequirement: {
    key: field('labelKey', 'a label', LABEL),
    values: field('labelValue', 'a label value', LABEL),
  },
  NFSVolumeSource: { path: field('absolute', 'the path of an NFS volume', SUB_PATH) },
  PersistentVolumeClaimSpec: {
    storageClassName: reference('StorageClass'),
    volumeAttributesClassName: reference('VolumeAttributesClass'),
  },
  PersistentVolumeClaimVolumeSource: { claimName: lateReference('PersistentVolumeClaim') },
  PodAffinityTerm: {
    topologyKey: field('labelKey', 'a topology key', LABEL),
    namespaces: field('dnsLabel', 'the name of a namespace', REFERENCE),
    matchLabelKeys: field('labelKey', 'a label', LABEL),
    mismatchLabelKeys: field('labelKey', 'a label', LABEL),
  },
  PodDNSConfig: {
    nameservers: field('ip', 'a name server'),
    searches: field('searchDomain', 'a search domain'),
  },
  PodReadinessGate: { conditionType: field('labelKey', 'a readiness gate', LABEL) },
  PodResourceClaim: {
    name: field('dnsLabel', 'the name of a resource claim'),
    resourceClaimName: neverEmpty(reference('ResourceClaim')),
    resourceClaimTemplateName: neverEmpty(reference('ResourceClaimTemplate')),
  },
  PodSchedulingGate: { name: field('labelKey', 'a scheduling gate', LABEL) },
  PodSpec: {
    hostname: field('dnsLabel', 'a host name'),
    subdomain: field('dnsLabel', 'a subdomain'),
    hostnameOverride: field('dnsSubdomain', 'a host name'),
    nodeName: reference('Node'),
    priorityClassName: reference('PriorityClass'),
    runtimeClassName: neverEmpty(reference('RuntimeClass')),
    serviceAccount: reference('ServiceAccount'),
    serviceAccountName: reference('ServiceAccount'),
  },
  ResourceClaim: { request: field('dnsLabel', 'the request of a resource claim') },
  SeccompProfile: { localhostProfile: field('descending', 'a seccomp profile') },
  SecretEnvSource: { name: reference('Secret') },
  SecretKeySelector: { name: reference('Secret'), key: field('configKey', 'the key of a Secret', REFERENCE) },
  SecretProjection: { name: lateReference('Secret') },
  SecretVolumeSource: { secretName: lateReference('Secret') },
  ServiceAccountTokenProjection: { path: field('fileInVolume', 'the path in a volume', SUB_PATH) },
  Sysctl: { name: field('sysctl', 'the name of a sysctl') },
  TCPSocketAction: { port: field('portName', 'the name of a port') },
  Toleration: { key: field('labelKey', 'a taint', LABEL) },
  TopologySpreadConstraint: { matchLabelKeys: field('labelKey', 'a label', LABEL) },
  Volume: { name: field('dnsLabel', 'the name of a volume', CONTAINER_NAME) },
  VolumeDevice: { devicePath: field('noBackstep', 'the path of a device', SUB_PATH) },
  VolumeMount: {
    subPath: field('descending', '"subPath"', SUB_PATH),
    subPathExpr: field('descending', '"subPathExpr"', SUB_PATH),
  },
  WindowsSecurityContextOptions: {
    gmsaCredentialSpecName: neverEmpty(reference('GMSACredentialSpec')),
    runAsUserName: neverEmpty(field('windowsUser', 'the name of a Windows user')),
  },
};

/** Texts that do not have the format of their field; empty ones are mostly taken for absent. */
export function* malformedTexts(
  definition: string,
  value: Readonly<Record<string, unknown>>,
  path: ApiPath,
  context: Context,
): Iterable<ApiProblem> {
  for (const [name, expected] of Object.entries(TEXTS[definition] ?? {})) {
    if (isSpared(value[name], expected, value['optional'] === true)) continue;
    const format = formatOf(expected, context);
    for (const [place, text] of valuesAt(value[name], [...path, name])) {
      if (typeof text !== 'string' || matches(format, text, context.isUnknown(text))) continue;
      yield malformed(text, place, { ...expected, format });
    }
  }
}

function isSpared(value: unknown, expected: FieldFormat, isOptional: boolean): boolean {
  if (value === undefined || (value === '' && expected.neverEmpty !== true)) return true;
  return isOptional && expected.stuck !== undefined;
}

function formatOf({ format }: FieldFormat, { minor }: Context): TextFormat {
  return format === 'environmentName' ? environmentNameFormat(minor) : FORMATS[format];
}

interface Expected extends Omit<FieldFormat, 'format'> {
  readonly format: TextFormat;
}

function malformed(text: string, path: ApiPath, expected: Expected): ApiProblem {
  const replacement = mended(text, path, expected);
  const said = {
    rule: expected.rule,
    path,
    what: `"${text}" cannot be ${expected.as} (${expected.format.rule})`,
    remedy:
      replacement === undefined
        ? 'change it'
        : `write ${replacement === text ? `${text} without quotes` : `"${replacement}"`}`,
    replacement,
  };
  return expected.stuck === undefined ? refused(said) : stuck(said, expected.stuck);
}

/** What exists elsewhere has its name already; only names given here can be mended, and numbers that are in quotes. */
function mended(text: string, path: ApiPath, { rule, format }: Expected): string | undefined {
  if (path.at(-1) === 'port' && /^[1-9]\d*$/.test(text)) return text;
  const mend = rule === REFERENCE ? undefined : format.mend?.(text);
  return mend === '' ? undefined : mend;
}

import { formatQuantity, parseQuantity } from '../../core/quantity.js';
import { badRequest } from './api-error.js';
import { at, isRecord, recordAt, recordsAt, textAt, type JsonRecord } from './objects.js';

/** Which volume types exist; a volume names exactly one. */
export const VOLUME_TYPES: readonly string[] = [
  'emptyDir',
  'hostPath',
  'gcePersistentDisk',
  'awsElasticBlockStore',
  'gitRepo',
  'secret',
  'nfs',
  'iscsi',
  'glusterfs',
  'flocker',
  'rbd',
  'cinder',
  'cephfs',
  'persistentVolumeClaim',
  'downwardAPI',
  'fc',
  'configMap',
  'azureFile',
  'vsphereVolume',
  'quobyte',
  'azureDisk',
  'photonPersistentDisk',
  'portworxVolume',
  'scaleIO',
  'storageos',
  'projected',
  'csi',
  'ephemeral',
  'image',
];

/** What the API server's decoder says of a malformed quantity. */
export const BAD_QUANTITY =
  "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
const DEFAULT_FILE_MODE = 0o644;

/** Copies `object` and adds `defaults` for the keys it lacks. */
function filled(object: JsonRecord, defaults: JsonRecord): JsonRecord {
  return { ...defaults, ...Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) };
}

/** Replaces the value of a key when the key is there. */
function mapped(object: JsonRecord, key: string, change: (value: unknown) => unknown): JsonRecord {
  return object[key] === undefined ? object : { ...object, [key]: change(object[key]) };
}

function mappedRecord(object: JsonRecord, key: string, change: (value: JsonRecord) => JsonRecord): JsonRecord {
  return mapped(object, key, (value) => (isRecord(value) ? change(value) : value));
}

function mappedList(object: JsonRecord, key: string, change: (item: JsonRecord) => JsonRecord): JsonRecord {
  return mapped(object, key, (value) =>
    Array.isArray(value) ? value.map((item: unknown) => (isRecord(item) ? change(item) : item)) : value,
  );
}

/** The canonical text of a quantity (`1000m` is `1`), or a 400 as the real decoder answers. */
function canonicalQuantity(value: unknown): unknown {
  if (typeof value !== 'string' && typeof value !== 'number') return value;
  const parsed = parseQuantity(value);
  if (!parsed.ok) throw badRequest(BAD_QUANTITY);
  return formatQuantity(parsed.value);
}

function canonicalQuantities(list: JsonRecord): JsonRecord {
  return Object.fromEntries(Object.entries(list).map(([name, value]) => [name, canonicalQuantity(value)]));
}

function defaultResources(resources: JsonRecord): JsonRecord {
  return mappedRecord(mappedRecord(resources, 'limits', canonicalQuantities), 'requests', canonicalQuantities);
}

function defaultProbe(probe: JsonRecord): JsonRecord {
  const counts = filled(probe, { timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 });
  return mappedRecord(counts, 'httpGet', (get) => filled(get, { path: '/', scheme: 'HTTP' }));
}

function defaultEnv(variable: JsonRecord): JsonRecord {
  return mappedRecord(variable, 'valueFrom', (source) =>
    mappedRecord(source, 'fieldRef', (reference) => filled(reference, { apiVersion: 'v1' })),
  );
}

/** `Always` for an image without a tag or tagged latest, as the API server decides it. */
function pullPolicyOf(image: string): string {
  if (image.includes('@')) return 'IfNotPresent';
  const tag = /:([^:/]+)$/.exec(image)?.[1];
  return tag === undefined || tag === 'latest' ? 'Always' : 'IfNotPresent';
}

function defaultContainer(container: JsonRecord): JsonRecord {
  const steps: readonly ((value: JsonRecord) => JsonRecord)[] = [
    (value) =>
      filled(value, {
        resources: {},
        terminationMessagePath: '/dev/termination-log',
        terminationMessagePolicy: 'File',
        imagePullPolicy: pullPolicyOf(textAt(value, 'image')),
      }),
    (value) => mappedList(value, 'ports', (port) => filled(port, { protocol: 'TCP' })),
    (value) => mappedList(value, 'env', defaultEnv),
    (value) => mappedRecord(value, 'resources', defaultResources),
    (value) => mappedRecord(value, 'livenessProbe', defaultProbe),
    (value) => mappedRecord(value, 'readinessProbe', defaultProbe),
    (value) => mappedRecord(value, 'startupProbe', defaultProbe),
  ];
  return steps.reduce((value, step) => step(value), container);
}

function defaultVolume(volume: JsonRecord): JsonRecord {
  const withMode = (source: JsonRecord): JsonRecord => filled(source, { defaultMode: DEFAULT_FILE_MODE });
  const typed = VOLUME_TYPES.some((type) => volume[type] !== undefined) ? volume : { ...volume, emptyDir: {} };
  const modes = ['secret', 'configMap', 'downwardAPI', 'projected'].reduce(
    (value, type) => mappedRecord(value, type, withMode),
    typed,
  );
  const paths = mappedRecord(modes, 'hostPath', (source) => filled(source, { type: '' }));
  return mappedRecord(paths, 'emptyDir', (source) => mapped(source, 'sizeLimit', canonicalQuantity));
}

/** A pod spec with the defaults that pods and pod templates share. */
export function defaultPodSpec(spec: JsonRecord): JsonRecord {
  const withBasics = filled(spec, {
    restartPolicy: 'Always',
    terminationGracePeriodSeconds: 30,
    dnsPolicy: 'ClusterFirst',
    securityContext: {},
    schedulerName: 'default-scheduler',
  });
  const account = textAt(spec, 'serviceAccountName') || textAt(spec, 'serviceAccount');
  const named = account === '' ? withBasics : { ...withBasics, serviceAccountName: account, serviceAccount: account };
  const withContainers = ['initContainers', 'containers', 'ephemeralContainers'].reduce(
    (value, key) => mappedList(value, key, defaultContainer),
    named,
  );
  return mappedList(withContainers, 'volumes', defaultVolume);
}

/** Every pod stays for five minutes on a node that is in trouble, unless it says otherwise. */
const NODE_TROUBLE = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'];

function requestsFromLimits(container: JsonRecord): JsonRecord {
  const limits = recordAt(container, 'resources', 'limits');
  if (Object.keys(limits).length === 0) return container;
  const resources = recordAt(container, 'resources');
  return { ...container, resources: { ...resources, requests: { ...limits, ...recordAt(resources, 'requests') } } };
}

/** The defaults that only pods get, not templates: requests, service links, priority and service account. */
export function defaultPodOnly(spec: JsonRecord): JsonRecord {
  const account = textAt(spec, 'serviceAccountName') || 'default';
  const requested = ['initContainers', 'containers'].reduce(
    (value, key) => mappedList(value, key, requestsFromLimits),
    spec,
  );
  const tolerated = recordsAt(spec, 'tolerations');
  const missing = NODE_TROUBLE.filter((key) => !tolerated.some((toleration) => toleration.key === key));
  const tolerations = [
    ...tolerated,
    ...missing.map((key) => ({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 })),
  ];
  return filled(
    { ...requested, tolerations },
    {
      enableServiceLinks: true,
      serviceAccountName: account,
      serviceAccount: account,
      priority: 0,
      preemptionPolicy: 'PreemptLowerPriority',
    },
  );
}

/** The quality of service class of a pod: it follows from requests and limits of cpu and memory. */
export function qosClassOf(spec: JsonRecord): 'BestEffort' | 'Burstable' | 'Guaranteed' {
  const containers = [...recordsAt(spec, 'initContainers'), ...recordsAt(spec, 'containers')];
  const amounts = containers.flatMap((container) =>
    ['cpu', 'memory'].map((name) => ({
      request: at(container, 'resources', 'requests', name),
      limit: at(container, 'resources', 'limits', name),
    })),
  );
  if (amounts.every(({ request, limit }) => request === undefined && limit === undefined)) return 'BestEffort';
  const guaranteed = amounts.every(({ request, limit }) => limit !== undefined && (request ?? limit) === limit);
  return guaranteed ? 'Guaranteed' : 'Burstable';
}

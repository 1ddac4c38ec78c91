import type {
  V1EnvFromSource,
  V1EnvVar,
  V1FileKeySelector,
  V1ObjectFieldSelector,
  V1ResourceFieldSelector,
} from '@kubernetes/client-node';
import { closestName } from '../../closest-name.js';
import { formatQuantity, parseQuantity } from '../../quantity.js';
import { oneOf, refused, type ApiPath, type ApiProblem, type Check } from './api-problem.js';
import { FORMATS } from './formats.js';

const RULE = 'env/entry';
const SOURCES = ['fieldRef', 'resourceFieldRef', 'configMapKeyRef', 'secretKeyRef', 'fileKeyRef'] as const;

/** A variable has a value or one source. */
export const envVar: Check<V1EnvVar> = function* ({ name, value = '', valueFrom }, path) {
  if (valueFrom === undefined) return;
  const given = SOURCES.filter((source) => valueFrom[source] !== undefined);
  const at = { rule: RULE, path: [...path, 'valueFrom'] };
  if (given.length === 0) {
    yield refused({ ...at, what: `"valueFrom" of "${name}" names no source`, remedy: `add ${oneOf(SOURCES)}` });
  } else if (value !== '') {
    const what = `"${name}" has both "value" and "valueFrom"`;
    yield refused({ ...at, relatedPath: [...path, 'value'], what, remedy: 'keep one' });
  } else if (given.length > 1) {
    yield refused({ ...at, what: `"valueFrom" of "${name}" has ${given.length} sources`, remedy: 'keep one' });
  }
};

/** An entry of `envFrom` has one source. */
export const envFrom: Check<V1EnvFromSource> = function* ({ configMapRef, secretRef }, path) {
  const count = [configMapRef, secretRef].filter((source) => source !== undefined).length;
  if (count === 1) return;
  const what = count === 0 ? 'this entry of "envFrom" names no source' : 'this entry of "envFrom" has two sources';
  const remedy = count === 0 ? 'add "configMapRef" or "secretRef"' : 'make it two entries';
  yield refused({ rule: RULE, path, what, remedy });
};

/** Before an env file is read, an init container must have written it: into an emptyDir of this pod. */
export const fileKey: Check<V1FileKeySelector> = function* ({ volumeName }, path, { pod, isUnknown }) {
  const volume = (pod.volumes ?? []).find(({ name }) => name === volumeName);
  if (volumeName === '' || isUnknown(volumeName) || volume?.emptyDir !== undefined) return;
  const what =
    volume === undefined ? `no volume is called "${volumeName}"` : `volume "${volumeName}" is not an emptyDir`;
  yield refused({ rule: RULE, path: [...path, 'volumeName'], what, remedy: 'add an emptyDir of that name' });
};

const EVERYWHERE = ['metadata.name', 'metadata.namespace', 'metadata.uid'];
const IN_ENV = [
  ...EVERYWHERE,
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
];
const IN_VOLUME = [...EVERYWHERE, 'metadata.labels', 'metadata.annotations'];

/** The fields of a pod that variables and files may hold. */
export const fieldRef: Check<V1ObjectFieldSelector> = function* (selector, path, { isUnknown }) {
  const { fieldPath, apiVersion = 'v1' } = selector;
  if (fieldPath === '' || isUnknown(fieldPath) || isUnknown(apiVersion)) return;
  if (apiVersion === 'v1' || apiVersion === '') {
    yield* unknownField(fieldPath, path);
  } else {
    const what = `"${apiVersion}" has no pods`;
    yield refused({ rule: RULE, path: [...path, 'apiVersion'], what, remedy: 'remove "apiVersion"' });
  }
};

function* unknownField(fieldPath: string, path: ApiPath): Iterable<ApiProblem> {
  const known = isInVolume(path) ? IN_VOLUME : IN_ENV;
  const isAlias = fieldPath === 'spec.host' && !isInVolume(path); // of spec.nodeName, for old clients
  if (known.includes(fieldPath) || isAlias || isOneKey(fieldPath)) return;
  const isMap = IN_VOLUME.includes(fieldPath);
  const replacement = asOneKey(fieldPath) ?? (isMap ? undefined : closestName(fieldPath, known));
  yield refused({
    rule: RULE,
    path: [...path, 'fieldPath'],
    what: `"${fieldPath}" is no field a ${isInVolume(path) ? 'file' : 'variable'} can be made from`,
    remedy: `write ${oneOf(replacement === undefined ? [...known, "metadata.labels['…']"] : [replacement])}`,
    replacement,
  });
}

function isInVolume(path: ApiPath): boolean {
  return path[0] === 'volumes';
}

/** `metadata.labels['key']` */
function isOneKey(fieldPath: string): boolean {
  const [, map, key = ''] = /^metadata\.(labels|annotations)\['(.*)'\]$/.exec(fieldPath) ?? [];
  return map !== undefined && FORMATS.labelKey.test(map === 'annotations' ? key.toLowerCase() : key);
}

/** `metadata.labels.app` and the like are what people try first. */
function asOneKey(fieldPath: string): string | undefined {
  const [, map, key] = /^metadata\.(labels|annotations)(?:\.|\[["]?)([^"'\]]+)["]?\]?$/.exec(fieldPath) ?? [];
  return map === undefined || key === undefined ? undefined : `metadata.${map}['${key}']`;
}

const RESOURCES = ['limits', 'requests'].flatMap((kind) =>
  ['cpu', 'memory', 'ephemeral-storage'].map((resource) => `${kind}.${resource}`),
);
const CPU_DIVISORS = ['1m', '1'];
const BYTE_DIVISORS = [
  '1',
  ...['k', 'M', 'G', 'T', 'P', 'E'].flatMap((unit) => [`1${unit}`, `1${unit.toUpperCase()}i`]),
];

/** The resources of a container that variables and files may hold. */
export const resourceFieldRef: Check<V1ResourceFieldSelector> = function* (selector, path, { isUnknown }) {
  const { resource, containerName = '', divisor = '0' } = selector;
  if (isInVolume(path) && containerName === '') {
    const what = '"containerName" is missing, and a file belongs to no container';
    yield refused({ rule: RULE, path: [...path, 'containerName'], what, remedy: 'add it' });
  }
  if (resource === '' || isUnknown(resource)) return;
  yield* unknownResource(resource, [...path, 'resource']);
  if (!isUnknown(divisor)) yield* badDivisor(resource, divisor, [...path, 'divisor']);
};

function* unknownResource(resource: string, path: ApiPath): Iterable<ApiProblem> {
  if (RESOURCES.includes(resource) || isHugePages(resource)) return;
  const replacement = closestName(resource, RESOURCES);
  const what = `"${resource}" is no resource a variable can be made from`;
  const remedy = `write ${oneOf(replacement === undefined ? RESOURCES : [replacement])}`;
  yield refused({ rule: RULE, path, what, remedy, replacement });
}

function isHugePages(resource: string): boolean {
  return /^(?:limits|requests)\.hugepages-/.test(resource);
}

function* badDivisor(resource: string, divisor: string, path: ApiPath): Iterable<ApiProblem> {
  const parsed = parseQuantity(divisor);
  if (!RESOURCES.includes(resource) && !isHugePages(resource)) return;
  if (!parsed.ok || parsed.value.nanos === 0n) return;
  const allowed = resource.endsWith('.cpu') ? CPU_DIVISORS : BYTE_DIVISORS;
  if (allowed.includes(formatQuantity(parsed.value))) return;
  yield refused({
    rule: RULE,
    path,
    what: `"${divisor}" is no divisor of "${resource}"`,
    remedy: `write ${oneOf(allowed)}`,
  });
}

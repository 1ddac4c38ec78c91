import type { V1PodSpec } from '@kubernetes/client-node';
import { definitionOf, fieldSchema, type JsonSchema } from '../schema/json-schema.js';
import { kubernetesDefinitions } from '../schema/kubernetes-definitions.generated.js';

/** Numbers and switches for which Kubernetes cannot tell zero or false from "not said"; of all others it can. */
const PLAIN_FIELDS: ReadonlySet<string> = new Set([
  ...['hostNetwork', 'hostPID', 'hostIPC', 'stdin', 'stdinOnce', 'tty', 'readOnly'],
  ...['chapAuthDiscovery', 'chapAuthSession', 'sslEnabled'],
  ...['hostPort', 'partition'],
  ...['initialDelaySeconds', 'timeoutSeconds', 'periodSeconds', 'successThreshold', 'failureThreshold'],
]);

/** Texts that mean something when they are empty, such as "no storage class". */
const MEANINGFUL_WHEN_EMPTY: ReadonlySet<string> = new Set([
  ...['storageClassName', 'volumeAttributesClassName', 'runtimeClassName', 'service', 'apiGroup'],
]);

/** Fields that Kubernetes keeps at their zero value, although others of the same name it does not. */
const KEPT_AT_ZERO: Readonly<Record<string, readonly string[]>> = {
  AzureDiskVolumeSource: ['fsType', 'readOnly'],
  CSIVolumeSource: ['fsType', 'readOnly'],
  HostPathVolumeSource: ['type'],
  PodDNSConfigOption: ['value'],
};

/** Fields which the API server always writes, and what it takes a missing one for: none of them has to be given. */
const ALWAYS_WRITTEN: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  HTTPHeader: { value: '' },
  ISCSIVolumeSource: { lun: 0 },
  PreferredSchedulingTerm: { preference: {} },
  ResourceFieldSelector: { divisor: '0' },
  SleepAction: { seconds: 0 },
  Sysctl: { value: '' },
};

/**
 * A pod as the API server would read and write it: empty optional lists, maps and texts and fields at their zero value are
 * left out, quantities are text. Two pods that mean the same become the same bytes, whoever wrote them.
 */
export function canonicalPod(pod: V1PodSpec): V1PodSpec {
  // Every field that is left out is optional, so what remains is a pod.
  return canonical(pod, { $ref: '#/definitions/PodSpec' }) as V1PodSpec;
}

/** Most of a pod is canonical already, so what needs no change is returned as it is: a pod is built for every job. */
function canonical(value: unknown, schema: JsonSchema): unknown {
  if (typeof value !== 'object' || value === null) return resolve(schema).format === 'quantity' ? String(value) : value;
  return Array.isArray(value) ? canonicalList(value, resolve(schema).items ?? {}) : canonicalMap(value, schema);
}

function canonicalList(list: readonly unknown[], items: JsonSchema): readonly unknown[] {
  let result: unknown[] | undefined;
  for (let index = 0; index < list.length; index += 1) {
    const clean = canonical(list[index], items);
    if (clean === list[index]) continue;
    result ??= [...list];
    result[index] = clean;
  }
  return result ?? list;
}

function canonicalMap(map: object, schema: JsonSchema): object {
  const definition = definitionOf(schema) ?? '';
  const parent = resolve(schema);
  const kept = KEPT_AT_ZERO[definition];
  let changed: Map<string, unknown> | undefined;
  for (const name of Object.keys(map)) {
    const field = (map as Readonly<Record<string, unknown>>)[name];
    // Most fields are texts, which are canonical unless empty, whatever their schema.
    if (typeof field === 'string' && field !== '') continue;
    const clean = canonicalField(field, name, { parent, kept });
    if (clean === undefined || clean !== field) (changed ??= new Map()).set(name, clean);
  }
  const written = ALWAYS_WRITTEN[definition];
  const fields = changed === undefined ? map : withChanges(map, changed);
  return written === undefined ? fields : { ...written, ...fields };
}

/** Undefined when the field is to be left out. */
function canonicalField(
  field: unknown,
  name: string,
  { parent, kept }: { parent: JsonSchema; kept: readonly string[] | undefined },
): unknown {
  if (kept?.includes(name) === true) return field ?? undefined;
  const schema = fieldSchema(parent, name) ?? {};
  return isLeftOut(field, name, { parent, schema }) ? undefined : canonical(field, schema);
}

/** In the order of the fields before; what changed to undefined is left out. */
function withChanges(map: object, changed: ReadonlyMap<string, unknown>): object {
  const fields = Object.entries(map) as [string, unknown][];
  return Object.fromEntries(
    fields
      .map(([name, field]) => [name, changed.has(name) ? changed.get(name) : field] as const)
      .filter(([, field]) => field !== undefined),
  );
}

function resolve(schema: JsonSchema): JsonSchema {
  const definition = definitionOf(schema);
  return definition === undefined ? schema : (kubernetesDefinitions[definition] ?? {});
}

function isLeftOut(value: unknown, name: string, at: { parent: JsonSchema; schema: JsonSchema }): boolean {
  if (value === undefined || value === null) return true;
  // Entries of free-form maps (labels, limits) are the user's own, whatever they hold.
  if (at.parent.properties === undefined || at.parent.required?.includes(name) === true) return false;
  if (typeof value === 'object') return isEmptyCollection(value, at.schema);
  if (value === '') return !MEANINGFUL_WHEN_EMPTY.has(name);
  return (value === 0 || value === false) && PLAIN_FIELDS.has(name);
}

/** A section such as `emptyDir: {}` says something by being there; a list or a free-form map does not. */
function isEmptyCollection(value: object, schema: JsonSchema): boolean {
  return Object.keys(value).length === 0 && (Array.isArray(value) || resolve(schema).properties === undefined);
}

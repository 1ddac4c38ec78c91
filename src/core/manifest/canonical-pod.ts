import type { V1PodSpec } from '@kubernetes/client-node';
import type { JsonSchema } from '../schema/json-schema.js';
import { kubernetesDefinitions } from '../schema/kubernetes-definitions.generated.js';

/** Numbers and switches for which Kubernetes cannot tell zero or false from "not said"; of all others it can. */
const PLAIN_FIELDS: ReadonlySet<string> = new Set([
  ...['hostNetwork', 'hostPID', 'hostIPC', 'stdin', 'stdinOnce', 'tty', 'readOnly'],
  ...['chapAuthDiscovery', 'chapAuthSession'],
  ...['hostPort', 'partition'],
  ...['initialDelaySeconds', 'timeoutSeconds', 'periodSeconds', 'successThreshold', 'failureThreshold'],
]);

/** Texts that mean something when they are empty, such as "no storage class". */
const MEANINGFUL_WHEN_EMPTY: ReadonlySet<string> = new Set(['storageClassName', 'runtimeClassName', 'service']);

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
  const result = list.map((item) => canonical(item, items));
  return result.every((item, index) => item === list[index]) ? list : result;
}

function canonicalMap(map: object, schema: JsonSchema): object {
  const target = resolve(schema);
  const kept: [string, unknown][] = [];
  let changed = false;
  for (const [name, field] of Object.entries(map) as [string, unknown][]) {
    const fieldSchema = schemaOf(target, name);
    if (isLeftOut(field, name, { parent: target, schema: fieldSchema })) {
      changed = true;
      continue;
    }
    const clean = canonical(field, fieldSchema);
    changed ||= clean !== field;
    kept.push([name, clean]);
  }
  return withDivisor(changed ? Object.fromEntries(kept) : map, schema);
}

function schemaOf({ properties, additionalProperties }: JsonSchema, name: string): JsonSchema {
  if (properties !== undefined && Object.hasOwn(properties, name)) return properties[name] ?? {};
  return typeof additionalProperties === 'object' ? additionalProperties : {};
}

const REF_PREFIX = '#/definitions/';

function resolve(schema: JsonSchema): JsonSchema {
  if (schema.$ref === undefined) return schema;
  return kubernetesDefinitions[schema.$ref.slice(REF_PREFIX.length)] ?? {};
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

/** The API server always writes the divisor of a resource reference; 0 stands for its default. */
function withDivisor(fields: object, { $ref }: JsonSchema): object {
  return $ref === '#/definitions/ResourceFieldSelector' ? { divisor: '0', ...fields } : fields;
}

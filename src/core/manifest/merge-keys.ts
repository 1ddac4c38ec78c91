import { definitionOf, type JsonSchema } from '../schema/json-schema.js';
import { kubernetesDefinitions } from '../schema/kubernetes-definitions.generated.js';

/** A list of scalars that merges as a set. */
export const SCALARS = Symbol('scalars');

/** The field that identifies an entry of a merging list, or that the entries are scalars and identify themselves. */
export type MergeKey = string | typeof SCALARS;

const CONTAINER_LISTS: Readonly<Record<string, MergeKey>> = {
  env: 'name',
  ports: 'containerPort',
  volumeDevices: 'devicePath',
  volumeMounts: 'mountPath',
};

/**
 * Every list around Jobs and Pods that a strategic merge patch merges entry by entry (`x-kubernetes-patch-merge-key` of
 * the Kubernetes 1.36 OpenAPI document); all others are replaced as a whole.
 */
export const MERGING_LISTS: Readonly<Record<string, Readonly<Record<string, MergeKey>>>> = {
  Container: CONTAINER_LISTS,
  EphemeralContainer: CONTAINER_LISTS,
  PodSpec: {
    containers: 'name',
    ephemeralContainers: 'name',
    hostAliases: 'ip',
    imagePullSecrets: 'name',
    initContainers: 'name',
    resourceClaims: 'name',
    schedulingGates: 'name',
    topologySpreadConstraints: 'topologyKey',
    volumes: 'name',
  },
  ObjectMeta: { finalizers: SCALARS, ownerReferences: 'uid' },
  ContainerStatus: { allocatedResourcesStatus: 'name', volumeMounts: 'mountPath' },
  JobStatus: { conditions: 'type' },
  PodStatus: { conditions: 'type', podIPs: 'ip', hostIPs: 'ip', resourceClaimStatuses: 'name' },
  ServiceAccount: { secrets: 'name' },
  NamespaceStatus: { conditions: 'type' },
};

/** What a patch needs to know about a field: the definition its value, or each entry of it, has; and whether its list merges. */
export interface FieldType {
  /** Undefined for free-form maps and scalars. */
  readonly definition: string | undefined;
  /** Undefined when it is no list, or a list that is replaced as a whole. */
  readonly mergeKey: MergeKey | undefined;
}

/** Looks up a field of a definition such as `PodSpec`. */
export function fieldType(definition: string | undefined, field: string): FieldType {
  if (definition === undefined) return { definition: undefined, mergeKey: undefined };
  const mergeKeys = MERGING_LISTS[definition] ?? {};
  return {
    definition: referenced(own(own(kubernetesDefinitions, definition)?.properties, field)),
    mergeKey: own(mergeKeys, field),
  };
}

function referenced(schema: JsonSchema | undefined): string | undefined {
  return schema && definitionOf(schema.items ?? schema);
}

function own<T>(record: Readonly<Record<string, T>> | undefined, key: string): T | undefined {
  return record !== undefined && Object.hasOwn(record, key) ? record[key] : undefined;
}

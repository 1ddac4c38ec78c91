import type { PatchableKind } from '../../core/manifest/strategic-merge.js';

/** A kind of object this server stores, and how the API server treats it. */
export interface ResourceType {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly singular: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly shortNames: readonly string[];
  readonly subresources: readonly string[];
  /** Key into the pinned Kubernetes definitions. */
  readonly definition: PatchableKind;
  /** DELETE answers with the object instead of a Status. */
  readonly returnsDeleted: boolean;
  /** PUT of a missing object creates it. */
  readonly createsOnUpdate: boolean;
  /** PUT without a resourceVersion overwrites; otherwise it is refused. */
  readonly unconditionalUpdate: boolean;
  /** Objects count generations of their spec. */
  readonly countsGenerations: boolean;
}

const base = {
  group: '',
  version: 'v1',
  namespaced: true,
  shortNames: [],
  subresources: [],
  returnsDeleted: false,
  createsOnUpdate: false,
  unconditionalUpdate: true,
  countsGenerations: false,
} satisfies Partial<ResourceType>;

function core(kind: PatchableKind, plural: string, shortNames: readonly string[]): ResourceType {
  return {
    ...base,
    kind,
    plural,
    shortNames,
    singular: kind.toLowerCase(),
    definition: kind,
  };
}

/** The resources of this server by plural name; `store.create('pods', …)` uses these names. */
export const RESOURCES = {
  namespaces: { ...core('Namespace', 'namespaces', ['ns']), namespaced: false, returnsDeleted: true },
  serviceaccounts: { ...core('ServiceAccount', 'serviceaccounts', ['sa']), returnsDeleted: true },
  secrets: core('Secret', 'secrets', []),
  configmaps: core('ConfigMap', 'configmaps', ['cm']),
  podtemplates: { ...core('PodTemplate', 'podtemplates', []), returnsDeleted: true, countsGenerations: true },
  events: { ...core('Event', 'events', ['ev']), createsOnUpdate: true },
  pods: {
    ...core('Pod', 'pods', ['po']),
    subresources: ['status', 'log'],
    returnsDeleted: true,
    countsGenerations: true,
  },
  jobs: {
    ...base,
    group: 'batch',
    kind: 'Job',
    plural: 'jobs',
    singular: 'job',
    subresources: ['status'],
    definition: 'Job',
    countsGenerations: true,
  },
  leases: {
    ...base,
    group: 'coordination.k8s.io',
    kind: 'Lease',
    plural: 'leases',
    singular: 'lease',
    definition: 'Lease',
    createsOnUpdate: true,
    unconditionalUpdate: false,
  },
} as const satisfies Record<string, ResourceType>;

export type ResourceName = keyof typeof RESOURCES;

/** Events as `events.k8s.io/v1` shows them: another face of the same stored objects. */
export const EVENTS_V1: ResourceType = {
  ...RESOURCES.events,
  group: 'events.k8s.io',
  definition: 'EventsV1Event',
};

/** Every served resource type with the name of the store that holds it. */
export const SERVED: readonly { readonly type: ResourceType; readonly store: ResourceName }[] = [
  ...Object.entries(RESOURCES).map(([name, type]) => ({ type, store: name as ResourceName })),
  { type: EVENTS_V1, store: 'events' as const },
];

/** `v1` or `batch/v1`. */
export function apiVersionOf(type: Pick<ResourceType, 'group' | 'version'>): string {
  return type.group === '' ? type.version : `${type.group}/${type.version}`;
}

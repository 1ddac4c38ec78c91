/** Kinds of objects that a pod can name. */
export type ObjectKind =
  | 'Secret'
  | 'ConfigMap'
  | 'ServiceAccount'
  | 'PersistentVolumeClaim'
  | 'PodTemplate'
  | 'PriorityClass'
  | 'RuntimeClass';

/** How a field names an object. */
export interface Reference {
  readonly kind: ObjectKind;
  /** The field below that holds the name; undefined = the value itself. */
  readonly name?: string;
  /** The value is a list of such objects. */
  readonly list?: boolean;
  /** `key`, or the keys of `items`, must be in the object. */
  readonly hasKeys?: boolean;
  readonly clusterWide?: boolean;
  readonly severity?: 'warning';
  /** What happens without it, after "so …". */
  readonly then: string;
}

const NO_POD = 'no pod can be made and the job fails after half a minute';
const NO_START = 'the container cannot start and the job fails after half a minute';
const NO_VOLUME = 'the pod cannot start and hangs until the pending limit';

/** Fields anywhere in the plugin → what they name. */
export const REFERENCES: Readonly<Record<string, readonly Reference[]>> = {
  serviceAccountName: [{ kind: 'ServiceAccount', then: NO_POD }],
  serviceAccount: [{ kind: 'ServiceAccount', then: NO_POD }],
  priorityClassName: [{ kind: 'PriorityClass', clusterWide: true, then: NO_POD }],
  runtimeClassName: [{ kind: 'RuntimeClass', clusterWide: true, then: NO_POD }],
  podTemplate: [{ kind: 'PodTemplate', then: 'the controller fails the job' }],
  imagePullSecrets: [
    {
      kind: 'Secret',
      name: 'name',
      list: true,
      severity: 'warning',
      then: 'images that need it cannot be pulled; Kubernetes goes on without it',
    },
  ],
  secretRef: [{ kind: 'Secret', name: 'name', then: NO_START }],
  configMapRef: [{ kind: 'ConfigMap', name: 'name', then: NO_START }],
  secretKeyRef: [{ kind: 'Secret', name: 'name', hasKeys: true, then: NO_START }],
  configMapKeyRef: [{ kind: 'ConfigMap', name: 'name', hasKeys: true, then: NO_START }],
  // A volume calls it "secretName", a projected source "name".
  secret: [
    { kind: 'Secret', name: 'secretName', hasKeys: true, then: NO_VOLUME },
    { kind: 'Secret', name: 'name', hasKeys: true, then: NO_VOLUME },
  ],
  configMap: [{ kind: 'ConfigMap', name: 'name', hasKeys: true, then: NO_VOLUME }],
  gitCredentialsSecret: [{ kind: 'Secret', name: 'secretName', hasKeys: true, then: NO_VOLUME }],
  persistentVolumeClaim: [{ kind: 'PersistentVolumeClaim', name: 'claimName', then: NO_VOLUME }],
};

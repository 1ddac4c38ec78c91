import type { V1LimitRangeSpec, V1Taint } from '@kubernetes/client-node';

/** A snapshot of the cluster: names, never contents. A missing key means that it is not known. */
export interface ClusterFacts {
  /** RFC 3339. */
  readonly generatedAt?: string;
  readonly namespace?: string;
  /** `major.minor`, e.g. `1.36`. */
  readonly kubernetesVersion?: string;
  readonly serviceAccounts?: readonly string[];
  /** Name → keys. */
  readonly secrets?: Readonly<Record<string, readonly string[]>>;
  /** Name → keys. */
  readonly configMaps?: Readonly<Record<string, readonly string[]>>;
  readonly persistentVolumeClaims?: readonly string[];
  readonly podTemplates?: readonly string[];
  readonly priorityClasses?: readonly string[];
  readonly runtimeClasses?: readonly string[];
  readonly limitRanges?: readonly V1LimitRangeSpec[];
  readonly resourceQuotas?: readonly QuotaFacts[];
  readonly nodes?: readonly NodeFacts[];
}

export interface QuotaFacts {
  readonly hard?: Readonly<Record<string, string>>;
  readonly used?: Readonly<Record<string, string>>;
}

export interface NodeFacts {
  readonly allocatable?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly taints?: readonly V1Taint[];
}

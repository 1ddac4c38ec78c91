import type {
  V1EnvFromSource,
  V1PodSpec,
  V1ResourceRequirements,
  V1SecretVolumeSource,
  V1Volume,
  V1VolumeMount,
} from '@kubernetes/client-node';

export type { V1PodSpec, V1Volume };

export type JobSourceName = 'auto' | 'graphql' | 'stacks';
export type Interposer = '' | 'buildkite' | 'vector' | 'legacy';

/**
 * The resolved configuration: defaults, file, environment and flags laid over each other and validated.
 * Top-level keys are camelCase with their unit; nested sections keep the very key names of the file, because they
 * are shared with the `kubernetes` plugin. Deeply frozen: one object serves all jobs.
 */
export interface ControllerConfig {
  readonly namespace: string;
  readonly id: string;
  readonly agentTokenSecret: string;
  readonly image: string;
  readonly queue: string;
  readonly tags: readonly string[];
  readonly jobPrefix: string;
  readonly jobTtlMs: number;
  readonly jobActiveDeadlineSeconds: number;
  readonly defaultTerminationGracePeriodSeconds: number;
  readonly jobCreationConcurrency: number;
  readonly maxInFlight: number;
  readonly pollIntervalMs: number;
  readonly httpTimeoutMs: number;
  readonly paginationPageSize: number;
  readonly paginationDepthLimit: number;
  readonly queryResetIntervalMs: number;
  readonly enableQueuePause: boolean;
  readonly enableCompletionWatcher: boolean;
  readonly workQueueLimit: number;
  readonly reservationExpirySeconds: number;
  /** Requests a second; undefined = no fixed rate. */
  readonly k8sClientRateLimiterQps: number | undefined;
  readonly k8sClientRateLimiterBurst: number | undefined;
  readonly imagePullBackoffGracePeriodMs: number;
  readonly jobCancelCheckerPollIntervalMs: number;
  readonly emptyJobGracePeriodMs: number;
  readonly podPendingTimeoutMs: number;
  readonly defaultImagePullPolicy: string;
  readonly defaultImageCheckPullPolicy: string;
  readonly skipImageCheckContainers: boolean;
  readonly imageCheckContainerCpuLimit: string;
  readonly imageCheckContainerMemoryLimit: string;
  readonly prohibitKubernetesPlugin: boolean;
  readonly strictPlugin: boolean;
  readonly allowPodSpecPatchUnsafeCommandModification: boolean;
  readonly prometheusPort: number;
  readonly profilerAddress: string;
  readonly logFormat: 'logfmt' | 'json';
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error';
  readonly noColor: boolean;
  readonly debug: boolean;
  readonly logHttpPayloads: boolean;
  readonly jobSource: JobSourceName;
  readonly org: string;
  readonly buildkiteToken: string;
  readonly clusterUuid: string;
  readonly graphqlEndpoint: string;
  readonly staleJobDataTimeoutMs: number;
  readonly graphqlResultsLimit: number;
  // Keys that only the file can set.
  readonly podSpecPatch: PodSpecPatch | undefined;
  readonly workspaceVolume: V1Volume | undefined;
  readonly workspaceMountSubPathExpr: string;
  readonly agentConfig: AgentConfig | undefined;
  readonly defaultCheckoutParams: CheckoutParams | undefined;
  readonly defaultCommandParams: CommandParams | undefined;
  readonly defaultSidecarParams: SidecarParams | undefined;
  readonly defaultMetadata: Metadata | undefined;
  readonly additionalRedactedVars: readonly string[];
  readonly resourceClasses: Readonly<Record<string, ResourceClass>> | undefined;
  readonly defaultResourceClassName: string;
}

/** A PodSpec-shaped strategic merge patch: may hold null and `$patch`, `$retainKeys`, … directives, so it is not a V1PodSpec. */
export type PodSpecPatch = Readonly<Record<string, unknown>>;

export interface Metadata {
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface AgentConfig {
  readonly endpoint?: string;
  readonly 'no-http2'?: boolean;
  readonly experiment?: readonly string[];
  readonly shell?: string;
  readonly 'no-color'?: boolean;
  readonly 'strict-single-hooks'?: boolean;
  readonly 'no-multipart-artifact-upload'?: boolean;
  readonly 'trace-context-encoding'?: string;
  readonly 'tracing-backend'?: string;
  readonly 'tracing-service-name'?: string;
  readonly 'tracing-propagate-traceparent'?: boolean;
  readonly 'disable-warnings-for'?: readonly string[];
  readonly 'debug-signing'?: boolean;
  readonly 'git-skip-fetch-existing-commits'?: boolean;
  /** Milliseconds (a Go duration in the file). */
  readonly 'container-start-timeout'?: number;
  readonly 'hooks-path'?: string;
  readonly hooksVolume?: V1Volume;
  readonly 'additional-hooks-paths'?: readonly string[];
  readonly 'additional-hooks'?: readonly AdditionalHook[];
  readonly 'plugins-path'?: string;
  readonly pluginsVolume?: V1Volume;
  readonly 'no-pty'?: boolean;
  readonly 'no-command-eval'?: boolean;
  readonly 'no-local-hooks'?: boolean;
  readonly 'no-plugins'?: boolean;
  readonly 'plugin-validation'?: boolean;
  readonly 'signing-jwks-file'?: string;
  readonly 'signing-jwks-key-id'?: string;
  readonly signingJWKSVolume?: V1Volume;
  readonly 'verification-jwks-file'?: string;
  readonly 'verification-failure-behavior'?: string;
  readonly verificationJWKSVolume?: V1Volume;
}

export interface AdditionalHook {
  readonly path: string;
  readonly volume: V1Volume;
}

export interface CheckoutParams {
  readonly skip?: boolean;
  readonly checkoutFlags?: string;
  readonly cleanFlags?: string;
  readonly cloneFlags?: string;
  readonly fetchFlags?: string;
  readonly noSubmodules?: boolean;
  readonly submoduleCloneConfig?: readonly string[];
  readonly gitMirrors?: GitMirrors;
  readonly gitCredentialsSecret?: V1SecretVolumeSource;
  readonly envFrom?: readonly V1EnvFromSource[];
  readonly extraVolumeMounts?: readonly V1VolumeMount[];
}

export interface GitMirrors {
  readonly path?: string;
  readonly volume?: V1Volume;
  readonly cloneFlags?: string;
  readonly lockTimeout?: number;
  readonly skipUpdate?: boolean;
}

export interface CommandParams {
  readonly interposer?: Interposer;
  readonly envFrom?: readonly V1EnvFromSource[];
  readonly extraVolumeMounts?: readonly V1VolumeMount[];
}

export interface SidecarParams {
  readonly envFrom?: readonly V1EnvFromSource[];
  readonly extraVolumeMounts?: readonly V1VolumeMount[];
}

export interface ResourceClass {
  readonly resource?: V1ResourceRequirements;
  readonly podResource?: V1ResourceRequirements;
  readonly nodeSelector?: Readonly<Record<string, string>>;
}

/** The queue this controller serves: `queue`, else the `queue=` tag, else the cluster's default queue `_default`. */
export function effectiveQueue(config: Pick<ControllerConfig, 'queue' | 'tags'>): string {
  const fromTags = config.tags.findLast((tag) => tag.startsWith('queue='))?.slice('queue='.length);
  return config.queue || fromTags || '_default';
}

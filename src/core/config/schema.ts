import { boolean, type ConfigKey, duration, integer, list, quantity, section, text } from './config-key.js';
import type { ControllerConfig } from './config.js';
import { kubernetesType, sectionType } from './section-definitions.js';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const INT32_MAX = 2 ** 31 - 1;
const PULL_POLICIES = ['', 'Always', 'IfNotPresent', 'Never'] as const;

/** Of the release whose behaviour this program has. */
const DEFAULT_AGENT_IMAGE = 'ghcr.io/buildkite/agent:3.136.2';

const IDENTITY = {
  id: text('id', 'v0.29', '', {
    env: ['BUILDKITE_K8S_STACK_CONTROLLER_ID'],
    description: 'Identity of this controller; needed, and unique in the organization, when several controllers run.',
  }),
  queue: text('queue', 'v0.35', '', {
    description: 'Queue to serve; without it the queue= tag counts, else the default queue of the cluster.',
  }),
  tags: list('tags', 'v0.20', [], {
    schema: { type: 'array', items: { type: 'string' } },
    description: 'Agent tags of the form key=value; only jobs whose agent query rules they satisfy are run.',
  }),
};

const CONNECTION = {
  agentTokenSecret: text('agent-token-secret', 'v0.20', 'buildkite-agent-token', {
    required: true,
    description: 'Name of the Secret that holds the agent token under the key BUILDKITE_AGENT_TOKEN.',
  }),
  jobSource: text('job-source', 'ours', 'auto', {
    allowed: ['auto', 'graphql', 'stacks'],
    description:
      'API that jobs come from; auto is GraphQL when buildkite-token and org are given, else the Stacks API.',
  }),
  org: text('org', 'v0.20', '', {
    description: 'Slug of the organization; needed by the GraphQL source alone.',
  }),
  buildkiteToken: text('buildkite-token', 'v0.20', '', {
    secret: true,
    description: 'API access token for the GraphQL source; better given by the environment than in a file or flag.',
  }),
  clusterUuid: text('cluster-uuid', 'v0.20', '', {
    description: 'UUID of the Buildkite cluster whose jobs are run; the GraphQL source alone uses it.',
  }),
  graphqlEndpoint: text('graphql-endpoint', 'v0.20', '', {
    env: ['GRAPHQL_ENDPOINT', 'GRAPH_QL_ENDPOINT'],
    flagAliases: ['graph-ql-endpoint'],
    description: 'URL of the GraphQL API; empty means that of buildkite.com.',
  }),
  graphqlResultsLimit: integer('graphql-results-limit', 'v0.23', 100, {
    unit: 'jobs',
    min: 1,
    max: 500,
    description: 'Jobs asked for in one page of a GraphQL listing.',
  }),
  staleJobDataTimeoutMs: duration('stale-job-data-timeout', 'v0.20', 10 * SECOND, {
    min: 0,
    description: 'Age at which what a GraphQL listing said of a job is no longer acted upon.',
  }),
  pollIntervalMs: duration('poll-interval', 'v0.20', SECOND, {
    min: 0,
    description: 'Pause between two listings of scheduled jobs; less than 1s is raised to 1s.',
  }),
  httpTimeoutMs: duration('http-timeout', 'v0.38', MINUTE, {
    min: 1,
    description: 'Time one request to Buildkite may take.',
  }),
  paginationPageSize: integer('pagination-page-size', 'v0.28', 1000, {
    unit: 'jobs',
    min: 1,
    max: 1000,
    description: 'Jobs asked for in one page of a Stacks listing.',
  }),
  paginationDepthLimit: integer('pagination-depth-limit', 'v0.25', 2, {
    unit: 'pages',
    min: 1,
    max: 20,
    description: 'Pages of one listing that are read at most.',
  }),
  queryResetIntervalMs: duration('query-reset-interval', 'v0.28', 10 * SECOND, {
    min: 0,
    noEffect: 'each listing starts at the oldest job',
    description: 'Formerly the time after which a listing started again at the oldest job.',
  }),
  reservationExpirySeconds: integer('reservation-expiry-seconds', 'v0.41', 0, {
    unit: 'seconds',
    min: 0,
    max: 3600,
    description: 'How long Buildkite keeps a job for this controller; 0 leaves that to Buildkite (15 minutes).',
  }),
  enableQueuePause: boolean('enable-queue-pause', 'v0.24', false, {
    noEffect: 'a paused queue is always respected',
    description: 'Formerly whether a paused queue stops new jobs.',
  }),
};

const JOBS = {
  maxInFlight: integer('max-in-flight', 'v0.20', 25, {
    unit: 'jobs',
    min: 0,
    description: 'Jobs that may run at the same time; 0 means any number.',
  }),
  jobCreationConcurrency: integer('job-creation-concurrency', 'v0.20', 25, {
    unit: 'jobs',
    min: 1,
    description: 'Jobs that are being built and created at the same time.',
  }),
  workQueueLimit: integer('work-queue-limit', 'v0.28', 1_000_000, {
    unit: 'jobs',
    min: 1,
    description: 'Jobs that may wait inside the controller.',
  }),
  jobPrefix: text('job-prefix', 'v0.26', 'buildkite-', {
    required: true,
    description: 'What the names of Job resources start with, at most 27 characters; the UUID of the job follows.',
  }),
  jobTtlMs: duration('job-ttl', 'v0.20', 10 * MINUTE, {
    min: 0,
    max: INT32_MAX * SECOND,
    description: 'How long a finished Job resource is kept, in whole seconds; 0 deletes it at once.',
  }),
  jobActiveDeadlineSeconds: integer('job-active-deadline-seconds', 'v0.24', 21_600, {
    unit: 'seconds',
    min: 1,
    max: INT32_MAX,
    description: 'Time after which Kubernetes ends a job that still runs; a job may override it.',
  }),
  prohibitKubernetesPlugin: boolean('prohibit-kubernetes-plugin', 'v0.20', false, {
    description: 'Fail every job that carries the kubernetes plugin.',
  }),
  strictPlugin: boolean('strict-plugin', 'ours', false, {
    description: 'Fail a job whose kubernetes plugin has unknown fields, instead of warning.',
  }),
  allowPodSpecPatchUnsafeCommandModification: boolean(
    'allow-pod-spec-patch-unsafe-command-modification',
    'v0.24',
    false,
    {
      description: 'Let patches change command and args of containers, which can break the agent inside the pod.',
    },
  ),
  resourceClasses: section('resource-classes', 'v0.31', undefined, {
    schema: { type: 'object', additionalProperties: sectionType('ResourceClass') },
    description: 'Named resources and node selectors that a job chooses by the tag resource_class=NAME.',
  }),
  defaultResourceClassName: section('default-resource-class-name', 'v0.37', '', {
    schema: { type: 'string' },
    description: 'Resource class of the jobs that choose none.',
  }),
};

const IMAGES = {
  image: text('image', 'v0.20', DEFAULT_AGENT_IMAGE, {
    required: true,
    description: 'Image of the agent, checkout and set-up containers, and of jobs that name no image.',
  }),
  defaultImagePullPolicy: text('default-image-pull-policy', 'v0.21', '', {
    allowed: PULL_POLICIES,
    description: 'Pull policy of containers that have none; empty means one that suits the tag or digest of the image.',
  }),
  defaultImageCheckPullPolicy: text('default-image-check-pull-policy', 'v0.21', '', {
    allowed: PULL_POLICIES,
    description: 'Pull policy of the image checks; empty means one that suits the image and its containers.',
  }),
  skipImageCheckContainers: boolean('skip-image-check-containers', 'v0.30', false, {
    description: 'Leave out the init containers that pull every image before the job is accepted.',
  }),
  imageCheckContainerCpuLimit: quantity('image-check-container-cpu-limit', 'v0.28', '200m', {
    description: 'CPU limit of an image check.',
  }),
  imageCheckContainerMemoryLimit: quantity('image-check-container-memory-limit', 'v0.28', '128Mi', {
    description: 'Memory limit of an image check.',
  }),
};

const PODS = {
  podSpecPatch: section('pod-spec-patch', 'v0.20', undefined, {
    schema: kubernetesType('PodSpec'),
    description: 'Strategic merge patch, in the shape of a PodSpec, for the pod of every job.',
  }),
  agentConfig: section('agent-config', 'v0.20', undefined, {
    schema: sectionType('AgentConfig'),
    description: 'Settings of the agent that runs in every pod.',
  }),
  defaultCheckoutParams: section('default-checkout-params', 'v0.20', undefined, {
    schema: sectionType('CheckoutParams'),
    description: 'How checkout containers fetch the source.',
  }),
  defaultCommandParams: section('default-command-params', 'v0.20', undefined, {
    schema: sectionType('CommandParams'),
    description: 'Additions to every command container.',
  }),
  defaultSidecarParams: section('default-sidecar-params', 'v0.20', undefined, {
    schema: sectionType('SidecarParams'),
    description: 'Additions to every sidecar.',
  }),
  defaultMetadata: section('default-metadata', 'v0.20', undefined, {
    schema: sectionType('Metadata'),
    description: 'Labels and annotations of every Job and pod.',
  }),
  workspaceVolume: section('workspace-volume', 'v0.20', undefined, {
    schema: kubernetesType('Volume'),
    description: 'Volume mounted at /workspace in every container; without it an empty directory.',
  }),
  workspaceMountSubPathExpr: section('workspace-mount-sub-path-expr', 'v0.43', '', {
    schema: { type: 'string' },
    description: 'subPathExpr of every mount of the workspace, for volumes that several pods share.',
  }),
  additionalRedactedVars: section('additional-redacted-vars', 'v0.20', [], {
    schema: { type: 'array', items: { type: 'string' } },
    description: 'Patterns of variable names whose values the agent hides in logs, besides its own.',
  }),
  defaultTerminationGracePeriodSeconds: integer('default-termination-grace-period-seconds', 'v0.33', 60, {
    unit: 'seconds',
    min: 1,
    max: INT32_MAX,
    description: 'Time a pod gets to end by itself when its job is cancelled.',
  }),
};

const WATCHING = {
  imagePullBackoffGracePeriodMs: duration('image-pull-backoff-grace-period', 'v0.20', 30 * SECOND, {
    min: 0,
    description: 'How long an image may fail to be pulled before its job is failed.',
  }),
  jobCancelCheckerPollIntervalMs: duration('job-cancel-checker-poll-interval', 'v0.20', 5 * SECOND, {
    min: 1,
    description: 'Pause between two looks whether waiting jobs were cancelled at Buildkite.',
  }),
  emptyJobGracePeriodMs: duration('empty-job-grace-period', 'v0.20', 30 * SECOND, {
    min: 0,
    description: 'How long a Job resource may have no pod before its job is failed.',
  }),
  podPendingTimeoutMs: duration('pod-pending-timeout', 'v0.40', 15 * MINUTE, {
    min: 0,
    description: 'How long a pod may be pending before its job is failed.',
  }),
  enableCompletionWatcher: boolean('enable-completion-watcher', 'v0.43', true, {
    description: 'End pods whose agent has finished although another container still runs.',
  }),
};

const KUBERNETES = {
  namespace: text('namespace', 'v0.20', 'default', {
    required: true,
    description: 'Namespace in which Jobs are created and the token Secret, PodTemplates and events are read.',
  }),
  k8sClientRateLimiterQps: integer('k8s-client-rate-limiter-qps', 'v0.23', undefined, {
    unit: 'requests a second',
    min: 0,
    description: 'Fixed rate of requests to Kubernetes; unset or 0 means none, only back-pressure counts.',
  }),
  k8sClientRateLimiterBurst: integer('k8s-client-rate-limiter-burst', 'v0.23', undefined, {
    unit: 'requests',
    min: 0,
    description:
      'Requests to Kubernetes that may exceed the fixed rate for a moment; has an effect with a fixed rate only.',
  }),
};

const OBSERVING = {
  prometheusPort: integer('prometheus-port', 'v0.20', 0, {
    unit: 'port',
    min: 0,
    max: 65_535,
    description: 'Port for metrics; 0 means none.',
  }),
  profilerAddress: text('profiler-address', 'v0.20', '', {
    description: 'Address, host:port, for profiles of the running controller; empty means none.',
  }),
  logFormat: text('log-format', 'v0.34', 'logfmt', {
    allowed: ['logfmt', 'json'],
    description: 'Form of the log lines.',
  }),
  logLevel: text('log-level', 'v0.34', 'info', {
    allowed: ['debug', 'info', 'warn', 'error'],
    description: 'Least severity that is logged.',
  }),
  noColor: boolean('no-color', 'v0.34', false, {
    description: 'Write without colours.',
  }),
  debug: boolean('debug', 'v0.20', false, {
    description: 'Log everything; beats log-level.',
  }),
  logHttpPayloads: boolean('log-http-payloads', 'v0.39', false, {
    description: 'Also log what is sent to and received from Buildkite, at level debug and without secrets.',
  }),
};

/**
 * The one source of truth for configuration: flags, environment variables, `--help`, validation, the published JSON
 * Schema and the documentation derive from this table.
 */
export const CONFIG_KEYS = {
  ...IDENTITY,
  ...CONNECTION,
  ...JOBS,
  ...IMAGES,
  ...PODS,
  ...WATCHING,
  ...KUBERNETES,
  ...OBSERVING,
} satisfies { readonly [P in keyof ControllerConfig]: ConfigKey<ControllerConfig[P]> };

/** A property of `ControllerConfig`. */
export type ConfigProperty = keyof ControllerConfig;

/** A row of the table. */
export interface ConfigEntry {
  readonly property: ConfigProperty;
  /** Heading under which `--help` and the documentation list the key. */
  readonly group: string;
  readonly key: ConfigKey;
}

/** The table as a list, group by group. */
export const CONFIG_ENTRIES: readonly ConfigEntry[] = [
  ...entries('Identity and queue', IDENTITY),
  ...entries('Buildkite connection', CONNECTION),
  ...entries('Jobs', JOBS),
  ...entries('Images', IMAGES),
  ...entries('Pods', PODS),
  ...entries('Watching', WATCHING),
  ...entries('Kubernetes', KUBERNETES),
  ...entries('Logs and metrics', OBSERVING),
];

function entries(group: string, keys: Partial<Record<ConfigProperty, ConfigKey>>): ConfigEntry[] {
  const properties = Object.keys(keys) as ConfigProperty[]; // checked by the compiler at the parameter
  return properties.map((property) => ({ property, group, key: CONFIG_KEYS[property] }));
}

/** Keys of other releases that are no longer keys: refused with a reason, or accepted without effect. */
export const RETIRED_KEYS: Readonly<Record<string, { readonly accepted: boolean; readonly reason: string }>> = {
  'experimental-job-reservation-support': {
    accepted: false,
    reason: 'it was removed in v0.33, since when jobs are always reserved; delete it',
  },
  'experimental-stacks-api-support': {
    accepted: false,
    reason: 'it was removed in v0.33; delete it, or choose with "job-source: stacks"',
  },
  'integration-test-buildkite-token': {
    accepted: true,
    reason: 'only the Go controller\'s own tests use it; for the GraphQL source write "buildkite-token"',
  },
};

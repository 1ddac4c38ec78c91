/** What a listing of scheduled jobs says of one Buildkite command job. */
export interface ScheduledJob {
  /** UUID of the job. */
  readonly id: string;
  /** Higher runs first. @default 0 */
  readonly priority: number;
  /** `key=value` rules as Buildkite sends them, `queue=` included when the step names one. */
  readonly agentQueryRules: readonly string[];
  /** RFC 3339, when known; breaks ties of equal priority: the oldest first. */
  readonly scheduledAt?: string | undefined;
}

/** What a job needs to run, as fetched from Buildkite. */
export interface RunnableJob {
  readonly id: string;
  readonly command: string;
  readonly env: Readonly<Record<string, string>>;
}

/** The builder's view of a job: listed and fetched facts together. */
export interface BuildkiteJob extends RunnableJob {
  readonly agentQueryRules: readonly string[];
  readonly priority: number;
}

/**
 * States a job can be in at Buildkite, lower case as on the Stacks API.
 * Treat an unknown word as "alive, look again".
 */
export type BuildkiteJobState = string;

/** Why a Buildkite job cannot become a Kubernetes Job; the text is what the person reading the build sees. */
export interface JobFailure {
  readonly reason: JobFailureReason;
  /** Sentence(s) for the build: culprit, consequence, remedy. */
  readonly text: string;
  /** Where the culprit stands, e.g. `podSpec.containers[0].image`, when there is a single place. */
  readonly path?: string | undefined;
}

export type JobFailureReason =
  | 'plugin-invalid'
  | 'plugin-prohibited'
  | 'plugin-unknown-field'
  | 'pod-template-missing'
  | 'reserved-name'
  | 'resource-class-unknown'
  | 'image-invalid'
  | 'patch-invalid'
  | 'pod-invalid'
  | 'rejected-by-kubernetes';

/** Something the job's owner should know although the job runs: an unknown plugin field, a lost directive. */
export interface JobWarning {
  readonly code: string;
  readonly text: string;
  readonly path?: string | undefined;
}

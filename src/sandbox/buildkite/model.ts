import type { AutomaticRetry, SoftFail, StepDependency } from '../../core/pipeline/pipeline.js';

/** States a job of the sandbox goes through; a subset of Buildkite's, lower case as on the wire. */
export type JobState =
  | 'pending'
  | 'waiting'
  | 'waiting_failed'
  | 'limited'
  | 'scheduled'
  | 'reserved'
  | 'assigned'
  | 'accepted'
  | 'running'
  | 'finished'
  | 'canceling'
  | 'canceled'
  | 'timing_out'
  | 'timed_out'
  | 'skipped'
  | 'broken';

export type BuildState = 'scheduled' | 'running' | 'failing' | 'passed' | 'failed' | 'canceling' | 'canceled';

/** States a job never leaves. */
export const TERMINAL: ReadonlySet<JobState> = new Set<JobState>([
  'finished',
  'canceled',
  'timed_out',
  'skipped',
  'broken',
  'waiting_failed',
]);

export interface StepGroup {
  readonly id: string;
  readonly key?: string | undefined;
  readonly label: string;
  readonly dependsOn?: readonly StepDependency[] | undefined;
  readonly allowDependencyFailure: boolean;
}

/** What one job of a step will be. */
export interface JobPlan {
  /** `BUILDKITE_LABEL`; may be empty. */
  readonly label: string;
  /** What people call the job: label or command, with the matrix choice or the number among its like. */
  readonly title: string;
  readonly command: string;
  readonly env: Readonly<Record<string, string>>;
  readonly agentQueryRules: readonly string[];
  readonly priority: number;
  readonly matrix?: Readonly<Record<string, string>> | undefined;
  readonly parallel?: { readonly index: number; readonly count: number } | undefined;
  /** Why the job is skipped, when it is. */
  readonly skip?: string | undefined;
  readonly softFail: SoftFail;
}

/** A step of a pipeline, read and expanded, before it belongs to a build. */
export interface StepPlan {
  readonly kind: 'command' | 'wait' | 'block' | 'input' | 'trigger';
  readonly key?: string | undefined;
  readonly label: string;
  readonly group?: StepGroup | undefined;
  /** Undefined: ordered by `wait` and `block`; a list, also an empty one, replaces that order. */
  readonly dependsOn?: readonly StepDependency[] | undefined;
  readonly allowDependencyFailure: boolean;
  readonly continueOnFailure: boolean;
  /** Why the step does not run at all: its `if`, its `branches`, or `skip` on a step that is no command. */
  readonly left?: string | undefined;
  /** Answers a block or input step gives when the sandbox unblocks it. */
  readonly defaults: Readonly<Record<string, string>>;
  readonly retry: readonly AutomaticRetry[];
  readonly concurrency?: { readonly group: string; readonly limit: number } | undefined;
  readonly timeoutInMinutes?: number | undefined;
  readonly cancelOnBuildFailing?: boolean | undefined;
  /** What the agent gets as `step` of the job. */
  readonly definition: Readonly<Record<string, unknown>>;
  readonly jobs: readonly JobPlan[];
}

export type StepStatus = 'pending' | 'active' | 'passed' | 'failed' | 'skipped';

/** A step of a running build. */
export interface Step {
  readonly id: string;
  readonly plan: StepPlan;
  status: StepStatus;
  /** What `step update` set, by attribute. */
  readonly updates: Map<string, string>;
  /** Updates carried out, by the client's uuid, so that a repeated one appends once. */
  readonly updatesDone: Set<string>;
  /** Every job of the step, retried ones included. */
  readonly jobs: Job[];
  /** Jobs not yet in a terminal state. */
  open: number;
  /** Jobs that ended badly and were neither retried nor soft-failed. */
  failures: number;
}

export interface Pipeline {
  readonly id: string;
  readonly slug: string;
  readonly name: string;
  readonly repository: string;
  readonly defaultBranch: string;
  builds: number;
}

export interface Annotation {
  readonly context: string;
  readonly jobId: string;
  style: string;
  body: string;
}

export interface Build {
  readonly id: string;
  readonly number: number;
  readonly pipeline: Pipeline;
  readonly branch: string;
  readonly commit: string;
  readonly message: string;
  readonly source: string;
  readonly env: Readonly<Record<string, string>>;
  readonly url: string;
  readonly createdAt: number;
  state: BuildState;
  startedAt?: number;
  finishedAt?: number;
  /** In pipeline order; an upload inserts behind the step that made it. */
  readonly steps: Step[];
  readonly metaData: Map<string, string>;
  readonly annotations: Map<string, Annotation>;
  /** Answers given to uploads, by the client's uuid, so that a repeated upload is harmless. */
  readonly uploads: Map<string, UploadOutcome>;
}

export interface UploadOutcome {
  readonly state: 'applied' | 'rejected';
  readonly message: string;
}

export interface JobNote {
  readonly detail: string;
  readonly at: number;
}

export interface Job {
  readonly id: string;
  /** Order of creation across the whole server. */
  readonly sequence: number;
  readonly build: Build;
  readonly step: Step;
  readonly plan: JobPlan;
  readonly queueKey: string;
  /** The plan's rules; a job that names no queue gets the default queue's, as listings show it. */
  readonly agentQueryRules: readonly string[];
  readonly createdAt: number;
  /** How many automatic retries came before this job. */
  readonly retriesCount: number;
  readonly retryOf?: string | undefined;
  state: JobState;
  scheduledAt?: number;
  assignedAt?: number;
  startedAt?: number;
  finishedAt?: number;
  exitStatus?: number;
  signal?: string | undefined;
  signalReason?: string | undefined;
  softFailed: boolean;
  retriedInJobId?: string;
  /** Text of a Stacks finish: what the build shows as the stack's error. */
  stackError?: string;
  reservation?: { readonly stackKey: string; readonly expiresAt: number };
  agent?: Agent;
  /** Dead once the job has ended. */
  token?: string;
  timeoutInMinutes?: number | undefined;
  /** Times this very job began, ended, and was refused to a second agent: 1, 1 and 0 is "ran exactly once". */
  starts: number;
  finishes: number;
  refusals: number;
  chunksFailed: number;
  /** Uncompressed log bytes by sequence number; arrival order does not matter. */
  readonly log: Map<number, Buffer>;
  /** Next sequence the event stream has not shown yet. */
  logShown: number;
  readonly notes: JobNote[];
  readonly artifacts: Artifact[];
  /** What `job promise-failure` declared: the job cannot end better. */
  promisedExitStatus?: number;
}

export interface Agent {
  readonly id: string;
  readonly name: string;
  readonly hostname: string;
  readonly version: string;
  readonly tags: readonly string[];
  readonly token: string;
  /** Set when registered with a job acquisition token: the only job it may take. */
  readonly onlyJob?: string | undefined;
  /** Acquire mode: `ping` never offers a job. */
  ignoreInDispatches: boolean;
  readonly createdAt: number;
  connection: 'never_connected' | 'connected' | 'disconnected' | 'stopping' | 'stopped' | 'lost';
  lastSeenAt: number;
  paused: boolean;
  job?: Job | undefined;
}

export interface Stack {
  readonly id: string;
  readonly key: string;
  type: string;
  queueKey: string;
  metadata: Readonly<Record<string, unknown>>;
  lastConnectedOn?: number;
  state: 'connected' | 'disconnected';
}

export interface Queue {
  readonly id: string;
  readonly key: string;
  paused: boolean;
  pausedNote?: string | undefined;
}

export interface Artifact {
  readonly id: string;
  readonly batch: string;
  readonly job: Job;
  readonly path: string;
  readonly absolutePath: string;
  readonly contentType: string;
  readonly fileSize: number;
  readonly sha1sum: string;
  readonly sha256sum: string;
  readonly uploadDestination: string;
  /** Where the agent says it put the file itself; empty for files kept here. */
  readonly url: string;
  readonly createdAt: number;
  state: 'new' | 'finished' | 'error';
  content?: Buffer;
}

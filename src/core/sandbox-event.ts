/** Stations on a job's way, in order; the last four end it. */
export type JobStation =
  | 'waiting'
  | 'scheduled'
  | 'reserved'
  | 'created'
  | 'pending'
  | 'running'
  | 'passed'
  | 'failed'
  | 'canceled'
  | 'skipped';

export interface SandboxJobEvent {
  readonly type: 'job';
  readonly jobId: string;
  readonly label: string;
  readonly station: JobStation;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly exitStatus?: number | undefined;
  /** The job this one repeats. */
  readonly retryOf?: string | undefined;
  /** True when the failure does not fail the build. */
  readonly softFailed?: boolean | undefined;
  /** Whole log of a job that failed, without the agent's markers. */
  readonly log?: string | undefined;
  /** What the controller reported when the job could not run at all. */
  readonly failure?: string | undefined;
}

/** What the sandbox tells, in order. `--json` prints these as they are. */
export type SandboxEvent =
  | {
      readonly type: 'started';
      readonly pipeline: string;
      readonly source: 'graphql' | 'stacks';
      readonly buildkite: string;
      readonly kubernetes: string;
      /** Scratch directory: workspaces of the jobs, log of the controller. */
      readonly workDir: string;
      /** What the user must know before anything runs. */
      readonly notice: string;
    }
  | { readonly type: 'note'; readonly text: string }
  | SandboxJobEvent
  | { readonly type: 'artifact'; readonly jobId: string; readonly path: string; readonly size: number }
  | { readonly type: 'annotation'; readonly style: string; readonly body: string }
  | {
      readonly type: 'finished';
      readonly state: 'passed' | 'failed' | 'canceled';
      readonly jobs: number;
      readonly durationMs: number;
    }
  | {
      readonly type: 'kept';
      readonly kubeconfig: string;
      readonly namespace: string;
      readonly graphql: string;
      readonly agentEndpoint: string;
    };

import type { BuildState, JobState } from './model.js';

/** What happens inside the embedded Buildkite, in order; the sandbox view and tests listen to it. */
export type BuildkiteEvent =
  | { readonly type: 'build-created'; readonly buildId: string; readonly number: number; readonly at: number }
  | JobStateEvent
  | { readonly type: 'log'; readonly jobId: string; readonly text: string; readonly at: number }
  | {
      readonly type: 'annotation';
      readonly buildId: string;
      readonly jobId: string;
      readonly context: string;
      readonly style: string;
      readonly body: string;
      readonly at: number;
    }
  | {
      readonly type: 'artifact';
      readonly buildId: string;
      readonly jobId: string;
      readonly path: string;
      readonly size: number;
      readonly at: number;
    }
  /** A line a stack added to the job's timeline. */
  | { readonly type: 'notification'; readonly jobId: string; readonly detail: string; readonly at: number }
  /** Something the sandbox does differently from Buildkite, or decided on the user's behalf. */
  | { readonly type: 'note'; readonly buildId: string; readonly text: string; readonly at: number }
  | {
      readonly type: 'build-finished';
      readonly buildId: string;
      readonly number: number;
      readonly state: BuildState;
      readonly at: number;
    };

export interface JobStateEvent {
  readonly type: 'job-state';
  readonly buildId: string;
  readonly jobId: string;
  readonly label: string;
  readonly stepKey?: string | undefined;
  /** Undefined for a job that just came to be. */
  readonly from: JobState | undefined;
  readonly to: JobState;
  readonly at: number;
  readonly exitStatus?: number | undefined;
  readonly signalReason?: string | undefined;
  readonly softFailed?: boolean | undefined;
  /** The job this one repeats, when it is an automatic retry. */
  readonly retryOf?: string | undefined;
  /** Text of a Stacks finish. */
  readonly stackError?: string | undefined;
}

export type BuildkiteListener = (event: BuildkiteEvent) => void;

import type { V1Job } from '@kubernetes/client-node';

/** The slim record the controller keeps of one of its Job resources. */
export interface JobRecord {
  /** Buildkite job UUID, from the label `buildkite.com/job-uuid`. */
  readonly jobId: string;
  readonly name: string;
  readonly uid: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  /** Set once the Job has a condition Complete or Failed with status True. */
  readonly ended?: JobEnd | undefined;
}

export interface JobEnd {
  readonly result: 'complete' | 'failed';
  readonly reason?: string | undefined;
  readonly message?: string | undefined;
}

export type JobEvent =
  /** The complete current set: the first list, or a fresh one after a gap. What is not in it does not exist. */
  | { readonly type: 'synced'; readonly records: readonly JobRecord[] }
  | { readonly type: 'upserted'; readonly record: JobRecord }
  | { readonly type: 'deleted'; readonly record: JobRecord };

export type CreateOutcome =
  | { readonly outcome: 'created'; readonly record: JobRecord; readonly warnings: readonly string[] }
  /** A Job of that name exists; `record` is undefined when it is not one of ours. */
  | { readonly outcome: 'exists'; readonly record: JobRecord | undefined }
  /** The API server will never accept this Job (400, 422 or a denied admission that names the object). */
  | { readonly outcome: 'rejected'; readonly message: string };

/** The Kubernetes cluster, as far as the controller needs it. Methods throw `ExternalError` for everything not named in their result. */
export interface Cluster {
  createJob(job: V1Job, signal: AbortSignal): Promise<CreateOutcome>;
  /** Deletes only when the UID still matches; true when it did. */
  deleteJob(record: Pick<JobRecord, 'name' | 'uid'>, signal: AbortSignal): Promise<boolean>;
  /** `.template.spec` of a PodTemplate in the configured namespace; undefined when there is none. */
  getPodTemplateSpec(name: string, signal: AbortSignal): Promise<unknown>;
  /** One key of a Secret, decoded. Throws a `UsageError` that names Secret, namespace and key when it is not there. */
  getSecretValue(name: string, key: string, signal: AbortSignal): Promise<string>;
  /** Lists and then watches our Jobs until the signal aborts; survives outages. `onEvent` must be quick and not throw. */
  watchJobs(onEvent: (event: JobEvent) => void, signal: AbortSignal): Promise<void>;
}

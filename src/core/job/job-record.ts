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

import type { V1Job } from '@kubernetes/client-node';
import type { JobEvent, JobRecord } from '../core/job/job-record.js';

export type { JobEnd, JobEvent, JobRecord } from '../core/job/job-record.js';

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

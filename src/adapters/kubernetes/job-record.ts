import { LABELS } from '../../core/job/identity.js';
import type { JobEnd, JobRecord } from '../../ports/cluster.js';
import { memberOf, textAt } from './kube-errors.js';

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * The slim record of a raw Job resource.
 * @returns undefined when it has no usable job UUID, name or UID: such a Job is not one of ours.
 */
export function toJobRecord(object: unknown): JobRecord | undefined {
  const metadata = memberOf(object, 'metadata');
  const jobId = labelOf(object, LABELS.jobUuid);
  const name = textAt(metadata, 'name');
  const uid = textAt(metadata, 'uid');
  if (jobId === undefined || !UUID.test(jobId) || name === undefined || uid === undefined) return undefined;
  const createdAt = Date.parse(textAt(metadata, 'creationTimestamp') ?? '');
  return { jobId, name, uid, createdAt: Number.isNaN(createdAt) ? 0 : createdAt, ended: endOf(object) };
}

/** Value of a label of a raw object. */
export function labelOf(object: unknown, label: string): string | undefined {
  return textAt(memberOf(memberOf(object, 'metadata'), 'labels'), label);
}

/** A condition counts only with status "True": servers also write False and Unknown ones. */
function endOf(job: unknown): JobEnd | undefined {
  const conditions = memberOf(memberOf(job, 'status'), 'conditions');
  for (const condition of Array.isArray(conditions) ? (conditions as unknown[]) : []) {
    const type = textAt(condition, 'type');
    if (textAt(condition, 'status') !== 'True' || (type !== 'Complete' && type !== 'Failed')) continue;
    const result = type === 'Complete' ? 'complete' : 'failed';
    return { result, reason: textAt(condition, 'reason'), message: textAt(condition, 'message') };
  }
  return undefined;
}

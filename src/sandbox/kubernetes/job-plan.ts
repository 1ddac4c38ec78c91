import {
  isRecord,
  kubeTime,
  numberAt,
  recordAt,
  recordsAt,
  textAt,
  type JsonRecord,
  type KubeObject,
} from './objects.js';

/** What the controller knows about one Job. */
export interface JobView {
  readonly job: KubeObject;
  /** Its pods that exist. */
  readonly pods: readonly KubeObject[];
  /** How its pods that are gone had ended; one deleted on the way counts as failed. */
  readonly gone: { readonly succeeded: number; readonly failed: number };
  /** UIDs of pods the controller took back (suspension, less parallelism): they count neither as active nor as failed. */
  readonly withdrawn: ReadonlySet<string>;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

export interface PlannedEvent {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

/** What brings the cluster to what a Job needs. */
export interface JobPlan {
  readonly status: JsonRecord;
  readonly podsToCreate: number;
  readonly podsToDelete: readonly KubeObject[];
  /** The pods to delete do not count as failed. */
  readonly withdraws: boolean;
  readonly events: readonly PlannedEvent[];
  /** Delete the Job: its time to live is over. */
  readonly expired: boolean;
  /** Look again at this time, in milliseconds since the epoch. */
  readonly wakeAt?: number | undefined;
}

interface Counts {
  readonly active: readonly KubeObject[];
  readonly terminating: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly ready: number;
}

interface Outcome {
  readonly type: 'Complete' | 'Failed';
  readonly target: 'SuccessCriteriaMet' | 'FailureTarget';
  readonly reason: string;
  readonly message: string;
}

/** Delay before the first replacement of a failed pod; doubles with each failure. */
const BACKOFF_MS = 10_000;
const LONGEST_BACKOFF_MS = 360_000;

/** The state of a condition of a Job. */
function conditionOf(job: KubeObject, type: string): JsonRecord | undefined {
  return recordsAt(job, 'status', 'conditions').find((condition) => condition.type === type);
}

/** The condition that says that a Job has ended. */
export function endOf(job: KubeObject): JsonRecord | undefined {
  return ['Complete', 'Failed'].map((type) => conditionOf(job, type)).find((condition) => condition?.status === 'True');
}

/** Decides what a Job needs now, with the semantics of Kubernetes 1.36 for non-indexed Jobs. */
export function planJob(view: JobView): JobPlan {
  const { job } = view;
  const end = endOf(job);
  if (end !== undefined) return planFinished(view, end);
  if (recordAt(job, 'spec').suspend === true) return planSuspended(view);
  const counts = countPods(view);
  const outcome = outcomeOf(view, counts);
  return outcome === undefined ? planRunning(view, counts) : planEnding(view, counts, outcome);
}

function countPods({ pods: all, gone, withdrawn }: JobView): Counts {
  const pods = all.filter((pod) => !withdrawn.has(pod.metadata.uid));
  const phase = (pod: KubeObject): string => textAt(pod, 'status', 'phase');
  const succeeded = pods.filter((pod) => phase(pod) === 'Succeeded');
  const deleting = pods.filter((pod) => pod.metadata.deletionTimestamp !== undefined);
  // A pod on its way out counts as failed at once (podReplacementPolicy TerminatingOrFailed).
  const failed = pods.filter((pod) => phase(pod) === 'Failed' || (deleting.includes(pod) && !succeeded.includes(pod)));
  const active = pods.filter((pod) => !succeeded.includes(pod) && !failed.includes(pod));
  return {
    active,
    terminating: deleting.filter((pod) => !['Failed', 'Succeeded'].includes(phase(pod))).length,
    succeeded: succeeded.length + gone.succeeded,
    failed: failed.length + gone.failed,
    ready: active.filter(isReady).length,
  };
}

function isReady(pod: KubeObject): boolean {
  return recordsAt(pod, 'status', 'conditions').some(({ type, status }) => type === 'Ready' && status === 'True');
}

function outcomeOf(view: JobView, counts: Counts): Outcome | undefined {
  const { job } = view;
  const decided = conditionOf(job, 'FailureTarget');
  if (decided !== undefined) return failure(textAt(decided, 'reason'), textAt(decided, 'message'));
  if (counts.failed > (numberAt(job, 'spec', 'backoffLimit') ?? 6)) {
    return failure('BackoffLimitExceeded', 'Job has reached the specified backoff limit');
  }
  const deadline = deadlineOf(job, view.now);
  if (deadline !== undefined && view.now >= deadline) {
    return failure('DeadlineExceeded', 'Job was active longer than specified deadline');
  }
  const completions = numberAt(job, 'spec', 'completions') ?? 1;
  if (counts.succeeded < completions) return undefined;
  const message = 'Reached expected number of succeeded pods';
  return { type: 'Complete', target: 'SuccessCriteriaMet', reason: 'CompletionsReached', message };
}

function failure(reason: string, message: string): Outcome {
  return { type: 'Failed', target: 'FailureTarget', reason, message };
}

function startOf(job: KubeObject, now: number): string {
  return textAt(job, 'status', 'startTime') || kubeTime(now);
}

function deadlineOf(job: KubeObject, now: number): number | undefined {
  const seconds = numberAt(job, 'spec', 'activeDeadlineSeconds');
  return seconds === undefined ? undefined : Date.parse(startOf(job, now)) + seconds * 1000;
}

function statusWith(view: JobView, counts: Counts, more: JsonRecord): JsonRecord {
  const kept = Object.entries(recordAt(view.job, 'status')).filter(([key]) => key === 'conditions');
  return {
    ...Object.fromEntries(kept),
    ...(counts.active.length > 0 ? { active: counts.active.length } : {}),
    ...(counts.succeeded > 0 ? { succeeded: counts.succeeded } : {}),
    ...(counts.failed > 0 ? { failed: counts.failed } : {}),
    ready: counts.ready,
    terminating: counts.terminating,
    uncountedTerminatedPods: {},
    ...more,
  };
}

function planRunning(view: JobView, counts: Counts): JobPlan {
  const { job, now } = view;
  const missing = missingPods(job, counts);
  const retryAt = retryTimeOf(view, counts.failed);
  const waits = missing > 0 && retryAt > now;
  const resumed = conditionOf(job, 'Suspended')?.status === 'True';
  const status = statusWith(view, counts, { startTime: startOf(job, now) });
  const wakeAt = Math.min(deadlineOf(job, now) ?? Infinity, waits ? retryAt : Infinity);
  return {
    status: resumed ? withCondition(status, condition('Suspended', 'False', now, RESUMED)) : status,
    podsToCreate: waits ? 0 : Math.max(0, missing),
    podsToDelete: missing < 0 ? counts.active.slice(missing) : [],
    withdraws: true,
    events: resumed ? [{ type: 'Normal', reason: 'Resumed', message: 'Job resumed' }] : [],
    expired: false,
    wakeAt: Number.isFinite(wakeAt) ? wakeAt : undefined,
  };
}

/** Negative when there are too many. */
function missingPods(job: KubeObject, counts: Counts): number {
  const parallelism = numberAt(job, 'spec', 'parallelism') ?? 1;
  const completions = numberAt(job, 'spec', 'completions') ?? parallelism;
  return Math.min(parallelism, completions - counts.succeeded) - counts.active.length;
}

/** When the next replacement may start; 0 when nothing failed yet. */
function retryTimeOf(view: JobView, failures: number): number {
  if (failures === 0) return 0;
  const ends = view.pods
    .flatMap((pod) => recordsAt(pod, 'status', 'containerStatuses'))
    .map((status) => Date.parse(textAt(status, 'state', 'terminated', 'finishedAt')))
    .filter((time) => !Number.isNaN(time));
  const delay = Math.min(BACKOFF_MS * 2 ** (failures - 1), LONGEST_BACKOFF_MS);
  return ends.length === 0 ? 0 : Math.max(...ends) + delay;
}

/** The decision is recorded first; the Job has ended once no pod of it is left running. */
function planEnding(view: JobView, counts: Counts, outcome: Outcome): JobPlan {
  const { job, now } = view;
  const { type, target, reason, message } = outcome;
  const over = counts.active.length === 0 && counts.terminating === 0;
  const started = statusWith(view, counts, { startTime: startOf(job, now) });
  const decided = withCondition(started, condition(target, 'True', now, { reason, message }));
  const ended = withCondition(decided, condition(type, 'True', now, { reason, message }));
  const completed = type === 'Complete' ? { ...ended, completionTime: kubeTime(now) } : ended;
  return {
    status: over ? completed : decided,
    podsToCreate: 0,
    podsToDelete: counts.active,
    withdraws: false,
    events: over ? [endEvent(outcome)] : [],
    expired: false,
    // The end itself may start the countdown of the time to live, which the next look decides.
    wakeAt: undefined,
  };
}

function endEvent({ type, reason, message }: Outcome): PlannedEvent {
  if (type === 'Failed') return { type: 'Warning', reason, message };
  return { type: 'Normal', reason: 'Completed', message: 'Job completed' };
}

const SUSPENDED = { reason: 'JobSuspended', message: 'Job suspended' };
const RESUMED = { reason: 'JobResumed', message: 'Job resumed' };

function planSuspended(view: JobView): JobPlan {
  const counts = countPods(view);
  const already = conditionOf(view.job, 'Suspended')?.status === 'True';
  const status = statusWith(view, counts, {});
  return {
    status: withCondition(status, condition('Suspended', 'True', view.now, SUSPENDED)),
    podsToCreate: 0,
    podsToDelete: counts.active,
    withdraws: true,
    events: already ? [] : [{ type: 'Normal', reason: 'Suspended', message: 'Job suspended' }],
    expired: false,
  };
}

function planFinished(view: JobView, end: JsonRecord): JobPlan {
  const ttl = numberAt(view.job, 'spec', 'ttlSecondsAfterFinished');
  const expiry = ttl === undefined ? undefined : Date.parse(textAt(end, 'lastTransitionTime')) + ttl * 1000;
  const expired = expiry !== undefined && view.now >= expiry;
  const status = recordAt(view.job, 'status');
  const nothing = { podsToCreate: 0, podsToDelete: [], withdraws: false, events: [] };
  return { status, ...nothing, expired, wakeAt: expired ? undefined : expiry };
}

function condition(
  type: string,
  status: 'True' | 'False',
  now: number,
  why: { readonly reason: string; readonly message: string },
): JsonRecord {
  return { type, status, lastProbeTime: kubeTime(now), lastTransitionTime: kubeTime(now), ...why };
}

/** A status with a condition added or replaced; one that says the same already is kept as it is. */
function withCondition(status: JsonRecord, wanted: JsonRecord): JsonRecord {
  const conditions = recordsAt(status, 'conditions');
  const same = (known: JsonRecord): boolean => known.type === wanted.type;
  if (conditions.some((known) => same(known) && known.status === wanted.status)) return status;
  return { ...status, conditions: [...conditions.filter((known) => isRecord(known) && !same(known)), wanted] };
}

import type { SoftFail } from '../../core/pipeline/pipeline.js';
import type { Job } from './model.js';

function fits(wanted: string | readonly string[], actual: string | undefined): boolean {
  if (typeof wanted !== 'string') return wanted.some((each) => fits(each, actual));
  if (wanted === '*') return true;
  return wanted === 'none' ? actual === undefined : wanted.toLowerCase() === actual?.toLowerCase();
}

/** Whether a badly ended job is repeated: the first rule that matches decides, as long as its limit is not used up. */
export function shouldRetry(job: Job): boolean {
  const { exitStatus, signal, signalReason, retriesCount } = job;
  if (job.state !== 'finished' || exitStatus === undefined || exitStatus === 0) return false;
  const rule = job.step.plan.retry.find(
    (candidate) =>
      (candidate.exitStatus === '*' || candidate.exitStatus.includes(exitStatus)) &&
      fits(candidate.signal, signal) &&
      fits(candidate.signalReason, signalReason),
  );
  return rule !== undefined && retriesCount < rule.limit;
}

/** Whether a failure of this exit status lets the build pass all the same. */
export function isSoftFailure(softFail: SoftFail, exitStatus: number): boolean {
  return typeof softFail === 'boolean' ? softFail : softFail.includes(exitStatus);
}

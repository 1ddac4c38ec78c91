import type { BuildkiteJobState } from '../../core/job/job.js';

const OVER = new Set([
  'finished',
  'canceled',
  'timed_out',
  'skipped',
  'broken',
  'expired',
  'waiting_failed',
  'blocked_failed',
  'unblocked_failed',
]);
const WITH_AN_AGENT = new Set(['assigned', 'accepted', 'running', 'canceling', 'timing_out']);

/** True when nothing can happen to the job any more, or Buildkite does not know it. */
export function isOver(state: BuildkiteJobState | undefined): boolean {
  return state === undefined || OVER.has(state);
}

/** True unless the job is over or some agent has it; unknown words count as waiting. */
export function isWaiting(state: BuildkiteJobState | undefined): boolean {
  return !isOver(state) && !WITH_AN_AGENT.has(state ?? '');
}

import type { JobStation, SandboxEvent, SandboxJobEvent } from '../core/sandbox-event.js';
import type { BuildkiteEvent, JobStateEvent } from '../sandbox/buildkite/events.js';
import type { BuildkiteServer } from '../sandbox/buildkite/server.js';
import type { KubernetesServer } from '../sandbox/kubernetes/kubernetes-server.js';
import { textAt } from '../sandbox/kubernetes/objects.js';

const RANK: Readonly<Record<JobStation, number>> = {
  waiting: 0,
  scheduled: 1,
  reserved: 2,
  created: 3,
  pending: 4,
  running: 5,
  passed: 6,
  failed: 6,
  canceled: 6,
  skipped: 6,
};

/**
 * Follows every job through both worlds and tells each station once: news of Buildkite and of Kubernetes come by different ways,
 * so what is older than the latest station is left out.
 */
export function followJobs(
  servers: { readonly buildkite: BuildkiteServer; readonly kubernetes: KubernetesServer },
  tell: (event: SandboxEvent) => void,
): () => void {
  const { buildkite, kubernetes } = servers;
  const reached = new Map<string, JobStation>();
  const reach = (jobId: string, station: JobStation, more: Partial<SandboxJobEvent> = {}): void => {
    const last = reached.get(jobId);
    if (last !== undefined && RANK[station] <= RANK[last]) return;
    reached.set(jobId, station);
    const job = buildkite.job(jobId);
    if (job === undefined) return;
    tell({ type: 'job', jobId, label: job.plan.title, station, at: Date.now(), retryOf: job.retryOf, ...more });
  };
  const stops = [
    buildkite.onEvent((event) => {
      if (event.type === 'job-state') reach(event.jobId, stationOf(event), endOf(event, buildkite));
      else tellOther(event, tell);
    }),
    kubernetes.store.watch('jobs', {}, ({ type, object }) => {
      if (type === 'ADDED') reach(textAt(object, 'metadata', 'labels', 'buildkite.com/job-uuid'), 'created');
    }),
    kubernetes.store.watch('pods', {}, ({ type, object }) => {
      if (type === 'ADDED') reach(textAt(object, 'metadata', 'labels', 'buildkite.com/job-uuid'), 'pending');
    }),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}

/** Stations by Buildkite's states; of all others the job waits. */
const STATIONS: Readonly<Record<string, JobStation>> = {
  scheduled: 'scheduled',
  reserved: 'reserved',
  running: 'running',
  canceling: 'running',
  timing_out: 'running',
  timed_out: 'failed',
  canceled: 'canceled',
  skipped: 'skipped',
  broken: 'skipped',
};

function stationOf({ to, exitStatus }: JobStateEvent): JobStation {
  if (to === 'finished') return exitStatus === 0 ? 'passed' : 'failed';
  return STATIONS[to] ?? 'waiting';
}

function endOf(event: JobStateEvent, buildkite: BuildkiteServer): Partial<SandboxJobEvent> {
  const station = stationOf(event);
  if (station !== 'passed' && station !== 'failed') return {};
  return {
    exitStatus: event.exitStatus,
    softFailed: event.softFailed,
    failure: event.stackError,
    log: station === 'failed' ? buildkite.log(event.jobId) : undefined,
  };
}

function tellOther(event: BuildkiteEvent, tell: (event: SandboxEvent) => void): void {
  if (event.type === 'note') tell({ type: 'note', text: event.text });
  if (event.type === 'artifact') tell({ type: 'artifact', jobId: event.jobId, path: event.path, size: event.size });
  if (event.type === 'annotation') tell({ type: 'annotation', style: event.style, body: event.body });
}

import type { BuildkiteServer } from '../sandbox/buildkite/server.js';
import type { KubernetesServer } from '../sandbox/kubernetes/kubernetes-server.js';
import { at, type JsonRecord, type KubeObject, recordsAt, textAt } from '../sandbox/kubernetes/objects.js';
import type { SandboxEvent } from '../core/sandbox-event.js';

/** How long the controller has to deal with such a pod itself. */
const PATIENCE_MS = 3_000;

/** In the sandbox nobody comes to create what is missing. */
const HOPELESS: ReadonlySet<string> = new Set([
  'CreateContainerConfigError',
  'CreateContainerError',
  'ErrImagePull',
  'ImagePullBackOff',
  'InvalidImageName',
]);

/**
 * Cancels jobs whose pod can never start its agent, with a note that says why: such a pod stays pending for hours, and a sandbox
 * run is to end by itself. Returns what stops it.
 */
export function giveUpOnPods(
  { buildkite, kubernetes }: { readonly buildkite: BuildkiteServer; readonly kubernetes: KubernetesServer },
  tell: (event: SandboxEvent) => void,
): () => void {
  const pending = new Map<string, NodeJS.Timeout>();
  const giveUp = (jobId: string, why: string): void => {
    const job = buildkite.job(jobId);
    if (job === undefined || !['scheduled', 'reserved', 'assigned'].includes(job.state)) return;
    tell({ type: 'note', text: `job "${job.plan.title}" cannot start and is canceled: ${why}` });
    buildkite.cancelJob(jobId);
  };
  const unwatch = kubernetes.store.watch('pods', {}, ({ object }) => {
    const why = whyHopeless(object);
    const jobId = textAt(object, 'metadata', 'labels', 'buildkite.com/job-uuid');
    if (why === undefined || pending.has(jobId)) return;
    pending.set(jobId, setTimeout(giveUp, PATIENCE_MS, jobId, why));
  });
  return () => {
    unwatch();
    for (const timer of pending.values()) clearTimeout(timer);
  };
}

function whyHopeless(pod: KubeObject): string | undefined {
  const inits = recordsAt(pod, 'status', 'initContainerStatuses');
  for (const status of [...inits, ...recordsAt(pod, 'status', 'containerStatuses')]) {
    const reason = textAt(status, 'state', 'waiting', 'reason');
    const message = textAt(status, 'state', 'waiting', 'message');
    if (HOPELESS.has(reason))
      return `container "${textAt(status, 'name')}" is in ${reason}${message === '' ? '' : `: ${message}`}`;
  }
  if (textAt(pod, 'status', 'phase') !== 'Failed') return undefined;
  const exitCode = (status: JsonRecord): number => Number(at(status, 'state', 'terminated', 'exitCode') ?? 0);
  const failed = inits.find((status) => exitCode(status) !== 0);
  if (failed === undefined) return 'its pod failed before the agent began';
  return `init container "${textAt(failed, 'name')}" ended with status ${exitCode(failed)}`;
}

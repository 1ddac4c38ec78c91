import type { V1Container, V1PodSpec } from '@kubernetes/client-node';
import { CONTAINERS } from '../../job/identity.js';
import type { MapEntry, SourceNode } from '../../pipeline/source-tree.js';
import type { LintCommandStep } from '../document.js';
import type { LintJob } from '../lint-job.js';
import { entryAt, knownText, nodeAt } from '../nodes.js';
import type { Found } from '../rule.js';

const SYSTEM: readonly string[] = [CONTAINERS.agent, CONTAINERS.checkout, CONTAINERS.copyAgent];
/** Later layers win. */
const LAYERS = ['podSpecPatch', 'podSpec'] as const;

/** Pods that must not run as root although the controller's own containers do. */
export function* nonRoot(job: LintJob): Iterable<Found> {
  const { step, baseUnknown } = job;
  const blocked = baseUnknown || step.kubernetes.length === 0 ? undefined : blockedContainer(job.pod);
  if (blocked === undefined) return;
  const config = step.kubernetes.at(-1)?.config;
  const contexts = LAYERS.map((layer) => nodeAt(config, [layer, 'securityContext']));
  const entry = contexts.flatMap((context) => entryAt(context, ['runAsNonRoot']) ?? [])[0];
  const user = contexts.flatMap((context) => nodeAt(context, ['runAsUser']) ?? [])[0];
  if (entry === undefined || (user !== undefined && knownText(user) === undefined)) return;
  yield {
    rule: 'security/non-root-without-user',
    at: entry.keySpan,
    message:
      user === undefined
        ? `"runAsNonRoot" without "runAsUser": the controller's container "${blocked.name}" is root by default, so the kubelet refuses to start it and the job fails; set "runAsUser", too`
        : `"runAsNonRoot" with "runAsUser: 0": the kubelet refuses to start any container and the job fails; choose another user`,
  };
}

function blockedContainer(pod: V1PodSpec | undefined): V1Container | undefined {
  if (pod === undefined) return undefined;
  return [...(pod.initContainers ?? []), ...pod.containers].find((container) => isBlocked(container, pod));
}

/** Whether the kubelet refuses to start one of the controller's containers. */
function isBlocked({ name, securityContext: own }: V1Container, { securityContext: shared }: V1PodSpec): boolean {
  if (!SYSTEM.includes(name)) return false;
  const { runAsNonRoot = shared?.runAsNonRoot, runAsUser = shared?.runAsUser } = own ?? {};
  return runAsNonRoot === true && (runAsUser ?? 0) === 0;
}

/** Users that a patch sets after the scripts for them were written. */
export function* userTooLate(step: LintCommandStep): Iterable<Found> {
  for (const { config } of step.kubernetes) {
    const [late] = ['runAsUser', 'runAsGroup'].flatMap((key) => {
      const entry = entryAt(config, ['podSpecPatch', 'securityContext', key]);
      return entry !== undefined && changes(entry, config) ? [entry] : [];
    });
    if (late === undefined) continue;
    yield {
      rule: 'patch/user-too-late',
      at: late.keySpan,
      message: `"${late.key}" in a patch comes too late for the Go controller, which prepares workspace and checkout for the user of the podSpec; set it in "podSpec.securityContext"`,
    };
  }
}

/** Whether a patch surely makes another user of the one in the podSpec, which is root by default. */
function changes({ key, value }: MapEntry, config: SourceNode | undefined): boolean {
  const before = nodeAt(config, ['podSpec', 'securityContext', key]);
  // The PodTemplate may have set the same.
  if (nodeAt(config, ['podSpec']) === undefined && nodeAt(config, ['podTemplate']) !== undefined) return false;
  const [from, to] = [before === undefined ? '0' : knownText(before), knownText(value)];
  // Anything but a number is told as what it is.
  const isNumber = value.kind === 'scalar' && typeof value.value === 'number';
  return isNumber && from !== undefined && to !== undefined && from !== to;
}

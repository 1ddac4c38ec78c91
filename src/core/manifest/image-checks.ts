import type { V1Container, V1PodSpec } from '@kubernetes/client-node';
import type { ControllerConfig } from '../config/config.js';
import { CONTAINERS } from '../job/identity.js';
import type { JobFailure } from '../job/job.js';
import { compareQuantities, parseQuantity } from '../quantity.js';
import { parseImageReference } from './image-reference.js';
import { workspaceMount } from './workspace.js';

type PullPolicy = 'Always' | 'IfNotPresent' | 'Never';

const RANK: Readonly<Record<string, number>> = { Always: 3, IfNotPresent: 2, Never: 1 };

/** Kubernetes' own rule: what is pinned by digest cannot go stale, everything else is looked up again. */
function policyByReference(image: string): PullPolicy {
  const parsed = parseImageReference(image);
  return parsed.ok && parsed.value.digest !== undefined ? 'IfNotPresent' : 'Always';
}

/** Pull policy of a container the builder makes from the agent image. */
export function systemPullPolicy(config: ControllerConfig): string {
  return config.defaultImagePullPolicy || policyByReference(config.image);
}

/** The policy an image is checked with before any container starts. */
function checkPolicy(container: V1Container, config: ControllerConfig): string {
  // The agent image is pulled by copy-agent, whose policy is not that of checks.
  const isSystem = container.name === CONTAINERS.agent || container.name === CONTAINERS.checkout;
  return (
    container.imagePullPolicy ||
    (isSystem ? '' : config.defaultImageCheckPullPolicy) ||
    config.defaultImagePullPolicy ||
    policyByReference(container.image ?? '')
  );
}

/**
 * Init containers that pull the pod's images before the agent starts, so that a bad image fails the job with its name.
 * One per distinct image of the regular containers, numbered in byte order; none for an image that an init container pulls anyway.
 */
export function imageCheckContainers(pod: V1PodSpec, config: ControllerConfig): V1Container[] {
  if (config.skipImageCheckContainers) return [];
  const inits = pod.initContainers ?? [];
  return [...neededChecks(pod, config)]
    .filter(
      ([image, policy]) => !inits.some((init) => init.image === image && rank(init.imagePullPolicy) >= rank(policy)),
    )
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([image, policy], index) => imageCheckContainer(config, { image, policy, index }));
}

/** The strongest policy any regular container wants for each image. */
function neededChecks(pod: V1PodSpec, config: ControllerConfig): Map<string, string> {
  const needed = new Map<string, string>();
  for (const container of pod.containers) {
    const image = container.image ?? '';
    const policy = checkPolicy(container, config);
    if (rank(policy) > rank(needed.get(image))) needed.set(image, policy);
  }
  return needed;
}

function imageCheckContainer(
  config: ControllerConfig,
  check: { image: string; policy: string; index: number },
): V1Container {
  const limits = { cpu: config.imageCheckContainerCpuLimit, memory: config.imageCheckContainerMemoryLimit };
  return {
    name: `${CONTAINERS.imageCheckPrefix}${check.index}`,
    image: check.image,
    imagePullPolicy: check.policy,
    command: ['/workspace/tini-static'],
    args: ['--version'],
    volumeMounts: [workspaceMount(config)],
    // A request above its limit makes the API server refuse the Job, so a low limit lowers the request too.
    resources: { requests: { cpu: smaller('100m', limits.cpu), memory: smaller('64Mi', limits.memory) }, limits },
  };
}

function smaller(request: string, limit: string): string {
  const [a, b] = [parseQuantity(request), parseQuantity(limit)];
  return a.ok && b.ok && compareQuantities(a.value, b.value) > 0 ? limit : request;
}

function rank(policy: string | undefined): number {
  return RANK[policy ?? ''] ?? 0;
}

/**
 * Init containers with the pull policy they had before the patches where that was the stronger one. Whoever weakens the policy
 * of `copy-agent` or of a check wants the image pulled less often, not by another container.
 */
export function withStrongerPolicies(inits: readonly V1Container[], unpatched: readonly V1Container[]): V1Container[] {
  return inits.map((init) => {
    const before = unpatched.find(({ name, image }) => name === init.name && image === init.image)?.imagePullPolicy;
    return before !== undefined && rank(before) > rank(init.imagePullPolicy)
      ? { ...init, imagePullPolicy: before }
      : init;
  });
}

export interface SettleOptions {
  /** Names of containers whose policy a patch has set: it stays as the patch says. */
  readonly patched: readonly string[];
  /** The init containers as far as pulling goes. */
  readonly inits: readonly V1Container[];
}

/**
 * Gives every regular container of the final pod its pull policy. `Always` becomes `IfNotPresent` where an init container
 * has just pulled the image: pulling twice would only cost time and rate limits.
 */
export function settlePullPolicies(
  pod: V1PodSpec,
  config: ControllerConfig,
  { patched, inits }: SettleOptions,
): V1PodSpec {
  const pulled = new Set(inits.filter((init) => init.imagePullPolicy === 'Always').map((init) => init.image));
  const containers = pod.containers.map((container) => {
    if (patched.includes(container.name)) return container;
    const own = container.imagePullPolicy || config.defaultImagePullPolicy || policyByReference(container.image ?? '');
    const justPulled = own === 'Always' && checkPolicy(container, config) === 'Always' && pulled.has(container.image);
    return { ...container, imagePullPolicy: justPulled ? 'IfNotPresent' : own };
  });
  return { ...pod, containers };
}

/** Names every container of the final pod whose image a container runtime could not even parse. */
export function checkImageReferences(pod: V1PodSpec): JobFailure | undefined {
  const bad: { container: string; image: string; error: string }[] = [];
  for (const container of [...pod.containers, ...(pod.initContainers ?? [])]) {
    const parsed = parseImageReference(container.image ?? '');
    if (!parsed.ok) bad.push({ container: container.name, image: container.image ?? '', error: parsed.error });
  }
  bad.sort((left, right) => (left.container < right.container ? -1 : 1));
  const [first] = bad;
  if (first === undefined) return undefined;
  const path = `containers[${first.container}].image`;
  if (bad.length === 1) {
    return {
      reason: 'image-invalid',
      text: `${first.error} "${first.image}" for container "${first.container}"`,
      path,
    };
  }
  const lines = bad.map(({ container, image, error }) => `- container "${container}": ${error} "${image}"`);
  return { reason: 'image-invalid', text: ['invalid image references', '', ...lines].join('\n'), path };
}

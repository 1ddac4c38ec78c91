/** Label and annotation keys shared with the Go controller: watchers, dashboards and scripts select by them. */
export const LABELS = {
  jobUuid: 'buildkite.com/job-uuid',
  controllerId: 'buildkite.com/controller-id',
  tagPrefix: 'tag.buildkite.com/',
} as const;

export const ANNOTATIONS = {
  buildUrl: 'buildkite.com/build-url',
  buildBranch: 'buildkite.com/build-branch',
  buildRepo: 'buildkite.com/build-repo',
  pipelineSlug: 'buildkite.com/pipeline-slug',
  stepKey: 'buildkite.com/step-key',
  jobUrl: 'buildkite.com/job-url',
  jobPriority: 'buildkite.com/job-priority',
  podTemplateName: 'buildkite.com/pod-template-name',
  sidecarPrefix: 'buildkite.com/sidecar-',
  safeToEvict: 'cluster-autoscaler.kubernetes.io/safe-to-evict',
} as const;

/** Names the builder gives away itself; a pipeline must not use them. */
export const CONTAINERS = {
  agent: 'agent',
  checkout: 'checkout',
  copyAgent: 'copy-agent',
  imageCheckPrefix: 'imagecheck-',
} as const;

/** Whether a container of this name is the builder's own. */
export function isReservedContainerName(name: string | undefined): boolean {
  return (
    name === CONTAINERS.agent ||
    name === CONTAINERS.checkout ||
    name === CONTAINERS.copyAgent ||
    /^imagecheck-\d+$/.test(name ?? '')
  );
}

/** The deterministic name of a job's Kubernetes Job: it is the lock that keeps a job from running twice. */
export function jobResourceName(prefix: string, jobId: string): string {
  return prefix + jobId;
}

const LABEL_VALUE = /^(?:[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?$/;
const LABEL_NAME = /^[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$/;
const DNS_SUBDOMAIN = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/;

/** Kubernetes' rule for label values: at most 63 characters of `[A-Za-z0-9_.-]`, alphanumeric at both ends, or empty. */
export function isLabelValue(value: string): boolean {
  return LABEL_VALUE.test(value);
}

/** Kubernetes' rule for qualified names (label and annotation keys): an optional DNS prefix, then a name of at most 63 characters. */
export function isQualifiedName(key: string): boolean {
  const slash = key.indexOf('/');
  if (slash === -1) return LABEL_NAME.test(key);
  const prefix = key.slice(0, slash);
  return prefix.length <= 253 && DNS_SUBDOMAIN.test(prefix) && LABEL_NAME.test(key.slice(slash + 1));
}

import type { Metadata } from '../config/config.js';
import { parseTags } from '../job/agent-tags.js';
import { ANNOTATIONS, isLabelValue, isQualifiedName, LABELS } from '../job/identity.js';
import type { BuildkiteJob, JobFailure } from '../job/job.js';
import { jobLink } from './job-link.js';

export interface JobMetadataInput {
  readonly job: BuildkiteJob;
  readonly controllerId: string;
  readonly defaults: Metadata | undefined;
  readonly plugin: Metadata | undefined;
  /** Set when the pod comes from a PodTemplate. */
  readonly podTemplateName: string | undefined;
  readonly sidecarNames: readonly string[];
}

/** Labels and annotations of the Job and, the very same, of its pod. Reserved keys beat the plugin, which beats the configuration. */
export function jobMetadata(input: JobMetadataInput): {
  labels: Record<string, string>;
  annotations: Record<string, string>;
} {
  return { labels: labels(input), annotations: annotations(input) };
}

function labels({ job, controllerId, defaults, plugin }: JobMetadataInput): Record<string, string> {
  const all: Record<string, string> = {
    ...defaults?.labels,
    ...plugin?.labels,
    [LABELS.jobUuid]: job.id,
    ...tagLabels(job.agentQueryRules),
  };
  if (controllerId !== '') return { ...all, [LABELS.controllerId]: controllerId };
  // Without an id the controller watches what has no such label: one of the user would hide the job from it.
  return Object.fromEntries(Object.entries(all).filter(([key]) => key !== LABELS.controllerId));
}

function annotations({
  job,
  defaults,
  plugin,
  podTemplateName,
  sidecarNames,
}: JobMetadataInput): Record<string, string> {
  const jobUrl = jobLink(job.env['BUILDKITE_BUILD_URL'] ?? '', job.id);
  return {
    // Written first so that metadata of the user may say otherwise.
    [ANNOTATIONS.safeToEvict]: 'false',
    ...defaults?.annotations,
    ...plugin?.annotations,
    ...Object.fromEntries(ANNOTATED_VARIABLES.map(([key, variable]) => [key, job.env[variable] ?? ''])),
    ...(jobUrl === undefined ? {} : { [ANNOTATIONS.jobUrl]: jobUrl }),
    [ANNOTATIONS.jobPriority]: String(job.priority),
    ...(podTemplateName === undefined ? {} : { [ANNOTATIONS.podTemplateName]: podTemplateName }),
    ...Object.fromEntries(sidecarNames.map((name, index) => [`${ANNOTATIONS.sidecarPrefix}${index}`, name])),
  };
}

const ANNOTATED_VARIABLES = [
  [ANNOTATIONS.buildUrl, 'BUILDKITE_BUILD_URL'],
  [ANNOTATIONS.buildBranch, 'BUILDKITE_BRANCH'],
  [ANNOTATIONS.buildRepo, 'BUILDKITE_REPO'],
  [ANNOTATIONS.pipelineSlug, 'BUILDKITE_PIPELINE_SLUG'],
  [ANNOTATIONS.stepKey, 'BUILDKITE_STEP_KEY'],
] as const;

function tagLabels(rules: readonly string[]): Record<string, string> {
  const result: Record<string, string> = {};
  // Rule by rule: an unfit value must not take away an earlier one of the same key that fits.
  for (const [key, value] of rules.flatMap((rule) => [...parseTags([rule])])) {
    const label = LABELS.tagPrefix + key;
    if (isQualifiedName(label) && isLabelValue(value)) result[label] = value;
  }
  return result;
}

/** Kubernetes ties a Job and its pods together with these. */
const JOB_CONTROLLER_LABELS: ReadonlySet<string> = new Set(
  ['job-name', 'controller-uid'].flatMap((name) => [name, `batch.kubernetes.io/${name}`]),
);

/** The first label or annotation that Kubernetes would refuse the whole Job for. */
export function checkMetadata(metadata: {
  labels: Record<string, string>;
  annotations: Record<string, string>;
}): JobFailure | undefined {
  for (const [key, value] of Object.entries(metadata.labels)) {
    if (JOB_CONTROLLER_LABELS.has(key)) return invalid('label', key, 'Jobs write it themselves');
    if (!isQualifiedName(key))
      return invalid('label', key, 'the key is not a valid label key (letters, digits, "-", "_", ".", at most 63)');
    if (!isLabelValue(value)) {
      return invalid(
        'label',
        key,
        `its value "${value}" is not a valid label value (at most 63 letters, digits, "-", "_", ".")`,
      );
    }
  }
  const badKey = Object.keys(metadata.annotations).find((key) => !isQualifiedName(key.toLowerCase()));
  return badKey === undefined ? undefined : invalid('annotation', badKey, 'the key is not a valid annotation key');
}

function invalid(kind: string, key: string, why: string): JobFailure {
  return {
    reason: 'pod-invalid',
    text: `${kind} "${key}" would be refused by Kubernetes: ${why}; correct it in the plugin's metadata or in default-metadata`,
    path: `metadata.${kind}s["${key}"]`,
  };
}

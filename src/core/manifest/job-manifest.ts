import type { V1Job } from '@kubernetes/client-node';
import type { ControllerConfig, V1PodSpec } from '../config/config.js';
import type { BuildkiteJob, JobWarning } from '../job/job.js';

export interface BuildJobInput {
  readonly job: BuildkiteJob;
  readonly config: ControllerConfig;
  /** Version of this program, for the agent tag `k8s:agent-stack-version`. */
  readonly version: string;
  /** `.template.spec` of the PodTemplate the plugin names, when it names one (see `podTemplateName`). */
  readonly podTemplateSpec?: V1PodSpec | undefined;
}

export interface BuiltJob {
  /** `apiVersion: batch/v1`, `kind: Job`, `metadata.namespace` set to the configured namespace. */
  readonly manifest: V1Job;
  readonly warnings: readonly JobWarning[];
}

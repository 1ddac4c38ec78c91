import type { V1Job, V1PodSpec } from '@kubernetes/client-node';
import { normaliseQueueRules } from '../job/agent-tags.js';
import type { BuildkiteJob, JobFailure } from '../job/job.js';
import {
  decodeKubernetesPlugin,
  isLenient,
  KUBERNETES_PLUGIN,
  type KubernetesPlugin,
} from '../job/kubernetes-plugin.js';
import { type DraftJob, draftJob } from '../manifest/build-job.js';
import type { Result } from '../result.js';
import type { BuildJobInput } from '../manifest/job-manifest.js';
import { describePermutation, expandStep, type StepVariant } from '../pipeline/matrix.js';
import type { JsonValue } from '../pipeline/pipeline.js';
import { OFFLINE_BUILD, stepToJob } from '../pipeline/step-to-job.js';
import type { DecodeIssue } from '../schema/decode.js';
import type { LintCommandStep } from './document.js';
import type { LintWorld } from './world.js';

/** One job that a step becomes, built by the controller's own builder as far as it goes. */
export interface LintJob {
  readonly step: LintCommandStep;
  readonly variant: StepVariant;
  /** The matrix combination for messages, e.g. `os=linux`; empty without a matrix. */
  readonly choice: string;
  /** What the builder was given. */
  readonly input: BuildJobInput;
  /** The plugin without what could not be used. */
  readonly plugin: KubernetesPlugin;
  /** What could not be used, with paths in the plugin's configuration. */
  readonly issues: readonly DecodeIssue[];
  /** The pod's base is a PodTemplate of the cluster, which nobody knows here: its containers and volumes are missing from `pod`. */
  readonly baseUnknown: boolean;
  /** Undefined when the job cannot even be put together; then `failure` says why. */
  readonly manifest: V1Job | undefined;
  readonly pod: V1PodSpec | undefined;
  /** The controller's own reason not to create the Job. */
  readonly failure: JobFailure | undefined;
}

/** More combinations of one step are not built: they would tell the same. */
const MAX_JOBS = 100;

/** All jobs of a step that differ: combinations of its matrix, but one of parallel jobs. */
export function lintJobs(step: LintCommandStep, world: LintWorld): readonly LintJob[] {
  const { variants } = expandStep({ ...step.step, parallelism: undefined });
  return variants.slice(0, MAX_JOBS).map((variant) => lintJob(step, variant, world));
}

function lintJob(step: LintCommandStep, variant: StepVariant, world: LintWorld): LintJob {
  const { config, version } = world;
  const { plugin, issues, job } = cleanJob(variant, world);
  const input: BuildJobInput = { job, config, version };
  const baseUnknown = plugin.podSpec === undefined && (plugin.podTemplate ?? '') !== '';
  const choice = variant.permutation === undefined ? '' : describePermutation(variant.permutation);
  // Built when a check asks: for most steps of most pipelines none does.
  let built: Result<DraftJob, JobFailure> | undefined;
  const draft = () => (built ??= draftOf(input, baseUnknown));
  return {
    ...{ step, variant, choice, input, plugin, issues, baseUnknown },
    get manifest() {
      const result = draft();
      return result.ok ? result.value.manifest : undefined;
    },
    get pod() {
      return this.manifest?.spec?.template.spec;
    },
    get failure() {
      const result = draft();
      return result.ok ? result.value.refusal : result.error;
    },
  };
}

/** A PodTemplate that nobody knows is an empty one: what is built from it has the controller's parts only. */
function draftOf(input: BuildJobInput, baseUnknown: boolean): Result<DraftJob, JobFailure> {
  return draftJob(baseUnknown ? { ...input, podTemplateSpec: { containers: [] } } : input);
}

interface CleanJob {
  readonly job: BuildkiteJob;
  readonly plugin: KubernetesPlugin;
  readonly issues: readonly DecodeIssue[];
}

/** The job with a plugin that can be decoded: its mistakes are told once, and the rest of the pod is still looked at. */
function cleanJob(variant: StepVariant, { config, configName }: LintWorld): CleanJob {
  const uses = variant.step.plugins.filter(({ source }) => source === KUBERNETES_PLUGIN);
  const last = uses.at(-1)?.config ?? {};
  const { plugin, issues } = decodeKubernetesPlugin(last);
  const broken = issues.some((issue) => !isLenient(issue));
  const plugins = variant.step.plugins.map((use) =>
    // The decoded plugin is JSON, made from JSON.
    broken && use.source === KUBERNETES_PLUGIN ? { ...use, config: plugin as unknown as JsonValue } : use,
  );
  const job = stepToJob({ ...variant, step: { ...variant.step, plugins } }, { build: OFFLINE_BUILD });
  // Which resource classes there are is only known with the configuration.
  const known = job.agentQueryRules.filter((rule) => configName !== undefined || !rule.startsWith('resource_class='));
  const agentQueryRules = normaliseQueueRules(known, config);
  return { job: { ...job, agentQueryRules }, plugin, issues };
}

/** The pod as it is before the step's own podSpecPatch; undefined when it cannot be put together. */
export function unpatchedPod({ input, variant, plugin, baseUnknown }: LintJob): V1PodSpec | undefined {
  const rest = { ...plugin, podSpecPatch: undefined };
  const plugins = variant.step.plugins.map((use) => ({
    [use.source]: use.source === KUBERNETES_PLUGIN ? rest : use.config,
  }));
  const job = { ...input.job, env: { ...input.job.env, BUILDKITE_PLUGINS: JSON.stringify(plugins) } };
  const draft = draftOf({ ...input, job }, baseUnknown);
  return draft.ok ? draft.value.manifest.spec?.template.spec : undefined;
}

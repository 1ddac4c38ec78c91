import type { V1Job } from '@kubernetes/client-node';
import { effectiveQueue, type ControllerConfig } from '../core/config/config.js';
import { UsageError } from '../core/errors.js';
import { matchAgentTags, normaliseQueueRules, parseTags, servesDefaultQueue } from '../core/job/agent-tags.js';
import type { BuildkiteJob, JobFailure } from '../core/job/job.js';
import { buildJob, podTemplateName } from '../core/manifest/build-job.js';
import type { BuildJobInput } from '../core/manifest/job-manifest.js';
import type { PodTemplates } from '../core/manifest/pod-templates.js';
import { buildContextFrom, standIns } from '../core/pipeline/build-context.js';
import { describePermutation, expandStep, type StepVariant } from '../core/pipeline/matrix.js';
import { parsePipeline } from '../core/pipeline/parse-pipeline.js';
import { type CommandStep, commandSteps, type PipelineProblem } from '../core/pipeline/pipeline.js';
import { type NumberedStep, selectSteps, stepTitle } from '../core/pipeline/select-steps.js';
import { formatPlace } from '../core/pipeline/source-tree.js';
import { buildVariables, stepToJob } from '../core/pipeline/step-to-job.js';
import type { FiledJob, NamedText } from './render-inputs.js';

export interface RenderRequest {
  readonly config: ControllerConfig;
  readonly podTemplates: PodTemplates;
  /** Version of this program. */
  readonly version: string;
  /** Variables of the upload, and of the build where they name one of its facts. */
  readonly env: Readonly<Record<string, string>>;
  /** Instead of the derived UUID; for a single job only. */
  readonly jobUuid?: string | undefined;
}

export interface PipelineRequest extends RenderRequest {
  readonly pipeline: NamedText;
  /** Keys, labels or numbers; empty = all steps. */
  readonly steps: readonly string[];
}

/** One Buildkite job on its way to a manifest. */
export interface RenderedJob {
  /** Key, label or command of the step with matrix and parallel choice; the UUID for a job without a step. */
  readonly title: string;
  /** `number` counts command steps from 1; undefined for a job from a file. */
  readonly origin: (NumberedStep & { readonly choice: string }) | undefined;
  /** Where the job was read from, when it does not come from a pipeline. */
  readonly file: string | undefined;
  readonly input: BuildJobInput;
  /** Undefined when the job cannot be built. */
  readonly manifest: V1Job | undefined;
  readonly failure: JobFailure | undefined;
}

export interface Rendering {
  readonly jobs: readonly RenderedJob[];
  /** What Buildkite would refuse in the pipeline. */
  readonly errors: readonly string[];
  /** What the reader should know: stand-ins, skipped steps, warnings of the builder. */
  readonly notes: readonly string[];
}

/**
 * Builds every job of a pipeline that this controller would get. Steps for other controllers and skipped ones are left out with a note.
 * Throws a `UsageError` for an unknown step.
 */
export function renderPipeline(request: PipelineRequest): Rendering {
  const build = buildContextFrom(request.env);
  const env = { ...buildVariables(build), ...request.env };
  const { pipeline, problems } = parsePipeline(request.pipeline.text, { file: request.pipeline.file, env });
  const chosen = selectSteps(commandSteps(pipeline?.steps ?? []), pipeline === undefined ? [] : request.steps);
  if (!chosen.ok) throw new UsageError(chosen.error);
  const expanded = chosen.value.map((numbered) => ({ numbered, ...expandStep(numbered.step) }));
  const candidates = expanded.flatMap(({ numbered, variants }) =>
    variants.map((variant) => candidateOf(numbered, variant)),
  );
  const skips = new Map(candidates.map((candidate) => [candidate, whySkipped(candidate, request.config)]));
  const wanted = candidates.filter((candidate) => skips.get(candidate) === undefined);
  requireSingle(
    wanted.length,
    request,
    'choose one with --step; of a matrix or parallel step no single job can be named',
  );
  const jobs = wanted.map((candidate) => {
    const job = stepToJob(candidate.variant, { build, jobId: request.jobUuid });
    const rules = normaliseQueueRules(job.agentQueryRules, request.config);
    return render({ ...job, agentQueryRules: rules }, request, { candidate });
  });
  const all = [...problems, ...expanded.flatMap((step) => step.problems)];
  return {
    jobs: jobs.map(({ job }) => job),
    errors: all.filter(({ severity }) => severity === 'error').map(problemLine),
    notes: [
      ...(expanded.length === 0 && pipeline !== undefined
        ? [`${request.pipeline.file}: there is no command step in it, so there is no job`]
        : []),
      ...all.filter(({ severity }) => severity !== 'error').map(problemLine),
      ...(jobs.length === 0 ? [] : offlineNotes(request)),
      ...[...skips].flatMap(([{ title, numbered }, why]) =>
        why === undefined ? [] : [`${formatPlace(numbered.step.at)}: step "${title}" is left out: ${why}`],
      ),
      ...wanted.flatMap(conditionNote),
      ...jobs.flatMap(({ notes }) => notes),
    ],
  };
}

/** Builds jobs as an API returned them, whether or not their rules match this controller's tags. */
export function renderJobs(jobs: readonly FiledJob[], request: RenderRequest): Rendering {
  requireSingle(jobs.length, request, 'give a --job file with one');
  const rendered = jobs.map(({ job, file }) => {
    const env = { ...job.env, ...request.env };
    return render({ ...job, env, id: request.jobUuid ?? job.id }, request, { file });
  });
  const mismatches = jobs.flatMap(({ job }) => {
    const reason = matchAgentTags(job.agentQueryRules, request.config);
    return reason === undefined ? [] : [`job "${job.id}" would not come to this controller: ${reason}`];
  });
  return {
    jobs: rendered.map(({ job }) => job),
    errors: [],
    notes: [...mismatches, ...rendered.flatMap(({ notes }) => notes)],
  };
}

interface Candidate {
  readonly numbered: NumberedStep;
  readonly variant: StepVariant;
  readonly title: string;
  readonly choice: string;
}

function candidateOf(numbered: NumberedStep, variant: StepVariant): Candidate {
  const { permutation, parallel } = variant;
  const choice =
    permutation === undefined
      ? parallel === undefined
        ? ''
        : `${parallel.index + 1}/${parallel.count}`
      : describePermutation(permutation);
  const title = stepTitle({ number: numbered.number, step: variant.step });
  return { numbered, variant, choice, title: choice === '' ? title : `${title} (${choice})` };
}

function whySkipped({ variant }: Candidate, config: ControllerConfig): string | undefined {
  const { step } = variant;
  if (variant.skip !== undefined) return variant.skip;
  return foreignQueue(step, config) ?? matchAgentTags(step.agents ?? step.defaults.agents, config);
}

function foreignQueue(step: CommandStep, config: ControllerConfig): string | undefined {
  if (servesDefaultQueue(config) || parseTags(step.agents ?? step.defaults.agents).has('queue')) return undefined;
  return `it names no queue, so it goes to the cluster's default queue; this controller serves "${effectiveQueue(config)}"`;
}

interface Rendered {
  readonly job: RenderedJob;
  readonly notes: readonly string[];
}

interface JobOrigin {
  readonly candidate?: Candidate;
  readonly file?: string;
}

function render(job: BuildkiteJob, request: RenderRequest, { candidate, file }: JobOrigin): Rendered {
  const { config, version } = request;
  const title = candidate?.title ?? job.id;
  const template = podTemplateName({ job, config });
  const podTemplateSpec = template === undefined ? undefined : request.podTemplates.find(template, config.namespace);
  const input: BuildJobInput = { job, config, version, podTemplateSpec };
  const built = buildJob(input);
  const origin = candidate === undefined ? undefined : { ...candidate.numbered, choice: candidate.choice };
  return {
    job: {
      title,
      origin,
      file,
      input,
      manifest: built.ok ? built.value.manifest : undefined,
      failure: built.ok ? undefined : built.error,
    },
    notes: built.ok ? built.value.warnings.map((warning) => `job "${title}": ${warning.text}`) : [],
  };
}

function requireSingle(count: number, { jobUuid }: RenderRequest, remedy: string): void {
  if (jobUuid === undefined) return;
  if (!/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(jobUuid))
    throw new UsageError(
      `--job-uuid "${jobUuid}" is not a UUID, so no job has it; write it like 01234567-89ab-cdef-0123-456789abcdef`,
    );
  if (count > 1) throw new UsageError(`--job-uuid names one job, but there are ${count}; ${remedy}`);
}

function problemLine(problem: PipelineProblem): string {
  return `${formatPlace(problem.at)}: ${problem.message}`;
}

function conditionNote({ numbered: { step }, title }: Candidate): readonly string[] {
  const conditions = [
    step.if === undefined ? undefined : 'if',
    step.branches.length === 0 ? undefined : 'branches',
  ].filter((name) => name !== undefined);
  if (conditions.length === 0) return [];
  return [
    `${formatPlace(step.at)}: step "${title}" is shown whatever its ${conditions.join(' and ')}: only Buildkite can tell`,
  ];
}

function offlineNotes(request: RenderRequest): readonly string[] {
  const queue = servesDefaultQueue(request.config)
    ? ['no queue is configured, so the steps of every queue are shown']
    : [];
  const missing = standIns(request.env);
  if (missing.length === 0) return queue;
  return [
    ...queue,
    `facts of the build that nobody knows offline hold stand-ins (set them with --env): ${missing.join(', ')}`,
  ];
}

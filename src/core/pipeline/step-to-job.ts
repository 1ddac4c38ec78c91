import type { BuildkiteJob } from '../job/job.js';
import { derivedUuid } from './derived-uuid.js';
import { describePermutation, type StepVariant } from './matrix.js';
import type { CommandStep } from './pipeline.js';

/** The build around the jobs, as far as the jobs' environment tells of it. */
export interface BuildContext {
  readonly organizationSlug: string;
  readonly pipelineSlug: string;
  readonly pipelineName: string;
  /** `https://buildkite.com/<organization>/<pipeline>/builds/<number>` at Buildkite. */
  readonly buildUrl: string;
  readonly buildNumber: number;
  readonly buildId: string;
  readonly branch: string;
  readonly commit: string;
  readonly message: string;
  readonly repo: string;
  /** `github`, `git`, … */
  readonly provider: string;
  /** The build's own environment (given when the build was made); weaker than pipeline and step. */
  readonly env: Readonly<Record<string, string>>;
}

export interface StepToJobOptions {
  readonly build: BuildContext;
  /** UUID of the job; derived from build, step and variant when absent. */
  readonly jobId?: string | undefined;
  /** How often the job was retried before. @default 0 */
  readonly retryCount?: number | undefined;
}

/** A build that could have happened, for commands that have no Buildkite to ask. Every value is constant. */
export const OFFLINE_BUILD: BuildContext = {
  organizationSlug: 'local',
  pipelineSlug: 'pipeline',
  pipelineName: 'Pipeline',
  buildUrl: 'https://buildkite.com/local/pipeline/builds/1',
  buildNumber: 1,
  buildId: derivedUuid('build', 'local', 'pipeline', 1),
  branch: 'main',
  commit: 'HEAD',
  message: 'Local build',
  repo: 'https://example.com/repository.git',
  provider: 'git',
  env: {},
};

/**
 * The job Buildkite would make of one variant of a step: command, environment (build < pipeline < step < Buildkite's own variables), query
 * rules and priority. Pure: same step, same build, same bytes.
 */
export function stepToJob(variant: StepVariant, options: StepToJobOptions): BuildkiteJob {
  const { step } = variant;
  const { build } = options;
  const jobId = options.jobId ?? jobIdOf(variant, build.buildId, options.retryCount ?? 0);
  return {
    id: jobId,
    command: step.command,
    env: {
      ...build.env,
      ...step.defaults.env,
      ...step.env,
      ...buildVariables(build),
      ...stepVariables(variant, { build, jobId, retryCount: options.retryCount ?? 0 }),
    },
    agentQueryRules: step.agents ?? step.defaults.agents,
    priority: step.priority ?? step.defaults.priority,
  };
}

/** The id a variant gets when none is given; retries are jobs of their own. */
function jobIdOf(variant: StepVariant, buildId: string, retryCount: number): string {
  const { step, permutation, parallel } = variant;
  const choice = permutation === undefined ? '' : describePermutation(permutation);
  return derivedUuid(buildId, step.position, step.key ?? '', choice, parallel?.index ?? -1, retryCount);
}

/** Variables of the build, the same for all of its jobs; also what `pipeline upload` can interpolate. */
export function buildVariables(build: BuildContext): Readonly<Record<string, string>> {
  return {
    BUILDKITE: 'true',
    BUILDKITE_BRANCH: build.branch,
    BUILDKITE_BUILD_ID: build.buildId,
    BUILDKITE_BUILD_NUMBER: String(build.buildNumber),
    BUILDKITE_BUILD_URL: build.buildUrl,
    BUILDKITE_COMMIT: build.commit,
    BUILDKITE_MESSAGE: build.message,
    BUILDKITE_ORGANIZATION_SLUG: build.organizationSlug,
    BUILDKITE_PIPELINE_DEFAULT_BRANCH: 'main',
    BUILDKITE_PIPELINE_NAME: build.pipelineName,
    BUILDKITE_PIPELINE_PROVIDER: build.provider,
    BUILDKITE_PIPELINE_SLUG: build.pipelineSlug,
    BUILDKITE_PULL_REQUEST: 'false',
    BUILDKITE_PULL_REQUEST_BASE_BRANCH: '',
    BUILDKITE_REPO: build.repo,
    BUILDKITE_SOURCE: 'ui',
    BUILDKITE_TAG: '',
    CI: 'true',
  };
}

interface JobFacts {
  readonly build: BuildContext;
  readonly jobId: string;
  readonly retryCount: number;
}

function stepVariables(variant: StepVariant, facts: JobFacts): Readonly<Record<string, string>> {
  const { step, parallel } = variant;
  const image = step.image ?? step.defaults.image;
  return {
    BUILDKITE_ARTIFACT_PATHS: step.artifactPaths.join(';'),
    BUILDKITE_COMMAND: step.command,
    BUILDKITE_JOB_ID: facts.jobId,
    BUILDKITE_LABEL: step.label ?? '',
    BUILDKITE_PLUGINS: pluginsJson(step),
    BUILDKITE_RETRY_COUNT: String(facts.retryCount),
    BUILDKITE_SCRIPT_PATH: step.command,
    BUILDKITE_STEP_ID: derivedUuid(facts.build.buildId, 'step', step.position),
    BUILDKITE_STEP_KEY: step.key ?? '',
    BUILDKITE_TIMEOUT: step.timeoutInMinutes === undefined ? 'false' : String(step.timeoutInMinutes),
    ...(image === undefined ? {} : { BUILDKITE_IMAGE: image }),
    ...(parallel === undefined
      ? {}
      : { BUILDKITE_PARALLEL_JOB: String(parallel.index), BUILDKITE_PARALLEL_JOB_COUNT: String(parallel.count) }),
    ...groupVariables(step),
  };
}

function groupVariables(step: CommandStep): Readonly<Record<string, string>> {
  if (step.group === undefined) return {};
  return {
    BUILDKITE_GROUP_LABEL: step.group.label ?? '',
    ...(step.group.key === undefined ? {} : { BUILDKITE_GROUP_KEY: step.group.key }),
  };
}

/** `BUILDKITE_PLUGINS`: an array of one-key objects with full sources; null where a plugin has no configuration. */
export function pluginsJson(step: Pick<CommandStep, 'plugins'>): string {
  return JSON.stringify(step.plugins.map((use) => ({ [use.source]: use.config })));
}

import { type BuildContext, buildVariables } from '../../core/pipeline/step-to-job.js';
import type { Agent, Build, Job } from './model.js';
import type { Store } from './store.js';

type Env = Readonly<Record<string, string>>;

/** What the engine's pure part needs to know of a build. */
export function buildContext(build: Build, store: Store): BuildContext {
  return {
    organizationSlug: store.organization.slug,
    pipelineSlug: build.pipeline.slug,
    pipelineName: build.pipeline.name,
    buildUrl: build.url,
    buildNumber: build.number,
    buildId: build.id,
    branch: build.branch,
    commit: build.commit,
    message: build.message,
    repo: build.pipeline.repository,
    provider: 'git',
    env: build.env,
  };
}

/** None of it changes, and a build may have thousands of jobs. */
const factsOfBuilds = new WeakMap<Build, Env>();

function buildFacts(build: Build, store: Store): Env {
  const known = factsOfBuilds.get(build);
  if (known !== undefined) return known;
  const facts = {
    ...buildVariables(buildContext(build, store)),
    BUILDKITE_ORGANIZATION_ID: store.organization.id,
    BUILDKITE_CLUSTER_ID: store.cluster.id,
    BUILDKITE_CLUSTER_NAME: store.cluster.name,
    BUILDKITE_COMPUTE_TYPE: 'self-hosted',
    BUILDKITE_PIPELINE_ID: build.pipeline.id,
    BUILDKITE_PIPELINE_DEFAULT_BRANCH: build.pipeline.defaultBranch,
    BUILDKITE_BUILD_CREATOR: 'Sandbox',
    BUILDKITE_BUILD_CREATOR_EMAIL: 'sandbox@localhost',
    BUILDKITE_SOURCE: build.source,
  };
  factsOfBuilds.set(build, facts);
  return facts;
}

function stepFacts(job: Job): Env {
  const { plan, step } = job;
  const { group } = step.plan;
  return {
    BUILDKITE_JOB_ID: job.id,
    BUILDKITE_STEP_ID: step.id,
    BUILDKITE_STEP_KEY: step.plan.key ?? '',
    BUILDKITE_LABEL: plan.label,
    BUILDKITE_COMMAND: plan.command,
    BUILDKITE_SCRIPT_PATH: plan.command,
    BUILDKITE_RETRY_COUNT: String(job.retriesCount),
    BUILDKITE_TIMEOUT: job.timeoutInMinutes === undefined ? 'false' : String(job.timeoutInMinutes),
    ...(job.retryOf === undefined ? {} : { BUILDKITE_RETRY_TYPE: 'automatic' }),
    ...(group === undefined ? {} : { BUILDKITE_GROUP_ID: group.id }),
  };
}

function agentFacts(agent: Agent): Env {
  const tags: Record<string, string> = {};
  for (const tag of agent.tags) {
    const [name = '', ...value] = tag.split('=');
    tags[`BUILDKITE_AGENT_META_DATA_${name.toUpperCase().replace(/[^A-Z0-9]/g, '_')}`] = value.join('=');
  }
  return { BUILDKITE_AGENT_ID: agent.id, BUILDKITE_AGENT_NAME: agent.name, ...tags };
}

/**
 * The environment of a job as Buildkite hands it out. Facts of the build win over what the pipeline sets; once an agent
 * has the job, all eight variables without which the bootstrap refuses to run are there.
 */
export function jobEnv(job: Job, store: Store): Env {
  return {
    BUILDKITE_PLUGINS: '[]',
    BUILDKITE_ARTIFACT_PATHS: '',
    ...job.build.env,
    ...job.plan.env,
    ...buildFacts(job.build, store),
    ...stepFacts(job),
    ...(job.agent === undefined ? {} : agentFacts(job.agent)),
  };
}

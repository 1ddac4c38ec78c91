import type { Sandbox } from './agent-api.js';
import { jobEnv } from './job-env.js';
import type { JsonObject } from './json.js';
import { number } from './json.js';
import { jobNodeId } from './lifecycle.js';
import type { Agent, Artifact, Build, Job, Queue } from './model.js';
import { type Call, type Handler, Refusal, type Reply, type Routes } from './router.js';
import { jobLog } from './store.js';

const ALL_SCOPES = [
  'read_builds',
  'read_build_logs',
  'read_job_env',
  'read_artifacts',
  'read_agents',
  'write_agents',
  'read_clusters',
];
const PAGE = 30;
const MAX_PAGE = 100;

const iso = (at: number | undefined): string | null => (at === undefined ? null : new Date(at).toISOString());

/** The state words of the REST API: a finished job has passed or failed there, a limited one is scheduled. */
function restState(job: Job): string {
  if (job.state === 'limited') return 'scheduled';
  if (job.state !== 'finished') return job.state;
  return job.exitStatus === 0 ? 'passed' : 'failed';
}

/** The subset of Buildkite's REST API that support bundles are collected from: builds, jobs, logs, artifacts, agents, queues. */
class RestApi {
  readonly #sandbox: Sandbox;

  constructor(sandbox: Sandbox) {
    this.#sandbox = sandbox;
  }

  /** Wraps a handler with the check of token and organisation. */
  route(handler: (call: Call) => Reply): Handler {
    const { store } = this.#sandbox;
    return (call) => {
      if (call.headers.authorization !== `Bearer ${store.apiToken}`) {
        throw new Refusal(401, 'Authentication required. Please supply a valid API Access Token');
      }
      const { org } = call.params;
      if (org !== undefined && org !== store.organization.slug) throw new Refusal(404, `No organization found`);
      return handler(call);
    };
  }

  readonly accessToken = (): Reply => ({
    status: 200,
    body: { uuid: this.#sandbox.store.organization.id, scopes: ALL_SCOPES, description: 'sandbox' },
  });

  readonly getBuild = (call: Call): Reply => {
    const build = this.#build(call);
    const withRetried = call.query.get('include_retried_jobs') === 'true';
    const jobs = jobsOf(build).filter((job) => withRetried || job.retriedInJobId === undefined);
    const withoutJobs = call.query.get('exclude_jobs') === 'true';
    return {
      status: 200,
      body: { ...buildObject(build), ...(withoutJobs ? {} : { jobs: jobs.map((job) => this.#jobObject(job)) }) },
    };
  };

  readonly listJobs = (call: Call): Reply => {
    const build = this.#build(call);
    const states = call.query.getAll('state[]');
    const size = Math.min(number(call.query.get('per_page')) ?? PAGE, MAX_PAGE);
    const after = number(call.query.get('after')) ?? 0;
    const jobs = jobsOf(build)
      .filter((job) => job.sequence > after && (states.length === 0 || states.includes(restState(job))))
      .filter((job) => call.query.get('include_retried_jobs') === 'true' || job.retriedInJobId === undefined)
      .sort((a, b) => a.sequence - b.sequence);
    const page = jobs.slice(0, size);
    const query = new URLSearchParams(call.query);
    query.set('after', String(page.at(-1)?.sequence ?? 0));
    const next = jobs.length > size ? `${call.origin}${call.path}?${query.toString()}` : null;
    return { status: 200, body: { items: page.map((job) => this.#jobObject(job)), links: { next } } };
  };

  readonly getJob = (call: Call): Reply => ({ status: 200, body: this.#jobObject(this.#job(call)) });

  readonly getLog = (call: Call): Reply => {
    const content = jobLog(this.#job(call));
    if (call.path.endsWith('.txt') || call.headers.accept === 'text/plain') {
      return { status: 200, body: Buffer.from(content), headers: { 'content-type': 'text/plain; charset=utf-8' } };
    }
    const url = `${call.origin}${call.path}`;
    return { status: 200, body: { url, content, size: Buffer.byteLength(content), header_times: [] } };
  };

  readonly getEnv = (call: Call): Reply => ({
    status: 200,
    body: { env: jobEnv(this.#job(call), this.#sandbox.store) },
  });

  readonly listArtifacts = (call: Call): Reply => ({
    status: 200,
    body: this.#job(call).artifacts.map((artifact) => artifactObject(artifact, call)),
  });

  readonly downloadArtifact = (call: Call): Reply => {
    const artifact = this.#job(call).artifacts.find(({ id }) => id === call.params.artifact);
    if (artifact === undefined) throw new Refusal(404, 'No artifact found');
    const location = artifact.url === '' ? `${call.origin}/artifacts/${artifact.id}` : artifact.url;
    return { status: 302, body: { url: location }, headers: { location } };
  };

  readonly listAgents = (call: Call): Reply => {
    const name = call.query.get('name');
    const agents = [...this.#sandbox.store.agents.values()]
      .filter(({ connection }) => connection === 'connected' || connection === 'stopping')
      .filter((agent) => name === null || agent.name === name);
    return { status: 200, body: agents.map((agent) => this.#agentObject(agent)) };
  };

  readonly getAgent = (call: Call): Reply => {
    const agent = this.#sandbox.store.agents.get(call.params.agent ?? '');
    if (agent === undefined) throw new Refusal(404, 'No agent found');
    return { status: 200, body: this.#agentObject(agent) };
  };

  readonly listClusters = (): Reply => {
    const { cluster } = this.#sandbox.store;
    return { status: 200, body: [{ id: cluster.id, name: cluster.name }] };
  };

  readonly listQueues = (call: Call): Reply => {
    const { cluster, queues } = this.#sandbox.store;
    if (call.params.cluster !== cluster.id) throw new Refusal(404, 'No cluster found');
    return { status: 200, body: [...queues.values()].map(queueObject) };
  };

  #build({ params }: Call): Build {
    const found = [...this.#sandbox.store.builds.values()].find(
      (build) => build.pipeline.slug === params.pipeline && String(build.number) === params.number,
    );
    if (found === undefined) throw new Refusal(404, 'No build found');
    return found;
  }

  #job(call: Call): Job {
    const job = this.#sandbox.store.jobs.get(call.params.job ?? '');
    const fits = call.params.number === undefined || job?.build === this.#build(call);
    if (job === undefined || !fits) throw new Refusal(404, 'No job found');
    return job;
  }

  #jobObject(job: Job): JsonObject {
    const { plan, step, build } = job;
    return {
      id: job.id,
      graphql_id: jobNodeId(job),
      type: 'script',
      name: plan.label,
      step_key: step.plan.key ?? null,
      state: restState(job),
      command: plan.command,
      agent_query_rules: job.agentQueryRules,
      priority: { number: plan.priority },
      web_url: `${build.url}#${job.id}`,
      agent: job.agent === undefined ? null : this.#agentObject(job.agent),
      cluster_id: this.#sandbox.store.cluster.id,
      cluster_queue_id: this.#sandbox.store.findQueue(job.queueKey)?.id ?? null,
      parallel_group_index: plan.parallel?.index ?? null,
      parallel_group_total: plan.parallel?.count ?? null,
      ...outcomeOf(job),
    };
  }

  #agentObject(agent: Agent): JsonObject {
    return {
      id: agent.id,
      name: agent.name,
      hostname: agent.hostname,
      version: agent.version,
      connection_state: agent.connection,
      meta_data: agent.tags,
      created_at: iso(agent.createdAt),
      job: agent.job === undefined ? null : { id: agent.job.id },
    };
  }
}

function outcomeOf(job: Job): JsonObject {
  return {
    exit_status: job.exitStatus ?? null,
    signal: job.signal ?? null,
    signal_reason: job.signalReason ?? null,
    soft_failed: job.softFailed,
    created_at: iso(job.createdAt),
    scheduled_at: iso(job.scheduledAt),
    runnable_at: iso(job.scheduledAt),
    started_at: iso(job.startedAt),
    finished_at: iso(job.finishedAt),
    retried: job.retriedInJobId !== undefined,
    retried_in_job_id: job.retriedInJobId ?? null,
    retries_count: job.retriesCount,
  };
}

function jobsOf(build: Build): Job[] {
  return build.steps.flatMap((step) => step.jobs);
}

function buildObject(build: Build): JsonObject {
  return {
    id: build.id,
    number: build.number,
    state: build.state,
    branch: build.branch,
    commit: build.commit,
    message: build.message,
    web_url: build.url,
    created_at: iso(build.createdAt),
    started_at: iso(build.startedAt),
    finished_at: iso(build.finishedAt),
    pipeline: { id: build.pipeline.id, slug: build.pipeline.slug, name: build.pipeline.name },
  };
}

function artifactObject(artifact: Artifact, call: Call): JsonObject {
  return {
    id: artifact.id,
    job_id: artifact.job.id,
    path: artifact.path,
    state: artifact.state,
    file_size: artifact.fileSize,
    mime_type: artifact.contentType,
    sha1sum: artifact.sha1sum,
    sha256sum: artifact.sha256sum,
    download_url: `${call.origin}${call.path}/${artifact.id}/download`,
  };
}

function queueObject(queue: Queue): JsonObject {
  return {
    id: queue.id,
    key: queue.key,
    dispatch_paused: queue.paused,
    dispatch_paused_note: queue.pausedNote ?? null,
  };
}

/** Routes under `/v2`. */
export function restRoutes(sandbox: Sandbox): Routes {
  const api = new RestApi(sandbox);
  const org = '/v2/organizations/:org';
  const build = `${org}/pipelines/:pipeline/builds/:number`;
  const job = `${build}/jobs/:job`;
  return {
    'GET /v2/meta': () => ({ status: 200, body: { webhook_ips: [] } }),
    'GET /v2/access-token': api.route(api.accessToken),
    [`GET ${build}`]: api.route(api.getBuild),
    [`GET ${build}/jobs`]: api.route(api.listJobs),
    [`GET ${org}/jobs/:job`]: api.route(api.getJob),
    [`GET ${job}/log`]: api.route(api.getLog),
    [`GET ${job}/log.txt`]: api.route(api.getLog),
    [`GET ${job}/env`]: api.route(api.getEnv),
    [`GET ${job}/artifacts`]: api.route(api.listArtifacts),
    [`GET ${job}/artifacts/:artifact/download`]: api.route(api.downloadArtifact),
    [`GET ${org}/agents`]: api.route(api.listAgents),
    [`GET ${org}/agents/:agent`]: api.route(api.getAgent),
    [`GET ${org}/clusters`]: api.route(api.listClusters),
    [`GET ${org}/clusters/:cluster/queues`]: api.route(api.listQueues),
  };
}

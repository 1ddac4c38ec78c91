import { randomUUID } from 'node:crypto';
import { type HttpEndpoint, serveHttp } from '../http.js';
import { type AgentSettings, agentRoutes, type Sandbox } from './agent-api.js';
import { artifactRoutes } from './artifacts-api.js';
import { BuildEngine } from './engine.js';
import type { BuildkiteListener } from './events.js';
import { clusterNodeId, graphqlRoutes } from './graphql-api.js';
import { jobRoutes } from './job-api.js';
import { JobLifecycle } from './lifecycle.js';
import type { Agent, Build, Job, JobPlan, Pipeline, Queue } from './model.js';
import { metricsRoutes } from './metrics-api.js';
import { planSteps } from './plan-steps.js';
import { restRoutes } from './rest-api.js';
import { type Interceptor, Router } from './router.js';
import { stacksRoutes } from './stacks-api.js';
import { jobLog, Store, withoutMarkers } from './store.js';

export interface BuildkiteServerOptions {
  /** 0 picks a free port. @default 0 */
  readonly port?: number;
  /** Seeds all ids and tokens. @default a random one */
  readonly seed?: string;
  /** Milliseconds since the epoch. @default Date.now */
  readonly now?: () => number;
  /** @default 'sandbox' */
  readonly organizationSlug?: string;
  /** The first is the cluster's default queue. @default ['default'] */
  readonly queueKeys?: readonly string[];
  readonly agentSettings?: Partial<AgentSettings>;
  /** After how much silence an agent is lost. @default 180000 */
  readonly lostAgentMs?: number;
  /** Values of Buildkite secrets by key. */
  readonly secrets?: Readonly<Record<string, string>>;
  /** False: GraphQL shows jobs that belong to no cluster. @default true */
  readonly clustered?: boolean;
  /** Send `paused` instead of `dispatch_paused` in stack listings. @default false */
  readonly legacyPauseField?: boolean;
  /** Put every job into the default queue, whatever agents its step asks for. @default false */
  readonly ignoreAgentRules?: boolean;
  /** Enforce the documented calls per second of the Stacks API. @default true */
  readonly enforceRateLimits?: boolean;
  /** Enforce the GraphQL budget of 5,000 points in 5 minutes. @default false */
  readonly enforceGraphqlBudget?: boolean;
  /** Stacks an organisation may have. @default 30 */
  readonly stackQuota?: number;
}

export interface CreateBuildOptions {
  /** YAML or JSON text of the pipeline. */
  readonly pipeline: string;
  readonly env?: Readonly<Record<string, string>>;
  /** @default 'main' */
  readonly branch?: string;
  /** @default 'HEAD' */
  readonly commit?: string;
  /** @default 'Sandbox build' */
  readonly message?: string;
  /** Repository URL. @default 'file:///dev/null', for jobs that skip the checkout */
  readonly repo?: string;
  /** Name of the pipeline's file in messages. @default 'pipeline.yml' */
  readonly file?: string;
  /** @default 'pipeline' */
  readonly pipelineSlug?: string;
}

export interface CreateJobsOptions {
  readonly command: string;
  readonly agentQueryRules?: readonly string[];
  readonly priority?: number;
  readonly env?: Readonly<Record<string, string>>;
}

/** The pipeline was refused; the message is what an upload would show. */
export class PipelineRejected extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'PipelineRejected';
  }
}

const AGENT_DEFAULTS: AgentSettings = {
  pingInterval: 1,
  jobStatusInterval: 1,
  heartbeatInterval: 30,
  chunksMaxSizeBytes: 102_400,
  chunksIntervalSeconds: 1,
};

/** How often the clock of reservations, timeouts and lost agents is looked at while nobody calls. */
const SWEEP_MS = 250;

/** An embedded Buildkite on loopback: Agent, Stacks and GraphQL APIs over one world, with handles to watch and steer it. */
export class BuildkiteServer {
  readonly url: string;
  readonly agentEndpoint: string;
  readonly graphqlEndpoint: string;
  /** REST v2. */
  readonly restEndpoint: string;
  /** Cluster token for agents and stacks. */
  readonly agentToken: string;
  /** User token for GraphQL and REST. */
  readonly apiToken: string;
  readonly organizationSlug: string;
  readonly clusterUuid: string;
  /** As GraphQL's `jobs(cluster:)` takes it. */
  readonly clusterGraphqlId: string;
  /** Key of the default queue. */
  readonly queueKey: string;
  readonly #sandbox: Sandbox;
  readonly #router: Router;
  readonly #endpoint: HttpEndpoint;
  readonly #sweeper: NodeJS.Timeout;

  constructor(parts: { readonly sandbox: Sandbox; readonly router: Router; readonly endpoint: HttpEndpoint }) {
    const { store, lifecycle } = parts.sandbox;
    this.#sandbox = parts.sandbox;
    this.#router = parts.router;
    this.#endpoint = parts.endpoint;
    this.url = parts.endpoint.url;
    this.agentEndpoint = `${this.url}/v3`;
    this.graphqlEndpoint = `${this.url}/graphql`;
    this.restEndpoint = `${this.url}/v2`;
    this.agentToken = store.agentToken;
    this.apiToken = store.apiToken;
    this.organizationSlug = store.organization.slug;
    this.clusterUuid = store.cluster.id;
    this.clusterGraphqlId = clusterNodeId(parts.sandbox);
    this.queueKey = store.defaultQueue.key;
    this.#sweeper = setInterval(() => lifecycle.sweep(), SWEEP_MS).unref();
  }

  /** Starts a build of a pipeline text, interpolated as an upload would. Throws `PipelineRejected`. */
  createBuild(options: CreateBuildOptions): Build {
    const { engine, store } = this.#sandbox;
    const pipeline = this.#pipeline(options.pipelineSlug ?? 'pipeline', options.repo ?? 'file:///dev/null');
    const build = engine.createBuild({
      pipeline,
      branch: options.branch ?? 'main',
      commit: options.commit ?? 'HEAD',
      message: options.message ?? 'Sandbox build',
      source: 'api',
      env: options.env ?? {},
    });
    const planned = planSteps(options.pipeline, { build, store, interpolate: true, file: options.file });
    if (!planned.ok) {
      store.builds.delete(build.id);
      throw new PipelineRejected(planned.error);
    }
    for (const text of planned.value.notes) store.emit({ type: 'note', buildId: build.id, text, at: store.now() });
    engine.addSteps(build, planned.value.steps);
    return build;
  }

  /** Makes one build of `count` like jobs, scheduled at once. */
  createJobs(count: number, options: CreateJobsOptions): readonly Job[] {
    const { engine } = this.#sandbox;
    const build = engine.createBuild({
      pipeline: this.#pipeline('bulk', 'file:///dev/null'),
      branch: 'main',
      commit: 'HEAD',
      message: `${count} jobs`,
      source: 'api',
      env: {},
    });
    const plan: JobPlan = {
      label: '',
      title: options.command,
      command: options.command,
      env: { BUILDKITE_SKIP_CHECKOUT: 'true', ...options.env },
      agentQueryRules: options.agentQueryRules ?? [`queue=${this.queueKey}`],
      priority: options.priority ?? 0,
      softFail: false,
    };
    engine.addSteps(build, [
      {
        kind: 'command',
        label: options.command,
        allowDependencyFailure: false,
        continueOnFailure: false,
        defaults: {},
        retry: [],
        definition: { command: options.command },
        jobs: Array.from({ length: count }, () => plan),
      },
    ]);
    return build.steps.flatMap((step) => step.jobs);
  }

  cancelBuild(buildId: string): void {
    const build = this.#sandbox.store.builds.get(buildId);
    if (build !== undefined) this.#sandbox.lifecycle.cancelBuild(build);
  }

  /** Cancels one job as a user would; throws when it has ended. */
  cancelJob(jobId: string): void {
    const job = this.#sandbox.store.jobs.get(jobId);
    if (job !== undefined) this.#sandbox.lifecycle.cancel(job);
  }

  /** Pauses dispatch of a queue; throws for a queue that does not exist. */
  pause(queueKey: string, note?: string): void {
    Object.assign(this.#queue(queueKey), { paused: true, pausedNote: note });
  }

  /** Ends a pause. */
  resume(queueKey: string): void {
    Object.assign(this.#queue(queueKey), { paused: false, pausedNote: undefined });
  }

  addQueue(key: string): void {
    this.#sandbox.store.addQueue(key);
  }

  builds(): readonly Build[] {
    return [...this.#sandbox.store.builds.values()];
  }

  /** All jobs in order of creation, retried ones included. */
  jobs(): readonly Job[] {
    return [...this.#sandbox.store.jobs.values()];
  }

  job(id: string): Job | undefined {
    return this.#sandbox.store.jobs.get(id);
  }

  agents(): readonly Agent[] {
    return [...this.#sandbox.store.agents.values()];
  }

  /** Log of a job without the agent's timestamp markers. */
  log(jobId: string): string {
    const job = this.#sandbox.store.jobs.get(jobId);
    return job === undefined ? '' : withoutMarkers(jobLog(job));
  }

  /** Subscribes to what happens; the returned function unsubscribes. Listeners must not throw. */
  onEvent(listener: BuildkiteListener): () => void {
    return this.#sandbox.store.onEvent(listener);
  }

  /** Resolves with the build once it has ended; rejects with the signal's reason. */
  async waitForBuild(buildId: string, signal: AbortSignal): Promise<Build> {
    const build = this.#sandbox.store.builds.get(buildId);
    if (build === undefined) throw new Error(`no build "${buildId}"`);
    signal.throwIfAborted();
    if (build.finishedAt !== undefined) return build;
    return new Promise((resolve, reject) => {
      const stop = this.onEvent((event) => {
        if (event.type !== 'build-finished' || event.buildId !== buildId) return;
        stop();
        signal.removeEventListener('abort', abort);
        resolve(build);
      });
      const abort = (): void => {
        stop();
        reject(signal.reason as Error);
      };
      signal.addEventListener('abort', abort, { once: true });
    });
  }

  /** Adds a fault hook over all routes; the returned function removes it. */
  intercept(interceptor: Interceptor): () => void {
    return this.#router.intercept(interceptor);
  }

  /** Calls of a route so far, e.g. `PUT /v3/jobs/:id/acquire`. */
  calls(route: string): number {
    return this.#router.calls(route);
  }

  /** Lets pass what is due by the clock, for tests with a clock of their own; the server does it before every answer anyway. */
  sweep(): void {
    this.#sandbox.lifecycle.sweep();
  }

  async close(): Promise<void> {
    clearInterval(this.#sweeper);
    await this.#endpoint.close();
  }

  #queue(key: string): Queue {
    const queue = this.#sandbox.store.findQueue(key);
    if (queue === undefined) throw new Error(`no queue "${key}"`);
    return queue;
  }

  #pipeline(slug: string, repository: string): Pipeline {
    const { store } = this.#sandbox;
    const known = store.pipelines.get(slug);
    if (known?.repository === repository) return known;
    const pipeline = {
      id: known?.id ?? store.ids.uuid(),
      slug,
      name: slug,
      repository,
      defaultBranch: 'main',
      builds: known?.builds ?? 0,
    };
    store.pipelines.set(slug, pipeline);
    return pipeline;
  }
}

const DEFAULTS = {
  organizationSlug: 'sandbox',
  queueKeys: ['default'],
  lostAgentMs: 180_000,
  clustered: true,
  legacyPauseField: false,
  enforceRateLimits: true,
  enforceGraphqlBudget: false,
  stackQuota: 30,
} as const;

/** Starts an embedded Buildkite on loopback. */
export async function startBuildkiteServer(options: BuildkiteServerOptions = {}): Promise<BuildkiteServer> {
  const chosen = { ...DEFAULTS, ...options };
  const store = new Store({
    seed: options.seed ?? randomUUID(),
    now: options.now ?? Date.now,
    organizationSlug: chosen.organizationSlug,
    clusterName: 'sandbox',
    queueKeys: chosen.queueKeys,
    ignoreAgentRules: options.ignoreAgentRules ?? false,
  });
  for (const [key, value] of Object.entries(options.secrets ?? {})) store.secrets.set(key, value);
  const engine = new BuildEngine(store);
  const lifecycle = new JobLifecycle(store, engine, chosen);
  const sandbox: Sandbox = { store, engine, lifecycle, settings: { ...AGENT_DEFAULTS, ...options.agentSettings } };
  const router = new Router({
    ...agentRoutes(sandbox),
    ...metricsRoutes(sandbox),
    ...restRoutes(sandbox),
    ...jobRoutes(sandbox),
    ...artifactRoutes(sandbox),
    ...stacksRoutes(sandbox, chosen),
    ...graphqlRoutes(sandbox, { clustered: chosen.clustered, enforceBudget: chosen.enforceGraphqlBudget }),
  });
  const endpoint = await serveHttp((request, response, url) => {
    lifecycle.sweep();
    return router.handle(request, response, url);
  }, options.port);
  return new BuildkiteServer({ sandbox, router, endpoint });
}

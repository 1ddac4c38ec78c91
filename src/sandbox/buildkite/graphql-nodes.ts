import { GraphQLError } from 'graphql';
import { nodeId } from './ids.js';
import { jobEnv } from './job-env.js';
import { jobNodeId } from './lifecycle.js';
import type { Agent, Build, Job, Queue } from './model.js';
import { type Connection, paginate, type PageArguments } from './paginate.js';
import type { Store } from './store.js';

type Node = Readonly<Record<string, unknown>>;

/** Arguments of `organization.jobs` and `build.jobs`. */
export interface JobArguments extends PageArguments {
  readonly type?: readonly string[] | null;
  readonly state?: readonly string[] | null;
  readonly cluster?: string | null;
  readonly clusterQueue?: readonly string[] | null;
  readonly clustered?: boolean | null;
  readonly agentQueryRules?: readonly string[] | null;
  readonly priority?: { readonly number?: readonly number[] | null } | null;
  readonly order?: 'RECENTLY_CREATED' | 'RECENTLY_ASSIGNED' | null;
}

export interface AgentArguments extends PageArguments {
  readonly cluster?: string | null;
  readonly metaData?: readonly string[] | null;
  readonly isRunningJob?: boolean | null;
}

const iso = (at: number | undefined): string | null => (at === undefined ? null : new Date(at).toISOString());

/** Objects of the GraphQL schema over the store; fields that cost something are functions, called only when selected. */
export class GraphqlNodes {
  readonly #store: Store;
  readonly #clustered: boolean;

  constructor(store: Store, options: { readonly clustered: boolean }) {
    this.#store = store;
    this.#clustered = options.clustered;
  }

  organization(): Node {
    const { organization } = this.#store;
    return {
      __typename: 'Organization',
      id: nodeId('Organization', organization.id),
      uuid: organization.id,
      slug: organization.slug,
      name: organization.name,
      // By bare UUID, unlike everywhere else (Buildkite documentation).
      cluster: ({ id }: { readonly id: string }) => (id === this.#store.cluster.id ? this.cluster() : null),
      jobs: (args: JobArguments) => this.jobs(args, this.#candidates(args)),
      agents: (args: AgentArguments) => this.agents(args),
    };
  }

  cluster(): Node {
    const { cluster, queues, defaultQueue } = this.#store;
    return {
      __typename: 'Cluster',
      id: nodeId('Cluster', cluster.id),
      uuid: cluster.id,
      name: cluster.name,
      defaultQueue: this.queue(defaultQueue),
      queues: (args: PageArguments & { readonly order?: string | null }) => {
        const list = [...queues.values()];
        const sorted =
          args.order === 'RECENTLY_CREATED' ? list.reverse() : list.sort((a, b) => (a.key < b.key ? -1 : 1));
        return paginate(
          sorted.map((queue, index) => ({ rank: [index], value: queue })),
          args,
          (queue) => this.queue(queue),
        );
      },
    };
  }

  queue(queue: Queue): Node {
    return {
      __typename: 'ClusterQueue',
      id: nodeId('ClusterQueue', queue.id),
      uuid: queue.id,
      key: queue.key,
      dispatchPaused: queue.paused,
      dispatchPausedNote: queue.pausedNote ?? null,
    };
  }

  /** Filters and pages jobs; newest first, as Buildkite orders them. */
  jobs(args: JobArguments, candidates: Iterable<Job>): Connection {
    this.#checkCluster(args.cluster);
    const list = args.type != null && !args.type.includes('COMMAND') ? [] : [...candidates];
    const chosen = list.filter((job) => this.#selects(args, job));
    const assigned = args.order === 'RECENTLY_ASSIGNED';
    const ranked = chosen.map((job) => ({
      rank: assigned ? [-(job.assignedAt ?? 0), -job.sequence] : [-job.sequence],
      value: job,
    }));
    ranked.sort((a, b) => (a.rank[0] ?? 0) - (b.rank[0] ?? 0) || (a.rank[1] ?? 0) - (b.rank[1] ?? 0));
    return paginate(ranked, args, (job) => this.job(job));
  }

  job(job: Job): Node {
    const store = this.#store;
    const { plan, step, build } = job;
    return {
      __typename: 'JobTypeCommand',
      id: jobNodeId(job),
      uuid: job.id,
      state: job.state.toUpperCase(),
      label: plan.label,
      command: plan.command,
      env: () => Object.entries(jobEnv(job, store)).map(([key, value]) => `${key}=${value}`),
      agentQueryRules: job.agentQueryRules,
      automaticArtifactUploadPaths: () => jobEnv(job, store).BUILDKITE_ARTIFACT_PATHS ?? null,
      priority: { number: plan.priority },
      agent: () => (job.agent === undefined ? null : this.agent(job.agent)),
      build: () => this.build(build),
      pipeline: () => this.#pipeline(build),
      step: { key: step.plan.key ?? null, uuid: step.id },
      cluster: () => (this.#clustered ? this.cluster() : null),
      clusterQueue: () => this.#queueOf(job),
      ...this.#outcome(job),
      parallelGroupIndex: plan.parallel?.index ?? null,
      parallelGroupTotal: plan.parallel?.count ?? null,
      url: `${build.url}#${job.id}`,
    };
  }

  #outcome(job: Job): Node {
    return {
      createdAt: iso(job.createdAt),
      scheduledAt: iso(job.scheduledAt),
      runnableAt: iso(job.scheduledAt),
      startedAt: iso(job.startedAt),
      finishedAt: iso(job.finishedAt),
      canceledAt: job.state === 'canceled' ? iso(job.finishedAt) : null,
      exitStatus: job.exitStatus === undefined ? null : String(job.exitStatus),
      signal: job.signal ?? null,
      signalReason: job.signalReason?.toUpperCase() ?? null,
      passed: job.state === 'finished' && job.exitStatus === 0,
      softFailed: job.softFailed,
      retried: job.retriedInJobId !== undefined,
      retriesCount: job.retriesCount,
    };
  }

  build(build: Build): Node {
    return {
      __typename: 'Build',
      id: nodeId('Build', build.id),
      uuid: build.id,
      number: build.number,
      state: build.state.toUpperCase(),
      branch: build.branch,
      commit: build.commit,
      message: build.message,
      url: build.url,
      createdAt: iso(build.createdAt),
      startedAt: iso(build.startedAt),
      finishedAt: iso(build.finishedAt),
      pipeline: () => this.#pipeline(build),
      jobs: (args: JobArguments) =>
        this.jobs(
          args,
          build.steps.flatMap((step) => step.jobs),
        ),
    };
  }

  agents(args: AgentArguments): Connection {
    this.#checkCluster(args.cluster);
    const chosen = [...this.#store.agents.values()]
      .map((agent, index) => ({ rank: [-index], value: agent }))
      .reverse()
      .filter(({ value: agent }) => (args.metaData ?? []).every((tag) => agent.tags.includes(tag)))
      .filter(({ value: agent }) => args.isRunningJob == null || args.isRunningJob === (agent.job !== undefined));
    return paginate(chosen, args, (agent) => this.agent(agent));
  }

  agent(agent: Agent): Node {
    return {
      __typename: 'Agent',
      id: nodeId('Agent', agent.id),
      uuid: agent.id,
      name: agent.name,
      hostname: agent.hostname,
      version: agent.version,
      connectionState: agent.connection,
      isRunningJob: agent.job !== undefined,
      job: () => (agent.job === undefined ? null : this.job(agent.job)),
      heartbeatAt: iso(agent.lastSeenAt),
      createdAt: iso(agent.createdAt),
      metaData: agent.tags,
      paused: agent.paused,
    };
  }

  #pipeline({ pipeline }: Build): Node {
    return {
      __typename: 'Pipeline',
      id: nodeId('Pipeline', pipeline.id),
      uuid: pipeline.id,
      slug: pipeline.slug,
      name: pipeline.name,
    };
  }

  #queueOf(job: Job): Node | null {
    const queue = this.#clustered ? this.#store.findQueue(job.queueKey) : undefined;
    return queue === undefined ? null : this.queue(queue);
  }

  /** Listing scheduled jobs is what controllers do all day; it need not look at those long gone. */
  #candidates(args: JobArguments): Iterable<Job> {
    const onlyScheduled = args.state?.length === 1 && args.state[0] === 'SCHEDULED';
    return onlyScheduled ? this.#store.scheduled : this.#store.jobs.values();
  }

  #checkCluster(id: string | null | undefined): void {
    if (id != null && id !== nodeId('Cluster', this.#store.cluster.id)) {
      throw new GraphQLError('No cluster found: `cluster` takes the GraphQL id of a cluster of this organization');
    }
  }

  #selects(args: JobArguments, job: Job): boolean {
    const clusterFits = this.#clustered ? args.clustered !== false : args.cluster == null;
    return (
      clusterFits &&
      allows(args.state, job.state.toUpperCase()) &&
      allows(args.priority?.number, job.plan.priority) &&
      allows(args.clusterQueue, this.#queueOf(job)?.id) &&
      (args.agentQueryRules ?? []).every((rule) => job.agentQueryRules.includes(rule))
    );
  }
}

/** Whether a filter lets a value pass; no filter lets everything pass. */
function allows(filter: readonly unknown[] | null | undefined, value: unknown): boolean {
  return filter == null || filter.includes(value);
}

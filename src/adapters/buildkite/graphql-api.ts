import { ExternalError } from '../../core/errors.js';
import { effectiveQueue, type ControllerConfig } from '../../core/config/config.js';
import { isDefaultQueue } from '../../core/job/agent-tags.js';
import type { BuildkiteJobState, RunnableJob, ScheduledJob } from '../../core/job/job.js';
import type { JobListing, JobSource, Reservation } from '../../ports/buildkite.js';
import type { Clock, Logger } from '../../ports/runtime.js';
import { failJobAsAgent, type TemporaryAgentOptions } from './agent-api.js';
import { chunksOf } from './chunks.js';
import { createGraphqlClient, type GraphqlAnswer, type GraphqlClient, type GraphqlQuery } from './graphql-client.js';
import {
  CLUSTER_QUEUES,
  JOB_DETAIL,
  jobStatesDocument,
  ORGANIZATION_CHECK,
  SCHEDULED_JOBS,
  UNCLUSTERED_SCHEDULED_JOBS,
} from './graphql-documents.js';
import { commandJob, edgeNodes, type ListedJob } from './graphql-jobs.js';
import { isWaiting } from './job-states.js';
import { objectOf, textOf, type JsonObject } from './json.js';
import { withRetry } from './retry.js';

export interface GraphqlSourceOptions {
  /** e.g. `https://graphql.buildkite.com/v1`. */
  readonly endpoint: string;
  /** A user's API token with GraphQL access. */
  readonly token: string;
  readonly config: Pick<
    ControllerConfig,
    | 'org'
    | 'clusterUuid'
    | 'queue'
    | 'tags'
    | 'httpTimeoutMs'
    | 'logHttpPayloads'
    | 'graphqlResultsLimit'
    | 'staleJobDataTimeoutMs'
  >;
  /** For failing jobs, which GraphQL itself cannot do; see `failJobAsAgent`. */
  readonly agent: Pick<TemporaryAgentOptions, 'endpoint' | 'token' | 'tokenOrigin'>;
  readonly version: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Uniform in [0, 1), for the jitter of retries. */
  readonly random: () => number;
}

/** Aliases in one query; there is no documented limit. */
const STATES_PER_QUERY = 100;
/** Reading more than this at one poll would eat the whole budget; the oldest jobs come first. */
const MAX_PAGES = 20;
const QUEUES_PER_PAGE = 100;
/** The pause flag of a queue that was not paused is asked for once in this many polls. */
const POLLS_PER_PAUSE_CHECK = 5;

/** Jobs of an organization, or of one of its clusters, by way of GraphQL and a user's token. */
export function createGraphqlSource(options: GraphqlSourceOptions): JobSource {
  return new GraphqlSource(options);
}

class GraphqlSource implements JobSource {
  readonly name = 'graphql';
  readonly #options: GraphqlSourceOptions;
  readonly #client: GraphqlClient;
  readonly #queue: string;
  /** Jobs of the latest listing, so that fetching them costs nothing. */
  #listed: ReadonlyMap<string, ListedJob> = new Map();
  #listedAt = 0;
  #paused = false;
  #pauseKnown = true;
  /** Key of the queue that jobs without a queue rule go to; the cluster says which, unclustered organizations call it this. */
  #defaultQueueKey = 'default';
  #pollsUntilPauseCheck = 0;

  constructor(options: GraphqlSourceOptions) {
    this.#options = options;
    this.#client = createGraphqlClient(options);
    this.#queue = effectiveQueue(options.config);
  }

  async connect(signal: AbortSignal): Promise<void> {
    const { org } = this.#options.config;
    const { data } = await this.#queryRetrying({
      operation: 'OrganizationCheck',
      document: ORGANIZATION_CHECK,
      variables: { org },
      signal,
    });
    this.#organization(data);
    this.#options.logger.info('connected to buildkite', { organization: org, queue: this.#queue });
  }

  async listScheduledJobs(signal: AbortSignal): Promise<JobListing> {
    const paused = await this.#isPaused(signal);
    const jobs = new Map<string, ListedJob>();
    let before: string | undefined;
    let paceMs: number | undefined;
    for (let page = 1; ; page += 1) {
      const answer = await this.#client.query(this.#pageQuery(before, signal));
      paceMs = answer.paceMs ?? paceMs;
      const connection = objectOf(this.#organization(answer.data)['jobs']);
      for (const node of edgeNodes(connection)) {
        const job = commandJob(node);
        if (job && this.#isForOurQueue(job)) jobs.set(job.id, job);
      }
      before = previousCursor(connection);
      if (before === undefined) break;
      if (page >= MAX_PAGES) {
        this.#options.logger.warn('more jobs are waiting than one poll reads, the newest must wait', {
          read: jobs.size,
        });
        break;
      }
    }
    this.#listed = jobs;
    this.#listedAt = this.#options.clock.now();
    return { jobs: oldestFirst([...jobs.values()]), paused, retryAfterMs: paceMs };
  }

  /** GraphQL knows no reservations: every job is as good as ours, and the agent's acquire decides. */
  reserve(ids: readonly string[]): Promise<Reservation> {
    return Promise.resolve({ reserved: ids, notReserved: [] });
  }

  async release(): Promise<void> {
    // Nothing was claimed.
  }

  async notify(): Promise<void> {
    // GraphQL has no job timeline to write to.
  }

  async getJob(id: string, signal: AbortSignal): Promise<RunnableJob | undefined> {
    const age = this.#options.clock.now() - this.#listedAt;
    const listed = age < this.#options.config.staleJobDataTimeoutMs ? this.#listed.get(id) : undefined;
    const job = listed ?? (await this.#fetchJob(id, signal));
    return job && isWaiting(job.state) ? { id: job.id, command: job.command, env: job.env } : undefined;
  }

  async getJobStates(ids: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, BuildkiteJobState>> {
    const states = new Map<string, BuildkiteJobState>();
    for (const chunk of chunksOf(ids, STATES_PER_QUERY)) {
      const { data } = await this.#queryRetrying({
        operation: 'JobStates',
        document: jobStatesDocument(chunk.length),
        variables: Object.fromEntries(chunk.map((id, index) => [`u${index}`, id])),
        signal,
        // One job we may not see must not hide the states of the others.
        allowPartial: true,
      });
      for (const [index, id] of chunk.entries()) {
        const state = textOf(objectOf(data[`j${index}`])['state']);
        if (state !== undefined) states.set(id, state.toLowerCase());
      }
    }
    return states;
  }

  failJob(id: string, text: string, signal: AbortSignal): Promise<void> {
    const agentQueryRules = this.#listed.get(id)?.agentQueryRules;
    const job = { id, text, ...(agentQueryRules ? { agentQueryRules } : {}) };
    return failJobAsAgent({ ...this.#options, ...this.#options.agent }, job, signal);
  }

  disconnect(): Promise<void> {
    this.#client.close();
    return Promise.resolve();
  }

  async #fetchJob(id: string, signal: AbortSignal): Promise<ListedJob | undefined> {
    const query = { operation: 'JobDetail', document: JOB_DETAIL, variables: { uuid: id }, signal };
    const { data } = await this.#queryRetrying(query);
    return commandJob(data['job']);
  }

  #pageQuery(before: string | undefined, signal: AbortSignal): GraphqlQuery {
    const { org, clusterUuid, graphqlResultsLimit } = this.#options.config;
    // Jobs of the default queue may carry no queue rule at all, which no filter of Buildkite's can express.
    const rules = isDefaultQueue(this.#queue) ? null : [`queue=${this.#queue}`];
    const variables = { org, rules, last: graphqlResultsLimit, before: before ?? null };
    if (clusterUuid === '') {
      return { operation: 'UnclusteredScheduledJobs', document: UNCLUSTERED_SCHEDULED_JOBS, variables, signal };
    }
    const cluster = Buffer.from(`Cluster---${clusterUuid}`).toString('base64');
    return { operation: 'ScheduledJobs', document: SCHEDULED_JOBS, variables: { ...variables, cluster }, signal };
  }

  #isForOurQueue({ agentQueryRules }: ListedJob): boolean {
    if (!isDefaultQueue(this.#queue)) return true;
    const queue = agentQueryRules.find((rule) => rule.startsWith('queue='))?.slice('queue='.length);
    return queue === undefined || queue === '*' || queue === this.#defaultQueueKey || isDefaultQueue(queue);
  }

  async #isPaused(signal: AbortSignal): Promise<boolean> {
    if (this.#options.config.clusterUuid === '' || !this.#pauseKnown) return false;
    this.#pollsUntilPauseCheck -= 1;
    if (this.#pollsUntilPauseCheck > 0 && !this.#paused) return false;
    this.#pollsUntilPauseCheck = POLLS_PER_PAUSE_CHECK;
    try {
      this.#paused = await this.#readPauseFlag(signal);
    } catch (error) {
      if (!(error instanceof ExternalError) || error.retryable || error.status !== 200) throw error;
      this.#pauseKnown = false;
      this.#paused = false;
      this.#options.logger.warn('buildkite does not tell whether the queue is paused, taking it as not paused', {
        error,
      });
    }
    return this.#paused;
  }

  async #readPauseFlag(signal: AbortSignal): Promise<boolean> {
    const { org, clusterUuid } = this.#options.config;
    let after: string | null = null;
    for (let page = 1; page <= MAX_PAGES; page += 1) {
      const variables = { org, cluster: clusterUuid, first: QUEUES_PER_PAGE, after };
      const answer: GraphqlAnswer = await this.#client.query({
        operation: 'ClusterQueues',
        document: CLUSTER_QUEUES,
        variables,
        signal,
      });
      const cluster = this.#cluster(answer.data);
      this.#defaultQueueKey = textOf(objectOf(cluster['defaultQueue'])['key']) ?? this.#defaultQueueKey;
      const key = isDefaultQueue(this.#queue) ? this.#defaultQueueKey : this.#queue;
      const connection = objectOf(cluster['queues']);
      const queue = edgeNodes(connection).find((node) => node['key'] === key);
      if (queue) return queue['dispatchPaused'] === true;
      const info = objectOf(connection['pageInfo']);
      after = info['hasNextPage'] === true ? (textOf(info['endCursor']) ?? null) : null;
      if (after === null) break;
    }
    return false;
  }

  #organization(data: JsonObject): JsonObject {
    const organization = objectOf(data['organization']);
    if (textOf(organization['id']) !== undefined) return organization;
    throw new ExternalError(
      `there is no organization "${this.#options.config.org}" that the "buildkite-token" may see: ` +
        'check "org" (the slug in buildkite.com/<slug>) and whose token it is',
      { retryable: false },
    );
  }

  #cluster(data: JsonObject): JsonObject {
    const cluster = objectOf(this.#organization(data)['cluster']);
    if (textOf(cluster['id']) !== undefined) return cluster;
    const { org, clusterUuid } = this.#options.config;
    throw new ExternalError(
      `organization "${org}" has no cluster "${clusterUuid}" that the "buildkite-token" may see: check "cluster-uuid"`,
      { retryable: false },
    );
  }

  #queryRetrying(query: GraphqlQuery): Promise<GraphqlAnswer> {
    const { clock, random } = this.#options;
    return withRetry(() => this.#client.query(query), { clock, random, signal: query.signal });
  }
}

function previousCursor(connection: JsonObject): string | undefined {
  const info = objectOf(connection['pageInfo']);
  return info['hasPreviousPage'] === true ? textOf(info['startCursor']) : undefined;
}

/** There is no such order at the server; pages come newest first within themselves. */
function oldestFirst(jobs: ListedJob[]): ScheduledJob[] {
  const age = ({ scheduledAt, createdAt }: ListedJob): number => Date.parse(scheduledAt ?? createdAt ?? '') || 0;
  jobs.sort((a, b) => age(a) - age(b));
  return jobs.map(({ id, priority, agentQueryRules, scheduledAt }) => ({ id, priority, agentQueryRules, scheduledAt }));
}

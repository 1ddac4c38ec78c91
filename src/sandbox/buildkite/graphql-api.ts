import {
  buildSchema,
  type DocumentNode,
  execute,
  GraphQLError,
  type GraphQLFormattedError,
  parse,
  validate,
} from 'graphql';
import type { Sandbox } from './agent-api.js';
import { actualCost, requestedCost } from './graphql-cost.js';
import { GraphqlNodes } from './graphql-nodes.js';
import { GRAPHQL_SCHEMA } from './graphql-schema.js';
import { nodeId, parseNodeId } from './ids.js';
import { isObject, readObject, text, type JsonObject } from './json.js';
import { type Call, Refusal, type Reply, type Routes } from './router.js';

export interface GraphqlOptions {
  /** False: jobs belong to no cluster, as in an organisation that never made one. */
  readonly clustered: boolean;
  /** Answer 429 when the 5,000 points in 5 minutes of a user are spent. */
  readonly enforceBudget: boolean;
}

const MAX_COMPLEXITY = 50_000;
const USER_BUDGET = 5_000;
const ORGANIZATION_BUDGET = 20_000;
const WINDOW_MS = 300_000;
const UNAUTHENTICATED =
  'Authentication required. Please supply a valid API Access Token: https://buildkite.com/docs/apis/graphql-api';

interface MutationInput {
  readonly input: {
    readonly id: string;
    readonly clientMutationId?: string | null;
    readonly graceful?: boolean | null;
  };
}

/** Resolvers of queries and mutations. */
function rootValue(sandbox: Sandbox, nodes: GraphqlNodes): object {
  const { store, lifecycle } = sandbox;
  const jobById = (uuid: string | undefined): object | null => {
    const job = store.jobs.get(uuid ?? '');
    return job === undefined ? null : nodes.job(job);
  };
  return {
    organization: ({ slug, uuid }: { slug?: string; uuid?: string }) =>
      slug === store.organization.slug || uuid === store.organization.id ? nodes.organization() : null,
    job: ({ uuid }: { uuid: string }) => jobById(uuid),
    build: ({ slug, uuid }: { slug?: string; uuid?: string }) => {
      const build = [...store.builds.values()].find(
        (candidate) =>
          candidate.id === uuid || `${store.organization.slug}/${candidate.pipeline.slug}/${candidate.number}` === slug,
      );
      return build === undefined ? null : nodes.build(build);
    },
    agent: ({ slug }: { slug: string }) => {
      const agent = store.agents.get(slug.split('/')[1] ?? '');
      return agent === undefined ? null : nodes.agent(agent);
    },
    node: ({ id }: { id: string }) => jobById(parseNodeId('Job', id)),
    jobTypeCommandCancel: ({ input }: MutationInput) => {
      const job = store.jobs.get(parseNodeId('Job', input.id) ?? '');
      if (job === undefined) throw new GraphQLError(`No job found with id "${input.id}"`);
      refusalAsError(() => lifecycle.cancel(job));
      return { clientMutationId: input.clientMutationId ?? null, jobTypeCommand: nodes.job(job) };
    },
    agentStop: ({ input }: MutationInput) => {
      const agent = store.agents.get(parseNodeId('Agent', input.id) ?? '');
      if (agent === undefined) throw new GraphQLError(`No agent found with id "${input.id}"`);
      if (agent.connection !== 'connected') throw new GraphQLError('Can only stop connected agents');
      agent.connection = 'stopping';
      if (input.graceful === false && agent.job !== undefined) lifecycle.cancel(agent.job);
      return { clientMutationId: input.clientMutationId ?? null, agent: nodes.agent(agent) };
    },
    buildCancel: ({ input }: MutationInput) => {
      const build = store.builds.get(parseNodeId('Build', input.id) ?? '');
      if (build === undefined) throw new GraphQLError(`No build found with id "${input.id}"`);
      lifecycle.cancelBuild(build);
      return { clientMutationId: input.clientMutationId ?? null, build: nodes.build(build) };
    },
  };
}

function refusalAsError(act: () => void): void {
  try {
    act();
  } catch (error) {
    if (error instanceof Refusal) throw new GraphQLError(error.message);
    throw error;
  }
}

/** The points of one user and the organisation: one fixed window of five minutes. */
class Budget {
  #spent = 0;
  #windowStart: number;

  constructor(now: number) {
    this.#windowStart = now;
  }

  spend(cost: number, now: number): void {
    this.#roll(now);
    this.#spent += cost;
  }

  isSpent(now: number): boolean {
    this.#roll(now);
    return this.#spent >= USER_BUDGET;
  }

  secondsLeft(now: number): number {
    return Math.ceil((this.#windowStart + WINDOW_MS - now) / 1000);
  }

  headers(now: number): Record<string, string> {
    const reset = String(this.secondsLeft(now));
    return {
      'ratelimit-remaining': String(Math.max(0, ORGANIZATION_BUDGET - this.#spent)),
      'ratelimit-limit': String(ORGANIZATION_BUDGET),
      'ratelimit-reset': reset,
      'ratelimit-user-remaining': String(Math.max(0, USER_BUDGET - this.#spent)),
      'ratelimit-user-limit': String(USER_BUDGET),
      'ratelimit-user-reset': reset,
    };
  }

  #roll(now: number): void {
    if (now < this.#windowStart + WINDOW_MS) return;
    this.#windowStart = now;
    this.#spent = 0;
  }
}

const SCHEMA = buildSchema(GRAPHQL_SCHEMA);

interface Answer {
  readonly data?: unknown;
  readonly errors?: readonly GraphQLFormattedError[] | undefined;
}

class GraphqlApi {
  readonly #sandbox: Sandbox;
  readonly #options: GraphqlOptions;
  readonly #root: object;
  readonly #budget: Budget;

  constructor(sandbox: Sandbox, options: GraphqlOptions) {
    this.#sandbox = sandbox;
    this.#options = options;
    this.#root = rootValue(sandbox, new GraphqlNodes(sandbox.store, options));
    this.#budget = new Budget(sandbox.store.now());
  }

  readonly handle = async (call: Call): Promise<Reply> => {
    const now = this.#sandbox.store.now();
    if (call.headers.authorization !== `Bearer ${this.#sandbox.store.apiToken}`) {
      return { status: 401, body: { errors: [{ message: UNAUTHENTICATED }] } };
    }
    if (this.#options.enforceBudget && this.#budget.isSpent(now)) {
      const message = `You have exceeded your GraphQL limit. Please wait ${this.#budget.secondsLeft(now)} seconds before making more requests.`;
      return { status: 429, body: { errors: [{ message }] }, headers: this.#budget.headers(now) };
    }
    const { answer, requested } = await this.#run(readObject(call));
    const actual = actualCost(answer.data);
    this.#budget.spend(actual, now);
    const wantsStats = call.headers['buildkite-include-query-stats'] === 'true';
    const stats = wantsStats ? { stats: { requestedComplexity: requested, actualComplexity: actual } } : {};
    return {
      status: 200,
      body: { ...answer, ...stats },
      headers: {
        ...this.#budget.headers(now),
        'ratelimit-complexity-requested': String(requested),
        'ratelimit-complexity-actual': String(actual),
      },
    };
  };

  async #run(body: JsonObject): Promise<{ readonly answer: Answer; readonly requested: number }> {
    const document = parseDocument(text(body.query) ?? '');
    if (document instanceof GraphQLError) return { answer: refused([document]), requested: 0 };
    const errors = validate(SCHEMA, document);
    if (errors.length > 0) return { answer: refused(errors), requested: 0 };
    const variables = isObject(body.variables) ? body.variables : {};
    const requested = requestedCost(document, variables);
    if (requested > MAX_COMPLEXITY) {
      const message = `Query has complexity of ${requested}, which exceeds max complexity of ${MAX_COMPLEXITY}`;
      return { answer: refused([new GraphQLError(message)]), requested };
    }
    const result = await execute({
      schema: SCHEMA,
      document,
      rootValue: this.#root,
      variableValues: variables,
      operationName: text(body.operationName) ?? null,
    });
    const problems = result.errors?.map((error) => error.toJSON());
    return {
      answer: { data: result.data ?? null, ...(problems === undefined ? {} : { errors: problems }) },
      requested,
    };
  }
}

function parseDocument(query: string): DocumentNode | GraphQLError {
  try {
    return parse(query);
  } catch (error) {
    if (error instanceof GraphQLError) return error;
    throw error;
  }
}

function refused(errors: readonly GraphQLError[]): Answer {
  return { data: null, errors: errors.map((error) => error.toJSON()) };
}

/** The GraphQL id of the sandbox's cluster, as `jobs(cluster:)` takes it. */
export function clusterNodeId({ store }: Sandbox): string {
  return nodeId('Cluster', store.cluster.id);
}

/** `POST /graphql`, and `/v1` as on Buildkite's own host. */
export function graphqlRoutes(sandbox: Sandbox, options: GraphqlOptions): Routes {
  const api = new GraphqlApi(sandbox, options);
  return { 'POST /graphql': api.handle, 'POST /graphql/v1': api.handle, 'POST /v1': api.handle };
}

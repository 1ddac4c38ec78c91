import { ExternalError } from '../../core/errors.js';
import { redactor } from '../../core/redact.js';
import type { ControllerConfig } from '../../core/config/config.js';
import type { Clock, Logger } from '../../ports/runtime.js';
import { createHttpClient, type HttpAnswer, type HttpClient } from './http.js';
import { isObject, listOf, textOf, type JsonObject } from './json.js';

export interface GraphqlClientOptions {
  /** e.g. `https://graphql.buildkite.com/v1`. */
  readonly endpoint: string;
  /** A user's API token with GraphQL access. */
  readonly token: string;
  readonly config: Pick<ControllerConfig, 'httpTimeoutMs' | 'logHttpPayloads'>;
  readonly version: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface GraphqlQuery {
  /** Name of the operation in `document`. */
  readonly operation: string;
  readonly document: string;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly signal: AbortSignal;
  /** Take what data there is although some fields failed. @default false */
  readonly allowPartial?: boolean;
}

export interface GraphqlAnswer {
  readonly data: JsonObject;
  /** When the budget runs low: how long to wait so that it lasts until it is refilled, in milliseconds. */
  readonly paceMs: number | undefined;
}

/** Plain POSTs to a GraphQL endpoint; errors inside a 200 become an `ExternalError` too. */
export interface GraphqlClient {
  query(query: GraphqlQuery): Promise<GraphqlAnswer>;
  close(): void;
}

const API = "Buildkite's GraphQL API";
const TOKEN_HINT =
  'the value of "buildkite-token" is not accepted: give an API access token of a user, with GraphQL access and without restrictions';

/** Opens a client; nothing is sent before the first query. */
export function createGraphqlClient(options: GraphqlClientOptions): GraphqlClient {
  const http = createHttpClient({
    endpoint: options.endpoint,
    api: API,
    headers: { authorization: `Bearer ${options.token}`, 'user-agent': `agent-stack-k8s/${options.version}` },
    secrets: [options.token],
    unauthorizedHint: TOKEN_HINT,
    timeoutMs: options.config.httpTimeoutMs,
    logPayloads: options.config.logHttpPayloads,
    clock: options.clock,
    logger: options.logger,
  });
  return { query: (query) => runQuery(http, query, options.token), close: () => http.close() };
}

async function runQuery(http: HttpClient, query: GraphqlQuery, token: string): Promise<GraphqlAnswer> {
  const { operation, document, variables, signal } = query;
  const json = { query: document, variables, operationName: operation };
  const answer = await http.send({ method: 'POST', path: '', json, signal });
  const body = isObject(answer.body) ? answer.body : {};
  const messages = listOf(body['errors']).map(
    (error) => (isObject(error) ? textOf(error['message']) : undefined) ?? '',
  );
  const data = body['data'];
  const usable = isObject(data) && (messages.length === 0 || query.allowPartial === true);
  if (!usable) throw queryError(operation, messages, token);
  return { data, paceMs: pace(answer) };
}

function queryError(operation: string, messages: readonly string[], token: string): ExternalError {
  const said = messages.filter((message) => message !== '').join('; ') || 'no data and no explanation';
  const unauthorized = /authentication required/i.test(said);
  const text = `${API} could not answer "${operation}": ${said.slice(0, 500)}${unauthorized ? `; ${TOKEN_HINT}` : ''}`;
  return new ExternalError(redactor([token])(text), {
    retryable: messages.length === 0 || /rate limit|time(d )?out|temporar|internal|something went wrong/i.test(said),
    status: unauthorized ? 401 : 200,
  });
}

/**
 * GraphQL points are refilled every five minutes, per organization and per user. While more than half is left we poll
 * freely; below that calls are spread over the time that remains.
 */
function pace({ headers, retryAfterMs }: HttpAnswer): number | undefined {
  const read = (name: string): number => Number(headers[name] ?? NaN);
  const cost = read('ratelimit-complexity-actual');
  const waits = ['ratelimit', 'ratelimit-user']
    .map((prefix) => ({
      left: read(`${prefix}-remaining`),
      of: read(`${prefix}-limit`),
      reset: read(`${prefix}-reset`),
    }))
    .filter(({ left, of, reset }) => left < of / 2 && reset > 0)
    .map(({ left, reset }) => Math.min(1, cost / (0.8 * Math.max(left, 1))) * reset * 1000)
    .filter((ms) => ms > 0);
  if (waits.length === 0) return retryAfterMs;
  return Math.round(Math.max(...waits, retryAfterMs ?? 0));
}

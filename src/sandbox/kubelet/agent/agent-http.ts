import { Agent as HttpAgent, request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Relative to the endpoint, or a whole URL. */
  readonly path: string;
  readonly json?: unknown;
  readonly raw?: Buffer;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface ApiAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: Buffer;
  /** Parsed body when it is JSON. */
  readonly body: unknown;
}

/** Buildkite said no, or could not be reached. */
export class ApiRefusal extends Error {
  /** 0 when there was no answer. */
  readonly status: number;
  readonly retryAfterMs: number | undefined;
  constructor(message: string, status: number, retryAfterMs?: number) {
    super(message);
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }
}

/** The agent's side of Buildkite's agent API with one token. */
export interface AgentApi {
  readonly endpoint: string;
  withToken(token: string): AgentApi;
  /** Sends a request, again and again on 429, 5xx and broken connections; any other status but 2xx is an `ApiRefusal`. */
  send(request: ApiRequest, retry?: RetryRule): Promise<ApiAnswer>;
}

export interface RetryRule {
  /** @default 4 */
  readonly attempts?: number;
  /** Between attempts, unless the answer carries `Retry-After`; milliseconds. @default 500 */
  readonly delayMs?: number;
  /** Also again on this status. */
  readonly alsoOn?: number;
  /** Ends the waiting. */
  readonly signal?: AbortSignal;
}

export interface AgentApiOptions {
  /** Keeps connections open; without one every call has a connection of its own. */
  readonly agent?: HttpAgent;
  /** Once it aborts, nothing is tried a second time. */
  readonly giveUp?: AbortSignal;
}

/** Opens the API of an endpoint; nothing is sent before the first call. */
export function createAgentApi(endpoint: string, token: string, options: AgentApiOptions = {}): AgentApi {
  const base = endpoint.replace(/\/+$/, '');
  return {
    endpoint: base,
    withToken: (other) => createAgentApi(base, other, options),
    send: async (request, rule = {}) => {
      const url = new URL(/^https?:/.test(request.path) ? request.path : `${base}/${request.path}`);
      // Only Buildkite itself gets the token, not the place an artifact is stored at.
      const authorization = url.href.startsWith(`${base}/`) ? { authorization: `Token ${token}` } : {};
      return sendRetrying(
        () => exchange(url, { ...request, headers: { ...authorization, ...request.headers } }, options.agent),
        {
          name: `${request.method} ${url.pathname}`,
          rule: options.giveUp ? { signal: options.giveUp, ...rule } : rule,
        },
      );
    },
  };
}

async function sendRetrying(
  send: () => Promise<ApiAnswer>,
  { name, rule }: { readonly name: string; readonly rule: RetryRule },
): Promise<ApiAnswer> {
  for (let attempt = 1; ; attempt += 1) {
    const outcome = await attemptOnce(send, name);
    if (!(outcome instanceof ApiRefusal)) return outcome;
    if (!mayPass(outcome, rule) || attempt >= (rule.attempts ?? 4)) throw outcome;
    await pause(outcome.retryAfterMs ?? rule.delayMs ?? 500, rule.signal);
    if (rule.signal?.aborted === true) throw outcome;
  }
}

/** Sleeps; an abort ends it early. */
async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  await sleep(ms, undefined, signal ? { signal } : {}).catch(() => undefined);
}

async function attemptOnce(send: () => Promise<ApiAnswer>, name: string): Promise<ApiAnswer | ApiRefusal> {
  try {
    const answer = await send();
    const { status, body, headers } = answer;
    if (status >= 200 && status < 300) return answer;
    const seconds = Number(headers['retry-after'] ?? NaN);
    const text = `buildkite answered ${status} to "${name}": ${messageOf(body)}`;
    return new ApiRefusal(text, status, Number.isNaN(seconds) ? undefined : seconds * 1000);
  } catch (error) {
    return new ApiRefusal(`cannot reach buildkite for "${name}": ${String(error)}`, 0);
  }
}

function mayPass({ status }: ApiRefusal, { alsoOn }: RetryRule): boolean {
  return status === 0 || status === 429 || status >= 500 || status === alsoOn;
}

function messageOf(body: unknown): string {
  const message = typeof body === 'object' && body !== null && 'message' in body ? body.message : undefined;
  return typeof message === 'string' ? message : 'no explanation given';
}

function exchange(url: URL, request: ApiRequest, agent: HttpAgent | undefined): Promise<ApiAnswer> {
  const body = request.raw ?? (request.json === undefined ? undefined : Buffer.from(JSON.stringify(request.json)));
  const headers: Record<string, string> = {
    ...(request.json === undefined ? {} : { 'content-type': 'application/json' }),
    ...(request.method === 'GET' ? {} : { 'content-length': String(body?.length ?? 0) }),
    'user-agent': 'buildkite-agent/sandbox',
    ...request.headers,
  };
  const secure = url.protocol === 'https:';
  return new Promise((resolve, reject) => {
    const options = { method: request.method, headers, ...(agent && !secure ? { agent } : {}) };
    const outgoing = (secure ? httpsRequest : httpRequest)(url, options, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.once('error', reject);
      incoming.once('end', () => {
        const bytes = Buffer.concat(chunks);
        resolve({
          status: incoming.statusCode ?? 0,
          headers: incoming.headers,
          bytes,
          body: jsonOf(incoming.headers, bytes),
        });
      });
    });
    outgoing.setTimeout(60_000, () => outgoing.destroy(new Error('no answer within 60 s')));
    outgoing.once('error', reject);
    outgoing.end(body);
  });
}

function jsonOf(headers: IncomingHttpHeaders, bytes: Buffer): unknown {
  if (headers['content-type']?.includes('json') !== true) return undefined;
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}

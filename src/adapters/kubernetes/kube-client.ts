import { ExternalError, ToolkitError } from '../../core/errors.js';
import type { Clock } from '../../ports/runtime.js';
import { systemClock } from '../system/clock.js';
import { CallScope } from '../http/call-scope.js';
import type { BodySink, Query, WireAnswer } from '../http/connection.js';
import type { KubeConnection, KubeCredentials } from './kube-config.js';
import { refusalError } from './kube-errors.js';
import { createTransport, type Pool, type TransportRequest } from './kube-transport.js';
import { decodeObject, isProtobuf, PROTOBUF } from './protobuf.js';
import type { RateLimiter } from './token-bucket.js';
import { watchDecoder, type WatchEvent } from './watch-decoder.js';

export interface KubeRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Encoded path, e.g. `/apis/batch/v1/namespaces/ci/jobs`. */
  readonly path: string;
  readonly query?: Query | undefined;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** @default application/json */
  readonly contentType?: string | undefined;
  /**
   * How much of an answer is read. `slim` leaves out what `protobuf.ts` does not list, as far as the server can; `metadata` asks for no more than
   * the object's metadata, slim, too; `metadata-list` for the whole metadata of each object in a list. @default whole
   */
  readonly answer?: 'whole' | 'slim' | 'metadata' | 'metadata-list' | undefined;
  /** @default call */
  readonly pool?: Pool | undefined;
}

export interface KubeResponse {
  readonly status: number;
  /** The object as it is in JSON; undefined when the answer was empty. */
  readonly body: unknown;
  /** Texts of the `Warning` headers. */
  readonly warnings: readonly string[];
}

export interface KubeWatch {
  readonly path: string;
  readonly query?: Query | undefined;
  /** The watch ends when nothing arrives for so long, which is how a half-open connection is noticed. */
  readonly idleMs: number;
  readonly onOpen: () => void;
  /** Its objects are slim. Throwing ends the watch with that error. */
  readonly onEvent: (event: WatchEvent) => void;
}

/**
 * A small client of the Kubernetes API: plain objects, kept connections, a deadline on every call.
 * Both methods throw `KubeApiError` when the server refuses, another `ExternalError` (retryable) when it cannot be
 * reached in time, and reject with the signal's reason when aborted. No error ever holds a token.
 */
export interface KubeClient {
  request(request: KubeRequest, signal: AbortSignal): Promise<KubeResponse>;
  /** Reads events until the server ends the watch cleanly (`closed`) or nothing comes any more (`idle`). */
  watch(watch: KubeWatch, signal: AbortSignal): Promise<'closed' | 'idle'>;
  /** Ends every connection; calls under way fail. */
  close(): void;
}

export interface KubeClientOptions {
  readonly connection: Pick<KubeConnection, 'server' | 'credentials' | 'invalidate'>;
  /** Version of this program, for the User-Agent. */
  readonly version: string;
  /** Connections for calls; lists and watches have their own. Give it `job-creation-concurrency`. */
  readonly maxConnections: number;
  /** For one call from its first byte to its last, or for a watch until its head is in. @default 30000 */
  readonly deadlineMs?: number | undefined;
  /** Every request waits for it first, outside the deadline. @default none */
  readonly rateLimiter?: RateLimiter | undefined;
  readonly clock?: Pick<Clock, 'now'> | undefined;
}

/** Connects on first use; nothing goes over the wire before that. */
export function createKubeClient(options: KubeClientOptions): KubeClient {
  const { connection, deadlineMs = 30_000, rateLimiter, clock = systemClock } = options;
  const transport = createTransport(connection.server, Math.max(1, options.maxConnections));
  const userAgent = `agent-stack-k8s/${options.version}`;

  const attempt = async (request: KubeRequest, scope: CallScope, sink?: BodySink) => {
    const credentials = await credentialsWithin(connection, scope);
    return { credentials, answer: await transport.send(wireRequest(request, userAgent, credentials), scope, sink) };
  };

  /** Resolves with an answer of the 2xx family. */
  const send = async (request: KubeRequest, scope: CallScope, sink?: BodySink): Promise<WireAnswer> => {
    let { answer, credentials } = await attempt(request, scope, sink);
    if (answer.status === 401) {
      connection.invalidate(credentials);
      ({ answer, credentials } = await attempt(request, scope, sink));
    }
    const { status, headers } = answer;
    if (isSuccess(status)) return answer;
    const body = withoutSecret(refusalText(answer), credentials);
    const { method, path } = request;
    throw refusalError({ method, path, status, retryAfter: headers['retry-after'], body, now: clock.now() });
  };

  /** Runs one exchange with its deadline; whatever goes wrong leaves as an error of ours. */
  const within = async <T>(what: string, signal: AbortSignal, run: (scope: CallScope) => Promise<T>): Promise<T> => {
    await rateLimiter?.take(signal);
    const { server } = connection;
    const scope = new CallScope(signal, deadlineMs, () => deadlineError(`${what} at "${server}"`, deadlineMs));
    try {
      return await run(scope);
    } catch (error) {
      scope.throwIfStopped();
      throw error instanceof ToolkitError ? error : brokenConnection(server, what, error);
    } finally {
      scope.end();
    }
  };

  return {
    request: (request, signal) =>
      within(`${request.method} "${request.path}"`, signal, async (scope) => {
        const answer = await send(request, scope);
        return { status: answer.status, body: parseBody(answer, request), warnings: warningsOf(answer) };
      }),
    watch: (watch, signal) =>
      within(`watch of "${watch.path}"`, signal, (scope) =>
        readWatch(watch, scope, (sink) => {
          const { path, query } = watch;
          return send({ method: 'GET', path, query, answer: 'slim', pool: 'bulk' }, scope, sink);
        }),
      ),
    close: () => transport.close(),
  };
}

/** Credentials may come from a program that hangs: the deadline holds for it too. */
async function credentialsWithin(
  connection: Pick<KubeConnection, 'credentials'>,
  scope: CallScope,
): Promise<KubeCredentials> {
  let forget = () => {};
  const stopped = new Promise<never>((_resolve, reject) => {
    forget = scope.onStop(() => reject(new Error('stopped')));
  });
  try {
    return await Promise.race([connection.credentials(), stopped]);
  } catch (error) {
    scope.throwIfStopped();
    if (error instanceof ToolkitError) throw error;
    const why = error instanceof Error ? error.message.split('\n')[0] : 'unknown error';
    throw new ExternalError(`cannot get Kubernetes credentials: ${why}; check the kubeconfig's user`, {
      retryable: true,
    });
  } finally {
    forget();
  }
}

const METADATA = 'as=PartialObjectMetadata;g=meta.k8s.io;v=v1';

/** A server that cannot do it sends the whole object in JSON, where what we want is at the same place. */
const ACCEPT = {
  whole: 'application/json',
  slim: `${PROTOBUF},application/json`,
  metadata: `${PROTOBUF};${METADATA},application/json;${METADATA},application/json`,
  'metadata-list': 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json',
} as const;

function wireRequest(request: KubeRequest, userAgent: string, { headers, tls }: KubeCredentials): TransportRequest {
  const body = request.body === undefined ? undefined : JSON.stringify(request.body);
  return {
    method: request.method,
    path: request.path,
    query: request.query,
    headers: {
      accept: ACCEPT[request.answer ?? 'whole'],
      'user-agent': userAgent,
      'content-type': body === undefined ? undefined : (request.contentType ?? 'application/json'),
      ...headers,
    },
    body,
    tls,
    pool: request.pool ?? 'call',
  };
}

function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}

function parseBody({ body, headers }: WireAnswer, { method, path }: KubeRequest): unknown {
  if (body.length === 0) return undefined;
  const protobuf = isProtobuf(headers['content-type']);
  try {
    return protobuf ? decodeObject(body) : JSON.parse(body.toString('utf8'));
  } catch {
    // No cause: the errors quote the text, which may be a Secret.
    const what = protobuf ? 'a Kubernetes object' : 'JSON';
    throw new ExternalError(`answer to ${method} "${path}" is not ${what}; is there a proxy before the API server?`, {
      retryable: true,
    });
  }
}

/** A refusal as it would be in JSON, whatever it is in; proxies refuse in their own words. */
function refusalText({ body, headers }: WireAnswer): string {
  if (!isProtobuf(headers['content-type'])) return body.toString('utf8');
  try {
    return JSON.stringify(decodeObject(body));
  } catch {
    return '';
  }
}

const IDLE = new Error('nothing comes any more');

async function readWatch(
  { path, idleMs, onOpen, onEvent }: KubeWatch,
  scope: CallScope,
  open: (sink: BodySink) => Promise<WireAnswer>,
): Promise<'closed' | 'idle'> {
  let idle: NodeJS.Timeout | undefined;
  try {
    await open(({ status, headers }) => {
      if (!isSuccess(status)) return undefined;
      scope.disarm();
      onOpen();
      const timer = setTimeout(() => scope.stop(IDLE), idleMs);
      idle = timer;
      const feed = watchDecoder({ contentType: headers['content-type'], path }, onEvent);
      return (chunk) => {
        timer.refresh();
        feed(chunk);
      };
    });
    return 'closed';
  } catch (error) {
    if (error === IDLE) return 'idle';
    throw error;
  } finally {
    clearTimeout(idle);
  }
}

function deadlineError(what: string, deadlineMs: number): ExternalError {
  return new ExternalError(`no complete answer to ${what} within ${deadlineMs} ms; gave up`, {
    retryable: true,
    reason: 'Timeout',
  });
}

function brokenConnection(server: string, what: string, error: unknown): ExternalError {
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  const why = code ?? (error instanceof Error ? error.message : 'unknown error');
  return new ExternalError(
    `connection to kubernetes at "${server}" failed during ${what} (${why}); check that it is up and reachable`,
    {
      retryable: true,
      reason: code,
      cause: error,
    },
  );
}

/** A server or proxy may quote our own header back at us. */
function withoutSecret(text: string, { headers }: KubeCredentials): string {
  const secret = headers['authorization']?.replace(/^\w+ /, '') ?? '';
  return secret === '' ? text : text.replaceAll(secret, '[REDACTED]');
}

/** `299 - "text"`, where the text is a quoted string (RFC 9111, 5.5). */
function warningsOf({ headers }: WireAnswer): string[] {
  const { warning } = headers;
  if (warning === undefined) return [];
  return [...warning.matchAll(/\d{3} \S+ "((?:[^"\\]|\\.)*)"/g)].map(([, text]) =>
    (text ?? '').replace(/\\(.)/g, '$1'),
  );
}

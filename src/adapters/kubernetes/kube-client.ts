import type { IncomingMessage } from 'node:http';
import { ExternalError, ToolkitError } from '../../core/errors.js';
import type { Clock } from '../../ports/runtime.js';
import { systemClock } from '../system/clock.js';
import { CallScope } from './call-scope.js';
import type { KubeConnection, KubeCredentials } from './kube-config.js';
import { refusalError } from './kube-errors.js';
import { createTransport, readText, type Pool, type WireRequest } from './kube-transport.js';
import { splitLines } from './line-splitter.js';
import type { RateLimiter } from './token-bucket.js';

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

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
   * `metadata` asks for the object's metadata alone, which is all of it some answers are read for; `metadata-list` for that of each object in
   * a list. @default whole
   */
  readonly answer?: 'whole' | 'metadata' | 'metadata-list' | undefined;
  /** @default call */
  readonly pool?: Pool | undefined;
}

export interface KubeResponse {
  readonly status: number;
  /** Parsed JSON; undefined when the answer was empty. */
  readonly body: unknown;
  /** Texts of the `Warning` headers. */
  readonly warnings: readonly string[];
}

export interface KubeStream {
  readonly path: string;
  readonly query?: Query | undefined;
  /** The stream ends when nothing arrives for so long, which is how a half-open connection is noticed. */
  readonly idleMs: number;
  readonly onOpen: () => void;
  /** One line of the stream. Throwing ends the stream with that error. */
  readonly onLine: (line: string) => void;
}

/**
 * A small client of the Kubernetes API: raw JSON, kept connections, a deadline on every call.
 * Both methods throw `KubeApiError` when the server refuses, another `ExternalError` (retryable) when it cannot be
 * reached in time, and reject with the signal's reason when aborted. No error ever holds a token.
 */
export interface KubeClient {
  request(request: KubeRequest, signal: AbortSignal): Promise<KubeResponse>;
  /** Reads lines until the server closes the stream cleanly (`closed`) or nothing comes any more (`idle`). */
  stream(stream: KubeStream, signal: AbortSignal): Promise<'closed' | 'idle'>;
  /** Ends every connection; calls under way fail. */
  close(): void;
}

export interface KubeClientOptions {
  readonly connection: Pick<KubeConnection, 'server' | 'credentials' | 'invalidate'>;
  /** Version of this program, for the User-Agent. */
  readonly version: string;
  /** Connections for calls; lists and watches have their own. Give it `job-creation-concurrency`. */
  readonly maxConnections: number;
  /** For one call from its first byte to its last, or for a stream until its head is in. @default 30000 */
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

  const attempt = async (request: KubeRequest, scope: CallScope) => {
    const credentials = await credentialsWithin(connection, scope);
    return { credentials, response: await transport.send(wireRequest(request, userAgent, credentials), scope) };
  };

  /** Resolves with an answer of the 2xx family. */
  const send = async (request: KubeRequest, scope: CallScope): Promise<IncomingMessage> => {
    let { response, credentials } = await attempt(request, scope);
    if (response.statusCode === 401) {
      await readText(response);
      connection.invalidate(credentials);
      ({ response, credentials } = await attempt(request, scope));
    }
    const status = response.statusCode ?? 0;
    if (status >= 200 && status < 300) return response;
    const body = withoutSecret(await readText(response), credentials);
    const { method, path } = request;
    throw refusalError({ method, path, status, retryAfter: response.headers['retry-after'], body, now: clock.now() });
  };

  /** Runs one exchange with its deadline; whatever goes wrong leaves as an error of ours. */
  const within = async <T>(what: string, signal: AbortSignal, run: (scope: CallScope) => Promise<T>): Promise<T> => {
    await rateLimiter?.take(signal);
    const scope = new CallScope(signal, deadlineMs, `${what} at "${connection.server}"`);
    try {
      return await run(scope);
    } catch (error) {
      scope.throwIfStopped();
      throw error instanceof ToolkitError ? error : brokenConnection(connection.server, what, error);
    } finally {
      scope.end();
    }
  };

  return {
    request: (request, signal) =>
      within(`${request.method} "${request.path}"`, signal, async (scope) => {
        const response = await send(request, scope);
        const body = parseBody(await readText(response), request);
        return { status: response.statusCode ?? 0, body, warnings: warningsOf(response) };
      }),
    stream: (stream, signal) =>
      within(`watch of "${stream.path}"`, signal, async (scope) => {
        const { path, query } = stream;
        const response = await send({ method: 'GET', path, query, pool: 'bulk' }, scope);
        scope.disarm();
        stream.onOpen();
        return readStream(response, stream);
      }),
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

/** A server that cannot do it sends the whole object, where metadata is at the same place. */
const ACCEPT = {
  whole: 'application/json',
  metadata: 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json',
  'metadata-list': 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json',
} as const;

function wireRequest(request: KubeRequest, userAgent: string, { headers, tls }: KubeCredentials): WireRequest {
  const body = request.body === undefined ? undefined : JSON.stringify(request.body);
  const contentHeaders =
    body === undefined
      ? undefined
      : { 'content-type': request.contentType ?? 'application/json', 'content-length': Buffer.byteLength(body) };
  return {
    method: request.method,
    path: request.path + queryText(request.query),
    headers: {
      accept: ACCEPT[request.answer ?? 'whole'],
      'user-agent': userAgent,
      ...contentHeaders,
      ...headers,
    },
    body,
    tls,
    pool: request.pool ?? 'call',
  };
}

function queryText(query: Query = {}): string {
  const pairs = Object.entries(query).filter(([, value]) => value !== undefined);
  if (pairs.length === 0) return '';
  return `?${pairs.map(([key, value]) => `${key}=${encodeURIComponent(String(value))}`).join('&')}`;
}

function parseBody(text: string, { method, path }: KubeRequest): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    // No cause: JSON errors quote the text, which may be a Secret.
    throw new ExternalError(`answer to ${method} "${path}" is not JSON; is there a proxy before the API server?`, {
      retryable: true,
    });
  }
}

function readStream(response: IncomingMessage, { idleMs, onLine }: KubeStream): Promise<'closed' | 'idle'> {
  return new Promise((resolve, reject) => {
    const idle = setTimeout(() => {
      resolve('idle');
      response.destroy();
    }, idleMs);
    const feed = splitLines(onLine);
    response.on('data', (chunk: Buffer) => {
      idle.refresh();
      try {
        feed(chunk);
      } catch (error) {
        reject(error instanceof Error ? error : new Error('unreadable line', { cause: error }));
        response.destroy();
      }
    });
    response.once('end', () => resolve('closed'));
    response.once('error', reject);
    response.once('close', () => {
      clearTimeout(idle);
      reject(new Error('the stream broke off'));
    });
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
function warningsOf(response: IncomingMessage): string[] {
  if (response.headers.warning === undefined) return [];
  return [...response.headers.warning.matchAll(/\d{3} \S+ "((?:[^"\\]|\\.)*)"/g)].map(([, text]) =>
    (text ?? '').replace(/\\(.)/g, '$1'),
  );
}

import {
  request as httpRequest,
  type Agent as HttpAgent,
  type ClientRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
} from 'node:http';
import { request as httpsRequest, type Agent as HttpsAgent } from 'node:https';
import { onAbort } from '../system/on-abort.js';

const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT';
  /** Relative to the endpoint, without a leading slash; `''` is the endpoint itself. */
  readonly path: string;
  /** Undefined members are left out. */
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  /** Sent as JSON, unless `raw` is given. */
  readonly json?: unknown;
  /** Bytes to send as they are; give the content type in `headers`. */
  readonly raw?: Buffer;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** Overrides the client's deadline, in milliseconds. */
  readonly timeoutMs?: number;
  /** Any 2xx will do, whatever its body says. @default false */
  readonly ignoreBody?: boolean;
}

/** An answer as it came from the wire. */
export interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** What `exchangeOnce` needs to know. */
export interface Exchange {
  readonly base: URL;
  readonly agent: HttpAgent | HttpsAgent;
  readonly request: HttpRequest;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
}

/** The call's time was over before its answer was complete. */
export class DeadlineError extends Error {
  readonly timeoutMs: number;
  constructor(timeoutMs: number) {
    super('deadline passed');
    this.timeoutMs = timeoutMs;
  }
}

/** A kept connection turned out to be closed before anything was answered on it. */
export class StaleConnectionError extends Error {}

/**
 * Sends a request and reads its answer, whatever the status.
 * Rejects with `DeadlineError`, `StaleConnectionError` or the socket's own error.
 */
export function exchangeOnce({ base, agent, request, headers, timeoutMs }: Exchange): Promise<RawAnswer> {
  const body = request.raw ?? (request.json === undefined ? undefined : Buffer.from(JSON.stringify(request.json)));
  const path = requestPath(base, request);
  const send = base.protocol === 'https:' ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const outgoing = send({
      protocol: base.protocol,
      hostname: base.hostname.replace(/^\[(.*)\]$/, '$1'),
      port: base.port,
      agent,
      path,
      method: request.method,
      headers: allHeaders(headers, request, body),
    });
    let whyStopped: Error | undefined;
    const stop = (reason: Error): void => {
      whyStopped = reason;
      outgoing.destroy(reason);
    };
    const deadline = setTimeout(() => stop(new DeadlineError(timeoutMs)), timeoutMs);
    const stopListening = onAbort(request.signal, () => stop(new Error('aborted')));
    const settle = (): void => {
      clearTimeout(deadline);
      stopListening();
    };
    const fail = (error: Error): void => {
      settle();
      reject(whyStopped ?? asStale(outgoing, error));
    };
    outgoing.on('error', fail);
    outgoing.once('response', (incoming) => {
      readAnswer(incoming).then((answer) => {
        settle();
        resolve(answer);
      }, fail);
    });
    outgoing.end(body);
  });
}

function asStale(outgoing: ClientRequest, error: Error): Error {
  const code = 'code' in error ? error.code : undefined;
  const stale = outgoing.reusedSocket && (code === 'ECONNRESET' || code === 'EPIPE');
  return stale ? new StaleConnectionError('connection was closed', { cause: error }) : error;
}

function requestPath(base: URL, request: HttpRequest): string {
  const root = base.pathname.replace(/\/+$/, '');
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(request.query ?? {})) {
    if (value !== undefined) query.set(name, String(value));
  }
  const path = request.path === '' ? root || '/' : `${root}/${request.path}`;
  return query.size > 0 ? `${path}?${query.toString()}` : path;
}

function allHeaders(
  common: Readonly<Record<string, string>>,
  request: HttpRequest,
  body: Buffer | undefined,
): Record<string, string | number> {
  return {
    accept: 'application/json',
    ...(request.json === undefined ? {} : { 'content-type': 'application/json' }),
    ...(request.method === 'GET' ? {} : { 'content-length': body?.length ?? 0 }),
    ...common,
    ...request.headers,
  };
}

/** Chunk by chunk rather than `for await`, which costs as much as the rest of a small exchange. */
function readAnswer(incoming: IncomingMessage): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const brokenOff = (): void => reject(new Error('the answer broke off'));
    incoming.on('data', (bytes: Buffer) => {
      size += bytes.length;
      chunks.push(bytes);
      if (size > MAX_ANSWER_BYTES) incoming.destroy(new Error(`answer is longer than ${MAX_ANSWER_BYTES} bytes`));
    });
    incoming.once('end', () => {
      // Every answer closes in the end, and an error that nobody sees costs as much as reading a small one.
      incoming.off('close', brokenOff);
      const text = Buffer.concat(chunks).toString('utf8');
      resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, text });
    });
    incoming.once('error', reject);
    incoming.once('close', brokenOff);
  });
}

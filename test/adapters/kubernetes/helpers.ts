import type { IncomingMessage, ServerResponse } from 'node:http';
import type { KubeConnection, KubeCredentials } from '../../../src/adapters/kubernetes/kube-config.js';
import type { Clock, LogFields, Logger } from '../../../src/ports/runtime.js';
import { serveHttp, type HttpEndpoint } from '../../../src/sandbox/http.js';

export interface TestServer extends HttpEndpoint {
  /** Connections ever accepted. */
  readonly connections: () => number;
  /** Connections open right now. */
  readonly open: () => number;
  readonly requests: { method: string; url: URL; headers: IncomingMessage['headers'] }[];
}

export type Handler = (request: IncomingMessage, response: ServerResponse, url: URL) => Promise<void> | void;

export async function startServer(handler: Handler): Promise<TestServer> {
  const requests: TestServer['requests'] = [];
  let accepted = 0;
  let open = 0;
  const endpoint = await serveHttp((request, response, url) => {
    requests.push({ method: request.method ?? '', url, headers: request.headers });
    return handler(request, response, url);
  });
  endpoint.server.on('connection', (socket) => {
    accepted += 1;
    open += 1;
    socket.once('close', () => (open -= 1));
  });
  return { ...endpoint, requests, connections: () => accepted, open: () => open };
}

export function connectionTo(
  server: string,
  credentials: Partial<KubeCredentials> = {},
): Pick<KubeConnection, 'server' | 'credentials' | 'invalidate'> {
  const all = { headers: {}, tls: {}, ...credentials };
  return { server, credentials: () => Promise.resolve(all), invalidate: () => undefined };
}

export interface VirtualClock extends Clock {
  readonly sleeps: number[];
  advance(ms: number): void;
}

/** Time that passes only in sleeps, which take no real time, and by `advance`. */
export function virtualClock(onSleep: (now: number) => void = () => undefined): VirtualClock {
  let now = 1_800_000_000_000;
  const sleeps: number[] = [];
  return {
    sleeps,
    now: () => now,
    advance: (ms) => (now += ms),
    async sleep(ms, signal) {
      signal.throwIfAborted();
      sleeps.push(ms);
      now += ms;
      onSleep(now);
      await new Promise((resolve) => setImmediate(resolve));
      signal.throwIfAborted();
    },
  };
}

export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly fields: LogFields;
}

export function memoryLogger(): Logger & { readonly lines: LogLine[] } {
  const lines: LogLine[] = [];
  const at =
    (level: string) =>
    (message: string, fields: LogFields = {}): void => {
      lines.push({ level, message, fields });
    };
  const logger = {
    lines,
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: () => logger,
  };
  return logger;
}

export async function failureOf(promise: Promise<unknown>): Promise<any> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('expected a failure');
}

export async function until(condition: () => boolean, what: string): Promise<void> {
  for (const deadline = Date.now() + 10_000; !condition();) {
    if (Date.now() > deadline) throw new Error(`never happened: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

export const never = new AbortController().signal;

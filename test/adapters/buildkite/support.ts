import type { IncomingMessage } from 'node:http';
import { gunzipSync } from 'node:zlib';
import type { Clock, LogFields, Logger } from '../../../src/ports/runtime.js';
import { readBody, sendJson, serveHttp, type HttpEndpoint } from '../../../src/sandbox/http.js';

/** A signal that never aborts. */
export const signal = new AbortController().signal;

/** A clock that tells the true time but sleeps in no time, and remembers for how long it was asked to. */
export function quickClock(): Clock & { readonly sleeps: number[] } {
  const sleeps: number[] = [];
  return {
    sleeps,
    now: () => Date.now(),
    sleep: (ms, aborted) => {
      aborted.throwIfAborted();
      sleeps.push(ms);
      return Promise.resolve();
    },
  };
}

export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly fields: LogFields;
}

/** A logger that keeps its lines. */
export function memoryLogger(lines: LogLine[] = []): Logger & { readonly lines: LogLine[] } {
  const write =
    (level: string) =>
    (message: string, fields: LogFields = {}): void => {
      lines.push({ level, message, fields });
    };
  return {
    lines,
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    child: () => memoryLogger(lines),
  };
}

export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly query: Record<string, string>;
  readonly headers: IncomingMessage['headers'];
  /** Parsed JSON, else text; gzip undone. */
  readonly body: any;
}

export interface Reply {
  readonly status?: number;
  readonly json?: unknown;
  readonly text?: string;
  readonly headers?: Record<string, string>;
  /** Break the connection instead of answering. */
  readonly reset?: boolean;
  /** Never answer. */
  readonly hang?: boolean;
}

export interface ScriptedServer extends HttpEndpoint {
  readonly seen: SeenRequest[];
  /** `METHOD path` of every request so far. */
  calls(): string[];
}

/** Serves what `answer` says and remembers what was asked. */
export async function scriptedServer(
  answer: (request: SeenRequest, count: number) => Reply | Promise<Reply>,
): Promise<ScriptedServer> {
  const seen: SeenRequest[] = [];
  const endpoint = await serveHttp(async (request, response, url) => {
    const raw = await readBody(request);
    const bytes = request.headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw;
    const text = bytes.toString('utf8');
    const json = request.headers['content-type'] === 'application/json';
    const asked: SeenRequest = {
      method: request.method ?? '',
      path: url.pathname,
      query: Object.fromEntries(url.searchParams),
      headers: request.headers,
      body: json ? JSON.parse(text) : text,
    };
    seen.push(asked);
    const reply = await answer(asked, seen.length);
    if (reply.hang) return;
    if (reply.reset) request.socket.destroy();
    else if (reply.text !== undefined) response.writeHead(reply.status ?? 200, reply.headers).end(reply.text);
    else sendJson(response, reply.status ?? 200, reply.json ?? {}, reply.headers);
  });
  return { ...endpoint, seen, calls: () => seen.map(({ method, path }) => `${method} ${path}`) };
}

/** Distinct, valid UUIDs. */
export function uuids(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`);
}

/** The error a promise rejects with; fails the test when it does not. */
export async function errorOf(promise: Promise<unknown>): Promise<any> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('expected a rejection');
}

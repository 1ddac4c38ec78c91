import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { readBody, type RequestHandler } from '../http.js';

/** One request, matched and read. */
export interface Call {
  readonly method: string;
  /** The route as declared, e.g. `PUT /v3/jobs/:id/acquire`; `none` when no route matches. */
  readonly route: string;
  readonly path: string;
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** How often this route was called, this call included. */
  readonly count: number;
  /** Where the client reached us, e.g. `http://127.0.0.1:4000`: links in answers must work from the client's side. */
  readonly origin: string;
}

/** An answer: a Buffer goes out as it is, everything else as JSON. */
export interface Reply {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export type Handler = (call: Call) => Reply | Promise<Reply>;
/** `METHOD /path/:param` to handler. */
export type Routes = Readonly<Record<string, Handler>>;

/** Thrown by a handler to answer `{"message"}` with a status. */
export class Refusal extends Error {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  constructor(status: number, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.name = 'Refusal';
    this.status = status;
    this.headers = headers;
  }
}

/** What goes wrong with one request. Without `status` and `reset` the true answer is sent, altered by the rest. */
export interface Fault {
  readonly delayMs?: number;
  /** Answer this instead, with `{"message"}`. */
  readonly status?: number;
  /** Carry the request out although it is then answered by `status`, `reset` or a damaged body. */
  readonly applied?: boolean;
  /** Cut the connection without an answer. */
  readonly reset?: boolean;
  /** Damage the body: nothing at all, the first half of it, or an HTML page as a proxy sends it. */
  readonly body?: 'empty' | 'truncated' | 'html';
  /** `Retry-After` in seconds. */
  readonly retryAfter?: number;
}

/** Looks at a request before it is carried out; undefined leaves it alone. */
export type Interceptor = (call: Call) => Fault | undefined;

interface CompiledRoute {
  readonly name: string;
  readonly method: string;
  /** What every path of the route begins with: most routes are ruled out by it, without their pattern. */
  readonly prefix: string;
  readonly pattern: RegExp;
  readonly handler: Handler;
}

function compile([name, handler]: [string, Handler]): CompiledRoute {
  const [method = '', path = ''] = name.split(' ');
  const source = path.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/:(\w+)/g, '(?<$1>[^/]+)');
  const [prefix = ''] = path.split(':');
  return { name, method, handler, prefix, pattern: new RegExp(`^${source}/?$`) };
}

const NOT_FOUND: Handler = () => ({ status: 404, body: { message: 'Not Found' } });

const HTML = Buffer.from('<html><body>upstream request timeout</body></html>\n');

function payloadOf({ body }: Reply, damage: Fault['body']): Buffer {
  if (damage === 'empty') return Buffer.alloc(0);
  if (damage === 'html') return HTML;
  const whole = Buffer.isBuffer(body) ? body : Buffer.from(body === undefined ? '' : `${JSON.stringify(body)}\n`);
  return damage === 'truncated' ? whole.subarray(0, Math.floor(whole.length / 2)) : whole;
}

function contentType({ body }: Reply, damage: Fault['body']): Record<string, string> {
  if (damage === 'html') return { 'content-type': 'text/html' };
  if (body === undefined) return {};
  return { 'content-type': Buffer.isBuffer(body) ? 'application/octet-stream' : 'application/json' };
}

function send(response: ServerResponse, reply: Reply, fault: Fault): void {
  const payload = payloadOf(reply, fault.body);
  response.writeHead(reply.status, {
    ...contentType(reply, fault.body),
    ...reply.headers,
    ...(fault.retryAfter === undefined ? {} : { 'retry-after': String(fault.retryAfter) }),
    ...(reply.status === 204 ? {} : { 'content-length': String(payload.length) }),
  });
  response.end(payload);
}

async function answer(handler: Handler, call: Call): Promise<Reply> {
  try {
    return await handler(call);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { status: error.status, body: { message: error.message }, headers: error.headers };
  }
}

/** Finds the handler of a request, counts calls and applies faults. Unknown paths are 404 JSON: the agent relies on it. */
export class Router {
  readonly #routes: readonly CompiledRoute[];
  readonly #counts = new Map<string, number>();
  readonly #interceptors = new Set<Interceptor>();

  constructor(routes: Routes) {
    this.#routes = Object.entries(routes).map(compile);
  }

  /** How often a route was called, faults included. */
  calls(route: string): number {
    return this.#counts.get(route) ?? 0;
  }

  /** Adds a fault hook; the returned function removes it. The first hook that answers wins. */
  intercept(interceptor: Interceptor): () => void {
    this.#interceptors.add(interceptor);
    return () => this.#interceptors.delete(interceptor);
  }

  readonly handle: RequestHandler = async (request, response, url) => {
    const { call, handler } = await this.#match(request, url);
    const fault = this.#faultFor(call);
    if (fault.delayMs !== undefined) await sleep(fault.delayMs);
    const replaced = fault.reset === true || fault.status !== undefined;
    const reply = replaced && fault.applied !== true ? undefined : await answer(handler, call);
    if (fault.reset === true) {
      request.socket.resetAndDestroy();
      return;
    }
    const injected = { status: fault.status ?? 500, body: { message: `injected fault ${fault.status ?? 500}` } };
    send(response, reply === undefined || fault.status !== undefined ? injected : reply, fault);
  };

  async #match(request: IncomingMessage, url: URL): Promise<{ call: Call; handler: Handler }> {
    const method = request.method ?? 'GET';
    const found = this.#find(method, url.pathname);
    const count = this.calls(found.name) + 1;
    this.#counts.set(found.name, count);
    const call: Call = {
      method,
      route: found.name,
      path: url.pathname,
      params: found.params,
      query: url.searchParams,
      headers: request.headers,
      body: await readBody(request),
      count,
      origin: `http://${request.headers.host ?? '127.0.0.1'}`,
    };
    return { call, handler: found.handler };
  }

  #find(method: string, path: string): { name: string; handler: Handler; params: Record<string, string> } {
    for (const route of this.#routes) {
      if (route.method !== method || !path.startsWith(route.prefix)) continue;
      const match = route.pattern.exec(path);
      if (match === null) continue;
      const params = Object.entries(match.groups ?? {}).map(([key, value]) => [key, decode(value)] as const);
      return { name: route.name, handler: route.handler, params: Object.fromEntries(params) };
    }
    return { name: 'none', handler: NOT_FOUND, params: {} };
  }

  #faultFor(call: Call): Fault {
    for (const interceptor of this.#interceptors) {
      const fault = interceptor(call);
      if (fault !== undefined) return fault;
    }
    return {};
  }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

import { once } from 'node:events';
import { createServer as createTcpServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { CallScope } from '../../../src/adapters/http/call-scope.js';
import type { WireAnswer, WireRequest } from '../../../src/adapters/http/connection.js';
import { HttpPool, type PoolOptions, type SendOptions } from '../../../src/adapters/http/http-pool.js';

export interface RawServer {
  readonly port: number;
  /** Connections ever accepted. */
  readonly accepted: () => number;
  /** Connections open right now. */
  readonly sockets: ReadonlySet<Socket>;
  close(): Promise<void>;
}

const started: { close(): Promise<void> | void }[] = [];

/** Ends every server and pool that these helpers have started. */
export async function closeAll(): Promise<void> {
  for (const thing of started.splice(0).reverse()) await thing.close();
}

/** Closes it with everything else. */
export function owned<T extends { close(): Promise<void> | void }>(thing: T): T {
  started.push({ close: () => thing.close() });
  return thing;
}

/** A server on loopback that does with its connections what it is told, nothing else. */
export async function rawServer(
  onSocket: (socket: Socket, nth: number) => void,
  { tls, host = '127.0.0.1', port = 0 }: { tls?: TlsOptions; host?: string; port?: number } = {},
): Promise<RawServer> {
  let accepted = 0;
  const sockets = new Set<Socket>();
  const server: Server = tls === undefined ? createTcpServer() : createTlsServer(tls);
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
  };
  server.on('connection', keep);
  server.on('tlsClientError', () => undefined);
  server.on(tls === undefined ? 'connection' : 'secureConnection', (socket: Socket) => {
    keep(socket);
    accepted += 1;
    // Otherwise one that does not read would not hear that the other side is gone.
    socket.resume();
    onSocket(socket, accepted);
  });
  server.listen(port, host);
  await once(server, 'listening');
  return owned({
    port: (server.address() as AddressInfo).port,
    accepted: () => accepted,
    sockets,
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  });
}

export interface SeenRequest {
  readonly line: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** Calls back for every whole request that comes over this connection. */
export function onRequest(socket: Socket, answer: (request: SeenRequest, nth: number) => void): void {
  let held = Buffer.alloc(0);
  let nth = 0;
  const take = (): boolean => {
    const end = held.indexOf('\r\n\r\n');
    if (end === -1) return false;
    const [line = '', ...fields] = held.toString('latin1', 0, end).split('\r\n');
    const headers = Object.fromEntries(fields.map((field) => field.split(': ') as [string, string]));
    const length = Number(headers['content-length'] ?? 0);
    if (held.length < end + 4 + length) return false;
    const body = held.subarray(end + 4, end + 4 + length);
    held = held.subarray(end + 4 + length);
    nth += 1;
    answer({ line, headers, body }, nth);
    return true;
  };
  socket.on('data', (chunk) => {
    held = Buffer.concat([held, chunk]);
    while (take());
  });
}

export const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

export function poolOf(server: { port: number } | string, options: Partial<PoolOptions> = {}): HttpPool {
  const url = typeof server === 'string' ? server : `http://127.0.0.1:${server.port}`;
  return owned(new HttpPool({ server: new URL(url), maxConnections: 4, ...options }));
}

export const GET: WireRequest = { method: 'GET', path: '/', headers: {} };
export const POST: WireRequest = { method: 'POST', path: '/', headers: {}, body: 'x' };

export interface CallOptions extends Partial<SendOptions> {
  readonly signal?: AbortSignal;
  readonly deadlineMs?: number;
}

/** One call with a scope of its own. */
export async function send(pool: HttpPool, request: WireRequest, options: CallOptions = {}): Promise<WireAnswer> {
  const { signal = new AbortController().signal, deadlineMs = 10_000, repeatable = true, sink } = options;
  const scope = new CallScope(signal, deadlineMs, () => new Error('late'));
  try {
    return await pool.send(request, scope, { repeatable, sink });
  } finally {
    scope.end();
  }
}

export async function textOf(answer: Promise<WireAnswer>): Promise<string> {
  return (await answer).body.toString('utf8');
}

import { Agent as HttpAgent, request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { CallScope } from './call-scope.js';
import type { TlsOptions } from './kube-config.js';

/** `call` for single objects, `bulk` for lists and watches, so that neither waits for the other's connections. */
export type Pool = 'call' | 'bulk';

export interface WireRequest {
  readonly method: string;
  /** Path and query, encoded. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string | number>>;
  readonly body: string | undefined;
  readonly tls: TlsOptions;
  readonly pool: Pool;
}

/** Bytes to and from one server over connections that are kept. Knows HTTP, not Kubernetes. */
export interface Transport {
  /** Resolves with the head of the answer. Stopping the call ends the connection, before as well as after that. */
  send(request: WireRequest, scope: CallScope): Promise<IncomingMessage>;
  /** Ends every connection. */
  close(): void;
}

type Agents = Readonly<Record<Pool, HttpAgent>>;

/** A pool can hold this many connections the server has dropped meanwhile before we believe that something else is wrong. */
const STALE_SOCKET_TRIES = 5;

/**
 * A transport to `server` (http or https) with at most `maxConnections` connections in the `call` pool.
 * A request that met a kept connection just as the server closed it is sent again; Kubernetes names make that safe.
 */
export function createTransport(server: string, maxConnections: number): Transport {
  const base = new URL(server);
  const secure = base.protocol === 'https:';
  const target = {
    // Node wants an IPv6 address without its brackets.
    host: base.hostname.replace(/^\[|\]$/g, ''),
    port: base.port || (secure ? 443 : 80),
  };
  const prefix = base.pathname.replace(/\/+$/, '');
  const start = secure ? httpsRequest : httpRequest;
  let agents: Agents | undefined;
  let agentsTls: TlsOptions | undefined;
  const agentFor = (tls: TlsOptions, pool: Pool): HttpAgent => {
    if (agents === undefined || agentsTls !== tls) {
      if (agents !== undefined) retire(agents);
      agents = createAgents(secure, tls, maxConnections);
      agentsTls = tls;
    }
    return agents[pool];
  };
  return {
    async send({ method, path, headers, body, tls, pool }, scope) {
      for (let attempt = 1; ; attempt++) {
        scope.throwIfStopped();
        const options = { ...target, method, path: prefix + path, headers, agent: agentFor(tls, pool) };
        const outcome = await exchange(start, options, body, scope);
        if (outcome.response !== undefined) return outcome.response;
        if (!outcome.stale || attempt === STALE_SOCKET_TRIES) throw outcome.error;
      }
    },
    close() {
      agents?.call.destroy();
      agents?.bulk.destroy();
    },
  };
}

function createAgents(secure: boolean, tls: TlsOptions, maxConnections: number): Agents {
  // Last in, first out keeps few connections warm instead of letting many grow old.
  const create = (maxSockets: number) => {
    const options = {
      keepAlive: true,
      maxSockets,
      maxFreeSockets: Math.min(maxSockets, 256),
      scheduling: 'lifo',
    } as const;
    return secure ? new HttpsAgent({ ...options, ...tls }) : new HttpAgent(options);
  };
  return { call: create(maxConnections), bulk: create(Infinity) };
}

/** Certificates have changed: requests under way finish, their connections are not used again. */
function retire(agents: Agents): void {
  for (const agent of Object.values(agents)) {
    agent.maxFreeSockets = 0;
    for (const sockets of Object.values(agent.freeSockets)) for (const socket of sockets ?? []) socket.destroy();
  }
}

interface Outcome {
  readonly response?: IncomingMessage;
  readonly error?: unknown;
  readonly stale?: boolean;
}

function exchange(
  start: typeof httpRequest,
  options: RequestOptions,
  body: string | undefined,
  scope: CallScope,
): Promise<Outcome> {
  return new Promise((resolve) => {
    const request = start(options);
    request.once(
      'close',
      scope.onStop(() => request.destroy()),
    );
    request.once('response', (response) => resolve({ response }));
    request.on('error', (error: NodeJS.ErrnoException) => {
      const broken = error.code === 'ECONNRESET' || error.code === 'EPIPE';
      resolve({ error, stale: broken && request.reusedSocket && !scope.stopped });
    });
    request.end(body);
  });
}

/** The whole body as text. Rejects when the connection ends before it is complete. */
export function readText(response: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    response.on('data', (chunk: Buffer) => chunks.push(chunk));
    const brokenOff = (): void => reject(new Error('the answer broke off'));
    response.once('end', () => {
      // Every answer closes in the end, and an error that nobody sees costs as much as reading a small one.
      response.off('close', brokenOff);
      resolve(Buffer.concat(chunks).toString('utf8'));
    });
    response.once('error', reject);
    response.once('close', brokenOff);
  });
}

import { createSecureContext, type SecureContextOptions } from 'node:tls';
import type { CallScope } from './call-scope.js';
import {
  Connection,
  StaleConnectionError,
  type BodySink,
  type WireAnswer,
  type WireMessage,
  type WireRequest,
  type Origin,
} from './connection.js';
import { hostField, requestHead } from './request-head.js';

export interface TlsOptions extends Pick<SecureContextOptions, 'ca' | 'cert' | 'key'> {
  /** @default true, or what `NODE_TLS_REJECT_UNAUTHORIZED` says */
  readonly rejectUnauthorized?: boolean | undefined;
  readonly servername?: string | undefined;
}

export interface PoolOptions {
  /** `http:` or `https:`; only scheme, host and port count. */
  readonly server: URL;
  readonly tls?: TlsOptions | undefined;
  readonly maxConnections: number;
}

export interface SendOptions {
  /** Whether the request may be sent again when a kept connection turns out to be closed. */
  readonly repeatable: boolean;
  readonly sink?: BodySink | undefined;
}

const CLOSED = 'the client was closed';

/**
 * Kept connections to one server (HTTP/1.1). Node's own client does the same at more than twice the processor time a request, and there are two
 * requests for every job: see ADR 0010.
 */
export class HttpPool {
  readonly #maxConnections: number;
  readonly #origin: Origin;
  readonly #host: string;
  readonly #open = new Set<Connection>();
  /** The last one used is the first one taken: few stay warm, the others grow old and go. */
  readonly #idle: Connection[] = [];
  /** Calls that have a connection; none is idle while others wait. */
  #busy = 0;
  /** Calls that wait for one; undefined tells them that they get none. */
  readonly #waiting = new Set<(connection: Connection | undefined) => void>();
  #retired = false;
  #closed = false;

  constructor(options: PoolOptions) {
    this.#maxConnections = options.maxConnections;
    this.#origin = originOf(options);
    this.#host = hostField(this.#origin);
  }

  /**
   * Sends a request over a free connection, waiting for one when all are in use.
   * Rejects with the socket's own error, `ProtocolError`, what the sink throws, or the scope's reason when stopped.
   */
  async send(request: WireRequest, scope: CallScope, options: SendOptions): Promise<WireAnswer> {
    const message = { head: requestHead(request, this.#host), body: request.body };
    scope.throwIfStopped();
    if (this.#closed) throw new Error(CLOSED);
    let connection = this.#take() ?? (await this.#turn(scope));
    try {
      for (;;) {
        const answer = await this.#exchange(connection, message, scope, options);
        if (answer !== undefined) return answer;
        // In its place: a new one cannot be stale, so there is no third time.
        connection = this.#connect();
      }
    } finally {
      this.#giveBack(connection);
    }
  }

  /** Calls under way finish; no connection is used again. @returns whether there is no call any more */
  retire(): boolean {
    this.#retired = true;
    this.#dropIdle();
    return this.#busy === 0;
  }

  /** Ends every connection; calls under way fail, and so do later ones. */
  close(): void {
    this.#closed = true;
    this.retire();
    for (const take of this.#waiting) take(undefined);
    for (const connection of this.#open) connection.destroy(new Error(CLOSED));
  }

  /** @returns undefined when the connection was stale and the request is to be sent again */
  async #exchange(
    connection: Connection,
    message: WireMessage,
    scope: CallScope,
    { repeatable, sink }: SendOptions,
  ): Promise<WireAnswer | undefined> {
    try {
      return await connection.exchange(message, scope, sink);
    } catch (error) {
      scope.throwIfStopped();
      if (!(error instanceof StaleConnectionError)) throw error;
      // The others have been idle for even longer.
      this.#dropIdle();
      if (!repeatable || this.#closed) throw error.cause;
      return undefined;
    }
  }

  /** @returns undefined when all connections are in use */
  #take(): Connection | undefined {
    for (let connection = this.#idle.pop(); connection !== undefined; connection = this.#idle.pop()) {
      if (connection.usable) {
        this.#busy += 1;
        return connection;
      }
      connection.destroy();
    }
    if (this.#busy >= this.#maxConnections) return undefined;
    const connection = this.#connect();
    this.#busy += 1;
    return connection;
  }

  #connect(): Connection {
    const connection = new Connection(this.#origin, () => this.#onClose(connection));
    this.#open.add(connection);
    return connection;
  }

  /** Waits, first come, first served. */
  async #turn(scope: CallScope): Promise<Connection> {
    const connection = await new Promise<Connection | undefined>((resolve) => {
      const take = (given: Connection | undefined): void => {
        this.#waiting.delete(take);
        forget();
        resolve(given);
      };
      this.#waiting.add(take);
      const forget = scope.onStop(() => take(undefined));
    });
    if (connection !== undefined) return connection;
    scope.throwIfStopped();
    throw new Error(CLOSED);
  }

  /** The end of a call: its connection is for the next one. */
  #giveBack(connection: Connection): void {
    const [next] = this.#waiting;
    const kept = !this.#retired && connection.usable;
    if (!kept) connection.destroy();
    if (next !== undefined) {
      next(kept ? connection : this.#connect());
      return;
    }
    this.#busy -= 1;
    if (kept) this.#idle.push(connection);
  }

  #dropIdle(): void {
    for (const connection of this.#idle.splice(0)) connection.destroy();
  }

  #onClose(connection: Connection): void {
    this.#open.delete(connection);
    const at = this.#idle.indexOf(connection);
    if (at !== -1) this.#idle.splice(at, 1);
  }
}

function originOf({ server, tls = {} }: PoolOptions): Origin {
  const secure = server.protocol === 'https:';
  const { rejectUnauthorized, servername, ...certificates } = tls;
  return {
    secure,
    // Sockets want an IPv6 address without its brackets.
    host: server.hostname.replace(/^\[|\]$/g, ''),
    port: Number(server.port) || (secure ? 443 : 80),
    secureContext: secure ? createSecureContext(certificates) : undefined,
    servername,
    rejectUnauthorized,
  };
}

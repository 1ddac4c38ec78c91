import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { checkServerIdentity, connect as connectTls, type SecureContext } from 'node:tls';
import type { CallScope } from './call-scope.js';
import { ProtocolError, ResponseReader, type ResponseHead } from './response-reader.js';

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

export interface WireRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Encoded. */
  readonly path: string;
  /** Undefined ones are left out. */
  readonly query?: Query | undefined;
  /** Undefined ones are left out; `host` and `content-length` come by themselves. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body?: string | Buffer | undefined;
}

/** A request as it goes over the wire. */
export interface WireMessage {
  /** As far as the body, in ASCII. */
  readonly head: string;
  readonly body?: string | Buffer | undefined;
}

export interface WireAnswer extends ResponseHead {
  /** Empty when a sink has taken it. */
  readonly body: Buffer;
}

/** Looks at the head of an answer; the function it returns gets the body piece by piece, without one the body is collected. */
export type BodySink = (head: ResponseHead) => ((chunk: Buffer) => void) | undefined;

/** A kept connection turned out to be closed before anything was answered on it: that says nothing about the request. */
export class StaleConnectionError extends Error {}

export interface Origin {
  readonly secure: boolean;
  readonly host: string;
  readonly port: number;
  /** Certificates, for a secure one. */
  readonly secureContext: SecureContext | undefined;
  /** Name the certificate must be for. @default host */
  readonly servername: string | undefined;
  /** Whether a server without a good certificate is refused. @default true, or what the environment tells Node */
  readonly rejectUnauthorized: boolean | undefined;
}

/** Collected bodies end here: what answers more is not what we talk to. */
const MAX_BODY_BYTES = 64 * 1024 * 1024;
/** A connection that nothing comes over is asked whether it is still there after a second, by the kernel. */
const PROBE_AFTER_MS = 1000;

interface Exchange {
  readonly sink: BodySink | undefined;
  readonly resolve: (answer: WireAnswer) => void;
  readonly reject: (error: Error) => void;
  /** Whether the connection had served a request before. */
  readonly reused: boolean;
  /** Whether anything of the answer came. */
  begun: boolean;
  forgetScope?: () => void;
  head?: ResponseHead;
  take?: ((chunk: Buffer) => void) | undefined;
  chunks?: Buffer[];
  bytes: number;
}

/** One connection to a server, for one request at a time. Over once `closed`. */
export class Connection {
  readonly #socket: Socket;
  readonly #reader: ResponseReader;
  readonly #ready: Promise<void>;
  #exchange: Exchange | undefined;
  #used = false;
  #idleUntil = Infinity;
  #error: Error | undefined;

  /** @param onClose called once, when it is over */
  constructor(origin: Origin, onClose: () => void) {
    this.#reader = new ResponseReader({
      onHead: (head) => this.#onHead(head),
      onBody: (chunk) => this.#onBody(chunk),
      onEnd: () => this.#onEnd(),
    });
    this.#socket = open(origin);
    this.#socket.setNoDelay(true);
    this.#socket.setKeepAlive(true, PROBE_AFTER_MS);
    this.#ready = new Promise((resolve) => {
      this.#socket.once(origin.secure ? 'secureConnect' : 'connect', resolve);
    });
    this.#socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    this.#socket.once('end', () => {
      this.#guard(() => this.#reader.close());
      this.destroy();
    });
    this.#socket.on('error', (error) => this.destroy(plainError(error)));
    this.#socket.once('close', () => {
      onClose();
      this.destroy();
    });
  }

  /** Whether it can take another request now. */
  get usable(): boolean {
    return !this.#socket.destroyed && this.#exchange === undefined && Date.now() < this.#idleUntil;
  }

  /**
   * Sends a request and reads the answer. Stopping the call ends the connection.
   * Rejects with `StaleConnectionError`, the socket's own error, `ProtocolError`, or what the sink has thrown.
   */
  exchange(message: WireMessage, scope: CallScope, sink?: BodySink): Promise<WireAnswer> {
    return new Promise((resolve, reject) => {
      const reused = this.#used;
      this.#used = true;
      const exchange: Exchange = { sink, resolve, reject, reused, begun: false, bytes: 0 };
      this.#exchange = exchange;
      exchange.forgetScope = scope.onStop(() => this.destroy(new Error('the call was stopped')));
      if (this.#socket.destroyed) {
        this.destroy();
        return;
      }
      this.#socket.ref();
      if (reused) this.#send(message);
      // A server that cannot be trusted must not see the request, so it waits for the handshake.
      else void this.#ready.then(() => this.#send(message));
    });
  }

  /** Ends it, and the call under way: with this error, unless something has gone wrong before. */
  destroy(error?: Error): void {
    this.#error ??= error ?? new Error('the connection was closed');
    this.#socket.destroy();
    this.#fail(this.#error);
  }

  #send({ head, body }: WireMessage): void {
    this.#reader.expect();
    if (Buffer.isBuffer(body)) {
      this.#socket.cork();
      this.#socket.write(head, 'latin1');
      this.#socket.write(body);
      this.#socket.uncork();
    } else this.#socket.write(head + (body ?? ''));
  }

  #onData(chunk: Buffer): void {
    if (this.#exchange !== undefined) this.#exchange.begun = true;
    this.#guard(() => this.#reader.feed(chunk));
  }

  #onHead(head: ResponseHead): void {
    if (this.#exchange === undefined) return;
    this.#exchange.head = head;
    this.#exchange.take = this.#exchange.sink?.(head);
  }

  #onBody(chunk: Buffer): void {
    const exchange = this.#exchange;
    if (exchange === undefined) return;
    if (exchange.take !== undefined) {
      exchange.take(chunk);
      return;
    }
    exchange.bytes += chunk.length;
    if (exchange.bytes > MAX_BODY_BYTES) throw new ProtocolError(`the answer is longer than ${MAX_BODY_BYTES} bytes`);
    (exchange.chunks ??= []).push(chunk);
  }

  #onEnd(): void {
    const exchange = this.#endExchange();
    if (exchange?.head === undefined) return;
    const { status, headers } = exchange.head;
    const kept = this.#reader.reusable && this.#socket.writableLength === 0;
    this.#idleUntil = kept ? Date.now() + idleMs(headers['keep-alive']) : 0;
    if (kept) this.#socket.unref();
    else this.destroy();
    const { chunks = [] } = exchange;
    exchange.resolve({ status, headers, body: chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks) });
  }

  /** What goes wrong while reading ends the connection, and the call with that error. */
  #guard(read: () => void): void {
    try {
      read();
    } catch (error) {
      this.destroy(error instanceof Error ? error : new Error('unreadable answer', { cause: error }));
    }
  }

  #fail(error: Error): void {
    const exchange = this.#endExchange();
    if (exchange === undefined) return;
    const stale = exchange.reused && !exchange.begun && isBroken(error);
    exchange.reject(stale ? new StaleConnectionError('stale', { cause: error }) : error);
  }

  #endExchange(): Exchange | undefined {
    const exchange = this.#exchange;
    this.#exchange = undefined;
    exchange?.forgetScope?.();
    return exchange;
  }
}

function isBroken(error: Error): boolean {
  const code = 'code' in error ? error.code : undefined;
  return code === undefined || code === 'ECONNRESET' || code === 'EPIPE';
}

/** Of a server with several addresses, what went wrong with the first one: the error about all of them has no message. */
function plainError(error: Error): Error {
  const first: unknown = error instanceof AggregateError ? error.errors[0] : undefined;
  return first instanceof Error ? first : error;
}

function open({ secure, host, port, secureContext, servername, rejectUnauthorized }: Origin): Socket {
  if (!secure) return connectTcp({ host, port });
  const name = servername ?? host;
  return connectTls({
    host,
    port,
    ALPNProtocols: ['http/1.1'],
    // An address is no name to ask a server for, but the certificate must be for it.
    servername: isIP(name) === 0 ? name : '',
    checkServerIdentity: (_host, certificate) => checkServerIdentity(name, certificate),
    ...(secureContext === undefined ? {} : { secureContext }),
    ...(rejectUnauthorized === undefined ? {} : { rejectUnauthorized }),
  });
}

/** How long the server keeps an idle connection, less a second that our next request may take to get there. */
function idleMs(keepAlive: string | undefined): number {
  const [, seconds] = /\btimeout=(\d+)/i.exec(keepAlive ?? '') ?? [];
  return seconds === undefined ? Infinity : (Number(seconds) - 1) * 1000;
}

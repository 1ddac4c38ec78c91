import { readFileSync } from 'node:fs';
import https from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import path from 'node:path';
import type { ControlPlane } from './control-plane.js';

/** Stands between a client and the API server, under the API server's own certificate, and counts. */
export interface CountingProxy {
  readonly url: string;
  /** All requests so far, in the order they came. */
  requests(): readonly ProxiedRequest[];
  stop(): Promise<void>;
}

export interface ProxiedRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  /** Serial number of the connection it came on. */
  readonly connection: number;
  /** Of the answer; undefined until its head has come, and when it has none. */
  contentType?: string | undefined;
}

/** @returns a proxy on a free loopback port that speaks HTTP/1.1 over TLS, streams watches and adds nothing. */
export async function startCountingProxy({ url, ca, folder }: ControlPlane): Promise<CountingProxy> {
  const seen: ProxiedRequest[] = [];
  const serials = new Map<Socket, number>();
  const upstream = new https.Agent({ keepAlive: true, ca });
  const certificate = readFileSync(path.join(folder, 'certs/apiserver.crt'));
  const key = readFileSync(path.join(folder, 'certs/apiserver.key'));
  const server = https.createServer({ cert: certificate, key }, (request, response) => {
    const connection = serials.get(request.socket) ?? serials.size + 1;
    serials.set(request.socket, connection);
    const entry: ProxiedRequest = { method: request.method ?? '', path: request.url ?? '', connection };
    seen.push(entry);
    const onAnswer = (answer: IncomingMessage): void => void (entry.contentType = answer.headers['content-type']);
    forward(request, response, { url, upstream, onAnswer });
  });
  server.keepAliveTimeout = 120_000;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `https://127.0.0.1:${port}`,
    requests: () => seen,
    stop: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      upstream.destroy();
      await closed;
    },
  };
}

interface Onward {
  readonly url: string;
  readonly upstream: https.Agent;
  readonly onAnswer: (answer: IncomingMessage) => void;
}

function forward(request: IncomingMessage, response: ServerResponse, { url, upstream, onAnswer }: Onward): void {
  const onward = https.request(new URL(request.url ?? '/', url), {
    method: request.method,
    headers: request.headers,
    agent: upstream,
  });
  onward.once('response', (answer) => {
    onAnswer(answer);
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    response.flushHeaders();
    answer.pipe(response);
  });
  onward.once('error', () => response.destroy());
  response.once('close', () => onward.destroy());
  request.pipe(onward);
}

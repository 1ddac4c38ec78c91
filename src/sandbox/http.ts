import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

export type RequestHandler = (request: IncomingMessage, response: ServerResponse, url: URL) => Promise<void> | void;

/** A listening embedded server. */
export interface HttpEndpoint {
  /** e.g. `http://127.0.0.1:41234`, without a trailing slash. */
  readonly url: string;
  readonly server: Server;
  /** Ends every connection at once and stops listening. */
  close(): Promise<void>;
}

/**
 * Serves `handler` on loopback. What it throws becomes a 500 with `{"message"}`; nothing is printed.
 * @param port 0 picks a free one.
 */
export async function serveHttp(handler: RequestHandler, port = 0): Promise<HttpEndpoint> {
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://127.0.0.1');
    Promise.resolve()
      .then(() => handler(request, response, url))
      .catch((error: unknown) => {
        if (response.headersSent) response.destroy();
        else sendJson(response, 500, { message: error instanceof Error ? error.message : String(error) });
      });
  });
  // Go clients keep idle connections for 90 s; Node's default of 5 s would reset their next POST.
  server.keepAliveTimeout = 120_000;
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const { port: chosen } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${chosen}`,
    server,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** Reads a whole request body. Chunk by chunk: `for await` costs more than the rest of a small request. */
export function readBody(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const brokenOff = (): void => reject(new Error('the request broke off'));
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.once('end', () => {
      request.off('close', brokenOff);
      resolve(Buffer.concat(chunks));
    });
    request.once('error', reject);
    request.once('close', brokenOff);
  });
}

/** Answers with JSON and a final newline. */
export function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(`${JSON.stringify(body)}\n`);
}

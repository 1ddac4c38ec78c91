/**
 * What a request costs its client: `node dist/bench/http.js [--requests 1000] [--rounds 5]`.
 *
 * Creations as the controller sends them, over as many TLS connections, to a server in this process. Each client runs in a process of its own
 * from a cold start, by turns; printed is the processor time a request, and the ratio of our client to Node's.
 */
import { execFile } from 'node:child_process';
import { Agent, createServer, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { parseArgs, promisify } from 'node:util';
import { CallScope } from '../src/adapters/http/call-scope.js';
import { HttpPool } from '../src/adapters/http/http-pool.js';
import { quantile } from './quantile.js';
import { TEST_CERTIFICATE, TEST_KEY } from '../test/adapters/kubernetes/test-certificate.js';

const CONNECTIONS = 25;
const PATH = '/apis/batch/v1/namespaces/ci/jobs';
const BODY = JSON.stringify({ kind: 'Job', text: 'x'.repeat(5400) });
const ANSWER = JSON.stringify({ kind: 'PartialObjectMetadata', metadata: { name: 'x', uid: 'y' } });

type Send = () => Promise<unknown>;

/** Clients by name. */
const CLIENTS: Readonly<Record<string, (server: URL) => Send>> = {
  'node:https': (server) => {
    const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS, ca: TEST_CERTIFICATE });
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(BODY) };
    return () =>
      new Promise((resolve, reject) => {
        const call = request(new URL(PATH, server), { method: 'POST', agent, headers }, (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.once('end', () => resolve(JSON.parse(Buffer.concat(chunks).toString('utf8'))));
        });
        call.once('error', reject);
        call.end(BODY);
      });
  },
  ours: (server) => {
    const pool = new HttpPool({ server, tls: { ca: TEST_CERTIFICATE }, maxConnections: CONNECTIONS });
    const { signal } = new AbortController();
    const headers = { 'content-type': 'application/json' };
    return async () => {
      const scope = new CallScope(signal, 30_000, () => new Error('late'));
      const wire = { method: 'POST', path: PATH, headers, body: BODY } as const;
      const { body } = await pool.send(wire, scope, { repeatable: true });
      scope.end();
      return JSON.parse(body.toString('utf8')) as unknown;
    };
  },
};

/** In a child process. Prints the milliseconds of processor time that all requests took. */
async function measure(send: Send, requests: number): Promise<void> {
  const before = process.cpuUsage();
  let left = requests;
  const work = async (): Promise<void> => {
    for (; left > 0; left -= 1) await send();
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, work));
  const { user, system } = process.cpuUsage(before);
  console.log((user + system) / 1000);
}

async function compare(requests: number, rounds: number): Promise<void> {
  const server = createServer({ cert: TEST_CERTIFICATE, key: TEST_KEY }, (incoming, response) => {
    incoming.resume();
    incoming.once('end', () => {
      response.writeHead(201, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(ANSWER) });
      response.end(ANSWER);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const results = new Map(Object.keys(CLIENTS).map((name) => [name, [] as number[]]));
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, each] of results) {
      const args = [import.meta.filename, '--client', name, '--server', url, '--requests', String(requests)];
      const { stdout } = await promisify(execFile)(process.execPath, args);
      each.push(Number(stdout) / requests);
    }
  }
  server.close();
  server.closeAllConnections();
  report(requests, results);
}

function report(requests: number, results: ReadonlyMap<string, readonly number[]>): void {
  console.log(
    `node ${process.version}, ${requests} requests, ${CONNECTIONS} connections, processor time a request in ms`,
  );
  for (const [name, each] of results) console.log(name.padEnd(14) + each.map((ms) => ms.toFixed(3).padEnd(9)).join(''));
  const median = (name: string): number => quantile(results.get(name) ?? [], 0.5);
  console.log(`median ratio of ours to node:https: ${(median('ours') / median('node:https')).toFixed(2)}`);
}

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '1000' },
    rounds: { type: 'string', default: '5' },
    client: { type: 'string' },
    server: { type: 'string' },
  },
});
const client = CLIENTS[values.client ?? ''];
if (client === undefined) await compare(Number(values.requests), Number(values.rounds));
else await measure(client(new URL(values.server ?? '')), Number(values.requests));

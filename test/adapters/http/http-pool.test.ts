import { execFile } from 'node:child_process';
import dns from 'node:dns';
import { getEventListeners, once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { TLSSocket } from 'node:tls';
import { Worker } from 'node:worker_threads';
import { expect } from 'chai';
import type { WireRequest } from '../../../src/adapters/http/connection.js';
import { ProtocolError } from '../../../src/adapters/http/response-reader.js';
import { failureOf, until } from '../kubernetes/helpers.js';
import { TEST_CERTIFICATE, TEST_KEY } from '../kubernetes/test-certificate.js';
import {
  closeAll,
  GET,
  OK,
  onRequest,
  owned,
  poolOf,
  POST,
  rawServer,
  send,
  textOf,
  type RawServer,
} from './support.js';

/** Answers every request with its path. */
function echo(socket: Socket): void {
  onRequest(socket, ({ line }) => {
    const path = line.split(' ')[1] ?? '';
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${path.length}\r\n\r\n${path}`);
  });
}

const to = (path: string): WireRequest => ({ ...GET, path });
const ids = (count: number): string[] => Array.from({ length: count }, (_, i) => `/${i}`);

function resources(kind: string): number {
  return process.getActiveResourcesInfo().filter((name) => name === kind).length;
}

describe('HttpPool', () => {
  let sockets = 0;
  let timers = 0;

  beforeEach(async () => {
    // Mocha's own timer of a hook starts when it has returned, as it will have in the other one.
    await new Promise(setImmediate);
    sockets = resources('TCPSocketWrap');
    timers = resources('Timeout');
  });

  afterEach('leaves nothing behind', async () => {
    await closeAll();
    await until(() => resources('TCPSocketWrap') <= sockets, 'every socket is closed');
    await until(() => resources('Timeout') <= timers, 'every timer is cleared');
  });

  describe('connections', () => {
    it('are never more than allowed, however many calls there are', async () => {
      let most = 0;
      const server: RawServer = await rawServer((socket) =>
        onRequest(socket, () => {
          most = Math.max(most, server.sockets.size);
          setImmediate(() => socket.write(OK));
        }),
      );
      const pool = poolOf(server, { maxConnections: 3 });

      await Promise.all(ids(50).map((id) => send(pool, to(id))));

      expect([most, server.accepted()]).to.deep.equal([3, 3]);
    });

    it('serve first who has come first', async () => {
      const served: string[] = [];
      const server = await rawServer((socket) =>
        onRequest(socket, ({ line }, nth) => {
          served.push(line.split(' ')[1] ?? '');
          if (nth % 4 === 0) socket.destroy();
          else socket.write(OK);
        }),
      );
      const pool = poolOf(server, { maxConnections: 1 });

      await Promise.allSettled(ids(20).map((id) => send(pool, to(id), { repeatable: false })));

      expect(served).to.deep.equal(ids(20));
    });

    it('are reused, the last one first', async () => {
      const uses: number[] = [];
      const server = await rawServer((socket, nth) =>
        onRequest(socket, () => {
          uses.push(nth);
          setTimeout(() => socket.write(OK), 5 * nth);
        }),
      );
      const pool = poolOf(server);
      await Promise.all(ids(3).map((id) => send(pool, to(id))));
      uses.length = 0;

      for (const id of ids(4)) await send(pool, to(id));

      expect(uses).to.deep.equal([3, 3, 3, 3]);
    });

    it('make room for the next call when theirs fails', async () => {
      const server = await rawServer((socket) => onRequest(socket, () => socket.destroy()));
      const pool = poolOf(server, { maxConnections: 2 });

      const errors = await Promise.all(ids(20).map((id) => failureOf(send(pool, to(id)))));

      expect(errors).to.have.length(20);
      expect(server.accepted()).to.equal(20);
    });

    it('that cannot be made fail every call that waits for one', async () => {
      const server = await rawServer(echo);
      await server.close();
      const pool = poolOf(server, { maxConnections: 1 });

      const errors = await Promise.all(ids(5).map((id) => failureOf(send(pool, to(id)))));

      expect(errors.map(({ code }) => code)).to.deep.equal(Array(5).fill('ECONNREFUSED'));
    });

    it('say why they could not be made when a name has several addresses', async () => {
      const server = await rawServer(echo);
      await server.close();
      const { lookup } = dns;
      const both = [
        { address: '127.0.0.1', family: 4 },
        { address: '::1', family: 6 },
      ];
      Object.assign(dns, {
        lookup: (_n: string, _o: object, found: (e: null, a: object[]) => void) => found(null, both),
      });
      try {
        const error = await failureOf(send(poolOf(`http://two.example:${server.port}`), GET));
        expect(error.message).to.contain('ECONNREFUSED');
      } finally {
        Object.assign(dns, { lookup });
      }
    });

    it('do not keep the process alive when idle', async () => {
      const url = (name: string): string =>
        JSON.stringify(new URL(`../../../src/adapters/http/${name}`, import.meta.url));
      const program = `
        import { HttpPool } from ${url('http-pool.js')};
        import { CallScope } from ${url('call-scope.js')};
        const pool = new HttpPool({ server: new URL(process.argv[1]), maxConnections: 2, tls: { rejectUnauthorized: false } });
        const scope = new CallScope(new AbortController().signal, 60000, () => new Error('late'));
        const request = { method: 'GET', path: '/', headers: {} };
        for (let i = 0; i < 2; i += 1) {
          const { status } = await pool.send(request, scope, { repeatable: false });
          // What waits for an answer does keep it alive.
          console.log(status);
        }
        scope.end();`;
      const slow = (socket: Socket): void => onRequest(socket, () => setTimeout(() => socket.write(OK), 20));
      const plain = await rawServer(slow);
      const secure = await rawServer(slow, { tls: { cert: TEST_CERTIFICATE, key: TEST_KEY } });
      const servers = [`http://127.0.0.1:${plain.port}`, `https://127.0.0.1:${secure.port}`];
      const run = promisify(execFile);

      const outputs = await Promise.all(
        servers.map((server) =>
          run(process.execPath, ['--no-warnings', '--input-type=module', '-e', program, server], { timeout: 10_000 }),
        ),
      );

      expect(outputs.map(({ stdout }) => stdout)).to.deep.equal(['200\n200\n', '200\n200\n']);
      expect([plain.accepted(), secure.accepted()]).to.deep.equal([1, 1]);
    });
  });

  describe('a kept connection that the server closes', () => {
    interface Closing {
      /** What the server does once it has answered the first request of a connection. */
      readonly after?: (socket: Socket) => void;
      readonly answer?: string;
      /** What it does when the second request of a connection is there. */
      readonly second?: (socket: Socket) => void;
      /** Whether we can know, so that a request is not lost. */
      readonly known: boolean;
    }

    const ways: Record<string, Closing> = {
      'at once after its answer': { after: (socket) => socket.end(), known: true },
      'while idle, by RST': { after: (socket) => setTimeout(() => socket.resetAndDestroy(), 2), known: true },
      'while idle, by FIN': { after: (socket) => setTimeout(() => socket.end(), 2), known: true },
      'while idle, with an answer to nothing': {
        after: (socket) => setTimeout(() => socket.end('HTTP/1.1 408 Request Timeout\r\n\r\n'), 2),
        known: true,
      },
      'as it has said': {
        answer: OK.replace('\r\n', '\r\nConnection: close\r\n'),
        second: (socket) => socket.destroy(),
        known: true,
      },
      'after the time it has said': {
        answer: OK.replace('\r\n', '\r\nKeep-Alive: timeout=1\r\n'),
        second: (socket) => socket.destroy(),
        known: true,
      },
      'exactly as we write, by FIN': { second: (socket) => socket.end(), known: false },
      'exactly as we write, by RST': { second: (socket) => socket.resetAndDestroy(), known: false },
    };

    for (const [name, { after, answer = OK, second, known }] of Object.entries(ways)) {
      it(`${name}: costs a repeatable request nothing, and others only when nobody could know`, async () => {
        const server = await rawServer((socket) =>
          onRequest(socket, (_request, nth) => {
            if (nth > 1 && second !== undefined) second(socket);
            else socket.write(answer, () => after?.(socket));
          }),
        );
        const settled = async (): Promise<void> => {
          if (after !== undefined) await until(() => server.sockets.size === 0, 'the connection is closed');
        };
        const pool = poolOf(server);
        for (const id of ids(3)) {
          expect(await textOf(send(pool, to(id)))).to.equal('ok');
          await settled();
        }
        const last = send(pool, POST, { repeatable: false });

        if (known) expect(await textOf(last)).to.equal('ok');
        else expect(await failureOf(last)).not.to.have.property('name', 'StaleConnectionError');
      });
    }

    it('never has a request sent again that is not repeatable', async () => {
      let seen = 0;
      const server = await rawServer((socket) =>
        onRequest(socket, (_request, nth) => {
          seen += 1;
          if (nth === 1) socket.write(OK);
          else socket.destroy();
        }),
      );
      const pool = poolOf(server);
      await send(pool, POST, { repeatable: false });
      await failureOf(send(pool, POST, { repeatable: false }));
      expect(seen).to.equal(2);
      expect(await textOf(send(pool, POST, { repeatable: false }))).to.equal('ok');
    });

    const beginnings = ['H', 'HTTP/1.1 2', 'HTTP/1.1 100 Continue\r\n\r\n', OK.slice(0, -2), OK.slice(0, -1), 'x'];
    for (const begun of beginnings) {
      it(`after ${JSON.stringify(begun)}: nothing is sent again`, async () => {
        let seen = 0;
        const server = await rawServer((socket) =>
          onRequest(socket, (_request, nth) => {
            seen += 1;
            if (nth === 1) socket.write(OK);
            else socket.write(begun, () => setTimeout(() => socket.destroy(), 5));
          }),
        );
        const pool = poolOf(server);
        await send(pool, GET);

        expect(await failureOf(send(pool, GET))).to.be.instanceOf(ProtocolError);

        expect(seen).to.equal(2);
      });
    }

    it('because of the request itself: it is sent twice, no more', async () => {
      let poisoned = 0;
      const server = await rawServer((socket) =>
        onRequest(socket, ({ line }) => {
          if (!line.includes('poison')) return setTimeout(() => socket.write(OK), 5);
          poisoned += 1;
          return socket.destroy();
        }),
      );
      const pool = poolOf(server, { maxConnections: 20 });
      await Promise.all(ids(20).map((id) => send(pool, to(id))));

      await failureOf(send(pool, to('/poison')));

      expect(poisoned).to.equal(2);
    });

    /** A server that forgets its connections without telling, as a load balancer does. */
    async function forgetful(): Promise<{ server: RawServer; forget: () => void }> {
      let forgotten = 0;
      const server = await rawServer((socket, nth) =>
        onRequest(socket, ({ line }) => {
          if (nth <= forgotten) socket.resetAndDestroy();
          else setTimeout(() => socket.write(OK.replace('200 OK', `200 ${line.split(' ')[1]}`)), 5);
        }),
      );
      return { server, forget: () => (forgotten = server.accepted()) };
    }

    it('together with all the others: 25 calls succeed, and so does one alone', async () => {
      const { server, forget } = await forgetful();
      const pool = poolOf(server, { maxConnections: 25 });
      const all = (): Promise<unknown> => Promise.all(ids(25).map((id) => textOf(send(pool, to(id)))));
      await all();
      forget();
      await all();
      expect(server.accepted()).to.equal(50);
      forget();
      expect(await textOf(send(pool, GET))).to.equal('ok');
      expect(server.accepted()).to.equal(51);
    });

    it('together with all the others: one that is not repeatable fails, no more', async () => {
      const { server, forget } = await forgetful();
      const pool = poolOf(server, { maxConnections: 25 });
      await Promise.all(ids(25).map((id) => send(pool, to(id))));
      forget();
      expect(await failureOf(send(pool, POST, { repeatable: false }))).to.include({ code: 'ECONNRESET' });
      for (const id of ids(5)) await send(pool, { ...POST, path: id }, { repeatable: false });
    });

    it('because it restarts: every later call succeeds, at once', async () => {
      const first = await rawServer(echo);
      const pool = poolOf(first, { maxConnections: 25 });
      await Promise.all(ids(25).map((id) => send(pool, to(id))));
      await first.close();
      await rawServer(echo, { port: first.port });

      const texts = await Promise.all(ids(50).map((id) => textOf(send(pool, to(id)))));

      expect(texts).to.deep.equal(ids(50));
    });

    it('takes what the server says without being asked for its end', async () => {
      const server = await rawServer((socket, nth) =>
        onRequest(socket, () => socket.write(nth === 1 ? `${OK}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil` : OK)),
      );
      const pool = poolOf(server);
      expect(await textOf(send(pool, GET))).to.equal('ok');
      expect(await textOf(send(pool, GET))).to.equal('ok');
      expect(server.accepted()).to.equal(2);
    });
  });

  describe('stopping', () => {
    const silentAt: Record<string, (socket: Socket) => void> = {
      'before the answer': () => undefined,
      'in the head': (socket) => socket.write(OK.slice(0, 20)),
      'in the body': (socket) => socket.write(OK.slice(0, -1)),
      'in a chunk': (socket) => socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab'),
    };
    for (const [where, fall] of Object.entries(silentAt)) {
      for (const how of ['the caller', 'the deadline']) {
        it(`by ${how} ${where} closes the connection and frees its place`, async () => {
          let asked = false;
          const server = await rawServer((socket, nth) =>
            onRequest(socket, () => {
              asked = true;
              if (nth === 1) fall(socket);
              else socket.write(OK);
            }),
          );
          const pool = poolOf(server, { maxConnections: 1 });
          const caller = new AbortController();
          const deadlineMs = how === 'the deadline' ? 20 : 10_000;
          const stopped = failureOf(send(pool, GET, { signal: caller.signal, deadlineMs }));
          const next = send(pool, GET);
          await until(() => asked, 'the request is in');
          await sleep(3);
          if (how === 'the caller') caller.abort(new Error('enough'));

          expect(await stopped).to.have.property('message', how === 'the caller' ? 'enough' : 'late');
          expect(await textOf(next)).to.equal('ok');
          expect(server.accepted()).to.equal(2);
          await until(() => server.sockets.size === 1, 'the first connection is closed');
        });
      }
    }

    it('while waiting for a turn gives the reason, and the turn to the next', async () => {
      const answers: (() => void)[] = [];
      const server = await rawServer((socket) =>
        onRequest(socket, ({ line }) => answers.push(() => socket.write(OK.replace('OK', line.split(' ')[1] ?? '')))),
      );
      const pool = poolOf(server, { maxConnections: 1 });
      const caller = new AbortController();
      const reason = new Error('enough');
      const first = send(pool, to('/first'));
      const aborted = failureOf(send(pool, to('/aborted'), { signal: caller.signal }));
      const late = failureOf(send(pool, to('/late'), { deadlineMs: 10 }));
      const last = send(pool, to('/last'));
      caller.abort(reason);

      expect(await aborted).to.equal(reason);
      expect(await late).to.have.property('message', 'late');
      for (const call of [first, last]) {
        await until(() => answers.length > 0, 'the request is in');
        answers.shift()?.();
        await call;
      }
      expect(server.accepted()).to.equal(1);
    });

    for (let ticks = 0; ticks < 8; ticks += 1) {
      it(`${ticks} ticks after the call before has ended loses no place`, async () => {
        const server = await rawServer((socket) => onRequest(socket, () => socket.write(OK)));
        const pool = poolOf(server, { maxConnections: 1 });
        const caller = new AbortController();
        const reason = new Error('enough');
        const first = send(pool, GET, {
          sink: () => () => {
            void (async () => {
              for (let i = 0; i < ticks; i += 1) await Promise.resolve();
              caller.abort(reason);
            })();
          },
        });
        const second = failureOf(send(pool, GET, { signal: caller.signal }));
        const third = send(pool, GET);
        await first;
        expect(await second).to.equal(reason);
        expect(await textOf(third)).to.equal('ok');
      });
    }

    it('before the call has begun sends nothing', async () => {
      const server = await rawServer(echo);
      const reason = new Error('enough');
      expect(await failureOf(send(poolOf(server), GET, { signal: AbortSignal.abort(reason) }))).to.equal(reason);
      expect(server.accepted()).to.equal(0);
    });

    it('while connecting to an address that does not answer', async () => {
      // Its backlog full and its process busy, the kernel drops what comes.
      const worker = new Worker(
        `const { parentPort } = require('node:worker_threads');
         const server = require('node:net').createServer();
         server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
           parentPort.postMessage(server.address().port);
           Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10_000);
         });`,
        { eval: true },
      );
      const [port] = (await once(worker, 'message')) as [number];
      const pool = poolOf({ port }, { maxConnections: 8 });
      const errors = await Promise.all(ids(16).map((id) => failureOf(send(pool, to(id), { deadlineMs: 40 }))));
      expect(errors.map(({ message }) => message)).to.deep.equal(Array(16).fill('late'));
      await worker.terminate();
    });

    it('by its own sink lets nothing more through', async () => {
      const server = await rawServer((socket) => onRequest(socket, () => socket.write(OK)));
      const caller = new AbortController();
      const reason = new Error('enough');
      const pieces: Buffer[] = [];
      const sink = () => {
        caller.abort(reason);
        return (piece: Buffer) => void pieces.push(piece);
      };
      expect(await failureOf(send(poolOf(server), GET, { signal: caller.signal, sink }))).to.equal(reason);
      expect(pieces).to.deep.equal([]);
      await until(() => server.sockets.size === 0, 'the connection is closed');
    });

    it('again and again leaves no listener at the signal', async () => {
      const server = await rawServer(echo);
      const pool = poolOf(server, { maxConnections: 2 });
      const { signal } = new AbortController();
      await Promise.all(ids(20).map((id) => send(pool, to(id), { signal })));
      await Promise.all(ids(3).map((id) => failureOf(send(pool, { ...to(id), path: 'x' }, { signal }))));
      expect(getEventListeners(signal, 'abort')).to.deep.equal([]);
    });
  });

  describe('requests', () => {
    /** What a server sees of a request. */
    async function seen(request: WireRequest, host?: string): Promise<{ line: string; headers: object; body: string }> {
      let all: { line: string; headers: object; body: string } | undefined;
      const server = await rawServer(
        (socket) =>
          onRequest(socket, ({ line, headers, body }) => {
            all = { line, headers, body: body.toString('utf8') };
            socket.write(OK);
          }),
        host === undefined ? {} : { host },
      );
      const name = host === undefined ? '127.0.0.1' : `[${host}]`;
      await send(poolOf(`http://${name}:${server.port}`), request);
      await server.close();
      return { ...all!, headers: withoutPort(all!.headers) };
    }

    const withoutPort = (headers: object): object =>
      JSON.parse(JSON.stringify(headers).replace(/:\d{4,5}"/, '"')) as object;

    it('have a host, and a length whenever they may have a body', async () => {
      expect(await seen(GET)).to.deep.equal({ line: 'GET / HTTP/1.1', headers: { host: '127.0.0.1' }, body: '' });
      for (const method of ['POST', 'PUT', 'PATCH', 'DELETE'] as const) {
        const headers = { host: '127.0.0.1', 'content-length': '0' };
        expect(await seen({ ...GET, method })).to.deep.include({ headers, body: '' });
      }
    });

    for (const body of ['größe 日本 \u{1f600}', Buffer.from('größe 日本'), '', Buffer.alloc(0), 'x'.repeat(300_000)]) {
      const kind = typeof body === 'string' ? 'text' : 'buffer';
      it(`have the right length with a ${kind} of ${body.length}, whatever the method`, async () => {
        for (const method of ['POST', 'GET'] as const) {
          const got = await seen({ method, path: '/p?q=1', headers: { 'x-a': 'b', 'x-no': undefined }, body });
          const headers = { host: '127.0.0.1', 'x-a': 'b', 'content-length': String(Buffer.byteLength(body)) };
          expect(got).to.deep.equal({ line: `${method} /p?q=1 HTTP/1.1`, headers, body: body.toString() });
        }
      });
    }

    it('go to IPv6 addresses', async function () {
      try {
        expect(await seen(GET, '::1')).to.deep.include({ headers: { host: '[::1]' } });
      } catch (error) {
        if ((error as { code?: string }).code !== 'EADDRNOTAVAIL') throw error;
        this.skip();
      }
    });

    const breaking: Record<string, Partial<WireRequest>> = {
      'CR LF in the path': { path: '/ HTTP/1.1\r\nhunter2: x\r\n\r\n' },
      'LF in the path': { path: '/\nhunter2' },
      'a space in the path': { path: '/ hunter2' },
      'NUL in the path': { path: '/\0hunter2' },
      'non-ASCII in the path': { path: '/hunter2ü' },
      'no path': { path: '' },
      'CR in a value': { headers: { a: 'hunter2\r' } },
      'LF in a value': { headers: { a: 'hunter2\n' } },
      'NUL in a value': { headers: { a: 'hunter2\0' } },
      'non-ASCII in a value': { headers: { a: 'hunter2ü' } },
      'what becomes CR LF in latin1': { headers: { a: 'hunter2\u010d\u010a' } },
      'CR LF in a name': { headers: { 'a: b\r\nhunter2': 'c' } },
      'a space in a name': { headers: { 'a hunter2': 'c' } },
      'a colon in a name': { headers: { 'hunter2:': 'c' } },
      'no name': { headers: { '': 'hunter2' } },
    };
    for (const [name, part] of Object.entries(breaking)) {
      it(`with ${name} are refused before anything is sent or closed`, async () => {
        let bytes = 0;
        const server = await rawServer((socket) => {
          socket.on('data', (chunk) => (bytes += chunk.length));
          echo(socket);
        });
        const pool = poolOf(server);
        await send(pool, GET);
        const before = bytes;

        const error = await failureOf(send(pool, { ...POST, ...part }));

        expect(error.message)
          .to.match(/characters/)
          .and.not.to.contain('hunter2');
        expect(bytes).to.equal(before);
        await send(pool, GET);
        expect(server.accepted()).to.equal(1);
      });
    }

    it('may be answered before they are written in full', async () => {
      const refusal = 'HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig';
      const server = await rawServer((socket) =>
        socket.once('data', () => {
          socket.pause();
          socket.write(refusal);
        }),
      );
      const pool = poolOf(server, { maxConnections: 1 });
      const body = Buffer.alloc(10 * 1024 * 1024);
      for (let i = 0; i < 2; i += 1) {
        const answer = await send(pool, { ...POST, body }, { repeatable: false });
        expect([answer.status, answer.body.toString()]).to.deep.equal([413, 'big']);
      }
      // What is left of the request must not be taken for the next one.
      expect(server.accepted()).to.equal(2);
    });

    it('that the server cuts off with an answer get that or an error, never nothing', async () => {
      const server = await rawServer((socket) =>
        socket.once('data', () =>
          socket.end('HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig', () => socket.destroy()),
        ),
      );
      const pool = poolOf(server);
      const body = 'x'.repeat(10 * 1024 * 1024);
      const outcomes = await Promise.allSettled(
        ids(4).map((path) => send(pool, { ...POST, path, body }, { repeatable: false })),
      );
      for (const outcome of outcomes) if (outcome.status === 'fulfilled') expect(outcome.value.status).to.equal(413);
    });
  });

  describe('answers', () => {
    it('go to a sink piece by piece, and it decides by the head', async () => {
      const server = await rawServer((socket) =>
        onRequest(socket, ({ line }) => {
          const status = line.includes('bad') ? 500 : 200;
          socket.write(`HTTP/1.1 ${status} OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n`);
          setTimeout(() => socket.write('1\r\nb\r\n0\r\n\r\n'), 5);
        }),
      );
      const pool = poolOf(server);
      const pieces: string[] = [];
      const sink = ({ status }: { status: number }) =>
        status === 200 ? (piece: Buffer) => pieces.push(String(piece)) : undefined;
      const good = await send(pool, GET, { sink });
      const bad = await send(pool, to('/bad'), { sink });
      expect([good.body.toString(), bad.body.toString(), pieces]).to.deep.equal(['', 'ab', ['a', 'b']]);
      expect(server.accepted()).to.equal(1);
    });

    for (const where of ['head', 'body'] as const) {
      it(`whose ${where} its sink cannot bear end the call with that, and the connection`, async () => {
        const server = await rawServer((socket) => onRequest(socket, () => socket.write(OK)));
        const pool = poolOf(server, { maxConnections: 1 });
        await send(pool, GET);
        const unbearable = new Error('unbearable');
        const refuse = (): never => {
          throw unbearable;
        };
        const sink = where === 'head' ? refuse : () => refuse;
        expect(await failureOf(send(pool, GET, { sink }))).to.equal(unbearable);
        expect(await textOf(send(pool, GET))).to.equal('ok');
        expect(server.accepted()).to.equal(2);
      });
    }

    it('are never cut short without a word, wherever the connection breaks', async () => {
      const raw = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n';
      for (const end of ['end', 'resetAndDestroy'] as const) {
        const server = await rawServer((socket) =>
          onRequest(socket, ({ line }) => {
            const length = Number(line.slice(5).split(' ')[0]);
            socket.write(raw.slice(0, length), () => socket[end]());
            if (length === 0) socket[end]();
          }),
        );
        const pool = poolOf(server, { maxConnections: 10 });
        const lengths = Array.from(raw, (_, i) => i);
        const outcomes = await Promise.allSettled(lengths.map((length) => textOf(send(pool, to(`/${length}`)))));
        expect(outcomes.filter(({ status }) => status === 'fulfilled')).to.deep.equal([]);
      }
    });

    it('that end with the connection are whole only when it was closed, not broken', async () => {
      const server = await rawServer((socket) =>
        onRequest(socket, ({ line }) => {
          socket.write('HTTP/1.1 200 OK\r\n\r\nab');
          setTimeout(() => (line.includes('broken') ? socket.resetAndDestroy() : socket.end('c')), 5);
        }),
      );
      const pool = poolOf(server);
      expect(await textOf(send(pool, GET))).to.equal('abc');
      expect(await failureOf(send(pool, to('/broken')))).to.include({ code: 'ECONNRESET' });
    });
  });

  describe('the end of a pool', () => {
    it('by retire() lets calls under way and waiting finish, and leaves no connection', async () => {
      const server = await rawServer((socket) => onRequest(socket, () => setTimeout(() => socket.write(OK), 10)));
      const pool = poolOf(server, { maxConnections: 2 });
      await send(pool, GET);
      const calls = ids(6).map((id) => textOf(send(pool, to(id))));
      await until(() => server.accepted() === 2, 'calls are under way');

      pool.retire();

      expect(await Promise.all(calls)).to.deep.equal(Array(6).fill('ok'));
      await until(() => server.sockets.size === 0, 'all are closed');
    });

    it('by close() fails calls under way, waiting and later ones, and connects no more', async () => {
      let silent = false;
      const server = await rawServer((socket) => onRequest(socket, () => silent || socket.write(OK)));
      const pool = poolOf(server, { maxConnections: 2 });
      // One of the connections is a kept one: its call must not be sent again.
      await send(pool, GET);
      silent = true;
      const calls = ids(6).map((id) => failureOf(send(pool, to(id))));
      await until(() => server.accepted() === 2, 'calls are under way');

      pool.close();

      const errors = await Promise.all([...calls, failureOf(send(pool, GET))]);
      expect(errors.map(({ message }) => message)).to.deep.equal(Array(7).fill('the client was closed'));
      await until(() => server.sockets.size === 0, 'all are closed');
      await sleep(10);
      expect(server.accepted()).to.equal(2);
    });
  });

  describe('TLS', () => {
    const certificate = { cert: TEST_CERTIFICATE, key: TEST_KEY };
    const trusting = { ca: TEST_CERTIFICATE };

    it('keeps connections as without', async () => {
      const server = await rawServer(echo, { tls: certificate });
      const pool = poolOf(`https://127.0.0.1:${server.port}`, { tls: trusting, maxConnections: 2 });
      expect(await Promise.all(ids(20).map((id) => textOf(send(pool, to(id)))))).to.deep.equal(ids(20));
      expect(server.accepted()).to.equal(2);
    });

    it('repeats what met a connection that the server has just closed', async () => {
      const server = await rawServer(
        (socket) => onRequest(socket, (_request, nth) => (nth === 1 ? void socket.write(OK) : void socket.destroy())),
        { tls: certificate },
      );
      const pool = poolOf(`https://127.0.0.1:${server.port}`, { tls: trusting });
      for (const id of ids(3)) expect(await textOf(send(pool, to(id)))).to.equal('ok');
    });

    const untrusted: Record<string, [tls: object, host?: string]> = {
      'it does not know': [{}],
      'that is for another name': [{ ...trusting, servername: 'example.com' }],
      'that is for another address': [{ ...trusting, servername: '10.0.0.1' }],
    };
    for (const [name, [tls]] of Object.entries(untrusted)) {
      it(`shows no byte of a request to a server with a certificate ${name}`, async () => {
        let bytes = 0;
        const server = await rawServer((socket) => socket.on('data', (chunk) => (bytes += chunk.length)), {
          tls: certificate,
        });
        const error = await failureOf(send(poolOf(`https://127.0.0.1:${server.port}`, { tls }), POST));
        expect(error.code).to.be.oneOf(['DEPTH_ZERO_SELF_SIGNED_CERT', 'ERR_TLS_CERT_ALTNAME_INVALID']);
        await until(() => server.sockets.size === 0, 'the connection is closed');
        expect(bytes).to.equal(0);
      });
    }

    it('asks for the name it was told, or that of the server, but for no address', async () => {
      const names: unknown[] = [];
      const server = await rawServer(
        (socket) => {
          names.push((socket as TLSSocket).servername);
          echo(socket);
        },
        { tls: certificate },
      );
      const url = `https://127.0.0.1:${server.port}`;
      await send(poolOf(url, { tls: trusting }), GET);
      await send(poolOf(url, { tls: { ...trusting, servername: 'localhost' } }), GET);
      await send(poolOf(url, { tls: { ...trusting, servername: '127.0.0.1' } }), GET);
      await send(poolOf(`https://localhost:${server.port}`, { tls: trusting }), GET);
      expect(names).to.deep.equal([false, 'localhost', false, 'localhost']);
    });

    it('trusts anybody when told so', async () => {
      const server = await rawServer(echo, { tls: certificate });
      const pool = poolOf(`https://127.0.0.1:${server.port}`, {
        tls: { rejectUnauthorized: false, servername: 'x.y' },
      });
      expect(await textOf(send(pool, to('/any')))).to.equal('/any');
    });

    it('shows its own certificate, and says when it was asked for one in vain', async () => {
      const server = await rawServer(echo, {
        tls: { ...certificate, ca: TEST_CERTIFICATE, requestCert: true, rejectUnauthorized: true },
      });
      const url = `https://127.0.0.1:${server.port}`;
      expect(await textOf(send(poolOf(url, { tls: { ...trusting, ...certificate } }), to('/in')))).to.equal('/in');
      const error = await failureOf(send(poolOf(url, { tls: trusting }), GET));
      expect(error.code).to.match(/CERTIFICATE_REQUIRED|ECONNRESET|EPIPE/);
    });

    it('does not talk to a server that speaks HTTP/2 only', async () => {
      const server = await rawServer(echo, { tls: { ...certificate, ALPNProtocols: ['h2'] } });
      const error = await failureOf(send(poolOf(`https://127.0.0.1:${server.port}`, { tls: trusting }), GET));
      expect(error.code).to.match(/ALPN|NO_APPLICATION_PROTOCOL|ECONNRESET/);
      expect(server.accepted()).to.equal(0);
    });

    it('gives up a handshake that hangs, and one that is none', async () => {
      const silent = await rawServer(() => undefined);
      const pool = poolOf(`https://127.0.0.1:${silent.port}`, { tls: trusting, maxConnections: 1 });
      const calls = ids(2).map((id) => failureOf(send(pool, to(id), { deadlineMs: 30 })));
      expect((await Promise.all(calls)).map(({ message }) => message)).to.deep.equal(['late', 'late']);
      await until(() => silent.sockets.size === 0, 'the connection is closed');

      const plain = await rawServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
      const error = await failureOf(send(poolOf(`https://127.0.0.1:${plain.port}`, { tls: trusting }), GET));
      expect(error).to.be.instanceOf(Error).and.not.instanceOf(ProtocolError);
    });
  });

  it('gives 2,000 repeatable requests their own answers, whatever happens to connections', async () => {
    let seed = 7;
    const random = (): number => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
    const server = createServer((request, response) => {
      // Only an idle-looking connection may die without an answer: that is what is repeatable.
      const state = request.socket as Socket & { served?: number };
      const isKept = (state.served ?? 0) > 0;
      state.served = (state.served ?? 0) + 1;
      const chance = random();
      if (isKept && chance < 0.05) return request.socket.destroy();
      if (isKept && chance < 0.1) return request.socket.resetAndDestroy();
      if (chance < 0.15) response.setHeader('connection', 'close');
      const body = `${request.url}:${'x'.repeat(Math.floor(random() * 3000))}`;
      const answer = (): void => {
        if (chance < 0.5) response.setHeader('content-length', body.length);
        response.write(body.slice(0, 3));
        response.end(body.slice(3), () => {
          if (chance > 0.95) setImmediate(() => request.socket.end());
        });
      };
      return random() < 0.1 ? setTimeout(answer, random() * 4) : answer();
    });
    let open = 0;
    let most = 0;
    server.on('connection', (socket) => {
      most = Math.max(most, ++open);
      socket.once('close', () => (open -= 1));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    owned({
      close: async () => {
        server.close().closeAllConnections();
        await once(server, 'close');
      },
    });
    const pool = poolOf({ port: (server.address() as AddressInfo).port }, { maxConnections: 10 });

    const paths = ids(2000);
    const texts = await Promise.all(paths.map((path) => textOf(send(pool, to(path)))));

    expect(texts.map((text) => text.split(':')[0])).to.deep.equal(paths);
    // The server may hear of a new connection before it hears that another one is gone.
    expect(most).to.be.lessThan(21);
  });
});

import { createServer as createTlsServer } from 'node:https';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import type { PeerCertificate, TLSSocket } from 'node:tls';
import { inspect } from 'node:util';
import { gzipSync } from 'node:zlib';
import { expect } from 'chai';
import {
  createKubeClient,
  type KubeClient,
  type KubeClientOptions,
  type KubeRequest,
} from '../../../src/adapters/kubernetes/kube-client.js';
import type { KubeCredentials } from '../../../src/adapters/kubernetes/kube-config.js';
import { KubeApiError } from '../../../src/adapters/kubernetes/kube-errors.js';
import { parseRetryAfter } from '../../../src/core/retry-after.js';
import { createTokenBucket } from '../../../src/adapters/kubernetes/token-bucket.js';
import { ExternalError } from '../../../src/core/errors.js';
import { readBody, sendJson } from '../../../src/sandbox/http.js';
import {
  connectionTo,
  failureOf,
  never,
  startServer,
  until,
  virtualClock,
  type Handler,
  type TestServer,
} from './helpers.js';
import {
  envelope,
  eventFrame,
  frame,
  message,
  sendProtobuf,
  startProtobufWatch,
  type Status,
} from './kubernetes-protobuf.js';
import { TEST_CERTIFICATE, TEST_KEY } from './test-certificate.js';

const NOW = Date.parse('2026-11-21T12:00:00Z');
const GET = { method: 'GET', path: '/api/v1/x' } as const;

describe('kube client', () => {
  let cleanUp: (() => Promise<void> | void)[] = [];
  afterEach(async () => {
    for (const step of cleanUp.reverse()) await step();
    cleanUp = [];
  });

  function clientOf(url: string, options: Partial<KubeClientOptions> = {}): KubeClient {
    const client = createKubeClient({
      connection: connectionTo(url),
      version: '1.2.3',
      maxConnections: 8,
      clock: { now: () => NOW },
      ...options,
    });
    cleanUp.push(() => client.close());
    return client;
  }

  async function setUp(
    handler: Handler,
    options: Partial<KubeClientOptions> = {},
  ): Promise<{ server: TestServer; client: KubeClient }> {
    const server = await startServer(handler);
    cleanUp.push(() => server.close());
    return { server, client: clientOf(server.url, options) };
  }

  describe('requests', () => {
    it('sends raw JSON with its length and says who it is', async () => {
      let received: unknown;
      const { server, client } = await setUp(async (request, response) => {
        received = JSON.parse((await readBody(request)).toString());
        sendJson(response, 201, { made: 'größe' });
      });
      const body = { futureField: { unknown: 'ü' }, list: [1] };

      const answer = await client.request(
        { method: 'POST', path: '/apis/x', query: { a: 'b,c=d!', none: undefined }, body },
        never,
      );

      expect(received).to.deep.equal(body);
      expect(answer).to.deep.equal({ status: 201, body: { made: 'größe' }, warnings: [] });
      const [seen] = server.requests;
      expect(seen?.url.search).to.equal('?a=b%2Cc%3Dd!');
      expect(seen?.headers).to.include({
        'user-agent': 'agent-stack-k8s/1.2.3',
        'content-type': 'application/json',
        'content-length': String(Buffer.byteLength(JSON.stringify(body))),
        accept: 'application/json',
      });
      expect(seen?.headers).not.to.have.property('transfer-encoding');
    });

    it('keeps the path of a server behind a proxy', async () => {
      const { server } = await setUp((_request, response) => sendJson(response, 200, {}));

      await clientOf(`${server.url}/k8s/clusters/c-1`).request(GET, never);

      expect(server.requests[0]?.url.pathname).to.equal('/k8s/clusters/c-1/api/v1/x');
    });

    it('collects every warning of the server', async () => {
      const { client } = await setUp((_request, response) => {
        response.setHeader('warning', ['299 - "unknown field \\"spec.foo\\""', '299 k8s "deprecated, use v2"']);
        sendJson(response, 200, {});
      });

      const { warnings } = await client.request(GET, never);

      expect(warnings).to.deep.equal(['unknown field "spec.foo"', 'deprecated, use v2']);
    });

    it('makes 200 creates at concurrency 8 over at most 8 connections, whatever is listed and watched meanwhile', async () => {
      const { server, client } = await setUp(async (request, response, url) => {
        if (url.searchParams.has('watch')) return response.flushHeaders();
        await readBody(request);
        sendJson(response, 201, { ok: true });
      });
      const controller = new AbortController();
      const watches = ['a', 'b'].map((path) => openWatch(client, path, controller.signal));
      await until(() => server.requests.length === 2, 'both watches are open');
      let left = 200;
      const worker = async () => {
        while (left-- > 0) await client.request({ method: 'POST', path: '/apis/jobs', body: { n: left } }, never);
      };

      await Promise.all(Array.from({ length: 8 }, worker));

      expect(server.requests.filter(({ method }) => method === 'POST')).to.have.length(200);
      expect(server.connections() - 2).to.be.within(1, 8);
      controller.abort(new Error('done'));
      for (const watch of watches) expect(await watch).to.include({ message: 'done' });
    });

    it('does not let watches take the connections of calls', async () => {
      const { client } = await setUp(
        (_request, response, url) => {
          if (url.searchParams.has('watch')) response.flushHeaders();
          else sendJson(response, 200, { made: true });
        },
        { maxConnections: 1 },
      );
      const controller = new AbortController();
      const watch = openWatch(client, 'w', controller.signal);

      const { body } = await client.request({ method: 'POST', path: '/x', body: {} }, never);

      expect(body).to.deep.equal({ made: true });
      controller.abort(new Error('done'));
      expect(await watch).to.include({ message: 'done' });
    });

    it('never opens more connections than allowed, even when more calls are made at once', async () => {
      const { server, client } = await setUp((_request, response) => sendJson(response, 200, {}), {
        maxConnections: 3,
      });

      await Promise.all(Array.from({ length: 50 }, () => client.request(GET, never)));

      expect(server.connections()).to.be.within(1, 3);
    });

    it('sends again when it met a kept connection just as the server closed it', async () => {
      let seen = 0;
      const { client } = await setUp((request, response) => {
        seen += 1;
        if (seen === 2) request.socket.destroy();
        else sendJson(response, 200, { seen });
      });

      await client.request(GET, never);
      const { body } = await client.request({ method: 'POST', path: '/x', body: {} }, never);

      expect(body).to.deep.equal({ seen: 3 });
    });

    it('waits for the rate limiter', async () => {
      const clock = virtualClock();
      const rateLimiter = createTokenBucket({ qps: 5, burst: 1, clock });
      const { client } = await setUp((_request, response) => sendJson(response, 200, {}), { rateLimiter });

      for (let i = 0; i < 4; i++) await client.request(GET, never);

      expect(clock.sleeps.map(Math.round)).to.deep.equal([200, 200, 200]);
    });
  });

  describe('refusals', () => {
    const status = (code: number, reason: string, message: string, details?: object) => ({
      kind: 'Status',
      apiVersion: 'v1',
      status: 'Failure',
      code,
      reason,
      message,
      details,
    });
    const table: readonly {
      name: string;
      code: number;
      body: unknown;
      headers?: Record<string, string>;
      expected: Partial<Record<keyof KubeApiError, unknown>>;
    }[] = [
      {
        name: 'forbidden',
        code: 403,
        body: status(403, 'Forbidden', 'no way'),
        expected: { retryable: false, reason: 'Forbidden' },
      },
      {
        name: 'not found',
        code: 404,
        body: status(404, 'NotFound', 'no way'),
        expected: { retryable: false, status: 404 },
      },
      {
        name: 'too many requests, in seconds',
        code: 429,
        body: status(429, 'TooManyRequests', 'no way'),
        headers: { 'retry-after': '7' },
        expected: { retryable: true, retryAfterMs: 7000 },
      },
      {
        name: 'too many requests, as a date',
        code: 429,
        body: status(429, 'TooManyRequests', 'no way'),
        headers: { 'retry-after': 'Sat, 21 Nov 2026 12:01:30 GMT' },
        expected: { retryable: true, retryAfterMs: 90_000 },
      },
      {
        name: 'a wait that only the Status names',
        code: 500,
        body: status(500, 'ServerTimeout', 'no way', { retryAfterSeconds: 2 }),
        expected: { retryable: true, retryAfterMs: 2000, reason: 'ServerTimeout' },
      },
      { name: 'a gateway without JSON', code: 502, body: undefined, expected: { retryable: true, reason: undefined } },
    ];
    for (const { name, code, body, headers, expected } of table) {
      it(`explains ${name}`, async () => {
        const { client } = await setUp((_request, response) => {
          if (body !== undefined) return sendJson(response, code, body, headers);
          response.writeHead(code).end('<html>no way</html>');
        });

        const error = await failureOf(client.request({ ...GET, query: { limit: 5 } }, never));

        expect(error)
          .to.be.instanceOf(KubeApiError)
          .and.to.include({ status: code, ...expected });
        expect(error.message).to.contain('no way').and.to.contain('GET "/api/v1/x"').and.to.contain(String(code));
        expect(error.serverMessage).to.contain('no way').and.not.to.contain('/api/v1/x');
      });
    }

    it('never repeats the token, not even when the server does', async () => {
      const headers = { authorization: 'Bearer s3cret-token' };
      const { server } = await setUp((request, response) =>
        sendJson(response, 400, status(400, 'BadRequest', `bad header ${request.headers.authorization}`)),
      );

      const error = await failureOf(
        clientOf(server.url, { connection: connectionTo(server.url, { headers }) }).request(GET, never),
      );

      expect(error.message).to.contain('[REDACTED]').and.not.to.contain('s3cret');
      expect(error.serverMessage).not.to.contain('s3cret');
      expect(server.requests[0]?.headers.authorization).to.equal('Bearer s3cret-token');
    });

    it('reads the credentials again after a 401, once', async () => {
      const tokens = ['old', 'new'];
      let current: KubeCredentials = { headers: { authorization: 'Bearer old' }, tls: {} };
      const { server } = await setUp((request, response) =>
        request.headers.authorization === 'Bearer new'
          ? sendJson(response, 200, { fine: true })
          : sendJson(response, 401, status(401, 'Unauthorized', 'Unauthorized')),
      );
      const connection = {
        server: server.url,
        credentials: () => Promise.resolve(current),
        invalidate: () => (current = { headers: { authorization: `Bearer ${tokens.at(-1) ?? ''}` }, tls: {} }),
      };
      const client = clientOf(server.url, { connection });

      expect((await client.request(GET, never)).body).to.deep.equal({ fine: true });
      tokens.push('expired');
      current = { headers: { authorization: 'Bearer old' }, tls: {} };
      const error = await failureOf(client.request(GET, never));

      expect(error).to.include({ status: 401, retryable: false });
      expect(server.requests).to.have.length(4);
    });

    it('reads Retry-After values', () => {
      const cases: readonly [string | undefined, number | undefined][] = [
        [undefined, undefined],
        ['', undefined],
        ['0', 0],
        [' 12 ', 12_000],
        ['-5', undefined],
        ['1.5', 1500],
        ['soon', undefined],
        ['Sat, 21 Nov 2026 12:00:10 GMT', 10_000],
        ['Sat, 21 Nov 2026 11:00:00 GMT', 0],
      ];

      for (const [header, expected] of cases) expect(parseRetryAfter(header, NOW), String(header)).to.equal(expected);
    });
  });

  describe('a bad line', () => {
    const silences: readonly (readonly [string, Handler])[] = [
      ['before the head of the answer', () => undefined],
      ['after the head', (_request, response) => response.flushHeaders()],
      ['in the middle of the body', (_request, response) => void response.write('{"a":')],
    ];
    for (const [where, handler] of silences) {
      it(`gives up after the deadline when the server falls silent ${where}`, async () => {
        const { server, client } = await setUp(handler, { deadlineMs: 40 });

        const error = await failureOf(client.request(GET, never));

        expect(error).to.be.instanceOf(ExternalError).and.to.include({ retryable: true, reason: 'Timeout' });
        expect(error.message).to.contain('within 40 ms');
        await until(() => server.open() === 0, 'the connection is closed');
      });
    }

    it('gives up after the deadline when credentials do not come', async () => {
      const connection = {
        ...connectionTo('http://127.0.0.1:1'),
        credentials: () => new Promise<never>(() => undefined),
      };

      const error = await failureOf(clientOf('http://127.0.0.1:1', { connection, deadlineMs: 20 }).request(GET, never));

      expect(error).to.include({ retryable: true, reason: 'Timeout' });
    });

    it('calls a refused connection retryable and names the server', async () => {
      const error = await failureOf(clientOf('http://127.0.0.1:1').request(GET, never));

      expect(error)
        .to.be.instanceOf(ExternalError)
        .and.to.include({ retryable: true, reason: 'ECONNREFUSED', status: undefined });
      expect(error.message).to.contain('http://127.0.0.1:1');
    });

    it('calls an answer that breaks off retryable', async () => {
      const { client } = await setUp((request, response) => {
        response.writeHead(200, { 'content-length': '100' });
        response.write('{"a":', () => request.socket.destroy());
      });

      expect(await failureOf(client.request(GET, never)))
        .to.be.instanceOf(ExternalError)
        .and.to.include({ retryable: true });
    });

    it('calls a reset connection retryable', async () => {
      const { client } = await setUp((request) => void request.socket.resetAndDestroy());

      expect(await failureOf(client.request(GET, never))).to.include({ retryable: true, reason: 'ECONNRESET' });
    });

    it('does not quote an answer that is not JSON: it may be a Secret', async () => {
      const { client } = await setUp((_request, response) => void response.end('hunter2'));

      const error = await failureOf(client.request(GET, never));

      expect(error).to.include({ retryable: true });
      expect(error.message).to.contain('is not JSON');
      expect(inspect(error, { depth: 9 })).not.to.contain('hunter2');
    });

    it("rejects with the signal's own reason and closes the connection", async () => {
      const { server, client } = await setUp(() => undefined);
      const controller = new AbortController();
      const calling = failureOf(client.request(GET, controller.signal));
      await until(() => server.requests.length === 1, 'the request is in');
      const reason = new Error('stopping');

      controller.abort(reason);

      expect(await calling).to.equal(reason);
      await until(() => server.open() === 0, 'the connection is closed');
      expect(await failureOf(client.request(GET, controller.signal))).to.equal(reason);
      expect(server.requests).to.have.length(1);
    });
  });

  describe('watches', () => {
    it('delivers events whatever the pieces they come in, and ends when the server does', async () => {
      const text = '{"type":"größe"}\n\n{"type":"日本"}\n{"type":';
      const { client } = await setUp(async (_request, response) => {
        for (const byte of Buffer.from(text)) {
          response.write(Buffer.from([byte]));
          await new Promise((resolve) => setImmediate(resolve));
        }
        response.end();
      });
      const types: string[] = [];

      const ending = await client.watch(
        { path: '/w', idleMs: 5000, onOpen: () => undefined, onEvent: ({ type }) => types.push(type) },
        never,
      );

      expect(ending).to.equal('closed');
      expect(types).to.deep.equal(['größe', '日本']);
    });

    it('is not idle as long as something comes', async () => {
      const { client } = await setUp(async (_request, response) => {
        for (let i = 0; i < 6; i++) {
          response.write('{"type":"ADDED"}\n');
          await new Promise((resolve) => setTimeout(resolve, 60));
        }
        response.end();
      });

      const watch = { path: '/w', idleMs: 300, onOpen: () => undefined, onEvent: () => undefined };
      const ending = await client.watch(watch, never);

      expect(ending).to.equal('closed');
    });

    it('leaves no timer when the server ends it', async () => {
      const { client } = await setUp((_request, response) => void response.end('{"type":"ADDED"}\n'));
      const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
      const before = timers();

      await client.watch({ path: '/w', idleMs: 3_600_000, onOpen: () => undefined, onEvent: () => undefined }, never);
      await new Promise((resolve) => setImmediate(resolve));

      expect(timers()).to.equal(before);
    });

    it('ends as idle when nothing comes, and leaves no connection', async () => {
      const { server, client } = await setUp((_request, response) => void response.write('{"type":"ADDED"}\n'));

      const ending = await client.watch(
        { path: '/w', idleMs: 30, onOpen: () => undefined, onEvent: () => undefined },
        never,
      );

      expect(ending).to.equal('idle');
      await until(() => server.open() === 0, 'the connection is closed');
    });

    it('lives longer than the deadline of a call', async () => {
      const { client } = await setUp(
        async (_request, response) => {
          for (let i = 0; i < 6; i++) {
            response.write('{"type":"ADDED"}\n');
            await new Promise((resolve) => setTimeout(resolve, 20));
          }
          response.end();
        },
        { deadlineMs: 60 },
      );
      let events = 0;

      await client.watch({ path: '/w', idleMs: 5000, onOpen: () => undefined, onEvent: () => (events += 1) }, never);

      expect(events).to.equal(6);
    });

    it('ends with what the reader throws, and closes', async () => {
      const { server, client } = await setUp(
        (_request, response) => void response.write('{"type":"ADDED"}\n{"type":"ADDED"}\n'),
      );
      const complaint = new ExternalError('enough', { retryable: true });

      const error = await failureOf(
        client.watch(
          {
            path: '/w',
            idleMs: 5000,
            onOpen: () => undefined,
            onEvent: () => {
              throw complaint;
            },
          },
          never,
        ),
      );

      expect(error).to.equal(complaint);
      await until(() => server.open() === 0, 'the connection is closed');
    });

    it('calls a watch that breaks off a retryable failure', async () => {
      const { client } = await setUp((request, response) => {
        response.write('{"type":"ADDED"}\n', () => request.socket.resetAndDestroy());
      });

      const error = await failureOf(openWatch(client, 'w', never).then(throwIt));

      expect(error).to.be.instanceOf(ExternalError).and.to.include({ retryable: true });
    });
  });

  describe('protobuf', () => {
    const protobuf = 'application/vnd.kubernetes.protobuf';
    const asks = ({ headers }: { readonly headers: { accept?: string | undefined } }): boolean =>
      headers.accept?.startsWith(protobuf) ?? false;
    const job = {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name: 'a', labels: { where: 'größe' }, creationTimestamp: '2026-11-21T12:00:00Z' },
      status: { conditions: [{ type: 'Complete', status: 'True' }] },
    } as const;
    const refusal = (code: number, reason: string, more: Partial<Status> = {}): Status => ({
      apiVersion: 'v1',
      kind: 'Status',
      code,
      reason,
      message: 'jobs.batch "größe" says no',
      ...more,
    });

    const metadata = 'as=PartialObjectMetadata;g=meta.k8s.io;v=v1';
    const accepts: readonly (readonly [answer: KubeRequest['answer'], accept: string])[] = [
      [undefined, 'application/json'],
      ['whole', 'application/json'],
      ['slim', `${protobuf},application/json`],
      ['metadata', `${protobuf};${metadata},application/json;${metadata},application/json`],
      ['metadata-list', 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json'],
    ];
    for (const [answer, accept] of accepts) {
      it(`is asked for as the answer needs it, and the body sent is JSON: ${answer}`, async () => {
        const { server, client } = await setUp((_request, response) => sendJson(response, 200, {}));

        await client.request({ method: 'POST', path: '/x', body: {}, answer }, never);

        expect(server.requests[0]?.headers).to.include({ accept, 'content-type': 'application/json' });
      });
    }

    it('is asked for by watches', async () => {
      const { server, client } = await setUp((_request, response) => void response.end());

      await openWatch(client, 'w', never);

      expect(server.requests[0]?.headers.accept).to.equal(`${protobuf},application/json`);
    });

    for (const answer of ['slim', 'metadata'] as const) {
      it(`is read into what the object is in JSON, which a server may still answer in: ${answer}`, async () => {
        const { client } = await setUp((request, response, url) => {
          expect(asks(request)).to.equal(true);
          response.setHeader('warning', '299 - "careful"');
          if (url.pathname === '/json') sendJson(response, 201, { ...job, spec: {} });
          else sendProtobuf(response, 201, job);
        });

        const slim = await client.request({ method: 'POST', path: '/protobuf', body: {}, answer }, never);
        const whole = await client.request({ method: 'POST', path: '/json', body: {}, answer }, never);

        expect(slim).to.deep.equal({ status: 201, body: job, warnings: ['careful'] });
        expect(whole).to.deep.equal({ status: 201, body: { ...job, spec: {} }, warnings: ['careful'] });
      });
    }

    it('is told by the content type alone, with parameters or without', async () => {
      const types = [protobuf, `${protobuf};${metadata}`, `${protobuf}; charset=x`];
      const { client } = await setUp((_request, response) =>
        sendProtobuf(response, 200, job, { 'content-type': types.shift() ?? '' }),
      );

      while (types.length > 0) expect((await client.request(GET, never)).body).to.deep.equal(job);
    });

    it('may be empty', async () => {
      const { client } = await setUp((_request, response) => sendProtobuf(response, 200, Buffer.alloc(0)));

      expect(await client.request(GET, never)).to.deep.equal({ status: 200, body: undefined, warnings: [] });
    });

    const refusals: readonly (readonly [status: Status, headers?: Record<string, string>])[] = [
      [refusal(403, 'Forbidden')],
      [refusal(404, 'NotFound', { details: {} })],
      [refusal(409, 'AlreadyExists')],
      [refusal(410, 'Expired')],
      [refusal(422, 'Invalid', { message: 'spec.template: Invalid value: "日本"' })],
      [refusal(429, 'TooManyRequests', { details: { retryAfterSeconds: 3 } })],
      [refusal(429, 'TooManyRequests', { details: { retryAfterSeconds: 3 } }), { 'retry-after': '7' }],
      [refusal(500, 'InternalError')],
      [refusal(504, 'ServerTimeout', { details: { retryAfterSeconds: 1 } })],
      [refusal(503, '')],
    ];
    for (const [status, headers] of refusals) {
      const { code = 0, reason } = status;
      it(`makes the same error of a refusal as JSON does: ${code} ${reason} ${headers?.['retry-after'] ?? ''}`, async () => {
        const { client } = await setUp((request, response) =>
          asks(request) ? sendProtobuf(response, code, status, headers) : sendJson(response, code, status, headers),
        );

        const [inJson, inProtobuf, ofWatch] = [
          await failureOf(client.request(GET, never)),
          await failureOf(client.request({ ...GET, answer: 'slim' }, never)),
          await failureOf(openWatch(client, 'w', never).then(throwIt)),
        ];

        const facts = ({ status, reason, retryable, retryAfterMs, serverMessage }: KubeApiError) =>
          ({ status, reason, retryable, retryAfterMs, serverMessage }) as const;
        expect(inProtobuf).to.be.instanceOf(KubeApiError);
        expect(inProtobuf.message).to.equal(inJson.message);
        expect(facts(inProtobuf)).to.deep.equal(facts(inJson));
        expect(facts(ofWatch)).to.deep.equal(facts(inJson));
      });
    }

    it('never repeats the token of a refusal that quotes it', async () => {
      const headers = { authorization: 'Bearer s3cret-token' };
      const { server } = await setUp((request, response) =>
        sendProtobuf(response, 400, refusal(400, 'BadRequest', { message: `what? ${request.headers.authorization}` })),
      );
      const client = clientOf(server.url, { connection: connectionTo(server.url, { headers }) });

      const error = await failureOf(client.request({ ...GET, answer: 'slim' }, never));

      expect(error.serverMessage).to.equal('what? Bearer [REDACTED]');
      expect(inspect(error, { depth: 9 })).not.to.contain('s3cret');
    });

    it('makes a refusal without words of one that cannot be read', async () => {
      const { client } = await setUp((_request, response) => sendProtobuf(response, 503, Buffer.from('k8s\0hunter2')));

      const error = await failureOf(client.request({ ...GET, answer: 'slim' }, never));

      expect(error).to.be.instanceOf(KubeApiError).and.to.include({ status: 503, retryable: true, reason: undefined });
      expect(error.message).to.contain('no explanation given');
      expect(inspect(error, { depth: 9 })).not.to.contain('hunter2');
    });

    const unreadable: readonly (readonly [what: string, bytes: Buffer])[] = [
      ['garbage', Buffer.from('hunter2')],
      ['JSON in spite of its content type', Buffer.from('{"data":"hunter2"}')],
      ['another kind', envelope({ apiVersion: 'v1', kind: 'Secret' }, message([2, 'hunter2']))],
      ['a kind that is a secret itself', envelope({ apiVersion: 'v1', kind: 'hunter2' }, message())],
      ['half an object', envelope({ apiVersion: 'v1', kind: 'Job' }, message([1, 'hunter2'])).subarray(0, -6)],
    ];
    for (const [what, bytes] of unreadable) {
      it(`makes a failure that passes, and quotes nothing, of an answer that is ${what}`, async () => {
        const { client } = await setUp((_request, response) => sendProtobuf(response, 200, bytes));

        const error = await failureOf(client.request({ ...GET, answer: 'slim' }, never));

        expect(error).to.be.instanceOf(ExternalError).and.to.include({ retryable: true });
        expect(error.message).to.contain('is not a Kubernetes object').and.to.contain('GET "/api/v1/x"');
        expect(inspect(error, { depth: 9 })).not.to.contain('hunter2');
      });
    }

    it('is read in watches, whatever the pieces it comes in', async () => {
      const bytes = Buffer.concat([eventFrame('ADDED', job), eventFrame('DELETED', job)]);
      const { client } = await setUp(async (_request, response) => {
        startProtobufWatch(response);
        for (let at = 0; at < bytes.length; at += 7) {
          response.write(bytes.subarray(at, at + 7));
          await new Promise((resolve) => setImmediate(resolve));
        }
        response.end();
      });
      const events: unknown[] = [];

      const watch = {
        path: '/w',
        idleMs: 5000,
        onOpen: () => undefined,
        onEvent: (event: unknown) => events.push(event),
      };
      const ending = await client.watch(watch, never);

      expect(ending).to.equal('closed');
      expect(events).to.deep.equal([
        { type: 'ADDED', object: job },
        { type: 'DELETED', object: job },
      ]);
    });

    it('ends a watch, and its connection, at a frame that is no event', async () => {
      const { server, client } = await setUp((_request, response) => {
        startProtobufWatch(response);
        response.write(frame(Buffer.from('hunter2')));
      });

      const error = await failureOf(openWatch(client, 'w', never).then(throwIt));

      expect(error).to.be.instanceOf(ExternalError).and.to.include({ retryable: true });
      expect(inspect(error, { depth: 9 })).not.to.contain('hunter2');
      await until(() => server.open() === 0, 'the connection is closed');
    });
  });

  describe('TLS', () => {
    async function secureServer(requestCert = false): Promise<{ url: string; subjects: unknown[] }> {
      const subjects: unknown[] = [];
      const server = createTlsServer(
        { cert: TEST_CERTIFICATE, key: TEST_KEY, requestCert, ca: TEST_CERTIFICATE, rejectUnauthorized: false },
        (request, response) => {
          const socket: unknown = request.socket;
          const { subject } = (socket as TLSSocket).getPeerCertificate() as Partial<PeerCertificate>;
          subjects.push(subject?.CN);
          sendJson(response, 200, { secure: true });
        },
      );
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      cleanUp.push(() => {
        server.closeAllConnections();
        server.close();
      });
      return { url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`, subjects };
    }

    it('trusts the CA it is given', async () => {
      const { url } = await secureServer();

      const { body } = await clientOf(url, {
        connection: connectionTo(url, { tls: { ca: TEST_CERTIFICATE } }),
      }).request(GET, never);

      expect(body).to.deep.equal({ secure: true });
    });

    it('does not talk to a server it cannot trust', async () => {
      const { url, subjects } = await secureServer();

      const error = await failureOf(clientOf(url).request(GET, never));

      expect(error).to.be.instanceOf(ExternalError);
      expect(error.message).to.contain('SELF_SIGNED');
      expect(subjects).to.deep.equal([]);
    });

    it('uses a new client certificate as soon as the credentials have one', async () => {
      const { url, subjects } = await secureServer(true);
      let tls: KubeCredentials['tls'] = { ca: TEST_CERTIFICATE };
      const connection = { ...connectionTo(url), credentials: () => Promise.resolve({ headers: {}, tls }) };
      const client = clientOf(url, { connection });

      await client.request(GET, never);
      tls = { ca: TEST_CERTIFICATE, cert: TEST_CERTIFICATE, key: TEST_KEY };
      await client.request(GET, never);

      expect(subjects).to.deep.equal([undefined, 'agent-stack-k8s test']);
    });

    it('ends everything when closed, also what began with earlier certificates', async () => {
      const { server } = await setUp((_request, response, url) => {
        if (url.pathname === '/w') response.flushHeaders();
        else sendJson(response, 200, {});
      });
      let tls: KubeCredentials['tls'] = {};
      const connection = { ...connectionTo(server.url), credentials: () => Promise.resolve({ headers: {}, tls }) };
      const client = clientOf(server.url, { connection });
      const watching = openWatch(client, 'w', never);
      await until(() => server.requests.length === 1, 'the watch is open');
      for (let renewal = 0; renewal < 2; renewal += 1) {
        tls = {};
        await client.request(GET, never);
      }

      client.close();

      expect(await watching).to.be.instanceOf(ExternalError);
      await until(() => server.open() === 0, 'all connections are closed');
    });
  });

  it('does not choke on an answer that is no HTTP at all', async () => {
    const server = createTcpServer((socket) => socket.end(gzipSync('what?')));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    cleanUp.push(() => void server.close());

    const error = await failureOf(
      clientOf(`http://127.0.0.1:${(server.address() as AddressInfo).port}`).request(GET, never),
    );

    expect(error).to.be.instanceOf(ExternalError).and.to.include({ retryable: true });
  });
});

/** Resolves with what ended the watch. */
async function openWatch(client: KubeClient, path: string, signal: AbortSignal): Promise<unknown> {
  const watch = {
    path: `/${path}`,
    query: { watch: true },
    idleMs: 5000,
    onOpen: () => undefined,
    onEvent: () => undefined,
  };
  return client.watch(watch, signal).catch((error: unknown) => error);
}

function throwIt(value: unknown): never {
  throw value;
}

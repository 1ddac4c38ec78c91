import { expect } from 'chai';
import { ExternalError } from '../../../src/core/errors.js';
import { createHttpClient, pathSegment, type HttpClient } from '../../../src/adapters/buildkite/http.js';
import {
  errorOf,
  memoryLogger,
  quickClock,
  scriptedServer,
  signal,
  type Reply,
  type ScriptedServer,
} from './support.js';

const TOKEN = 'bkct_very-secret';

describe('http client for Buildkite', () => {
  let server: ScriptedServer;
  let reply: Reply | ((count: number) => Reply);
  const logger = memoryLogger();

  function client(overrides: { timeoutMs?: number; logPayloads?: boolean; endpoint?: string } = {}): HttpClient {
    return createHttpClient({
      endpoint: `${server.url}/v3/`,
      api: 'the API',
      headers: { authorization: `Token ${TOKEN}` },
      secrets: [TOKEN],
      unauthorizedHint: 'change the token',
      timeoutMs: 5000,
      logPayloads: false,
      clock: quickClock(),
      logger,
      ...overrides,
    });
  }

  beforeEach(async () => {
    reply = {};
    logger.lines.length = 0;
    server = await scriptedServer((_, count) => (typeof reply === 'function' ? reply(count) : reply));
  });
  afterEach(() => server.close());

  it('joins the path to the endpoint and reads JSON', async () => {
    reply = { json: { a: 1 } };

    const answer = await client().send({ method: 'GET', path: 'token', query: { a: 'x y', b: undefined }, signal });

    expect(answer.body).to.deep.equal({ a: 1 });
    expect(server.calls()).to.deep.equal(['GET /v3/token']);
    expect(server.seen[0]?.query).to.deep.equal({ a: 'x y' });
    expect(server.seen[0]?.headers.authorization).to.equal(`Token ${TOKEN}`);
  });

  it('uses one connection for many calls', async () => {
    const http = client();
    let connections = 0;
    server.server.on('connection', () => (connections += 1));

    for (let call = 0; call < 20; call += 1) await http.send({ method: 'POST', path: 'x', json: {}, signal });

    expect(connections).to.equal(1);
  });

  for (const [name, given, expected] of [
    ['429 with seconds', { status: 429, headers: { 'retry-after': '2.5' } }, { retryable: true, retryAfterMs: 2500 }],
    ['429 with a reset', { status: 429, headers: { 'ratelimit-reset': '3' } }, { retryable: true, retryAfterMs: 3000 }],
    [
      '429 with two resets',
      { status: 429, headers: { 'ratelimit-reset': '3', 'ratelimit-user-reset': '40' } },
      { retryable: true, retryAfterMs: 40_000 },
    ],
    ['503', { status: 503 }, { retryable: true, retryAfterMs: undefined }],
    [
      '500 with a reset',
      { status: 500, headers: { 'ratelimit-reset': '3' } },
      { retryable: true, retryAfterMs: undefined },
    ],
    ['422', { status: 422 }, { retryable: false, retryAfterMs: undefined }],
    ['404', { status: 404 }, { retryable: false, retryAfterMs: undefined }],
  ] as const) {
    it(`tells whether to retry after ${name}`, async () => {
      reply = { ...given, json: { message: 'because' } };

      const error = await errorOf(client().send({ method: 'GET', path: 'a/b', signal }));

      expect(error).to.be.instanceOf(ExternalError);
      expect(error).to.include({ ...expected, status: given.status });
      expect(error.message).to.equal(`the API answered ${given.status} to "GET a/b": because`);
    });
  }

  it('understands an HTTP date in Retry-After', async () => {
    reply = { status: 503, headers: { 'retry-after': new Date(Date.now() + 60_000).toUTCString() } };

    const error = await errorOf(client().send({ method: 'GET', path: 'a', signal }));

    expect(error.retryAfterMs).to.be.within(50_000, 60_000);
  });

  it('hands on Retry-After of a success', async () => {
    reply = { headers: { 'retry-after': '0.25' } };

    const answer = await client().send({ method: 'GET', path: 'a', signal });

    expect(answer.retryAfterMs).to.equal(250);
  });

  it('says what to do about a 401 without showing the token', async () => {
    reply = { status: 401, json: { message: `Invalid token ${TOKEN}` } };

    const error = await errorOf(client().send({ method: 'GET', path: 'a', signal }));

    expect(error.retryable).to.equal(false);
    expect(error.message).to.equal('the API answered 401 to "GET a": Invalid token [redacted]; change the token');
  });

  it('bounds the text of an error page', async () => {
    reply = { status: 504, text: '<html>'.repeat(5000) };

    const error = await errorOf(client().send({ method: 'GET', path: 'a', signal }));

    expect(error.message.length).to.be.below(600);
    expect(error.retryable).to.equal(true);
  });

  it('takes a truncated answer for a retryable failure', async () => {
    reply = { text: '{"jobs": [' };

    const error = await errorOf(client().send({ method: 'GET', path: 'a', signal }));

    expect(error).to.include({ retryable: true, status: 200 });
  });

  it('gives up on a silent server when the deadline has passed', async () => {
    reply = { hang: true };

    const error = await errorOf(client({ timeoutMs: 30 }).send({ method: 'GET', path: 'a', signal }));

    expect(error.message).to.equal('the API did not answer "GET a" within 30 ms');
    expect(error.retryable).to.equal(true);
  });

  it('takes a broken connection for a retryable failure', async () => {
    reply = { reset: true };

    const error = await errorOf(client().send({ method: 'POST', path: 'a', signal }));

    expect(error).to.be.instanceOf(ExternalError);
    expect(error.retryable).to.equal(true);
    expect(error.message).to.not.contain(TOKEN);
  });

  it('repeats an idempotent request when the kept connection turns out to be closed', async () => {
    reply = (count) => (count === 2 ? { reset: true } : {});
    const http = client();
    await http.send({ method: 'GET', path: 'a', signal });

    const answer = await http.send({ method: 'PUT', path: 'b', signal });

    expect(answer.status).to.equal(200);
    expect(server.calls()).to.deep.equal(['GET /v3/a', 'PUT /v3/b', 'PUT /v3/b']);
  });

  it('carries many calls under one signal without a complaint of Node', async () => {
    const warnings: Error[] = [];
    const onWarning = (warning: Error): number => warnings.push(warning);
    process.on('warning', onWarning);
    const http = client();

    const one = new AbortController().signal;
    await Promise.all(Array.from({ length: 20 }, () => http.send({ method: 'GET', path: 'a', signal: one })));
    await new Promise((resolve) => setImmediate(resolve));

    process.off('warning', onWarning);
    expect(warnings).to.deep.equal([]);
  });

  it("rejects with the signal's reason when aborted", async () => {
    reply = { hang: true };
    const controller = new AbortController();
    const reason = new Error('shutting down');

    const pending = errorOf(client().send({ method: 'GET', path: 'a', signal: controller.signal }));
    setTimeout(() => controller.abort(reason), 10);

    expect(await pending).to.equal(reason);
  });

  it('logs payloads only when asked, without secrets', async () => {
    reply = {
      json: { env: { PASSWORD: 'hunter2' }, command: 'deploy --key hunter2', access_token: 'bkaa_1', id: 'job' },
    };
    await client().send({ method: 'GET', path: 'quiet', signal });

    await client({ logPayloads: true }).send({ method: 'POST', path: 'loud', json: { note: TOKEN }, signal });

    expect(logger.lines.map(({ message }) => message)).to.deep.equal(['http request', 'http answer']);
    const text = JSON.stringify(logger.lines);
    expect(text).to.contain('PASSWORD');
    expect(text).to.not.match(/hunter2|bkaa_1|very-secret/);
  });

  it('escapes dots in path segments', () => {
    expect(pathSegment('a.b/c')).to.equal('a%2Eb%2Fc');
  });
});

import { expect } from 'chai';
import type { JobSource } from '../../../src/ports/buildkite.js';
import { createStacksSource } from '../../../src/adapters/buildkite/stacks-api.js';
import {
  errorOf,
  memoryLogger,
  quickClock,
  scriptedServer,
  signal,
  uuids,
  type Reply,
  type ScriptedServer,
  type SeenRequest,
} from './support.js';

const TOKEN = 'bkct_very-secret';
const CONFIG = {
  id: '',
  queue: 'gpu',
  tags: [],
  httpTimeoutMs: 5000,
  logHttpPayloads: false,
  paginationPageSize: 2,
  paginationDepthLimit: 2,
  reservationExpirySeconds: 900,
};
const IDENTITY = { cluster_uuid: 'c1', cluster_name: 'main', organization_slug: 'acme' };

describe('stacks source', () => {
  let server: ScriptedServer;
  /** First match wins; the key is "METHOD path-suffix". */
  let script: Record<string, (request: SeenRequest) => Reply>;
  const logger = memoryLogger();

  function source(overrides: Partial<typeof CONFIG> = {}): JobSource {
    return createStacksSource({
      endpoint: `${server.url}/v3`,
      token: TOKEN,
      tokenOrigin: 'secret "bk"',
      config: { ...CONFIG, ...overrides },
      version: '1.2.3',
      clock: quickClock(),
      logger,
      random: () => 0,
    });
  }

  async function connected(overrides: Partial<typeof CONFIG> = {}): Promise<JobSource> {
    const jobs = source(overrides);
    await jobs.connect(signal);
    server.seen.length = 0;
    return jobs;
  }

  beforeEach(async () => {
    logger.lines.length = 0;
    script = {};
    const usual: typeof script = {
      'GET /token': () => ({ json: IDENTITY }),
      'POST /stacks/register': ({ body }) => ({ status: 201, json: { cluster_queue_key: body.queue_key } }),
      'PUT /batch-reserve': ({ body }) => ({ json: { reserved: body.job_uuids, not_reserved: [] } }),
    };
    server = await scriptedServer((request) => {
      const call = `${request.method} ${request.path}`;
      for (const [key, reply] of Object.entries({ ...usual, ...script })) {
        const [method = '', suffix = ''] = key.split(' ');
        if (call.startsWith(method) && call.endsWith(suffix)) return reply(request);
      }
      return { status: 404, json: { message: 'Not Found' } };
    });
  });
  afterEach(() => server.close());

  describe('connect', () => {
    it('introduces itself with the token, its key and its queue', async () => {
      await source({ id: 'my-id' }).connect(signal);

      expect(server.calls()).to.deep.equal(['GET /v3/token', 'POST /v3/stacks/register']);
      expect(server.seen[1]?.body).to.deep.equal({ key: 'my-id', type: 'kubernetes', queue_key: 'gpu', metadata: {} });
      expect(server.seen[1]?.headers).to.include({
        authorization: `Token ${TOKEN}`,
        'user-agent': 'agent-stack-k8s/1.2.3',
      });
    });

    it('refuses a token outside clusters and says what to do', async () => {
      script['GET /token'] = () => ({ json: { ...IDENTITY, cluster_uuid: '' } });

      const error = await errorOf(source().connect(signal));

      expect(error.message).to.match(
        /agent token from secret "bk" belongs to no cluster.*create an agent token in a cluster/,
      );
      expect(error.retryable).to.equal(false);
    });

    it('names the token Buildkite does not accept, without showing it', async () => {
      script['GET /token'] = () => ({ status: 401, json: { message: `bad ${TOKEN}` } });

      const error = await errorOf(source().connect(signal));

      expect(error.message).to.contain('the agent token from secret "bk" is not accepted');
      expect(`${error.message}${error.stack}${JSON.stringify(error)}`).to.not.contain(TOKEN);
      expect(server.seen).to.have.lengthOf(1);
    });

    it('survives an outage at start-up', async () => {
      let failures = 2;
      script['GET /token'] = () => ((failures -= 1) >= 0 ? { status: 503 } : { json: IDENTITY });

      await source().connect(signal);

      expect(server.calls()).to.have.lengthOf(4);
    });

    it('tries the other spelling of the default queue', async () => {
      script['POST /stacks/register'] = ({ body }) =>
        body.queue_key === '__default__' ? { json: { cluster_queue_key: 'main-queue' } } : { status: 422 };
      script['GET /scheduled-jobs'] = () => ({ json: { jobs: [] } });
      const jobs = source({ queue: '', tags: [] });
      await jobs.connect(signal);

      await jobs.listScheduledJobs(signal);

      expect(server.seen.at(-1)?.query['queue_key']).to.equal('main-queue');
    });
  });

  describe('listing', () => {
    const page = (ids: string[], next?: string, more: object = {}): Reply => ({
      json: {
        jobs: ids.map((id) => ({
          id,
          priority: 3,
          agent_query_rules: ['queue=gpu'],
          scheduled_at: '2026-01-01T00:00:00Z',
        })),
        cluster_queue: { id: 'q', dispatch_paused: false },
        page_info: { has_next_page: next !== undefined, end_cursor: next ?? null },
        ...more,
      },
    });

    it('follows the cursor up to the depth limit', async () => {
      script['GET /scheduled-jobs'] = ({ query }) =>
        page([`job-${query['after'] ?? 'first'}`], `${query['after'] ?? ''}x`);
      const jobs = await connected();

      const listing = await jobs.listScheduledJobs(signal);

      expect(listing.jobs.map(({ id }) => id)).to.deep.equal(['job-first', 'job-x']);
      expect(listing.jobs[0]).to.deep.include({ priority: 3, agentQueryRules: ['queue=gpu'] });
      expect(server.seen.map(({ query }) => query)).to.deep.equal([
        { queue_key: 'gpu', limit: '2' },
        { queue_key: 'gpu', limit: '2', after: 'x' },
      ]);
    });

    it('stops paging and reports Retry-After of a success', async () => {
      script['GET /scheduled-jobs'] = () => ({ ...page(['a'], 'next'), headers: { 'retry-after': '7' } });
      const jobs = await connected();

      const listing = await jobs.listScheduledJobs(signal);

      expect(listing.retryAfterMs).to.equal(7000);
      expect(server.seen).to.have.lengthOf(1);
    });

    it('keeps Retry-After of a failure and does not retry by itself', async () => {
      script['GET /scheduled-jobs'] = () => ({ status: 429, headers: { 'retry-after': '9' } });
      const jobs = await connected();

      const error = await errorOf(jobs.listScheduledJobs(signal));

      expect(error).to.include({ retryable: true, retryAfterMs: 9000 });
      expect(server.seen).to.have.lengthOf(1);
    });

    for (const [queue, paused] of [
      [{ dispatch_paused: true }, true],
      [{ paused: true }, true],
      [{ dispatch_paused: false, paused: true }, false],
      [{}, false],
    ] as const) {
      it(`reads ${JSON.stringify(queue)} as ${paused ? 'paused' : 'not paused'}`, async () => {
        script['GET /scheduled-jobs'] = () => page([], undefined, { cluster_queue: queue });
        const jobs = await connected();

        const listing = await jobs.listScheduledJobs(signal);

        expect(listing.paused).to.equal(paused);
      });
    }

    it('registers again when another replica has deregistered the stack', async () => {
      let known = false;
      script['GET /scheduled-jobs'] = () => (known ? page(['a']) : { status: 404 });
      const jobs = await connected();
      script['POST /stacks/register'] = () => {
        known = true;
        return { json: { cluster_queue_key: 'gpu' } };
      };

      const listing = await jobs.listScheduledJobs(signal);

      expect(listing.jobs).to.have.lengthOf(1);
    });

    it('does not take an answer without jobs for an empty queue', async () => {
      script['GET /scheduled-jobs'] = () => ({ json: {} });
      const jobs = await connected();

      const error = await errorOf(jobs.listScheduledJobs(signal));

      expect(error.retryable).to.equal(true);
    });
  });

  describe('reserving', () => {
    it('keeps what earlier chunks reserved when a later one fails', async () => {
      const ids = uuids(1500);
      let calls = 0;
      script['PUT /batch-reserve'] = ({ body }) => {
        calls += 1;
        return calls === 2 ? { status: 500 } : { json: { reserved: body.job_uuids.slice(1), not_reserved: [ids[0]] } };
      };
      const jobs = await connected();

      const { reserved, notReserved } = await jobs.reserve(ids, signal);

      expect(reserved).to.deep.equal(ids.slice(1, 1000));
      expect(notReserved).to.deep.equal([ids[0], ...ids.slice(1000)]);
      expect(server.seen.map(({ body }) => body.job_uuids.length)).to.deep.equal([1000, 500]);
    });

    it('fails when nothing could be reserved', async () => {
      script['PUT /batch-reserve'] = () => ({ status: 500 });
      const jobs = await connected();

      const error = await errorOf(jobs.reserve(uuids(1), signal));

      expect(error.status).to.equal(500);
    });

    it('leaves the expiry to Buildkite when it is 0', async () => {
      const jobs = await connected({ reservationExpirySeconds: 0 });

      await jobs.reserve(uuids(1), signal);

      expect(server.seen[0]?.body).to.not.have.property('reservation_expiry_seconds');
    });

    it('gives claims back by letting them expire at once', async () => {
      const jobs = await connected();

      await jobs.release(uuids(2), signal);

      expect(server.seen[0]?.body).to.deep.equal({ job_uuids: uuids(2), reservation_expiry_seconds: 1 });
    });

    it('does not fail when a claim cannot be given back', async () => {
      script['PUT /batch-reserve'] = () => ({ status: 422 });
      const jobs = await connected();

      await jobs.release(uuids(1), signal);

      expect(logger.lines.map(({ level }) => level)).to.include('warn');
    });
  });

  describe('single jobs', () => {
    const [id = ''] = uuids(1);

    it('fetches what a job needs to run', async () => {
      script[`GET /jobs/${id}`] = () => ({ json: { id, command: 'make', env: { A: 'b=c', N: 1 } } });
      const jobs = await connected();

      const job = await jobs.getJob(id, signal);

      expect(job).to.deep.equal({ id, command: 'make', env: { A: 'b=c' } });
    });

    it('knows a job that is gone from a stack that is gone', async () => {
      let known = false;
      script[`GET /jobs/${id}`] = () => (known ? { json: { id, command: 'make', env: {} } } : { status: 404 });
      script['POST /get-states'] = () => (known ? { json: { states: { [id]: 'reserved' } } } : { status: 404 });
      const jobs = await connected();
      script['POST /stacks/register'] = () => {
        known = true;
        return { json: {} };
      };

      const job = await jobs.getJob(id, signal);

      expect(job?.command).to.equal('make');
    });

    it('answers undefined for a job that is gone', async () => {
      script['POST /get-states'] = () => ({ json: { states: { [id]: 'canceled' } } });
      const jobs = await connected();

      expect(await jobs.getJob(id, signal)).to.equal(undefined);
    });

    it('asks for states in chunks', async () => {
      script['POST /get-states'] = ({ body }) => ({
        json: { states: Object.fromEntries(body.job_uuids.map((uuid: string) => [uuid, 'RUNNING'])) },
      });
      const jobs = await connected();

      const states = await jobs.getJobStates(uuids(1001), signal);

      expect(states.size).to.equal(1001);
      expect([...new Set(states.values())]).to.deep.equal(['running']);
      expect(server.seen).to.have.lengthOf(2);
    });

    it('crops the failure text to 4096 bytes and says so', async () => {
      script['POST /finish'] = () => ({ status: 204, text: '' });
      const jobs = await connected();

      await jobs.failJob(id, '€'.repeat(3000), signal);

      const { exit_status, detail } = server.seen[0]?.body;
      expect(exit_status).to.equal(-1);
      expect(Buffer.byteLength(detail)).to.be.within(4090, 4096);
      expect(detail).to.match(/^€+\n… \(cropped\)$/);
    });

    it('takes a refused finish of a finished job for done', async () => {
      script['POST /finish'] = () => ({ status: 422, json: { message: 'already finished' } });
      script['POST /get-states'] = () => ({ json: { states: { [id]: 'finished' } } });
      const jobs = await connected();

      await jobs.failJob(id, 'no', signal);

      expect(server.calls().at(-1)).to.match(/get-states$/);
    });

    it('reports a refused finish of a job that still lives', async () => {
      script['POST /finish'] = () => ({ status: 422, json: { message: 'no' } });
      script['POST /get-states'] = () => ({ json: { states: { [id]: 'running' } } });
      const jobs = await connected();

      const error = await errorOf(jobs.failJob(id, 'no', signal));

      expect(error.status).to.equal(422);
    });
  });

  it('sends notifications in chunks, cropped, never from the future', async () => {
    script['POST /notifications'] = () => ({ json: { errors: [{ error: 'too old', indexes: [0] }] } });
    const jobs = await connected();
    const tomorrow = Date.now() + 86_400_000;

    await jobs.notify(
      uuids(1001).map((jobId) => ({ jobId, detail: 'é'.repeat(300), at: tomorrow })),
      signal,
    );

    const sent = server.seen.flatMap(({ body }) => body.notifications);
    expect(server.seen).to.have.lengthOf(2);
    expect(sent).to.have.lengthOf(1001);
    expect([...sent[0].detail]).to.have.lengthOf(255);
    expect(Date.parse(sent[0].timestamp)).to.be.at.most(Date.now());
  });

  it('says goodbye once', async () => {
    script['POST /deregister'] = () => ({ status: 204, text: '' });
    const jobs = await connected();

    await jobs.disconnect(signal);
    await jobs.disconnect(signal);

    expect(server.calls()).to.deep.equal(['POST /v3/stacks/agent-stack-k8s/deregister']);
  });
});

import { expect } from 'chai';
import { type BuildkiteServer, startBuildkiteServer } from '../../../src/sandbox/buildkite/server.js';
import { type Answer, FakeAgent, request } from './client.js';

describe('the embedded Stacks API', () => {
  let server: BuildkiteServer;
  let now = 0;

  beforeEach(async () => {
    now = Date.UTC(2026, 0, 1);
    server = await startBuildkiteServer({ seed: 'test', now: () => now, stackQuota: 2 });
  });
  afterEach(() => server.close());

  function call(method: string, path: string, body?: unknown): Promise<Answer> {
    return request(method, `${server.agentEndpoint}/stacks/${path}`, { token: `Token ${server.agentToken}`, body });
  }
  function register(key = 'k8s', queueKey = '_default'): Promise<Answer> {
    return call('POST', 'register', { key, type: 'kubernetes', queue_key: queueKey, metadata: {} });
  }
  function ids(count: number, priority = 0): string[] {
    return server.createJobs(count, { command: 'true', priority }).map((job) => job.id);
  }
  const reserve = (uuids: readonly string[], seconds?: number, stack = 'k8s'): Promise<Answer> =>
    call('PUT', `${stack}/scheduled-jobs/batch-reserve`, { job_uuids: uuids, reservation_expiry_seconds: seconds });

  it('registers once, knows the stack again, and turns every spelling of the default queue into its key', async () => {
    const first = await register('k8s', '_default');
    now += 1000;
    const again = await register('k8s', '__default__');

    expect([first.status, again.status]).to.eql([201, 200]);
    expect(first.body).to.include({
      key: 'k8s',
      type: 'kubernetes',
      cluster_queue_key: 'default',
      last_connected_on: null,
      state: 'connected',
    });
    expect(again.body).to.include({
      id: first.body.id,
      cluster_queue_key: 'default',
      last_connected_on: '2026-01-01T00:00:00.000Z',
    });
  });

  const refused: readonly [string, Record<string, unknown>, number][] = [
    ['an unknown queue', { queue_key: 'gpu' }, 404],
    ['a key with a dot', { key: 'a.b' }, 422],
    ['a reserved type', { type: 'elastic' }, 422],
    ['missing metadata', { metadata: undefined }, 422],
    ['nested metadata', { metadata: { a: { b: 'c' } } }, 422],
  ];
  for (const [what, change, status] of refused) {
    it(`refuses to register ${what}`, async () => {
      const answer = await call('POST', 'register', {
        key: 'k8s',
        type: 'kubernetes',
        queue_key: 'default',
        metadata: {},
        ...change,
      });

      expect(answer.status).to.equal(status);
      expect(answer.body.message).to.be.a('string');
    });
  }

  it('holds the quota of stacks and frees a place on deregister', async () => {
    await register('one');
    await register('two');

    const full = await register('three');
    const left = await call('POST', 'one/deregister');
    const fits = await register('three');
    const gone = await call('GET', 'one/scheduled-jobs?queue_key=default');

    expect([full.status, left.status, fits.status, gone.status]).to.eql([403, 204, 201, 404]);
    expect(left.body).to.equal(undefined);
  });

  it('pages through waiting jobs, oldest first whatever their priority', async () => {
    await register();
    const [a, b] = ids(2, 0);
    now += 10;
    const [c] = ids(1, 9);

    const first = await call('GET', 'k8s/scheduled-jobs?queue_key=default&limit=2');
    const second = await call(
      'GET',
      `k8s/scheduled-jobs?queue_key=default&limit=2&after=${first.body.page_info.end_cursor}`,
    );

    expect(first.body.jobs.map((job: any) => job.id)).to.eql([a, b]);
    expect(first.body.page_info.has_next_page).to.equal(true);
    expect(second.body.jobs).to.have.length(1);
    expect(second.body.jobs[0]).to.deep.include({
      id: c,
      priority: 9,
      agent_query_rules: ['queue=default'],
      scheduled_at: '2026-01-01T00:00:00.010Z',
      step: { key: null },
    });
    expect(second.body.jobs[0].build).to.include({ number: 2, branch: 'main' });
    expect(second.body.page_info.has_next_page).to.equal(false);
  });

  it('answers an empty page with a null cursor, a bad limit with 400, and carries the rate limit headers', async () => {
    await register();

    const empty = await call('GET', 'k8s/scheduled-jobs?queue_key=default');
    const zero = await call('GET', 'k8s/scheduled-jobs?queue_key=default&limit=0');
    const big = await call('GET', 'k8s/scheduled-jobs?queue_key=default&limit=1001');
    const noQueue = await call('GET', 'k8s/scheduled-jobs');

    expect(empty.body).to.deep.include({ jobs: [], page_info: { has_next_page: false, end_cursor: null } });
    expect([zero.status, big.status, noQueue.status]).to.eql([400, 400, 400]);
    expect(zero.headers.get('ratelimit-scope')).to.equal('list-scheduled-jobs');
    expect(empty.headers.get('ratelimit-limit')).to.equal('10');
    expect(empty.headers.get('ratelimit-remaining')).to.equal('9');
  });

  it('answers 429 above ten listings a second, and recovers', async () => {
    await register();
    for (let index = 0; index < 10; index += 1) await call('GET', 'k8s/scheduled-jobs?queue_key=default');

    const over = await call('GET', 'k8s/scheduled-jobs?queue_key=default');
    now += 1001;
    const later = await call('GET', 'k8s/scheduled-jobs?queue_key=default');

    expect(over.status).to.equal(429);
    expect(over.body).to.include({ scope: 'list-scheduled-jobs', limit: 10, current: 11, reset: 1 });
    expect(later.status).to.equal(200);
  });

  it('tells of a paused queue, by the documented name or the one an old library reads', async () => {
    const old = await startBuildkiteServer({ legacyPauseField: true });
    await register();
    server.pause('default', 'maintenance');
    old.pause('default');

    const documented = await call('GET', 'k8s/scheduled-jobs?queue_key=default');
    const token = `Token ${old.agentToken}`;
    await request('POST', `${old.agentEndpoint}/stacks/register`, {
      token,
      body: { key: 'k8s', type: 'kubernetes', queue_key: '_default', metadata: {} },
    });
    const legacy = await request('GET', `${old.agentEndpoint}/stacks/k8s/scheduled-jobs?queue_key=default`, { token });
    await old.close();
    server.resume('default');
    const resumed = await call('GET', 'k8s/scheduled-jobs?queue_key=default');

    expect(resumed.body.cluster_queue.dispatch_paused).to.equal(false);
    expect(documented.body.cluster_queue).to.include({ dispatch_paused: true }).and.not.have.property('paused');
    expect(legacy.body.cluster_queue).to.include({ paused: true }).and.not.have.property('dispatch_paused');
  });

  it('reserves for one stack, hides the reserved, extends and shortens, and gives back on expiry', async () => {
    await register();
    await register('other');
    const [a, b] = ids(2);

    const first = await reserve([a!, b!, 'no-such-job'], 60);
    const rival = await reserve([a!], 60, 'other');
    const listed = await call('GET', 'k8s/scheduled-jobs?queue_key=default');
    await reserve([a!], 600);
    await reserve([b!], 1);
    now += 61_000;
    const after = await call('POST', 'k8s/jobs/get-states', { job_uuids: [a, b, 'no-such-job'] });

    expect(first.body).to.eql({ reserved: [a, b], not_reserved: ['no-such-job'] });
    expect(rival.body).to.eql({ reserved: [], not_reserved: [a] });
    expect(listed.body.jobs).to.eql([]);
    expect(after.body).to.eql({ states: { [a!]: 'reserved', [b!]: 'scheduled' } });
  });

  it('refuses batches above 1,000 and expiries above an hour', async () => {
    await register();

    const many = await reserve(Array.from({ length: 1001 }, (_, index) => `job-${index}`));
    const long = await reserve([], 3601);

    expect([many.status, long.status]).to.eql([422, 422]);
  });

  it('hands out command and environment of a waiting job, and 404 once it is gone', async () => {
    await register();
    const [a] = ids(1);

    const found = await call('GET', `k8s/jobs/${a}`);
    server.cancelJob(a!);
    const gone = await call('GET', `k8s/jobs/${a}`);

    expect(found.body).to.include({ id: a, command: 'true' });
    expect(found.body.env).to.include({ BUILDKITE_COMMAND: 'true', BUILDKITE_JOB_ID: a, BUILDKITE_PLUGINS: '[]' });
    expect(gone.status).to.equal(404);
  });

  it('finishes a job once, as a stack error', async () => {
    await register();
    const [a, b] = ids(2);

    const done = await call('POST', `k8s/jobs/${a}/finish`, { detail: 'image "x" cannot be pulled' });
    const again = await call('POST', `k8s/jobs/${a}/finish`, { detail: 'again' });
    const good = await call('POST', `k8s/jobs/${b}/finish`, { exit_status: 0, detail: '' });
    const tooLong = await call('POST', `k8s/jobs/${b}/finish`, { detail: 'x'.repeat(4097) });

    expect([done.status, again.status, good.status, tooLong.status]).to.eql([200, 422, 200, 422]);
    expect(server.job(a!)).to.include({
      state: 'finished',
      exitStatus: -1,
      signalReason: 'stack_error',
      stackError: 'image "x" cannot be pulled',
    });
    expect(server.job(b!)).to.include({ state: 'finished', exitStatus: 0 });
  });

  it('takes notifications one by one: the good stay, the bad are named', async () => {
    await register();
    const [a] = ids(1);
    const at = (offset: number): string => new Date(now + offset).toISOString();
    const notifications = [
      { job_uuid: a, detail: 'created', timestamp: at(0) },
      { job_uuid: 'nobody', detail: 'x' },
      { job_uuid: a, detail: '' },
      { job_uuid: a, detail: 'x'.repeat(257) },
      { job_uuid: a, detail: 'later', timestamp: at(60_000) },
      { job_uuid: a, detail: 'early', timestamp: at(-60_000) },
      { job_uuid: a, detail: 'pending' },
    ];

    const answer = await call('POST', 'k8s/notifications', { notifications });

    expect(answer.status).to.equal(200);
    expect(answer.body.errors.map((error: any) => error.indexes)).to.eql([[1], [2, 3], [4], [5]]);
    expect(server.job(a!)!.notes.map((note) => note.detail)).to.eql(['created', 'pending']);
  });

  it('issues acquisition tokens for reserved jobs, good for that job only and no longer than the reservation', async () => {
    await register();
    const [a, b, c] = ids(3);
    await reserve([a!, b!], 100);

    const answer = await call('POST', 'k8s/job-acquisition-tokens', {
      job_uuids: [a, b, c],
      token_lifetime_seconds: 900,
    });
    const [forA, forB] = answer.body.job_acquisition_tokens;
    const agent = new FakeAgent(server);
    await agent.join({ token: forA.job_acquisition_token });
    const foreign = await agent.acquire(b!);
    const own = await agent.acquire(a!);
    now += 101_000;
    const late = await new FakeAgent(server).join({ token: forB.job_acquisition_token });

    expect(answer.status).to.equal(201);
    expect(answer.body.not_issued).to.eql([c]);
    expect(forA.job_acquisition_token).to.match(/^bkjat_[\w-]+\.[\w-]+\.[\w-]+$/);
    expect(forA.expires_at).to.equal(new Date(Date.UTC(2026, 0, 1) + 100_000).toISOString());
    expect([foreign.status, own.status, late.status]).to.eql([404, 200, 401]);
  });

  it('wants the agent token and a known stack', async () => {
    const stranger = await request('GET', `${server.agentEndpoint}/stacks/k8s/scheduled-jobs?queue_key=default`, {
      token: 'Token x',
    });
    const unknown = await call('GET', 'k8s/scheduled-jobs?queue_key=default');

    expect([stranger.status, unknown.status]).to.eql([401, 404]);
  });

  it('sends Retry-After with a success when told to', async () => {
    await register();
    server.intercept((seen) => (seen.route.endsWith('/scheduled-jobs') ? { retryAfter: 2 } : undefined));

    const answer = await call('GET', 'k8s/scheduled-jobs?queue_key=default');

    expect([answer.status, answer.headers.get('retry-after')]).to.eql([200, '2']);
  });
});

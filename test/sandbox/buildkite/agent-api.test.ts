import { expect } from 'chai';
import { type BuildkiteServer, startBuildkiteServer } from '../../../src/sandbox/buildkite/server.js';
import { FakeAgent, request } from './client.js';

describe('the embedded agent API', () => {
  let server: BuildkiteServer;
  let now = 0;

  beforeEach(async () => {
    now = Date.UTC(2026, 0, 1);
    server = await startBuildkiteServer({ seed: 'test', now: () => now, secrets: { DEPLOY_KEY: 'hush' } });
  });
  afterEach(() => server.close());

  function oneJob(command = 'echo hi'): string {
    return server.createJobs(1, { command })[0]!.id;
  }

  async function running(jobId = oneJob()): Promise<FakeAgent> {
    const agent = new FakeAgent(server);
    await agent.join();
    await agent.acquire(jobId);
    await agent.start();
    return agent;
  }

  it('takes a job through register, connect, acquire, start, log, finish, ping and disconnect', async () => {
    const id = oneJob();
    const states: string[] = [];
    server.onEvent((event) => event.type === 'job-state' && states.push(event.to));
    const agent = new FakeAgent(server);

    const registered = await agent.join();
    const acquired = await agent.acquire(id);
    const started = await agent.start();
    const logged = await agent.chunk(1, '\u001b_bk;t=1700000000000\u0007hello\n');
    const finished = await agent.finish(0);
    const pinged = await agent.asAgent('GET', 'ping');
    const left = await agent.asAgent('POST', 'disconnect');

    expect(registered.body).to.include({
      name: 'pod-7',
      ping_interval: 1,
      job_status_interval: 1,
      heartbeat_interval: 30,
    });
    expect(registered.body.access_token).to.match(/^bkaa_/);
    expect(registered.body).to.not.have.property('endpoint');
    expect(acquired.body.token).to.match(/^bkaj_/);
    expect(acquired.body.chunks_max_size_bytes).to.be.greaterThan(0);
    expect([started.status, logged.status, finished.status, pinged.status, left.status]).to.eql([
      200, 201, 200, 200, 200,
    ]);
    expect(pinged.body).to.eql({});
    expect(states).to.eql(['accepted', 'running', 'finished']);
    expect(server.log(id)).to.equal('hello\n');
    expect(server.job(id)).to.include({ starts: 1, finishes: 1, refusals: 0, exitStatus: 0 });
    expect(server.builds()[0]).to.include({ state: 'passed' });
  });

  it('gives an acquired job every variable the bootstrap insists on, all values strings', async () => {
    const agent = await running();

    const { env } = agent.job;
    const mandatory = [
      'JOB_ID',
      'REPO',
      'COMMIT',
      'BRANCH',
      'AGENT_NAME',
      'ORGANIZATION_SLUG',
      'PIPELINE_SLUG',
      'PIPELINE_PROVIDER',
    ];
    for (const name of mandatory) expect(env[`BUILDKITE_${name}`], name).to.be.a('string').and.not.equal('');
    expect(Object.values(env).every((value) => typeof value === 'string')).to.equal(true);
    expect(env).to.include({
      BUILDKITE_COMMAND: 'echo hi',
      BUILDKITE_AGENT_META_DATA_QUEUE: 'default',
      BUILDKITE_RETRY_COUNT: '0',
    });
  });

  it('answers 404 JSON to unknown paths, the stream of pings among them', async () => {
    const stream = await request('POST', `${server.url}/agentedge.v1.AgentEdgeService/StreamPings`);
    const other = await request('GET', `${server.url}/v3/nothing`);

    expect(stream).to.deep.include({ status: 404, body: { message: 'Not Found' } });
    expect(other.status).to.equal(404);
    expect(other.headers.get('content-type')).to.equal('application/json');
  });

  it('assembles chunks by sequence, whatever their order and however often they come', async () => {
    const agent = await running();
    const shown: string[] = [];
    server.onEvent((event) => event.type === 'log' && shown.push(event.text));

    await agent.chunk(3, 'three\n');
    await agent.chunk(1, 'one\n');
    await agent.chunk(1, 'one\n');
    await agent.chunk(2, 'two ä\n');

    expect(server.log(agent.job.id)).to.equal('one\ntwo ä\nthree\n');
    expect(shown.join('')).to.equal('one\ntwo ä\nthree\n');
  });

  it('tells the tokens apart: cluster, session and job each open their own doors', async () => {
    const id = oneJob();
    const agent = new FakeAgent(server);
    await agent.join();

    const bySession = await request('POST', `${server.agentEndpoint}/register`, {
      token: `Token ${agent.session}`,
      body: {},
    });
    const byCluster = await request('PUT', `${server.agentEndpoint}/jobs/${id}/acquire`, {
      token: `Token ${server.agentToken}`,
    });
    await agent.acquire(id);
    const startBySession = await agent.asAgent('PUT', `jobs/${id}/start`, {});
    const nobody = await request('GET', `${server.agentEndpoint}/ping`);

    expect([bySession.status, byCluster.status, startBySession.status, nobody.status]).to.eql([401, 401, 401, 401]);
    expect(server.job(id)?.state).to.equal('accepted');
  });

  it('kills the job token when the job ends', async () => {
    const agent = await running();
    await agent.finish(1);

    const late = await agent.chunk(1, 'late');
    const again = await agent.finish(0);

    expect([late.status, again.status]).to.eql([401, 401]);
    expect(server.job(agent.job.id)).to.include({ exitStatus: 1, finishes: 1 });
  });

  it('gives one job to one agent: the second gets 422, a repeat by the first is harmless', async () => {
    const id = oneJob();
    const [first, second] = [new FakeAgent(server), new FakeAgent(server)];
    await first.join();
    await second.join();

    const won = await first.acquire(id);
    const again = await first.acquire(id);
    const lost = await second.acquire(id);
    await first.start();
    await first.start();

    expect([won.status, again.status, lost.status]).to.eql([200, 200, 422]);
    expect(again.body.token).to.equal(won.body.token);
    expect(server.job(id)).to.include({ starts: 1, refusals: 1 });
  });

  it('answers acquire with 404 for unknown jobs and other queues, 423 for jobs that wait', async () => {
    server.addQueue('gpu');
    const gpu = server.createJobs(1, { command: 'true', agentQueryRules: ['queue=gpu'] })[0]!.id;
    const build = server.createBuild({ pipeline: 'steps:\n  - command: "true"\n  - wait\n  - command: "false"\n' });
    const agent = new FakeAgent(server);
    await agent.join();

    const unknown = await agent.acquire('0b0b0b0b-0000-4000-a000-000000000000');
    const elsewhere = await agent.acquire(gpu);
    const waiting = await agent.acquire(build.steps[2]!.jobs[0]!.id);

    expect([unknown.status, elsewhere.status, waiting.status]).to.eql([404, 404, 423]);
  });

  it('refuses a finish whose exit status is not a string', async () => {
    const agent = await running();

    const answer = await agent.finish(0, { exit_status: 0 });

    expect(answer.status).to.equal(422);
    expect(server.job(agent.job.id)?.state).to.equal('running');
  });

  it('cancels a waiting job at once and a running one through its agent', async () => {
    const waiting = oneJob();
    const agent = await running();
    server.cancelJob(waiting);
    server.cancelJob(agent.job.id);

    const seen = await agent.asJob('GET', `jobs/${agent.job.id}`);
    await agent.finish(-1, { signal_reason: 'cancel' });

    expect(seen.body).to.eql({ state: 'canceling' });
    expect(server.job(waiting)?.state).to.equal('canceled');
    expect(server.job(agent.job.id)).to.include({ state: 'canceled', signalReason: 'cancel' });
  });

  it('ends the job of an agent that falls silent, and of one that leaves without finishing', async () => {
    const silent = await running();
    now += 100_000;
    const leaver = await running();
    await leaver.asAgent('POST', 'disconnect');
    now += 90_000;
    server.sweep();

    expect(server.job(silent.job.id)).to.include({ state: 'finished', exitStatus: -1 });
    expect(server.job(leaver.job.id)).to.include({ state: 'finished', exitStatus: -1 });
    expect(server.agents().map((agent) => agent.connection)).to.eql(['lost', 'disconnected']);
  });

  it('times a job out after timeout_in_minutes', async () => {
    const build = server.createBuild({ pipeline: 'steps:\n  - command: sleep 600\n    timeout_in_minutes: 2\n' });
    const agent = await running(build.steps[0]!.jobs[0]!.id);
    now += 120_000;

    const seen = await agent.asJob('GET', `jobs/${agent.job.id}`);
    await agent.finish(-1, { signal_reason: 'cancel' });

    expect(seen.body).to.eql({ state: 'timing_out' });
    expect(server.job(agent.job.id)?.state).to.equal('timed_out');
    expect(build.state).to.equal('failed');
  });

  it('offers a plain agent the best matching job and takes it back when it is not accepted', async () => {
    const [low] = server.createJobs(1, { command: 'low', priority: 0 });
    const [high] = server.createJobs(1, {
      command: 'high',
      priority: 5,
      agentQueryRules: ['queue=default', 'os=linux'],
    });
    const [mac] = server.createJobs(1, { command: 'mac', priority: 9, agentQueryRules: ['queue=default', 'os=mac'] });
    const agent = new FakeAgent(server);
    await agent.join({ tags: ['queue=default', 'os=linux'], acquire: false });

    const offer = await agent.asAgent('GET', 'ping');
    now += 31_000;
    const second = await agent.asAgent('GET', 'ping');
    const accepted = await agent.asAgent('PUT', `jobs/${high!.id}/accept`);

    expect([offer.body, second.body]).to.eql([{ job: { id: high!.id } }, { job: { id: high!.id } }]);
    expect(accepted.body.env.BUILDKITE_COMMAND).to.equal('high');
    expect([low!.state, high!.state, mac!.state]).to.eql(['scheduled', 'accepted', 'scheduled']);
  });

  it('keeps meta-data for the whole build', async () => {
    const agent = await running();
    const path = `jobs/${agent.job.id}/data`;
    const buildPath = `builds/${server.builds()[0]!.id}/data`;

    await agent.asJob('POST', `${path}/set`, { key: 'a', value: '1' });
    const refused = await agent.asJob('POST', `${path}/set-batch`, { items: [{ key: 'b', value: '2' }, { key: 'c' }] });
    await agent.asJob('POST', `${path}/set-batch`, { items: [{ key: 'd', value: '4' }] });
    const value = await agent.asJob('POST', `${buildPath}/get`, { key: 'a' });
    const unset = await agent.asJob('POST', `${path}/get`, { key: 'b' });
    const exists = await agent.asJob('POST', `${path}/exists`, { key: 'd' });
    const keys = await agent.asJob('POST', `${path}/keys`);

    expect([refused.status, unset.status]).to.eql([422, 404]);
    expect(value.body).to.eql({ key: 'a', value: '1' });
    expect(exists.body).to.eql({ exists: true });
    expect(keys.body).to.eql(['a', 'd']);
  });

  it('appends to annotations, removes them, and hands out secrets it knows', async () => {
    const agent = await running();
    const path = `jobs/${agent.job.id}`;

    await agent.asJob('POST', `${path}/annotations`, {
      body: 'one',
      context: 'test/unit',
      style: 'info',
      scope: 'build',
      priority: 3,
    });
    await agent.asJob('POST', `${path}/annotations`, { body: ' two', context: 'test/unit', append: true });
    const annotations = [...server.builds()[0]!.annotations.values()].map(({ body, style }) => ({ body, style }));
    const removed = await agent.asJob('DELETE', `${path}/annotations/test%2Funit?scope=build`);
    const secret = await agent.asJob('GET', `${path}/secrets?key=DEPLOY_KEY`);
    const none = await agent.asJob('GET', `${path}/secrets?key=OTHER`);
    const oidc = await agent.asJob('POST', `${path}/oidc/tokens`, { audience: 'x' });

    expect(annotations).to.eql([{ body: 'one two', style: 'info' }]);
    expect(server.builds()[0]!.annotations.size).to.equal(0);
    expect([removed.status, none.status, oidc.status]).to.eql([200, 404, 404]);
    expect(secret.body).to.include({ key: 'DEPLOY_KEY', value: 'hush' });
  });

  it('lets a job change its step, once however often it asks', async () => {
    const agent = await running();
    const step = server.builds()[0]!.steps[0]!.id;
    const update = (value: string, more = {}) =>
      agent.asJob('PUT', `steps/${step}`, { attribute: 'label', value, ...more });
    const label = async () => (await agent.asJob('POST', `steps/${step}/export`, { attribute: 'label' })).body.output;

    await update(', twice', { append: true, idempotency_uuid: 'u1' });
    await update(', twice', { append: true, idempotency_uuid: 'u1' });
    const appended = await label();
    await update('other');
    const replaced = await label();
    const refused = await agent.asJob('PUT', `steps/${step}`, { value: 'x' });

    expect([appended, replaced]).to.eql(['echo hi, twice', 'other']);
    expect(refused.status).to.equal(422);
  });

  it('holds a job to the failure it promised', async () => {
    const promising = async (status: number) => {
      const agent = await running();
      const promise = (exit_status: number) =>
        agent.asJob('PUT', `jobs/${agent.job.id}/promise_failure`, { exit_status });
      const answers = [await promise(status), await promise(status), await promise(status + 1)];
      expect(answers.map((answer) => answer.status)).to.eql([204, 204, 422]);
      return agent;
    };

    const success = await promising(3);
    await success.finish(0);
    const failure = await promising(3);
    await failure.finish(9);

    expect([success, failure].map(({ job }) => server.job(job.id)?.exitStatus)).to.eql([3, 9]);
    expect(server.builds().map(({ state }) => state)).to.eql(['failed', 'failed']);
  });

  it('carries artifacts from upload to search and download', async () => {
    const agent = await running();
    const path = `jobs/${agent.job.id}/artifacts`;
    const content = Buffer.from([0, 1, 2, 13, 10, 255]);
    const item = {
      path: 'out/a b.bin',
      absolute_path: '/w/out/a b.bin',
      file_size: 6,
      sha1sum: 'x',
      content_type: 'application/x-thing',
    };

    const created = await agent.asJob('POST', path, { id: 'batch-1', artifacts: [item], multipart_supported: true });
    const { url, path: target, file_input: field } = created.body.upload_instructions.action;
    // As long as those Go makes.
    const boundary = 'ab01'.repeat(15);
    const form = Buffer.concat([
      Buffer.from(`--${boundary}\r\nContent-Disposition: form-data; name="key"\r\n\r\nout/a b.bin\r\n`),
      Buffer.from(
        `--${boundary}\r\nContent-Disposition: form-data; name="${field}"; filename="out/a b.bin"\r\nContent-Type: application/octet-stream\r\n\r\n`,
      ),
      content,
      Buffer.from(`\r\n--${boundary}--\r\n`),
    ]);
    const uploaded = await request('POST', `${url}${target}`, {
      body: form,
      headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
    });
    const [id] = created.body.artifact_ids;
    await agent.asJob('PUT', path, { artifacts: [{ id, state: 'finished' }] });
    const build = server.builds()[0]!.id;
    const found = await agent.asJob(
      'GET',
      `builds/${build}/artifacts/search?query=${encodeURIComponent('out/*.bin')}&state=finished`,
    );
    const missed = await agent.asJob('GET', `builds/${build}/artifacts/search?query=${encodeURIComponent('*.txt')}`);
    const download = await fetch(found.body[0].url);

    expect(uploaded.status).to.equal(201);
    expect(found.body[0]).to.include({ path: 'out/a b.bin', file_size: 6, job_id: agent.job.id });
    expect(missed.body).to.eql([]);
    expect(Buffer.from(await download.arrayBuffer())).to.eql(content);
    expect(download.headers.get('content-type')).to.equal('application/x-thing');
  });

  it('identifies its token and counts agents and jobs', async () => {
    oneJob();
    await running();

    const token = await request('GET', `${server.agentEndpoint}/token`, { token: `Token ${server.agentToken}` });
    const metrics = await request('GET', `${server.agentEndpoint}/metrics`, { token: `Token ${server.agentToken}` });
    const wrong = await request('GET', `${server.agentEndpoint}/token`, { token: 'Token nope' });

    expect(token.body).to.include({ organization_slug: 'sandbox', cluster_uuid: server.clusterUuid });
    expect(metrics.body.jobs).to.include({ scheduled: 1, running: 1, total: 2 });
    expect(metrics.body.agents).to.include({ busy: 1, idle: 0 });
    expect(wrong.status).to.equal(401);
  });

  it('breaks on demand: status, Retry-After, damaged bodies, cut connections, work done but not confirmed', async () => {
    const id = oneJob();
    const agent = new FakeAgent(server);
    await agent.join();
    const script = [
      { status: 503, retryAfter: 0.1 },
      { body: 'truncated' as const },
      { reset: true },
      { status: 500, applied: true },
    ];
    server.intercept((call) => (call.route === 'PUT /v3/jobs/:id/acquire' ? script[call.count - 1] : undefined));

    const busy = await agent.acquire(id);
    const damaged = await agent.acquire(id).catch((error: unknown) => error);
    const cut = await agent.acquire(id).catch((error: unknown) => error);
    const unconfirmed = await agent.acquire(id);
    const state = server.job(id)?.state;
    const fine = await agent.acquire(id);

    expect([busy.status, busy.headers.get('retry-after')]).to.eql([503, '0.1']);
    expect(damaged).to.be.instanceOf(SyntaxError);
    expect(cut).to.be.instanceOf(TypeError);
    expect([unconfirmed.status, state, fine.status]).to.eql([500, 'accepted', 200]);
    expect(server.calls('PUT /v3/jobs/:id/acquire')).to.equal(5);
  });

  it('makes the same ids and tokens of the same seed', async () => {
    const twin = await startBuildkiteServer({ seed: 'test', now: () => now });

    const same = [twin.agentToken, twin.createJobs(2, { command: 'x' })[1]!.id];
    await twin.close();

    expect(same).to.eql([server.agentToken, server.createJobs(2, { command: 'x' })[1]!.id]);
  });
});

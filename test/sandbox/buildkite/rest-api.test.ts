import { expect } from 'chai';
import { type BuildkiteServer, startBuildkiteServer } from '../../../src/sandbox/buildkite/server.js';
import { type Answer, FakeAgent, request } from './client.js';

describe('the embedded REST API', () => {
  let server: BuildkiteServer;

  beforeEach(async () => {
    server = await startBuildkiteServer({ seed: 'test' });
  });
  afterEach(() => server.close());

  const get = (path: string): Promise<Answer> =>
    request('GET', `${server.restEndpoint}/${path}`, { token: `Bearer ${server.apiToken}` });
  const BUILD = 'organizations/sandbox/pipelines/pipeline/builds/1';

  it('shows a build, its jobs with their retries, and their logs', async () => {
    server.createBuild({ pipeline: 'steps:\n  - { command: "x", key: a, retry: { automatic: { limit: 1 } } }\n' });
    const [first] = server.jobs();
    const agent = new FakeAgent(server);
    await agent.join();
    await agent.acquire(first!.id);
    await agent.start();
    await agent.chunk(1, '\u001b_bk;t=1\u0007oops\n');
    await agent.finish(7);

    const build = await get(BUILD);
    const jobs = await get(`${BUILD}/jobs?per_page=1&include_retried_jobs=true`);
    const rest = await request('GET', jobs.body.links.next, { token: `Bearer ${server.apiToken}` });
    const log = await get(`${BUILD}/jobs/${first!.id}/log`);
    const env = await get(`${BUILD}/jobs/${first!.id}/env`);

    expect(build.body).to.include({ number: 1, state: 'running' });
    expect(build.body.jobs.map((job: any) => job.state)).to.eql(['scheduled']);
    expect(jobs.body.items[0]).to.include({
      id: first!.id,
      state: 'failed',
      exit_status: 7,
      retried: true,
      step_key: 'a',
    });
    expect(rest.body.items.map((job: any) => job.retries_count)).to.eql([1]);
    expect(rest.body.items[0].agent_query_rules).to.eql(['queue=default']);
    expect(log.body).to.include({ content: '\u001b_bk;t=1\u0007oops\n' });
    expect(env.body.env).to.include({ BUILDKITE_COMMAND: 'x' });
  });

  it('shows agents, clusters and queues', async () => {
    await new FakeAgent(server).join();
    server.pause('default', 'upgrade');

    const agents = await get('organizations/sandbox/agents');
    const clusters = await get('organizations/sandbox/clusters');
    const queues = await get(`organizations/sandbox/clusters/${server.clusterUuid}/queues`);

    expect(agents.body).to.have.length(1);
    expect(clusters.body[0].id).to.equal(server.clusterUuid);
    expect(queues.body[0]).to.include({ key: 'default', dispatch_paused: true, dispatch_paused_note: 'upgrade' });
  });

  it('refuses strangers, and knows neither other organizations nor absent builds', async () => {
    const stranger = await request('GET', `${server.restEndpoint}/access-token`);
    const other = await get('organizations/other/agents');
    const absent = await get(BUILD);

    expect([stranger.status, other.status, absent.status]).to.eql([401, 404, 404]);
  });
});

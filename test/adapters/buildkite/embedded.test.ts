import { expect } from 'chai';
import type { JobSource } from '../../../src/ports/buildkite.js';
import { failJobAsAgent } from '../../../src/adapters/buildkite/agent-api.js';
import { createGraphqlSource } from '../../../src/adapters/buildkite/graphql-api.js';
import { createStacksSource } from '../../../src/adapters/buildkite/stacks-api.js';
import { startBuildkiteServer, type BuildkiteServer } from '../../../src/sandbox/buildkite/server.js';
import { errorOf, memoryLogger, quickClock, signal } from './support.js';

const COMMON = { version: '1.2.3', clock: quickClock(), logger: memoryLogger(), random: (): number => 0 };
const CONFIG = {
  id: '',
  queue: '',
  tags: [],
  httpTimeoutMs: 5000,
  logHttpPayloads: false,
  paginationPageSize: 1000,
  paginationDepthLimit: 2,
  reservationExpirySeconds: 900,
  graphqlResultsLimit: 100,
  staleJobDataTimeoutMs: 0,
};

describe('against the embedded Buildkite', () => {
  let buildkite: BuildkiteServer;

  beforeEach(async () => {
    buildkite = await startBuildkiteServer({ enforceRateLimits: false });
  });
  afterEach(() => buildkite.close());

  const state = (id: string): string | undefined => buildkite.job(id)?.state;

  describe('the stacks source', () => {
    async function connected(token = buildkite.agentToken): Promise<JobSource> {
      const source = createStacksSource({
        ...COMMON,
        endpoint: buildkite.agentEndpoint,
        token,
        tokenOrigin: 'secret "bk"',
        config: CONFIG,
      });
      await source.connect(signal);
      return source;
    }

    it('takes a job from the list to its end', async () => {
      const [job] = buildkite.createJobs(1, { command: 'make', env: { A: 'b' }, priority: 3 });
      const id = job?.id ?? '';
      const source = await connected();

      const { jobs } = await source.listScheduledJobs(signal);
      const { reserved } = await source.reserve([id], signal);
      const fetched = await source.getJob(id, signal);
      await source.failJob(id, 'image "x" is not there', signal);
      await source.failJob(id, 'again', signal);

      expect(jobs).to.have.lengthOf(1);
      expect(jobs[0]).to.include({ id, priority: 3 });
      expect(reserved).to.deep.equal([id]);
      expect(fetched?.command).to.equal('make');
      expect(fetched?.env).to.include({ A: 'b', BUILDKITE_JOB_ID: id });
      expect(state(id)).to.equal('finished');
      expect(buildkite.job(id)?.stackError).to.equal('image "x" is not there');
      expect((await source.getJobStates([id], signal)).get(id)).to.equal('finished');
    });

    it('reads 1,500 jobs over two pages, reserves and releases them', async () => {
      const ids = buildkite.createJobs(1500, { command: 'true' }).map(({ id }) => id);
      const source = await connected();

      const { jobs } = await source.listScheduledJobs(signal);
      const { reserved } = await source.reserve(ids, signal);
      const empty = await source.listScheduledJobs(signal);
      await source.release(ids, signal);

      expect(jobs.map(({ id }) => id)).to.have.members(ids);
      expect(reserved).to.have.members(ids);
      expect(empty.jobs).to.deep.equal([]);
      const expiries = ids.map((id) => buildkite.job(id)?.reservation?.expiresAt ?? 0);
      expect(Math.max(...expiries)).to.be.at.most(Date.now() + 1000);
    });

    it('keeps working after another replica has deregistered the stack', async () => {
      const [job] = buildkite.createJobs(1, { command: 'true' });
      const source = await connected();
      await (await connected()).disconnect(signal);

      const { jobs } = await source.listScheduledJobs(signal);

      expect(jobs[0]?.id).to.equal(job?.id);
    });

    it('knows a paused queue', async () => {
      const source = await connected();
      buildkite.pause(buildkite.queueKey);

      expect((await source.listScheduledJobs(signal)).paused).to.equal(true);
    });

    it('honours Retry-After on success and on failure', async () => {
      const source = await connected();
      const route = 'GET /v3/stacks/:key/scheduled-jobs';
      const undo = buildkite.intercept((call) => (call.route === route ? { retryAfter: 3 } : undefined));

      const listing = await source.listScheduledJobs(signal);
      undo();
      buildkite.intercept((call) => (call.route === route ? { status: 429, retryAfter: 4 } : undefined));
      const error = await errorOf(source.listScheduledJobs(signal));

      expect(listing.retryAfterMs).to.equal(3000);
      expect(error.retryAfterMs).to.equal(4000);
    });

    it('says what is wrong with a token without showing it', async () => {
      const error = await errorOf(connected('bkct_wrong-token'));

      expect(error.message).to.contain('the agent token from secret "bk" is not accepted');
      expect(error.message).to.not.contain('bkct_');
    });

    it('writes to the timeline of a job', async () => {
      const [job] = buildkite.createJobs(1, { command: 'true' });
      const id = job?.id ?? '';
      const source = await connected();
      await source.reserve([id], signal);

      await source.notify([{ jobId: id, detail: 'waiting for a free slot', at: Date.now() }], signal);

      expect(buildkite.job(id)?.notes.map(({ detail }) => detail)).to.deep.equal(['waiting for a free slot']);
    });
  });

  describe('the graphql source', () => {
    function source(): JobSource {
      const config = { ...CONFIG, org: buildkite.organizationSlug, clusterUuid: buildkite.clusterUuid };
      const agent = { endpoint: buildkite.agentEndpoint, token: buildkite.agentToken, tokenOrigin: 'secret "bk"' };
      return createGraphqlSource({
        ...COMMON,
        endpoint: buildkite.graphqlEndpoint,
        token: buildkite.apiToken,
        config,
        agent,
      });
    }

    it('lists 250 jobs, oldest first, and knows their states', async () => {
      const ids = buildkite.createJobs(250, { command: 'true' }).map(({ id }) => id);
      const graphql = source();
      await graphql.connect(signal);

      const { jobs, paused } = await graphql.listScheduledJobs(signal);
      const states = await graphql.getJobStates(ids, signal);

      expect(jobs.map(({ id }) => id)).to.have.members(ids);
      expect(paused).to.equal(false);
      expect(states.size).to.equal(250);
      expect(new Set(states.values())).to.deep.equal(new Set(['scheduled']));
    });

    it('takes only jobs of the default queue when it is told of no queue', async () => {
      buildkite.addQueue('gpu');
      const [ours] = buildkite.createJobs(1, { command: 'make' });
      buildkite.createJobs(1, { command: 'make', agentQueryRules: ['queue=gpu'] });

      const { jobs } = await source().listScheduledJobs(signal);

      expect(jobs.map(({ id }) => id)).to.deep.equal([ours?.id]);
    });

    it('fetches a job, and knows a paused queue', async () => {
      const [job] = buildkite.createJobs(1, { command: 'make', env: { A: 'b=c' } });
      buildkite.pause(buildkite.queueKey);
      const graphql = source();

      const fetched = await graphql.getJob(job?.id ?? '', signal);

      expect(fetched?.command).to.equal('make');
      expect(fetched?.env).to.include({ A: 'b=c' });
      expect((await graphql.listScheduledJobs(signal)).paused).to.equal(true);
    });

    it('fails a job through a temporary agent', async () => {
      const [job] = buildkite.createJobs(1, { command: 'make' });
      const id = job?.id ?? '';
      const graphql = source();
      await graphql.listScheduledJobs(signal);

      await graphql.failJob(id, 'image "x" is not there', signal);
      await graphql.failJob(id, 'again', signal);

      expect(state(id)).to.equal('finished');
      expect(buildkite.job(id)).to.include({ exitStatus: 1, signalReason: 'stack_error' });
      expect(buildkite.log(id)).to.equal('image "x" is not there\n');
      expect(buildkite.agents().map(({ connection }) => connection)).to.deep.equal(['disconnected', 'disconnected']);
    });
  });

  it('the temporary agent gets through an outage', async () => {
    const [job] = buildkite.createJobs(1, { command: 'make' });
    const id = job?.id ?? '';
    buildkite.intercept((call) => {
      if (call.count > 1) return undefined;
      // Every first call is carried out, but its answer is lost or garbled.
      return call.route.startsWith('PUT') ? { applied: true, status: 503 } : { body: 'truncated', status: 500 };
    });

    const agent = { endpoint: buildkite.agentEndpoint, token: buildkite.agentToken, tokenOrigin: 'x', config: CONFIG };
    await failJobAsAgent({ ...COMMON, ...agent }, { id, text: 'no' }, signal);

    expect(buildkite.job(id)).to.include({ state: 'finished', exitStatus: 1 });
    expect(buildkite.log(id)).to.equal('no\n');
  });
});

import { existsSync, readFileSync } from 'node:fs';
import { expect } from 'chai';
import { buildSchema, parse, validate } from 'graphql';
import type { JobSource } from '../../../src/ports/buildkite.js';
import { createGraphqlSource } from '../../../src/adapters/buildkite/graphql-api.js';
import * as documents from '../../../src/adapters/buildkite/graphql-documents.js';
import {
  errorOf,
  memoryLogger,
  quickClock,
  scriptedServer,
  signal,
  uuids,
  type Reply,
  type ScriptedServer,
} from './support.js';

const TOKEN = 'bkua_very-secret';
const SCHEMA = new URL('../../../../../shared/data/buildkite-graphql-schema.graphql', import.meta.url);
const CONFIG = {
  org: 'acme',
  clusterUuid: 'c-uuid',
  queue: 'gpu',
  tags: [],
  httpTimeoutMs: 5000,
  logHttpPayloads: false,
  graphqlResultsLimit: 100,
  staleJobDataTimeoutMs: 10_000,
};

describe('graphql documents', () => {
  it("are valid against Buildkite's schema", function () {
    if (!existsSync(SCHEMA)) {
      console.log('    skipped: ../shared/data/buildkite-graphql-schema.graphql is not there');
      this.skip();
    }
    const schema = buildSchema(readFileSync(SCHEMA, 'utf8'));
    const texts = [
      documents.ORGANIZATION_CHECK,
      documents.SCHEDULED_JOBS,
      documents.UNCLUSTERED_SCHEDULED_JOBS,
      documents.JOB_DETAIL,
      documents.CLUSTER_QUEUES,
      documents.jobStatesDocument(3),
    ];

    const problems = texts.flatMap((text) => validate(schema, parse(text)).map(String));

    expect(problems).to.deep.equal([]);
  });
});

describe('graphql source', () => {
  let server: ScriptedServer;
  let script: Record<string, (variables: any) => Reply>;
  const logger = memoryLogger();
  const data = (value: unknown, more: object = {}): Reply => ({ json: { data: value, ...more } });

  function source(overrides: Partial<typeof CONFIG> = {}): JobSource {
    return createGraphqlSource({
      endpoint: `${server.url}/v1`,
      token: TOKEN,
      config: { ...CONFIG, ...overrides },
      agent: { endpoint: `${server.url}/v3`, token: 'bkct_x', tokenOrigin: 'secret "bk"' },
      version: '1.2.3',
      clock: quickClock(),
      logger,
      random: () => 0,
    });
  }

  /** Jobs as the server keeps them, newest first; pages are taken from the end. */
  function jobPages(jobs: readonly object[]): (variables: any) => Reply {
    return ({ last, before }) => {
      const end = before === null ? jobs.length : Number(before);
      const start = Math.max(0, end - last);
      const edges = jobs.slice(start, end).map((node) => ({ node }));
      const pageInfo = { hasPreviousPage: start > 0, startCursor: String(start) };
      return data({ organization: { id: 'org', jobs: { pageInfo, edges } } });
    };
  }

  function node(uuid: string, more: object = {}): object {
    return {
      __typename: 'JobTypeCommand',
      uuid,
      state: 'SCHEDULED',
      scheduledAt: '2026-01-01T00:00:00Z',
      priority: { number: 0 },
      agentQueryRules: ['queue=gpu'],
      command: 'make',
      env: ['A=b=c', 'EMPTY='],
      ...more,
    };
  }

  const notPaused = (): Reply =>
    data({
      organization: {
        id: 'org',
        cluster: {
          id: 'c',
          defaultQueue: { key: 'main' },
          queues: {
            pageInfo: { hasNextPage: false },
            edges: [{ node: { key: 'gpu', dispatchPaused: false } }, { node: { key: 'main', dispatchPaused: true } }],
          },
        },
      },
    });

  beforeEach(async () => {
    logger.lines.length = 0;
    script = { ClusterQueues: notPaused, ScheduledJobs: jobPages([]), UnclusteredScheduledJobs: jobPages([]) };
    server = await scriptedServer(({ body }) => script[body.operationName]?.(body.variables) ?? { status: 500 });
  });
  afterEach(() => server.close());

  const operations = (): string[] => server.seen.map(({ body }) => body.operationName);

  it('reads 250 jobs over three pages, oldest first', async () => {
    const newestFirst = uuids(250).map((uuid, index) =>
      node(uuid, { scheduledAt: new Date(Date.UTC(2026, 0, 1) - index * 1000).toISOString() }),
    );
    script['ScheduledJobs'] = jobPages(newestFirst);

    const listing = await source().listScheduledJobs(signal);

    expect(listing.jobs.map(({ id }) => id)).to.deep.equal(uuids(250).reverse());
    expect(listing.paused).to.equal(false);
    expect(operations()).to.deep.equal(['ClusterQueues', 'ScheduledJobs', 'ScheduledJobs', 'ScheduledJobs']);
  });

  it('asks for its cluster and queue with a bearer token', async () => {
    await source().listScheduledJobs(signal);

    expect(server.seen[1]?.body.variables).to.deep.equal({
      org: 'acme',
      cluster: Buffer.from('Cluster---c-uuid').toString('base64'),
      rules: ['queue=gpu'],
      last: 100,
      before: null,
    });
    expect(server.seen[1]?.headers.authorization).to.equal(`Bearer ${TOKEN}`);
  });

  it('asks for unclustered jobs and no queue in particular when neither is configured', async () => {
    await source({ clusterUuid: '', queue: '' }).listScheduledJobs(signal);

    expect(operations()).to.deep.equal(['UnclusteredScheduledJobs']);
    expect(server.seen[0]?.body.variables.rules).to.equal(null);
  });

  it('survives null edges, null nodes and jobs of other types', async () => {
    const edges = [null, { node: null }, { node: { __typename: 'JobTypeWait' } }, { node: node('a') }];
    script['ScheduledJobs'] = () => data({ organization: { id: 'o', jobs: { pageInfo: {}, edges } } });

    const listing = await source().listScheduledJobs(signal);

    expect(listing.jobs.map(({ id }) => id)).to.deep.equal(['a']);
  });

  it('stops with a clear message when the organization is not there', async () => {
    script['OrganizationCheck'] = () => data({ organization: null });

    const error = await errorOf(source().connect(signal));

    expect(error.message).to.contain('there is no organization "acme"').and.to.contain('check "org"');
    expect(error.retryable).to.equal(false);
  });

  it('treats errors inside a 200 as failure and keeps the token out of it', async () => {
    script['OrganizationCheck'] = () =>
      data(null, {
        errors: [{ message: `Authentication required. Please supply a valid API Access Token, not ${TOKEN}` }],
      });

    const error = await errorOf(source().connect(signal));

    expect(error).to.include({ status: 401, retryable: false });
    expect(error.message).to.contain('the value of "buildkite-token" is not accepted');
    expect(error.message).to.not.contain(TOKEN);
  });

  it('waits for the longer reset after 429', async () => {
    script['ScheduledJobs'] = () => ({
      status: 429,
      headers: { 'ratelimit-reset': '10', 'ratelimit-user-reset': '200' },
      json: { errors: [{ message: 'limit exceeded' }] },
    });

    const error = await errorOf(source().listScheduledJobs(signal));

    expect(error).to.include({ retryable: true, retryAfterMs: 200_000 });
    expect(error.message).to.contain('limit exceeded');
  });

  it('slows down before the budget is used up', async () => {
    const headers = {
      'ratelimit-remaining': '19000',
      'ratelimit-limit': '20000',
      'ratelimit-reset': '100',
      'ratelimit-user-remaining': '1000',
      'ratelimit-user-limit': '5000',
      'ratelimit-user-reset': '100',
      'ratelimit-complexity-actual': '80',
    };
    script['ScheduledJobs'] = (variables) => ({ ...jobPages([])(variables), headers });

    const listing = await source().listScheduledJobs(signal);

    expect(listing.retryAfterMs).to.equal(10_000);
  });

  it('serves a listed job from memory', async () => {
    script['ScheduledJobs'] = jobPages([node('a')]);
    const jobs = source();
    await jobs.listScheduledJobs(signal);
    server.seen.length = 0;

    const job = await jobs.getJob('a', signal);

    expect(job).to.deep.equal({ id: 'a', command: 'make', env: { A: 'b=c', EMPTY: '' } });
    expect(server.seen).to.deep.equal([]);
  });

  for (const [state, waiting] of [
    ['SCHEDULED', true],
    ['RUNNING', false],
    ['CANCELED', false],
  ] as const) {
    it(`fetches a job it does not remember; ${state} is ${waiting ? '' : 'not '}for us`, async () => {
      script['JobDetail'] = ({ uuid }) => data({ job: node(uuid, { state }) });

      const job = await source().getJob('b', signal);

      expect(job?.id).to.equal(waiting ? 'b' : undefined);
    });
  }

  it('answers undefined for an unknown job', async () => {
    script['JobDetail'] = () => data({ job: null });

    expect(await source().getJob('b', signal)).to.equal(undefined);
  });

  it('asks for states a hundred at a time and takes partial answers', async () => {
    script['JobStates'] = (variables) => {
      const entries = Object.keys(variables).map((key) => [key.replace('u', 'j'), { state: 'FINISHED' }]);
      return data({ ...Object.fromEntries(entries), j0: null }, { errors: [{ message: 'j0 is forbidden' }] });
    };

    const states = await source().getJobStates(uuids(101), signal);

    expect(states.size).to.equal(99);
    expect(states.get(uuids(2)[1]!)).to.equal('finished');
    expect(server.seen).to.have.lengthOf(2);
  });

  describe('pause flag', () => {
    it('is read for the default queue of the cluster', async () => {
      const listing = await source({ queue: '' }).listScheduledJobs(signal);

      expect(listing.paused).to.equal(true);
    });

    it('is asked for every few polls while the queue is not paused', async () => {
      const jobs = source();

      for (let poll = 0; poll < 10; poll += 1) await jobs.listScheduledJobs(signal);

      expect(operations().filter((name) => name === 'ClusterQueues')).to.have.lengthOf(2);
    });

    it('is given up, once and said so, on a server that does not know it', async () => {
      script['ClusterQueues'] = () => data(null, { errors: [{ message: "Field 'dispatchPaused' doesn't exist" }] });
      const jobs = source();

      for (let poll = 0; poll < 10; poll += 1) expect((await jobs.listScheduledJobs(signal)).paused).to.equal(false);

      expect(operations().filter((name) => name === 'ClusterQueues')).to.have.lengthOf(1);
      expect(logger.lines.filter(({ level }) => level === 'warn')).to.have.lengthOf(1);
    });

    it('reports a cluster that is not there', async () => {
      script['ClusterQueues'] = () => data({ organization: { id: 'o', cluster: null } });

      const error = await errorOf(source().listScheduledJobs(signal));

      expect(error.message).to.contain('organization "acme" has no cluster "c-uuid"');
    });
  });
});

import { expect } from 'chai';
import { existsSync, readFileSync } from 'node:fs';
import { buildSchema, parse, validate } from 'graphql';
import { GRAPHQL_SCHEMA } from '../../../src/sandbox/buildkite/graphql-schema.js';
import { type BuildkiteServer, startBuildkiteServer } from '../../../src/sandbox/buildkite/server.js';
import { type Answer, FakeAgent, request } from './client.js';

const PUBLIC_SCHEMA = '../shared/data/buildkite-graphql-schema.graphql';

const JOB = `fragment Scheduled on Job {
  __typename
  ... on JobTypeCommand { id uuid state createdAt scheduledAt priority { number } agentQueryRules command env }
}`;
const JOB_ARGUMENTS =
  'type: [COMMAND], state: [SCHEDULED], agentQueryRules: $rules, order: RECENTLY_CREATED, last: $last, before: $before';

/** What a controller and collect-logs ask. */
const DOCUMENTS = {
  scheduledJobs: `query ScheduledJobs($org: ID!, $cluster: ID!, $rules: [String!], $last: Int!, $before: String) {
    organization(slug: $org) { id jobs(cluster: $cluster, ${JOB_ARGUMENTS}) {
      pageInfo { hasPreviousPage startCursor } edges { node { ...Scheduled } } } } } ${JOB}`,
  unclusteredJobs: `query UnclusteredJobs($org: ID!, $rules: [String!], $last: Int!, $before: String) {
    organization(slug: $org) { id jobs(clustered: false, ${JOB_ARGUMENTS}) {
      pageInfo { hasPreviousPage startCursor } edges { node { ...Scheduled } } } } } ${JOB}`,
  jobDetail: `query JobDetail($uuid: ID!) { job(uuid: $uuid) { __typename ... on JobTypeCommand {
    id uuid state label command env agentQueryRules automaticArtifactUploadPaths scheduledAt startedAt finishedAt
    exitStatus signal signalReason priority { number } step { key } build { uuid number branch } pipeline { slug }
    agent { id uuid name connectionState } } } }`,
  jobStates: `query JobStates($u0: ID!, $u1: ID!) { j0: job(uuid: $u0) { ...State } j1: job(uuid: $u1) { ...State } }
    fragment State on Job { __typename ... on JobTypeCommand { id uuid state } }`,
  cancelJob: `mutation CancelJob($id: ID!, $clientMutationId: String) {
    jobTypeCommandCancel(input: { id: $id, clientMutationId: $clientMutationId }) {
      clientMutationId jobTypeCommand { id uuid state } } }`,
  agents: `query Agents($org: ID!, $cluster: ID, $tags: [String!], $first: Int!, $after: String) {
    organization(slug: $org) { agents(cluster: $cluster, metaData: $tags, first: $first, after: $after) {
      pageInfo { hasNextPage endCursor }
      edges { node { id uuid name hostname connectionState isRunningJob heartbeatAt metaData } } } } }`,
  stopAgent: `mutation StopAgent($id: ID!, $graceful: Boolean) {
    agentStop(input: { id: $id, graceful: $graceful }) { agent { id uuid connectionState } } }`,
  clusterQueues: `query ClusterQueues($org: ID!, $cluster: ID!, $first: Int!, $after: String) {
    organization(slug: $org) { cluster(id: $cluster) { id uuid name defaultQueue { key }
      queues(first: $first, after: $after, order: KEY) { pageInfo { hasNextPage endCursor }
        edges { node { id uuid key dispatchPaused dispatchPausedNote } } } } } }`,
  organizationCheck: 'query OrganizationCheck($org: ID!) { organization(slug: $org) { id uuid slug name } }',
  buildJobs: `query BuildJobs($slug: ID!, $first: Int!, $after: String) { build(slug: $slug) { uuid number state
    jobs(type: [COMMAND], first: $first, after: $after) { pageInfo { hasNextPage endCursor }
      edges { node { __typename ... on JobTypeCommand { uuid label state exitStatus signalReason startedAt finishedAt } } } } } }`,
};

describe('the embedded GraphQL API', () => {
  let server: BuildkiteServer;
  let now = 0;

  beforeEach(async () => {
    now = Date.UTC(2026, 0, 1);
    server = await startBuildkiteServer({ seed: 'test', now: () => now });
  });
  afterEach(() => server.close());

  function ask(query: string, variables: object = {}, headers: Record<string, string> = {}): Promise<Answer> {
    return request('POST', server.graphqlEndpoint, {
      token: `Bearer ${server.apiToken}`,
      body: { query, variables },
      headers,
    });
  }
  const listing = (extra: object = {}): object => ({
    org: 'sandbox',
    cluster: server.clusterGraphqlId,
    rules: ['queue=default'],
    last: 2,
    ...extra,
  });

  for (const [name, document] of Object.entries(DOCUMENTS)) {
    it(`takes the document ${name}, and so does the public schema`, function () {
      const ours = validate(buildSchema(GRAPHQL_SCHEMA), parse(document));
      expect(ours).to.eql([]);
      if (!existsSync(PUBLIC_SCHEMA)) {
        console.log(`      skipped: ${PUBLIC_SCHEMA} is absent`);
        this.skip();
      }

      const theirs = validate(buildSchema(readFileSync(PUBLIC_SCHEMA, 'utf8')), parse(document));

      expect(theirs).to.eql([]);
    });
  }

  it('lists the oldest waiting jobs by paging backwards', async () => {
    const ids = server.createJobs(3, { command: 'true', priority: 4 }).map((job) => job.id);
    server.createJobs(1, { command: 'gpu', agentQueryRules: ['queue=gpu'] });
    const uuids = (answer: Answer): string[] =>
      answer.body.data.organization.jobs.edges.map((edge: any) => edge.node.uuid);

    const first = await ask(DOCUMENTS.scheduledJobs, listing());
    const { pageInfo, edges } = first.body.data.organization.jobs;
    const second = await ask(DOCUMENTS.scheduledJobs, listing({ before: pageInfo.startCursor }));

    expect(uuids(first)).to.eql([ids[1], ids[0]]);
    expect(uuids(second)).to.eql([ids[2]]);
    expect([pageInfo.hasPreviousPage, second.body.data.organization.jobs.pageInfo.hasPreviousPage]).to.eql([
      true,
      false,
    ]);
    expect(edges[0].node).to.deep.include({
      state: 'SCHEDULED',
      priority: { number: 4 },
      agentQueryRules: ['queue=default'],
      command: 'true',
    });
    expect(edges[0].node.env).to.include('BUILDKITE_COMMAND=true');
    expect(Buffer.from(edges[0].node.id, 'base64').toString()).to.equal(`Job---${ids[1]}`);
  });

  it('keeps clustered jobs from unclustered listings, and the other way round', async () => {
    const plain = await startBuildkiteServer({ clustered: false });
    server.createJobs(1, { command: 'true' });
    plain.createJobs(1, { command: 'true' });
    const count = (answer: Answer): number => answer.body.data.organization.jobs.edges.length;

    const here = await ask(DOCUMENTS.unclusteredJobs, listing());
    const there = await request('POST', plain.graphqlEndpoint, {
      token: `Bearer ${plain.apiToken}`,
      body: { query: DOCUMENTS.unclusteredJobs, variables: { org: 'sandbox', rules: null, last: 10 } },
    });
    await plain.close();

    expect([count(here), count(there)]).to.eql([0, 1]);
  });

  it('takes the GraphQL id of the cluster in jobs and its bare UUID in organization.cluster', async () => {
    server.pause('default', 'upgrade');

    const wrong = await ask(DOCUMENTS.scheduledJobs, listing({ cluster: server.clusterUuid }));
    const cluster = await ask(DOCUMENTS.clusterQueues, { org: 'sandbox', cluster: server.clusterUuid, first: 10 });
    const none = await ask(DOCUMENTS.clusterQueues, { org: 'sandbox', cluster: server.clusterGraphqlId, first: 10 });

    expect(wrong.body.errors[0].message).to.contain('No cluster found');
    expect(cluster.body.data.organization.cluster.queues.edges[0].node).to.include({
      key: 'default',
      dispatchPaused: true,
      dispatchPausedNote: 'upgrade',
    });
    expect(none.body.data.organization.cluster).to.equal(null);
  });

  it('answers states in one request, null for what it does not know', async () => {
    const [job] = server.createJobs(1, { command: 'true' });

    const answer = await ask(DOCUMENTS.jobStates, { u0: job!.id, u1: 'nobody' });

    expect(answer.body.data.j0).to.include({ uuid: job!.id, state: 'SCHEDULED' });
    expect(answer.body.data.j1).to.equal(null);
  });

  it('shows a job in full, cancels it by its GraphQL id, and refuses to cancel it twice', async () => {
    const [job] = server.createJobs(1, { command: 'true' });
    const agent = new FakeAgent(server);
    await agent.join();
    await agent.acquire(job!.id);
    const detail = (await ask(DOCUMENTS.jobDetail, { uuid: job!.id })).body.data.job;

    const canceled = await ask(DOCUMENTS.cancelJob, { id: detail.id, clientMutationId: 'pod-1' });
    const again = await ask(DOCUMENTS.cancelJob, { id: detail.id });
    const byUuid = await ask(DOCUMENTS.cancelJob, { id: job!.id });

    expect(detail).to.deep.include({
      state: 'ACCEPTED',
      build: { uuid: job!.build.id, number: 1, branch: 'main' },
      exitStatus: null,
    });
    expect(detail.agent).to.include({ name: 'pod-7', connectionState: 'connected' });
    expect(canceled.body.data.jobTypeCommandCancel).to.deep.include({ clientMutationId: 'pod-1' });
    expect(canceled.body.data.jobTypeCommandCancel.jobTypeCommand.state).to.equal('CANCELED');
    expect([again.status, byUuid.status]).to.eql([200, 200]);
    expect(again.body.errors[0].message).to.contain('cannot be canceled');
    expect(byUuid.body.errors[0].message).to.contain('No job found');
  });

  it('finds agents by tags and stops them: the next ping says so', async () => {
    const agent = new FakeAgent(server);
    await agent.join({ tags: ['queue=default', 'os=linux'], acquire: false });
    await new FakeAgent(server).join({ tags: ['queue=default'] });

    const found = await ask(DOCUMENTS.agents, { org: 'sandbox', tags: ['os=linux'], first: 5 });
    const { edges } = found.body.data.organization.agents;
    const stopped = await ask(DOCUMENTS.stopAgent, { id: edges[0].node.id });
    const ping = await agent.asAgent('GET', 'ping');

    expect(edges).to.have.length(1);
    expect(stopped.body.data.agentStop.agent.connectionState).to.equal('stopping');
    expect(ping.body.action).to.equal('disconnect');
  });

  it('shows the jobs of a build with their outcome', async () => {
    const [job] = server.createJobs(2, { command: 'true' });
    await new FakeAgent(server).run(job!.id, 3);

    const answer = await ask(DOCUMENTS.buildJobs, { slug: 'sandbox/bulk/1', first: 1 });

    expect(answer.body.data.build).to.include({ number: 1, state: 'FAILING' });
    expect(answer.body.data.build.jobs.pageInfo.hasNextPage).to.equal(true);
    const all = await ask(DOCUMENTS.buildJobs, { slug: 'sandbox/bulk/1', first: 5 });
    expect(all.body.data.build.jobs.edges[1].node).to.include({ uuid: job!.id, state: 'FINISHED', exitStatus: '3' });
  });

  it('refuses strangers with 401 and says null for organizations it does not know', async () => {
    const stranger = await request('POST', server.graphqlEndpoint, {
      token: 'Bearer nope',
      body: { query: '{ __typename }' },
    });
    const wrong = await ask(DOCUMENTS.organizationCheck, { org: 'other' });
    const invalid = await ask('{ organization(slug: "sandbox") { nonsense } }');

    expect(stranger.status).to.equal(401);
    expect(stranger.body.errors[0].message).to.match(
      /^Authentication required\. Please supply a valid API Access Token/,
    );
    expect(wrong).to.deep.include({ status: 200, body: { data: { organization: null } } });
    expect([invalid.status, invalid.body.data]).to.eql([200, null]);
    expect(invalid.body.errors[0].message).to.contain('nonsense');
  });

  it('charges 4 + 2N for a listing, and refuses what is too complex', async () => {
    server.createJobs(3, { command: 'true' });

    const answer = await ask(DOCUMENTS.scheduledJobs, listing({ last: 100 }), {
      'buildkite-include-query-stats': 'true',
    });
    const nested =
      'jobs(first: 500) { edges { node { ... on JobTypeCommand { build { jobs(first: 500) { edges { node { __typename } } } } } } } }';
    const heavy = await ask(`{ organization(slug: "sandbox") { ${nested} } }`);

    expect(answer.body.stats).to.eql({ requestedComplexity: 204, actualComplexity: 10 });
    expect(answer.headers.get('ratelimit-complexity-actual')).to.equal('10');
    expect(answer.headers.get('ratelimit-user-remaining')).to.equal('4990');
    expect(heavy.status).to.equal(200);
    expect(heavy.body.errors[0].message).to.match(/exceeds max complexity of 50000$/);
  });

  it('answers 429 when the budget is spent and enforced, until the window ends', async () => {
    const strict = await startBuildkiteServer({ now: () => now, enforceGraphqlBudget: true });
    strict.createJobs(500, { command: 'true' });
    const query = `{ organization(slug: "sandbox") { jobs(first: 500) { edges { node { ... on JobTypeCommand { priority { number } } } } } } }`;
    const spend = (): Promise<Answer> =>
      request('POST', strict.graphqlEndpoint, { token: `Bearer ${strict.apiToken}`, body: { query } });
    for (let index = 0; index < 5; index += 1) await spend();

    const over = await spend();
    now += 300_001;
    const later = await spend();
    await strict.close();

    expect(over.status).to.equal(429);
    expect(over.body.errors[0].message).to.contain('wait 300 seconds');
    expect(over.headers.get('ratelimit-user-reset')).to.equal('300');
    expect(later.status).to.equal(200);
  });
});

import { expect } from 'chai';
import type { BuildkiteEvent } from '../../../src/sandbox/buildkite/events.js';
import { type BuildkiteServer, PipelineRejected, startBuildkiteServer } from '../../../src/sandbox/buildkite/server.js';
import { FakeAgent, request } from './client.js';

describe('the embedded Buildkite server', () => {
  let server: BuildkiteServer;

  beforeEach(async () => {
    server = await startBuildkiteServer({ seed: 'test' });
  });
  afterEach(() => server.close());

  const PIPELINE = `
env: { SHARED: "1" }
agents: { queue: default, size: large }
steps:
  - label: ":hammer: $BUILDKITE_BRANCH"
    key: up
    command: [make, make test]
    plugins: [{ kubernetes: { podSpec: { containers: [{ image: alpine }] } } }]
    artifact_paths: ["out/*"]
  - wait
  - command: echo done
    priority: 3
`;

  it('turns a pipeline into jobs with everything a controller reads', () => {
    const build = server.createBuild({
      pipeline: PIPELINE,
      branch: 'dev',
      commit: 'abc',
      repo: 'file:///repo.git',
      env: { RELEASE: 'no' },
    });

    const [up, done] = server.jobs();
    expect([up!.state, done!.state]).to.eql(['scheduled', 'waiting']);
    expect(up!.plan).to.deep.include({
      title: ':hammer: dev',
      command: 'make\nmake test',
      agentQueryRules: ['queue=default', 'size=large'],
    });
    expect(done!.plan.priority).to.equal(3);
    expect(up!.plan.env).to.include({
      SHARED: '1',
      RELEASE: 'no',
      BUILDKITE_STEP_KEY: 'up',
      BUILDKITE_ARTIFACT_PATHS: 'out/*',
    });
    expect(JSON.parse(up!.plan.env.BUILDKITE_PLUGINS!)[0]).to.have.property(
      'github.com/buildkite-plugins/kubernetes-buildkite-plugin',
    );
    expect(build.number).to.equal(1);
  });

  it('lets an agent upload steps into its running build, once however often it asks', async () => {
    const build = server.createBuild({
      pipeline: 'steps:\n  - { command: upload, key: up }\n  - wait\n  - command: last\n',
    });
    const agent = new FakeAgent(server);
    await agent.join();
    await agent.acquire(build.steps[0]!.jobs[0]!.id);
    await agent.start();
    const path = `jobs/${agent.job.id}/pipelines`;
    const upload = {
      uuid: 'u-1',
      pipeline: { steps: [{ command: 'echo $NOT_TOUCHED', key: 'new' }, { wait: null }], env: { ADDED: 'yes' } },
    };

    const accepted = await agent.asJob('POST', `${path}?async=true`, upload);
    const repeated = await agent.asJob('POST', path, upload);
    const status = await request('GET', accepted.headers.get('location')!, { token: `Token ${agent.jobToken}` });
    const bad = await agent.asJob('POST', path, { uuid: 'u-2', pipeline: { steps: 5 } });

    expect([accepted.status, repeated.status, bad.status]).to.eql([202, 200, 422]);
    expect(accepted.headers.get('location')).to.contain(`jobs/${agent.job.id}/pipelines/u-1`);
    expect(status.body).to.eql({ state: 'applied', message: '' });
    expect(build.steps.map((step) => step.plan.label)).to.eql(['up', 'new', 'wait', 'wait', 'last']);
    const added = build.steps[1]!.jobs[0]!;
    expect(added.plan).to.deep.include({ command: 'echo $NOT_TOUCHED' });
    expect(added.plan.env.ADDED).to.equal('yes');
    expect(added.state).to.equal('scheduled');
  });

  it('replaces the steps to come when an upload says so', async () => {
    const build = server.createBuild({
      pipeline: 'steps:\n  - { command: upload, key: up }\n  - wait\n  - command: last\n',
    });
    const agent = new FakeAgent(server);
    await agent.join();
    await agent.acquire(build.steps[0]!.jobs[0]!.id);
    await agent.start();

    await agent.asJob('POST', `jobs/${agent.job.id}/pipelines`, {
      uuid: 'u',
      replace: true,
      pipeline: { steps: [{ command: 'other' }] },
    });
    await agent.finish(0);

    expect(build.steps.map((step) => step.plan.label)).to.eql(['up', 'other']);
    expect(server.jobs().map((job) => job.state)).to.eql(['finished', 'scheduled']);
  });

  it('refuses an upload with a key that the build has, unless it replaces that step', async () => {
    const build = server.createBuild({
      pipeline: 'steps:\n  - { command: upload, key: up }\n  - wait\n  - { command: last, key: last }\n',
    });
    const agent = new FakeAgent(server);
    await agent.join();
    await agent.acquire(build.steps[0]!.jobs[0]!.id);
    await agent.start();
    const upload = (uuid: string, steps: unknown[], replace = false) =>
      agent.asJob('POST', `jobs/${agent.job.id}/pipelines`, { uuid, replace, pipeline: { steps } });

    const grouped = [{ group: 'G', key: 'g', steps: [{ command: 'in', key: 'in' }] }];
    const answers = [
      await upload('u-1', grouped),
      await upload('u-2', [{ command: 'x', key: 'in' }]),
      await upload('u-3', [{ command: 'x', key: 'g' }]),
      await upload('u-4', [{ command: 'x', key: 'last' }]),
      await upload('u-5', [{ command: 'x', key: 'last' }], true),
      await upload('u-6', [{ command: 'x', key: 'up' }], true),
    ];

    expect(answers.map(({ status }) => status)).to.eql([200, 422, 422, 422, 200, 422]);
    expect(answers[1]!.body.message).to.equal('the key "in" has already been used by another step in this build');
  });

  it('tells listeners the story of a build, and hands the build to who waits for it', async () => {
    const story: string[] = [];
    server.onEvent((event) => story.push(tell(event)));
    const build = server.createBuild({
      pipeline: 'steps:\n  - { command: "true", key: a, retry: { automatic: { limit: 1 } } }\n',
    });
    const ended = server.waitForBuild(build.id, AbortSignal.timeout(10_000));

    await new FakeAgent(server).run(server.jobs()[0]!.id, 1);
    await new FakeAgent(server).run(server.jobs()[1]!.id, 0);
    const result = await ended;

    expect(result.state).to.equal('passed');
    expect(story).to.eql([
      'build-created 1',
      'a: waiting',
      'a: scheduled',
      'a: accepted',
      'a: running',
      'a: finished 1',
      'a: waiting (retry)',
      'a: scheduled (retry)',
      'a: accepted (retry)',
      'a: running (retry)',
      'a: finished 0 (retry)',
      'build-finished passed',
    ]);
  });

  it('stops waiting when the signal aborts', async () => {
    const build = server.createBuild({ pipeline: 'steps:\n  - command: "true"\n' });
    const abort = new AbortController();
    const ended = server.waitForBuild(build.id, abort.signal);

    abort.abort(new Error('enough'));

    const reason: unknown = await ended.catch((error: unknown) => error);
    expect(reason).to.have.property('message', 'enough');
  });

  it('refuses a broken pipeline with the place of the mistake and leaves no build behind', () => {
    expect(() => server.createBuild({ pipeline: 'steps:\n  - command: [a\n' })).to.throw(
      PipelineRejected,
      /pipeline\.yml:\d+:\d+/,
    );
    expect(server.builds()).to.eql([]);
  });

  it('makes a thousand jobs at once', () => {
    const jobs = server.createJobs(1000, {
      command: 'true',
      agentQueryRules: ['queue=default', 'os=linux'],
      priority: 2,
    });

    expect(new Set(jobs.map((job) => job.id)).size).to.equal(1000);
    expect(jobs.every((job) => job.state === 'scheduled' && job.plan.priority === 2)).to.equal(true);
  });
});

function tell(event: BuildkiteEvent): string {
  switch (event.type) {
    case 'build-created':
      return `build-created ${event.number}`;
    case 'build-finished':
      return `build-finished ${event.state}`;
    case 'job-state':
      return `${event.label}: ${event.to}${event.exitStatus === undefined ? '' : ` ${event.exitStatus}`}${event.retryOf === undefined ? '' : ' (retry)'}`;
    default:
      return event.type;
  }
}

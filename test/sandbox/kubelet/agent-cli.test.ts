import { expect } from 'chai';
import type { Job } from '../../../src/sandbox/buildkite/model.js';
import { jobPodSpec, startWorld, type World } from './support.js';

describe('buildkite-agent inside a sandbox job', () => {
  let world: World;

  before(async () => {
    world = await startWorld();
  });
  after(() => world.close());

  async function run(command: string): Promise<{ readonly job: Job; readonly log: string }> {
    const build = world.buildkite.createBuild({ pipeline: 'steps: [{command: "true", key: "first", label: "First"}]' });
    const job = build.steps[0]!.jobs[0]!;
    const endpoint = world.buildkite.agentEndpoint;
    const pod = world.createPod(jobPodSpec({ jobId: job.id, commands: [command], endpoint }));
    await world.reached(pod.metadata.name, 'Succeeded', 'Failed');
    return { job, log: world.buildkite.log(job.id) };
  }

  it('keeps meta-data', async () => {
    const { job, log } = await run(
      [
        'buildkite-agent meta-data set color green',
        'printf blue | buildkite-agent meta-data set other',
        'echo "got $(buildkite-agent meta-data get color) $(buildkite-agent meta-data get none --default x)"',
        'buildkite-agent meta-data exists none || echo "status $?"',
        'buildkite-agent meta-data set-batch size=big where=a=b',
        'buildkite-agent meta-data keys --log-level fatal',
        'buildkite-agent meta-data set color " " || echo "blank $?"',
      ].join('\n'),
    );

    expect(log)
      .to.contain('\ngot green x\nstatus 100\n')
      .and.to.match(/\ncolor\nother\nsize\nwhere\n/)
      .and.to.contain('\nblank 1\n');
    expect(job.build.metaData.get('where')).to.equal('a=b');
    expect(job.exitStatus).to.equal(0);
  });

  it('annotates the build', async () => {
    const { job } = await run('echo "**all** good" | buildkite-agent annotate --style=success --context note');

    expect([...job.build.annotations.values()]).to.deep.include({
      context: 'note',
      jobId: job.id,
      style: 'success',
      body: '**all** good\n',
    });
  });

  it('uploads, finds and downloads artifacts', async () => {
    const { log } = await run(
      [
        'mkdir -p out && echo content > out/a.txt && echo other > out/b.txt',
        'buildkite-agent artifact upload "out/[a-b].txt"',
        'buildkite-agent artifact search "out/*" --format "found %p\\n"',
        'mkdir down && buildkite-agent artifact download "*.txt" down/ && cat down/out/b.txt',
        'rm -r out && mkdir out && buildkite-agent artifact download "out/a.txt" out && cat out/a.txt',
        'buildkite-agent artifact shasum out/a.txt && sha1sum out/a.txt',
      ].join('\n'),
    );

    expect(log).to.contain('\nuploaded out/a.txt\n').and.to.contain('\nfound out/b.txt\n');
    expect(log).to.contain('\ncontent\n').and.to.contain('\nother\n');
    expect(log).to.match(/\n([0-9a-f]{40})\n\1 {2}out\/a\.txt\n/);
  });

  it('updates its step', async () => {
    const { job, log } = await run(
      'buildkite-agent step update label " and more" --append; echo "now $(buildkite-agent step get label)"',
    );

    expect(log).to.contain('\nnow First and more\n');
    expect(job.exitStatus).to.equal(0);
  });

  it('fails a job without a command, as nothing would tell that it did nothing', async () => {
    const { job, log } = await run('');

    expect(job.exitStatus).to.equal(1);
    expect(log).to.contain('no command to execute');
  });

  it('uploads steps with its environment filled in, once', async () => {
    // Four dollars: Kubernetes makes two of them, the upload one.
    const { job, log } = await run(
      `export WHO=world\nprintf 'steps:\\n- command: "echo hello $WHO $$$$HOME"\\n' | buildkite-agent pipeline upload`,
    );

    expect(log).to.contain('uploaded the pipeline');
    expect(job.build.steps.map(({ jobs }) => jobs[0]?.plan.command)).to.deep.equal(['true', 'echo hello world $HOME']);
  });

  it('says where a pipeline is wrong', async () => {
    const { job, log } = await run(`printf 'steps: [' > p.yml; buildkite-agent pipeline upload p.yml`);

    expect(log).to.match(/buildkite-agent pipeline: p\.yml:\d+:\d+: /);
    expect(job.exitStatus).to.equal(1);
  });

  it('tells its step and its version', async () => {
    const { log } = await run('buildkite-agent step get label; buildkite-agent --version');

    expect(log).to.contain('\nFirst\n').and.to.contain('buildkite-agent version 3.136.2');
  });

  for (const [command, expected] of [
    ['buildkite-agent oidc request-token', 'the sandbox does not know "oidc"; it knows annotate'],
    ['buildkite-agent meta-data frobnicate x', 'the sandbox does not know "meta-data frobnicate"'],
    ['buildkite-agent annotate x --colour red', 'the sandbox does not know the flag "--colour"'],
    ['buildkite-agent meta-data get nothing', 'answered 404'],
    ['buildkite-agent artifact download "*"', 'needs a directory to download to'],
    ['buildkite-agent artifact download "*" not/there', 'there is no directory "'],
    ['echo x > file; buildkite-agent artifact download "*" file', 'is not a directory'],
    ['buildkite-agent artifact shasum "*"', 'no artifacts matched'],
  ] as const) {
    it(`exits 1 and says why: ${command}`, async () => {
      const { job, log } = await run(command);

      expect(job.exitStatus).to.equal(1);
      expect(log).to.contain(expected);
    });
  }
});

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { recordsAt, textAt, type KubeObject } from '../../../src/sandbox/kubernetes/objects.js';
import { jobPodSpec, startWorld, type JobPodOptions, type World } from './support.js';

describe('a job in the sandbox kubelet', () => {
  let world: World;

  before(async () => {
    world = await startWorld();
  });
  after(async () => {
    await world.close();
    expect(world.errors).to.deep.equal([]);
  });

  interface Ran {
    readonly pod: KubeObject;
    readonly log: string;
    readonly exitStatus: number | undefined;
  }

  function createJobPod(
    commands: readonly string[],
    more: Partial<JobPodOptions> & { readonly jobEnv?: Record<string, string> } = {},
  ): { readonly pod: KubeObject; readonly jobId: string } {
    const { jobEnv = {}, ...pod } = more;
    const [job] = world.buildkite.createJobs(1, { command: 'from buildkite', env: jobEnv });
    const jobId = job?.id ?? '';
    const spec = jobPodSpec({ jobId, commands, endpoint: world.buildkite.agentEndpoint, ...pod });
    return { pod: world.createPod(spec), jobId };
  }

  async function run(...args: Parameters<typeof createJobPod>): Promise<Ran> {
    const { pod, jobId } = createJobPod(...args);
    const ended = await world.reached(pod.metadata.name, 'Succeeded', 'Failed');
    return { pod: ended, log: world.buildkite.log(jobId), exitStatus: world.buildkite.job(jobId)?.exitStatus };
  }

  it('runs its command and reports success', async () => {
    const { pod, log, exitStatus } = await run(['echo "hello $BUILDKITE_JOB_ID" && pwd']);

    expect(exitStatus).to.equal(0);
    expect(textAt(pod, 'status', 'phase')).to.equal('Succeeded');
    expect(log).to.match(/hello [0-9a-f-]{36}/);
    expect(log).to.contain('/volumes/workspace/build/buildkite\n');
    const statuses = recordsAt(pod, 'status', 'containerStatuses');
    expect(statuses.map(({ name, state }) => [name, textAt(state, 'terminated', 'reason')])).to.deep.equal([
      ['container-0', 'Completed'],
      ['agent', 'Completed'],
      ['checkout', 'Completed'],
    ]);
  });

  it('fails the job and the pod with the status of the command; the agent itself exits 0', async () => {
    const { pod, exitStatus } = await run(['exit 3']);

    expect(exitStatus).to.equal(3);
    expect(textAt(pod, 'status', 'phase')).to.equal('Failed');
    const codes = recordsAt(pod, 'status', 'containerStatuses').map(({ name, state }) => [name, exitCode(state)]);
    expect(Object.fromEntries(codes)).to.deep.equal({ 'container-0': 3, agent: 0, checkout: 0 });
  });

  it('runs command containers one after another and stops at the first that fails', async () => {
    const { log, exitStatus } = await run(['echo one > ../mark; exit 4', 'cat ../mark; echo never']);

    expect(exitStatus).to.equal(4);
    expect(log).to.not.contain('\nnever');
  });

  it('shares the workspace between containers', async () => {
    const { log } = await run(['echo shared > /workspace/file', 'cat /workspace/file']);

    expect(log).to.contain('\nshared\n');
  });

  it('expands dollars in pod env as Kubernetes does and lets the job env win over it', async () => {
    const env = [
      { name: 'GREETING', value: 'hi' },
      { name: 'BOTH', value: '$(GREETING) $$HOME $(MISSING)' },
      { name: 'STEP', value: 'pod' },
    ];

    const { log } = await run(['echo "[$BOTH] [$STEP]"; v=1; echo "pid=$$$$ v=$v"'], { env, jobEnv: { STEP: 'job' } });

    expect(log).to.contain('\n[hi $HOME $(MISSING)] [job]\n');
    expect(log).to.match(/pid=\d+ v=1/);
  });

  it('resolves secrets, config maps and fields, and hides secret values in the log', async () => {
    const encoded = Buffer.from('s3cret-value').toString('base64');
    world.store.create('secrets', {
      metadata: { name: 'creds', namespace: 'default' },
      data: { DB_PASSWORD: encoded },
    });
    world.store.create('configmaps', { metadata: { name: 'conf', namespace: 'default' }, data: { COLOR: 'green' } });

    const { log } = await run(
      ['echo "$DB_PASSWORD $X_COLOR"; env | grep -c BUILDKITE_AGENT_TOKEN= || echo no-agent-token'],
      {
        envFrom: [{ secretRef: { name: 'creds' } }, { prefix: 'X_', configMapRef: { name: 'conf' } }],
        // The agent hides what it knows of; values of Secrets reach it by the job's env only.
        jobEnv: { DB_PASSWORD: 's3cret-value' },
      },
    );

    expect(log).to.contain('[REDACTED] green');
    expect(log).to.not.contain('s3cret-value');
    expect(log).to.contain('no-agent-token');
  });

  it('keeps the environment of this process out of jobs', async () => {
    process.env['KUBELET_TEST_LEAK'] = 'leaked';

    const { log } = await run(['env; echo "$HOME"']);

    delete process.env['KUBELET_TEST_LEAK'];
    expect(log).to.not.contain('leaked');
    expect(log).to.contain(`HOME=${world.kubelet.workDir}/pods/`);
  });

  it('keeps standard error and output in order', async () => {
    const { log } = await run(['echo 1; echo 2 >&2; echo 3; echo 4 >&2']);

    expect(log).to.contain('\n1\n2\n3\n4\n');
  });

  it('uploads artifacts also after a failure', async () => {
    const jobEnv = { BUILDKITE_ARTIFACT_PATHS: 'out/**/*.txt;*.log' };

    const { pod, log } = await run(['mkdir -p out/a; echo x > out/a/b.txt; echo y > c.log; exit 1'], { jobEnv });

    expect(textAt(pod, 'status', 'phase')).to.equal('Failed');
    const [job] = world.buildkite.jobs().slice(-1);
    expect(job?.artifacts.map(({ path, state, content }) => [path, state, content?.toString()])).to.deep.equal([
      ['out/a/b.txt', 'finished', 'x\n'],
      ['c.log', 'finished', 'y\n'],
    ]);
    expect(log).to.contain('uploaded out/a/b.txt');
  });

  it('clones a repository that is on this machine, and runs a script of it by its name', async () => {
    const repo = mkdtempSync(join(tmpdir(), 'kubelet-repo-'));
    const git = (...args: string[]): void =>
      void execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', ...args], { cwd: repo, stdio: 'ignore' });
    git('init', '-q');
    // Not executable, and not on PATH.
    writeFileSync(join(repo, 'hello.sh'), 'echo from the repository\n');
    git('add', '.');
    git('commit', '-qm', 'first');
    const build = world.buildkite.createBuild({
      pipeline: 'steps: [{command: hello.sh}]',
      repo: `file://${repo}`,
    });
    const jobId = build.steps[0]?.jobs[0]?.id ?? '';
    const spec = jobPodSpec({ jobId, commands: ['hello.sh'], endpoint: world.buildkite.agentEndpoint });

    const pod = world.createPod(spec);
    await world.reached(pod.metadata.name, 'Succeeded', 'Failed');

    rmSync(repo, { recursive: true });
    expect(world.buildkite.log(jobId)).to.contain('\nfrom the repository\n');
  });

  it('exits 27 when the job is not to be had, and the pod fails', async () => {
    const { pod, jobId } = createJobPod(['echo never']);
    world.buildkite.cancelJob(jobId);

    const ended = await world.reached(pod.metadata.name, 'Succeeded', 'Failed');

    expect(textAt(ended, 'status', 'phase')).to.equal('Failed');
    const agent = recordsAt(ended, 'status', 'containerStatuses').find(({ name }) => name === 'agent');
    expect(exitCode(agent?.['state'])).to.equal(27);
  });

  it('ends a cancelled job in time with -1', async () => {
    const { pod, jobId } = createJobPod(['echo started; sleep 60']);
    await untilLogged(jobId, 'started');

    world.buildkite.cancelJob(jobId);
    await world.reached(pod.metadata.name, 'Failed');

    const job = world.buildkite.job(jobId);
    expect(job?.state).to.equal('canceled');
    expect(job?.exitStatus).to.equal(-1);
    expect(job?.signalReason).to.equal('cancel');
  });

  it('kills a cancelled job that does not listen, with 137', async () => {
    const { pod, jobId } = createJobPod(["trap '' TERM; echo started; sleep 60 & wait; sleep 60"], {
      graceSeconds: 10,
    });
    await untilLogged(jobId, 'started');

    world.buildkite.cancelJob(jobId);
    await world.reached(pod.metadata.name, 'Failed');

    expect(world.buildkite.job(jobId)?.exitStatus).to.equal(137);
  });

  it('reports agent_stop when the pod is deleted, then lets the object go', async () => {
    const { pod, jobId } = createJobPod(['echo started; sleep 60']);
    await untilLogged(jobId, 'started');

    world.store.delete('pods', 'default', pod.metadata.name);
    await gone(pod.metadata.name);

    expect(world.buildkite.job(jobId)?.signalReason).to.equal('agent_stop');
  });

  it('closes at once even when a job does not listen', async () => {
    const other = await startWorld();
    const [job] = other.buildkite.createJobs(1, { command: '' });
    const endpoint = other.buildkite.agentEndpoint;
    const command = "trap '' TERM; echo up > /workspace/up; while :; do sleep 0.05; done";
    const pod = other.createPod(jobPodSpec({ jobId: job?.id ?? '', commands: [command], endpoint }));
    await other.reached(pod.metadata.name, 'Running');
    while (other.buildkite.job(job?.id ?? '')?.state !== 'running')
      await new Promise((resolve) => setTimeout(resolve, 10));
    const before = Date.now();

    await other.close();

    // The grace period of the pod is 60 s.
    expect(Date.now() - before).to.be.below(10_000);
    expect(other.kubelet.running()).to.equal(0);
  });

  it('kills what a command leaves running', async () => {
    const marker = `sleep 98${process.pid}`;

    await run([`${marker} & echo left it`]);

    const processes = execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' });
    expect(processes).to.not.contain(marker);
  });

  async function untilLogged(jobId: string, text: string): Promise<void> {
    if (world.buildkite.log(jobId).includes(`\n${text}\n`)) return;
    await new Promise<void>((resolve) => {
      const stop = world.buildkite.onEvent((event) => {
        if (event.type !== 'log' || event.jobId !== jobId || !event.text.includes(`\n${text}\n`)) return;
        stop();
        resolve();
      });
    });
  }

  async function gone(name: string): Promise<void> {
    if (world.pod(name) === undefined) return;
    await new Promise<void>((resolve) => {
      const stop = world.store.watch('pods', {}, ({ type, object }) => {
        if (type !== 'DELETED' || object.metadata.name !== name) return;
        setImmediate(() => stop());
        resolve();
      });
    });
  }

  function exitCode(state: unknown): unknown {
    return (state as { terminated?: { exitCode?: number } } | undefined)?.terminated?.exitCode;
  }
});

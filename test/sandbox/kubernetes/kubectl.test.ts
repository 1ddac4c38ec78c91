import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { parse } from 'yaml';
import { startJobController, type JobController } from '../../../src/sandbox/kubernetes/job-controller.js';
import { startKubernetesServer, type KubernetesServer } from '../../../src/sandbox/kubernetes/kubernetes-server.js';

const hasKubectl = spawnSync('kubectl', ['version', '--client']).status === 0;

const JOB = `
apiVersion: batch/v1
kind: Job
metadata: { name: hello }
spec:
  backoffLimit: 0
  template:
    spec:
      restartPolicy: Never
      containers: [{ name: main, image: busybox, command: [echo, hi] }]
`;

describe('real kubectl on the embedded server', function () {
  if (!hasKubectl) {
    it.skip('(kubectl is not installed)');
    return;
  }
  let server: KubernetesServer;
  let jobs: JobController;
  let folder: string;

  before(async () => {
    server = await startKubernetesServer();
    jobs = startJobController(server.store);
    folder = mkdtempSync(path.join(tmpdir(), 'kubectl-'));
    writeFileSync(path.join(folder, 'kubeconfig'), server.kubeconfig());
    writeFileSync(path.join(folder, 'job.yaml'), JOB);
    writeFileSync(path.join(folder, 'typo.yaml'), JOB.replace('image:', 'imag:').replace('hello', 'typo'));
  });

  after(async () => {
    jobs.close();
    await server.close();
    rmSync(folder, { recursive: true });
  });

  interface Run {
    readonly code: number;
    readonly out: string;
    readonly err: string;
  }

  function kubectl(...args: readonly string[]): Promise<Run> {
    const env = { ...process.env, HOME: folder, KUBECONFIG: path.join(folder, 'kubeconfig') };
    return new Promise((resolve) => {
      execFile('kubectl', args, { env, cwd: folder }, (error, out, err) => {
        resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err });
      });
    });
  }

  it('applies, gets, describes, waits, reads logs and deletes', async () => {
    server.setPodLogProvider(async function* () {
      yield await Promise.resolve('hi\n');
    });

    const applied = await kubectl('apply', '-f', 'job.yaml');
    const again = await kubectl('apply', '-f', 'job.yaml');
    const listed = await kubectl('get', 'jobs,pods');
    const waiting = kubectl('wait', 'job/hello', '--for=condition=complete', '--timeout=20s');
    const [pod] = server.store.list('pods', 'default');
    const key = { namespace: 'default', name: pod?.metadata.name ?? '' };
    server.store.updateStatus('pods', key, () => ({ phase: 'Succeeded' }));
    const waited = await waiting;
    const described = await kubectl('describe', 'job', 'hello');
    const logs = await kubectl('logs', 'job/hello');
    const deleted = await kubectl('delete', 'job', 'hello', '--timeout=20s');

    expect(applied).to.deep.equal({ code: 0, out: 'job.batch/hello created\n', err: '' });
    expect(again.out).to.equal('job.batch/hello unchanged\n');
    expect(listed.out)
      .to.match(/job\.batch\/hello +Running +0\/1/)
      .and.to.match(/pod\/hello-\w{5} +0\/1 +Pending/);
    expect(waited.out).to.equal('job.batch/hello condition met\n');
    expect(described.out)
      .to.match(/1 Succeeded/)
      .and.to.include('SuccessfulCreate')
      .and.to.include('Completed');
    expect(logs.out).to.equal('hi\n');
    expect(deleted.code).to.equal(0);
    expect([server.store.list('jobs'), server.store.list('pods')]).to.deep.equal([[], []]);
  });

  it('shows refusals as those of a real API server', async () => {
    const typo = await kubectl('apply', '-f', 'typo.yaml');
    const missing = await kubectl('get', 'pod', 'nothing');

    expect(typo.err).to.include('unknown field "spec.template.spec.containers[0].imag"');
    expect(missing.err).to.equal('Error from server (NotFound): pods "nothing" not found\n');
  });

  it('takes the objects of a List, and checks each', async () => {
    const list = (...files: readonly string[]): string => {
      const items = files.map((file) => parse(readFileSync(path.join(folder, file), 'utf8')) as unknown);
      const name = path.join(folder, `list-${files.length}.json`);
      writeFileSync(name, JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
      return name;
    };

    const good = await kubectl('apply', '--dry-run=server', '--validate=strict', '-f', list('job.yaml'));
    const bad = await kubectl('apply', '--dry-run=server', '--validate=strict', '-f', list('job.yaml', 'typo.yaml'));

    expect([good.code, good.out]).to.deep.equal([0, 'job.batch/hello created (server dry run)\n']);
    expect(bad.err).to.include('unknown field "spec.template.spec.containers[0].imag"');
  });

  it('accepts a server-side dry run and stores nothing', async () => {
    const { code, out } = await kubectl('apply', '--dry-run=server', '--validate=strict', '-f', 'job.yaml');

    expect([code, out]).to.deep.equal([0, 'job.batch/hello created (server dry run)\n']);
    expect(server.store.list('jobs')).to.be.empty;
  });
});

import { expect } from 'chai';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Facts from '../../src/commands/facts.js';
import { startKubernetesServer, type KubernetesServer } from '../../src/sandbox/kubernetes/kubernetes-server.js';
import { runCommand } from '../cli/run-command.js';

describe('facts', () => {
  const before = process.env['KUBECONFIG'];
  let server: KubernetesServer;
  let folder: string;

  beforeEach(async () => {
    server = await startKubernetesServer({ namespaces: ['ci'] });
    folder = mkdtempSync(join(tmpdir(), 'facts-command-'));
    process.env['KUBECONFIG'] = join(folder, 'kubeconfig');
    writeFileSync(process.env['KUBECONFIG'], server.kubeconfig({ namespace: 'ci' }));
  });

  afterEach(async () => {
    if (before === undefined) delete process.env['KUBECONFIG'];
    else process.env['KUBECONFIG'] = before;
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('prints the facts of the namespace of the context, and on standard error what is missing', async () => {
    const { stdout, stderr, status } = await runCommand(Facts, []);

    expect(JSON.parse(stdout)).to.include({ namespace: 'ci' });
    expect(stderr).to.include('note: no nodes in the facts: the server does not have them');
    expect(status).to.equal(0);
  });

  it('writes a file and prints nothing', async () => {
    const output = join(folder, 'facts.json');

    const { stdout, stderr } = await runCommand(Facts, ['--namespace', 'default', '--output', output]);

    expect(stdout).to.equal('');
    expect(stderr).to.include(`wrote the facts of namespace "default" to "${output}"`);
  });

  it('ends with status 2 for a context that does not exist, and 3 for a file that cannot be written', async () => {
    const unknown = await runCommand(Facts, ['--context', 'nowhere']);
    const unwritable = await runCommand(Facts, ['--output', folder]);

    expect([unknown.status, unwritable.status]).to.deep.equal([2, 3]);
    expect(unwritable.stderr).to.include(`cannot write "${folder}"`);
  });
});

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { loadKubeConnection } from '../../../src/adapters/kubernetes/kube-config.js';
import { writeFacts } from '../../../src/app/write-facts.js';
import { readClusterFacts } from '../../../src/core/lint/read-cluster-facts.js';
import { startKubernetesServer, type KubernetesServer } from '../../../src/sandbox/kubernetes/kubernetes-server.js';
import { failureOf, never } from './helpers.js';

const SECRET = 'hunter2-in-base64';

describe('facts of the embedded API server', () => {
  let server: KubernetesServer;
  let folder: string;

  beforeEach(async () => {
    server = await startKubernetesServer({ namespaces: ['ci', 'other'] });
    folder = mkdtempSync(join(tmpdir(), 'facts-'));
    const metadata = (name: string, namespace = 'ci') => ({ name, namespace });
    const data = { TOKEN: Buffer.from(SECRET).toString('base64'), ANOTHER: '' };
    server.store.create('secrets', { apiVersion: 'v1', kind: 'Secret', metadata: metadata('agent'), data });
    server.store.create('secrets', { apiVersion: 'v1', kind: 'Secret', metadata: metadata('hidden', 'other'), data });
    server.store.create('configmaps', {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: metadata('settings'),
      data: { 'a.yaml': SECRET },
    });
    server.store.create('serviceaccounts', { apiVersion: 'v1', kind: 'ServiceAccount', metadata: metadata('builder') });
  });

  afterEach(async () => {
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  function options({ context, token }: { context?: string; token?: string } = {}) {
    const path = join(folder, 'kubeconfig');
    writeFileSync(path, server.kubeconfig({ namespace: 'ci', ...(token === undefined ? {} : { token }) }));
    const connection = loadKubeConnection({ path, context });
    return { connection, version: 'v0', now: new Date('2026-11-21T10:00:00.500Z'), signal: never };
  }

  it('are names and keys, and no value', async () => {
    const output = join(folder, 'facts.json');

    const { facts, text } = await writeFacts({ ...options(), output });

    expect(facts).to.deep.include({
      generatedAt: '2026-11-21T10:00:00Z',
      namespace: 'ci',
      secrets: { agent: ['ANOTHER', 'TOKEN'] },
      configMaps: { settings: ['a.yaml'] },
    });
    expect(facts.kubernetesVersion).to.match(/^1\.\d+$/);
    expect(facts.serviceAccounts).to.include('builder');
    expect(text).not.to.include(SECRET).and.not.to.include(Buffer.from(SECRET).toString('base64'));
    expect(readFileSync(output, 'utf8')).to.equal(text);
    expect(readClusterFacts(text)).to.deep.equal({ ok: true, value: facts });
  });

  it('leave out what may not be read, and what the server does not have', async () => {
    const rules = [{ verbs: ['list'], resources: ['serviceaccounts', 'nodes'] }];
    const token = server.addToken({ name: 'reader', rules });

    const { facts, missing } = await writeFacts(options({ token }));

    expect(Object.keys(facts).sort()).to.deep.equal([
      'generatedAt',
      'kubernetesVersion',
      'namespace',
      'serviceAccounts',
    ]);
    expect(missing).to.deep.include.members([
      { what: 'secrets', why: 'permission denied' },
      { what: 'nodes', why: 'the server does not have them' },
    ]);
  });

  it('are read page by page', async () => {
    const asked: string[] = [];
    server.intercept(({ path, query }) => {
      asked.push(`${path} ${query.get('limit') ?? ''}`);
      return undefined;
    });
    for (let index = 0; index < 250; index++) {
      const metadata = { name: `account-${String(index)}`, namespace: 'ci' };
      server.store.create('serviceaccounts', { apiVersion: 'v1', kind: 'ServiceAccount', metadata });
    }

    const { facts } = await writeFacts(options());

    expect(facts.serviceAccounts?.filter((name) => name.startsWith('account-'))).to.have.length(250);
    expect(asked.filter((request) => request === '/api/v1/namespaces/ci/serviceaccounts 200')).to.have.length(2);
  });

  it('are of the context that is asked for', async () => {
    const failure = await failureOf(Promise.resolve().then(() => options({ context: 'nowhere' })));

    expect(failure.message).to.match(/no context "nowhere" in .*; it has ".+"/);
  });
});

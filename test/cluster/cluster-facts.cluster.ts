import { expect } from 'chai';
import { loadKubeConnection } from '../../src/adapters/kubernetes/kube-config.js';
import { writeFacts } from '../../src/app/write-facts.js';
import { readClusterFacts } from '../../src/core/lint/read-cluster-facts.js';
import { type ControlPlane, startControlPlane } from './control-plane.js';

const SECRET = 'hunter2-in-the-cluster';

describe('facts of a real kube-apiserver', () => {
  const { signal } = new AbortController();
  let plane: ControlPlane;
  let namespace: string;
  before(async () => {
    plane = await startControlPlane();
    namespace = await plane.createNamespace();
    const base = `/api/v1/namespaces/${namespace}`;
    await plane.admin.expect(201, 'POST', `${base}/secrets`, {
      body: {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: 'agent' },
        stringData: { TOKEN: SECRET },
      },
    });
    await plane.admin.expect(201, 'POST', `${base}/limitranges`, {
      body: {
        apiVersion: 'v1',
        kind: 'LimitRange',
        metadata: { name: 'limits' },
        spec: { limits: [{ type: 'Container', max: { cpu: '2' } }] },
      },
    });
    await plane.admin.expect(201, 'POST', `${base}/resourcequotas`, {
      body: {
        apiVersion: 'v1',
        kind: 'ResourceQuota',
        metadata: { name: 'quota' },
        spec: { hard: { pods: '10' } },
      },
    });
  });
  after(() => plane.stop());

  function factsFor(token: string) {
    const connection = loadKubeConnection({ path: plane.writeKubeconfig(token, { namespace }) });
    return writeFacts({ connection, version: 'v0', now: new Date(0), signal });
  }

  it('are complete for an administrator and hold no value', async () => {
    const { facts, text, missing } = await factsFor(plane.adminToken);

    expect(missing).to.deep.equal([]);
    expect(facts.secrets).to.deep.equal({ agent: ['TOKEN'] });
    expect(facts.limitRanges).to.have.nested.property('[0].limits[0].max.cpu', '2');
    expect(facts.resourceQuotas).to.have.nested.property('[0].hard.pods', '10');
    expect(facts.priorityClasses).to.include('system-node-critical');
    expect(facts.configMaps).to.have.property('kube-root-ca.crt').that.deep.equals(['ca.crt']);
    expect(text).not.to.include(SECRET).and.not.to.include(Buffer.from(SECRET).toString('base64'));
    expect(readClusterFacts(text)).to.deep.equal({ ok: true, value: facts });
  });

  it('leave out what a Role does not allow', async () => {
    const rules = [{ apiGroups: [''], resources: ['serviceaccounts', 'configmaps'], verbs: ['list'] }];

    const { facts, missing } = await factsFor(await plane.restrictedToken(namespace, rules));

    expect(facts).to.include.all.keys('serviceAccounts', 'configMaps', 'kubernetesVersion');
    expect(facts).not.to.have.any.keys('secrets', 'nodes', 'priorityClasses');
    expect(missing).to.deep.include({ what: 'secrets', why: 'permission denied' });
  });
});

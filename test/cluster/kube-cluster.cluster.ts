import { expect } from 'chai';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { createKubeClient, type KubeClient } from '../../src/adapters/kubernetes/kube-client.js';
import { createKubeCluster } from '../../src/adapters/kubernetes/kube-cluster.js';
import { loadKubeConnection } from '../../src/adapters/kubernetes/kube-config.js';
import { systemClock } from '../../src/adapters/system/clock.js';
import { createLogger } from '../../src/adapters/system/logger.js';
import type { Cluster, JobEvent } from '../../src/ports/cluster.js';
import { eventually, jobManifest, pathsOf } from '../contract/kubernetes/target.js';
import { startControlPlane, type ControlPlane } from './control-plane.js';
import { startCountingProxy, type CountingProxy } from './counting-proxy.js';
import { CONTROLLER_ROLE } from './test-queue.js';

const CONNECTIONS = 8;

describe('the Cluster port on a real kube-apiserver, with the rights of the chart', () => {
  const { signal } = new AbortController();
  let plane: ControlPlane;
  let proxy: CountingProxy;
  let namespace: string;
  let paths: ReturnType<typeof pathsOf>;
  let client: KubeClient;
  let cluster: Cluster;
  before(async () => {
    plane = await startControlPlane();
    proxy = await startCountingProxy(plane);
  });
  beforeEach(async () => {
    namespace = await plane.createNamespace();
    paths = pathsOf(namespace);
    const token = await plane.restrictedToken(namespace, CONTROLLER_ROLE);
    const connection = loadKubeConnection({ path: plane.writeKubeconfig(token, { namespace, url: proxy.url }) });
    client = createKubeClient({ connection, version: 'test', maxConnections: CONNECTIONS });
    const logger = createLogger({ level: 'error', format: 'logfmt' });
    cluster = createKubeCluster({ client, namespace, controllerId: '', clock: systemClock, logger });
  });
  afterEach(() => client.close());
  after(async () => {
    await proxy.stop();
    await plane.stop();
  });

  function ourJob(changes: Parameters<typeof jobManifest>[1] = {}): any {
    const jobId = randomUUID();
    const labels = { 'buildkite.com/job-uuid': jobId };
    return jobManifest(`buildkite-${jobId}`, { metadata: { labels }, ...changes });
  }

  it('creates a Job once and finds it the second time', async () => {
    const job = ourJob();

    const first = await cluster.createJob(job, signal);
    const second = await cluster.createJob(job, signal);

    expect([first.outcome, second.outcome]).to.deep.equal(['created', 'exists']);
    const { body } = await plane.admin.expect(200, 'GET', `${paths.jobs}/${job.metadata.name}`);
    expect(second).to.have.nested.property('record.uid', body.metadata.uid);
  });

  it("passes on the API server's words about a Job it will never accept", async () => {
    const invalid = ourJob({ podSpec: { containers: [{ name: 'main' }] } });
    const misspelt = ourJob({ podSpec: { containrs: [] } });

    const outcomes = [await cluster.createJob(invalid, signal), await cluster.createJob(misspelt, signal)];

    expect(outcomes.map(({ outcome }) => outcome)).to.deep.equal(['rejected', 'rejected']);
    expect(outcomes[0]).to.have.property('message').that.includes('containers[0].image: Required value');
    expect(outcomes[1]).to.have.property('message').that.includes('unknown field "spec.template.spec.containrs"');
  });

  it('deletes only the Job it means', async () => {
    const job = ourJob();
    const { name } = job.metadata;
    await cluster.createJob(job, signal);
    const { body } = await plane.admin.expect(200, 'GET', `${paths.jobs}/${name}`);

    const other = await cluster.deleteJob({ name, uid: randomUUID() }, signal);
    const right = await cluster.deleteJob({ name, uid: body.metadata.uid }, signal);
    const again = await cluster.deleteJob({ name, uid: body.metadata.uid }, signal);

    expect([other, right, again]).to.deep.equal([false, true, false]);
    const pods = () => plane.admin.expect(200, 'GET', paths.pods);
    await eventually(pods, (answer) => answer.body.items.length === 0);
  });

  it('reads a Secret and a PodTemplate', async () => {
    const template = { spec: { containers: [{ name: 'main', image: 'busybox' }] } };
    await plane.admin.expect(201, 'POST', paths.secrets, {
      body: { metadata: { name: 's' }, stringData: { token: 'väl-u' } },
    });
    await plane.admin.expect(201, 'POST', paths.podTemplates, { body: { metadata: { name: 't' }, template } });

    expect(await cluster.getSecretValue('s', 'token', signal)).to.equal('väl-u');
    expect(await cluster.getPodTemplateSpec('t', signal)).to.have.nested.property('containers[0].image', 'busybox');
    expect(await cluster.getPodTemplateSpec('missing', signal)).to.equal(undefined);
  });

  it('tells the life of its Jobs, from the first list to the end', async () => {
    const before = ourJob();
    const later = ourJob({ spec: { backoffLimit: 0 } });
    await cluster.createJob(before, signal);
    const events: JobEvent[] = [];
    const stop = new AbortController();
    const watching = cluster.watchJobs((event) => events.push(event), stop.signal);
    await until(() => events.length > 0);

    await plane.admin.expect(201, 'POST', paths.jobs, { body: jobManifest('not-ours') });
    await cluster.createJob(later, signal);
    await succeed(later.metadata.name);
    await until(() => events.some((event) => event.type === 'upserted' && event.record.ended?.result === 'complete'));
    const { body } = await plane.admin.expect(200, 'GET', `${paths.jobs}/${later.metadata.name}`);
    await cluster.deleteJob({ name: later.metadata.name, uid: body.metadata.uid }, signal);
    await until(() => events.some(({ type }) => type === 'deleted'));
    stop.abort();
    await watching;

    expect(events[0]?.type).to.equal('synced');
    const names = events.flatMap((event) => (event.type === 'synced' ? event.records : [event.record])).map(nameOf);
    expect(new Set(names)).to.deep.equal(new Set([before.metadata.name, later.metadata.name]));
  });

  it('creates many Jobs over no more connections than it was given', async () => {
    const seen = proxy.requests().length;
    const jobs = Array.from({ length: 100 }, () => ourJob());

    const outcomes = await Promise.all(jobs.map((job) => cluster.createJob(job, signal)));

    expect(outcomes.every(({ outcome }) => outcome === 'created')).to.equal(true);
    const connections = new Set(
      proxy
        .requests()
        .slice(seen)
        .map(({ connection }) => connection),
    );
    expect(connections.size).to.be.within(1, CONNECTIONS);
  });

  const nameOf = (record: { readonly name: string }): string => record.name;

  async function succeed(job: string): Promise<void> {
    const query = { labelSelector: `job-name=${job}` };
    const list = () => plane.admin.expect(200, 'GET', paths.pods, { query });
    const { body } = await eventually(list, (answer) => answer.body.items.length === 1);
    await plane.admin.expect(200, 'PATCH', `${paths.pods}/${body.items[0].metadata.name}/status`, {
      body: { status: { phase: 'Succeeded' } },
      contentType: 'application/merge-patch+json',
    });
  }

  async function until(holds: () => boolean): Promise<void> {
    const deadline = Date.now() + 20_000;
    while (!holds()) {
      if (Date.now() > deadline) throw new Error('did not happen within 20 s');
      await sleep(20);
    }
  }
});

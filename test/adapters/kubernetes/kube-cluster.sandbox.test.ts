import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { V1Job } from '@kubernetes/client-node';
import { expect } from 'chai';
import { createKubeClient } from '../../../src/adapters/kubernetes/kube-client.js';
import { createKubeCluster } from '../../../src/adapters/kubernetes/kube-cluster.js';
import { loadKubeConnection } from '../../../src/adapters/kubernetes/kube-config.js';
import type { ReflectorTiming } from '../../../src/adapters/kubernetes/reflector.js';
import { systemClock } from '../../../src/adapters/system/clock.js';
import type { Cluster, JobEvent, JobRecord } from '../../../src/ports/cluster.js';
import type { Account } from '../../../src/sandbox/kubernetes/auth.js';
import { startKubernetesServer, type KubernetesServer } from '../../../src/sandbox/kubernetes/kubernetes-server.js';
import { failureOf, memoryLogger, never, until } from './helpers.js';

const IMPATIENT: Partial<ReflectorTiming> = { backoffBaseMs: 20, backoffCapMs: 40, backoffFloorMs: 5 };

const uuidOf = (n: number) => `0190046e-e199-453b-a302-${String(n).padStart(12, '0')}`;

function jobOf(n: number, spec: object = {}, labels: object = {}): V1Job {
  const template = { spec: { restartPolicy: 'Never', containers: [{ name: 'a', image: 'b' }] } };
  const job: unknown = {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name: `buildkite-${uuidOf(n)}`,
      namespace: 'ci',
      labels: { 'buildkite.com/job-uuid': uuidOf(n), ...labels },
    },
    spec: { suspend: true, template, ...spec },
  };
  return job as V1Job;
}

/** What a ledger would know after these events. */
function knownAfter(events: readonly JobEvent[]): string[] {
  let known = new Map<string, JobRecord>();
  for (const event of events) {
    if (event.type === 'synced') known = new Map(event.records.map((record) => [record.uid, record]));
    else if (event.type === 'upserted') known.set(event.record.uid, event.record);
    else known.delete(event.record.uid);
  }
  return [...known.values()].map(({ jobId }) => jobId).sort();
}

describe('the Kubernetes adapter against the embedded API server', () => {
  let server: KubernetesServer;
  let folder: string;
  let cleanUp: (() => Promise<void> | void)[] = [];

  beforeEach(async () => {
    server = await startKubernetesServer({ namespaces: ['ci'], bookmarkIntervalMs: 20 });
    folder = mkdtempSync(join(tmpdir(), 'kube-sandbox-'));
  });

  afterEach(async () => {
    for (const step of cleanUp.reverse()) await step();
    cleanUp = [];
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  function clusterAs(token?: string, controllerId = '', watchTiming = IMPATIENT): Cluster {
    const path = join(folder, `kubeconfig-${String(cleanUp.length)}`);
    writeFileSync(path, server.kubeconfig({ namespace: 'ci', ...(token === undefined ? {} : { token }) }));
    const client = createKubeClient({ connection: loadKubeConnection({ path }), version: '0', maxConnections: 4 });
    cleanUp.push(() => client.close());
    return createKubeCluster({
      client,
      namespace: 'ci',
      controllerId,
      clock: systemClock,
      logger: memoryLogger(),
      watchTiming,
    });
  }

  function watch(cluster: Cluster): JobEvent[] {
    const events: JobEvent[] = [];
    const controller = new AbortController();
    const done = cluster.watchJobs((event) => events.push(event), controller.signal);
    cleanUp.push(() => {
      controller.abort(new Error('test is over'));
      return done;
    });
    return events;
  }

  const put = (job: unknown) => server.store.create('jobs', job as Record<string, unknown>);
  const jobsInCluster = () =>
    server.store.list('jobs', 'ci').map(({ metadata }) => metadata.labels?.['buildkite.com/job-uuid']);

  it('creates, finds again, and deletes only the very object', async () => {
    const cluster = clusterAs();

    const created = await cluster.createJob(jobOf(1), never);
    const again = await cluster.createJob(jobOf(1), never);
    const record = created.outcome === 'created' ? created.record : undefined;

    expect(record).to.include({ jobId: uuidOf(1), name: `buildkite-${uuidOf(1)}`, ended: undefined });
    expect(again).to.deep.equal({ outcome: 'exists', record });
    expect(await cluster.deleteJob({ name: record!.name, uid: uuidOf(99) }, never)).to.equal(false);
    expect(jobsInCluster()).to.deep.equal([uuidOf(1)]);
    expect(await cluster.deleteJob(record!, never)).to.equal(true);
    expect(jobsInCluster()).to.deep.equal([]);
    expect(await cluster.deleteJob(record!, never)).to.equal(false);
  });

  it('does not adopt the Job of another controller', async () => {
    await clusterAs(undefined, 'east').createJob(jobOf(1, {}, { 'buildkite.com/controller-id': 'east' }), never);

    const outcome = await clusterAs(undefined, 'west').createJob(
      jobOf(1, {}, { 'buildkite.com/controller-id': 'west' }),
      never,
    );

    expect(outcome).to.deep.equal({ outcome: 'exists', record: undefined });
  });

  it('is told for good what the API server will never accept', async () => {
    const cluster = clusterAs();

    const typo = await cluster.createJob(jobOf(1, { backofLimit: 1 }), never);
    const empty = await cluster.createJob(jobOf(1, { template: { spec: { containers: [] } } }), never);

    expect(typo).to.include({ outcome: 'rejected' }).and.to.have.property('message').that.contains('backofLimit');
    expect(empty).to.include({ outcome: 'rejected' }).and.to.have.property('message').that.contains('containers');
    expect(jobsInCluster()).to.deep.equal([]);
  });

  it('makes one Job of a create whose answer got lost', async () => {
    const cluster = clusterAs();
    let lost = 0;
    server.intercept(({ verb }) => (verb === 'create' && lost++ === 0 ? { kind: 'drop-answer' } : undefined));

    const first = await failureOf(cluster.createJob(jobOf(1), never));
    const second = await cluster.createJob(jobOf(1), never);

    expect(first).to.include({ retryable: true });
    expect(second).to.include({ outcome: 'exists' }).and.to.have.nested.property('record.jobId', uuidOf(1));
    expect(jobsInCluster()).to.deep.equal([uuidOf(1)]);
  });

  it('reads PodTemplates and Secrets', async () => {
    const cluster = clusterAs();
    const spec = { containers: [{ name: 'a', image: 'b' }] };
    server.store.create('podtemplates', { metadata: { name: 'big', namespace: 'ci' }, template: { spec } });
    server.store.create('secrets', { metadata: { name: 'agent', namespace: 'ci' }, data: { TOKEN: btoa('abc') } });

    expect(await cluster.getPodTemplateSpec('big', never)).to.have.nested.property('containers[0].image', 'b');
    expect(await cluster.getPodTemplateSpec('small', never)).to.equal(undefined);
    expect(await cluster.getSecretValue('agent', 'TOKEN', never)).to.equal('abc');
    expect((await failureOf(cluster.getSecretValue('agent', 'OTHER', never))).message).to.contain('no key "OTHER"');
  });

  it('names the rule that its account lacks', async () => {
    const account: Account = { name: 'weak', rules: [{ verbs: ['get'], resources: ['jobs'] }] };
    const cluster = clusterAs(server.addToken(account));

    const error = await failureOf(cluster.createJob(jobOf(1), never));

    expect(error).to.include({ retryable: false, status: 403 });
    expect(error.message).to.contain('{apiGroups: ["batch"], resources: ["jobs"], verbs: ["create"]}');
  });

  it('sees all of several pages, then every change, and only its own', async () => {
    const many = Array.from({ length: 23 }, (_, n) => n);
    for (const n of many) put(jobOf(n));
    put(jobOf(500, {}, { 'buildkite.com/controller-id': 'other' }));
    const cluster = clusterAs(undefined, '', { ...IMPATIENT, pageSize: 5 });
    const events = watch(cluster);
    await until(() => events.length > 0, 'synced');

    const created = await cluster.createJob(jobOf(100), never);
    if (created.outcome === 'created') await cluster.deleteJob(created.record, never);
    await cluster.createJob(jobOf(101), never);
    await until(() => knownAfter(events).includes(uuidOf(101)), 'the last job is seen');

    expect(events.filter(({ type }) => type === 'synced')).to.have.length(1);
    expect(knownAfter(events)).to.deep.equal([...many, 101].map(uuidOf));
  });

  it('counts Jobs that were created while their list was read', async () => {
    for (const n of [1, 2]) put(jobOf(n));
    const cluster = clusterAs(undefined, '', { ...IMPATIENT, pageSize: 1 });
    let between: Promise<unknown> | undefined;
    server.intercept(({ verb, query }) => {
      if (verb !== 'list' || !query.has('continue')) return undefined;
      between ??= cluster
        .createJob(jobOf(3), never)
        .then((created) => (created.outcome === 'created' ? cluster.deleteJob(created.record, never) : undefined))
        .then(() => cluster.createJob(jobOf(4), never));
      return { kind: 'delay', ms: 100 };
    });

    const events = watch(cluster);
    await until(() => events.length > 0, 'synced');
    await between;

    expect(knownAfter(events.slice(0, 1))).to.deep.equal([1, 2, 4].map(uuidOf));
  });

  const outages: readonly (readonly [string, (server: KubernetesServer) => void])[] = [
    ['its history compacted', (s) => s.compact()],
    ['every third watch refused with 500', (s) => s.intercept(everyThird('watch', { kind: 'status', code: 500 }))],
    ['every third list refused with 429', (s) => s.intercept(everyThird('list', { kind: 'status', code: 429 }))],
    [
      'watches broken off after two events',
      (s) => s.intercept(({ verb }) => (verb === 'watch' ? { kind: 'cut', afterEvents: 2 } : undefined)),
    ],
    [
      'watches closed cleanly after each event',
      (s) => s.intercept(({ verb }) => (verb === 'watch' ? { kind: 'cut', afterEvents: 1, clean: true } : undefined)),
    ],
    ['every third watch silent for ever', (s) => s.intercept(everyThird('watch', { kind: 'silence' }))],
  ];
  for (const [name, breakIt] of outages) {
    it(`knows in the end what is there, with ${name}`, async () => {
      const cluster = clusterAs(undefined, '', { ...IMPATIENT, idleMs: 200 });
      breakIt(server);
      const events = watch(cluster);

      for (let n = 0; n < 12; n++) {
        const created = await cluster.createJob(jobOf(n), never);
        if (n % 3 === 0 && created.outcome === 'created') await cluster.deleteJob(created.record, never);
        if (n === 6) server.compact();
      }
      const left = jobsInCluster().sort();
      await until(() => knownAfter(events).join() === left.join(), 'the view agrees with the cluster');

      expect(knownAfter(events)).to.deep.equal([1, 2, 4, 5, 7, 8, 10, 11].map(uuidOf));
    });
  }
});

function everyThird<F>(verb: string, fault: F): (request: { verb: string }) => F | undefined {
  let seen = 0;
  return (request) => (request.verb === verb && seen++ % 3 === 0 ? fault : undefined);
}

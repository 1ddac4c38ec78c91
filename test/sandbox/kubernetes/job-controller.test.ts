import { expect } from 'chai';
import { startGarbageCollector } from '../../../src/sandbox/kubernetes/garbage-collector.js';
import { startJobController, type JobController } from '../../../src/sandbox/kubernetes/job-controller.js';
import { recordsAt, textAt, type KubeObject } from '../../../src/sandbox/kubernetes/objects.js';
import { ObjectStore } from '../../../src/sandbox/kubernetes/object-store.js';
import { FakeTime, settled } from './fake-time.js';

const namespace = 'default';

describe('job controller', () => {
  let time: FakeTime;
  let store: ObjectStore;
  let controller: JobController;
  let stopCollecting: () => void;

  beforeEach(() => {
    time = new FakeTime();
    store = new ObjectStore({ now: time.now });
    store.create('namespaces', { metadata: { name: namespace } });
    stopCollecting = startGarbageCollector(store);
    controller = startJobController(store, { after: time.after });
  });

  afterEach(() => {
    controller.close();
    stopCollecting();
  });

  function createJob(spec: object = {}): void {
    const container = { name: 'main', image: 'busybox' };
    const template = { metadata: { labels: { team: 'a' } }, spec: { restartPolicy: 'Never', containers: [container] } };
    store.create('jobs', { metadata: { name: 'build', namespace }, spec: { backoffLimit: 0, template, ...spec } });
  }

  const job = (): KubeObject => store.get('jobs', namespace, 'build');
  const pods = (): readonly KubeObject[] => store.list('pods', namespace);
  const events = (): readonly string[] => store.list('events', namespace).map((event) => textAt(event, 'reason'));
  const conditions = (): readonly string[] =>
    recordsAt(job(), 'status', 'conditions').map(({ type, status, reason }) => [type, status, reason].join(' '));

  async function movePods(status: object): Promise<void> {
    for (const { metadata } of pods())
      store.updateStatus('pods', { namespace, name: metadata.name }, () => ({ ...status }));
    await settled();
  }

  it('makes one pod that carries the labels and the owner', async () => {
    createJob();
    await settled();

    const [pod, ...more] = pods();

    expect(more).to.be.empty;
    expect(pod?.metadata.labels).to.include({ team: 'a', 'job-name': 'build' });
    expect(pod?.metadata.ownerReferences?.[0]).to.include({ kind: 'Job', uid: job().metadata.uid, controller: true });
    expect(job().status).to.deep.equal({
      active: 1,
      ready: 0,
      terminating: 0,
      uncountedTerminatedPods: {},
      startTime: '2026-01-01T00:00:00Z',
    });
    expect(events()).to.deep.equal(['SuccessfulCreate']);
  });

  it('completes when the pod succeeded', async () => {
    createJob();
    await time.pass(5000);

    await movePods({ phase: 'Succeeded' });

    expect(conditions()).to.deep.equal([
      'SuccessCriteriaMet True CompletionsReached',
      'Complete True CompletionsReached',
    ]);
    expect(job().status).to.include({ succeeded: 1, completionTime: '2026-01-01T00:00:05Z' });
    expect(job().status).not.to.have.property('active');
    expect(events()).to.include('Completed');
  });

  it('fails when the pod failed and no retry is left', async () => {
    createJob();
    await settled();

    await movePods({ phase: 'Failed' });

    expect(conditions()).to.deep.equal(['FailureTarget True BackoffLimitExceeded', 'Failed True BackoffLimitExceeded']);
    expect(job().status).to.include({ failed: 1 });
    expect(events()).to.include('BackoffLimitExceeded');
    expect(pods()).to.have.length(1);
  });

  it('replaces a failed pod after a while when retries are left', async () => {
    createJob({ backoffLimit: 1 });
    await settled();
    const finishedAt = new Date(time.now()).toISOString();
    await movePods({ phase: 'Failed', containerStatuses: [{ name: 'main', state: { terminated: { finishedAt } } }] });

    const before = pods().length;
    await time.pass(10_000);

    expect([before, pods().length]).to.deep.equal([1, 2]);
    expect(conditions()).to.be.empty;
  });

  it('deletes the pod of a Job past its deadline, and fails it once the pod is gone', async () => {
    createJob({ activeDeadlineSeconds: 60 });
    await settled();
    const name = pods()[0]?.metadata.name ?? '';
    store.bindPod(namespace, name, 'node');
    await movePods({ phase: 'Running' });

    await time.pass(60_000);
    const decided = conditions();
    const deletion = pods()[0]?.metadata.deletionTimestamp;
    store.delete('pods', namespace, name, { gracePeriodSeconds: 0 });
    await settled();

    expect(decided).to.deep.equal(['FailureTarget True DeadlineExceeded']);
    expect(deletion).to.equal('2026-01-01T00:01:30Z');
    expect(conditions()).to.include('Failed True DeadlineExceeded');
    expect(job().status).to.include({ failed: 1, terminating: 0 });
  });

  it('takes a shortened deadline into account', async () => {
    createJob();
    await time.pass(5000);

    store.update('jobs', { namespace, name: 'build' }, (current) => ({
      ...current,
      spec: { ...(current?.spec as object), activeDeadlineSeconds: 1 },
    }));
    await settled();

    expect(conditions()).to.include('Failed True DeadlineExceeded');
    expect(pods()).to.be.empty;
  });

  it('counts a pod that was deleted on the way as failed', async () => {
    createJob();
    await settled();

    store.delete('pods', namespace, pods()[0]?.metadata.name ?? '');
    await settled();

    expect(conditions()).to.include('Failed True BackoffLimitExceeded');
    expect(job().status).to.include({ failed: 1 });
  });

  it('makes no pod while suspended, and starts when let go', async () => {
    createJob({ suspend: true });
    await settled();
    const suspended = conditions();
    const early = pods().length;

    store.update('jobs', { namespace, name: 'build' }, (current) => ({
      ...current,
      spec: { ...(current?.spec as object), suspend: false },
    }));
    await settled();

    expect([suspended, early]).to.deep.equal([['Suspended True JobSuspended'], 0]);
    expect(pods()).to.have.length(1);
    expect(conditions()).to.deep.equal(['Suspended False JobResumed']);
    expect(events()).to.include.members(['Suspended', 'Resumed']);
  });

  it('removes an ended Job and its pod after the time to live', async () => {
    createJob({ ttlSecondsAfterFinished: 600 });
    await settled();
    await movePods({ phase: 'Succeeded' });

    await time.pass(599_000);
    const kept = store.list('jobs').length;
    await time.pass(1000);

    expect([kept, store.list('jobs').length, pods().length]).to.deep.equal([1, 0, 0]);
  });

  it('tells in an event why a pod cannot be made, and tries again', async () => {
    const allow = store.addAdmission((resource) => (resource === 'pods' ? 'exceeded quota: pods' : undefined));
    createJob();
    await time.pass(1000);
    const refused = store.list('events', namespace).map((event) => [event.reason, event.type]);

    allow();
    await time.pass(1000);

    expect(refused).to.deep.include(['FailedCreate', 'Warning']);
    const messages = store.list('events', namespace).map((event) => textAt(event, 'message'));
    expect(messages.find((message) => message.startsWith('Error'))).to.match(
      /^Error creating: pods ".*" is forbidden: exceeded quota/,
    );
    expect(pods()).to.have.length(1);
  });

  it('lets go of everything in a deleted namespace', async () => {
    createJob();
    await settled();

    store.delete('namespaces', '', namespace);
    await settled();

    expect([store.list('pods'), store.list('jobs')]).to.deep.equal([[], []]);
  });

  it('does nothing after it was closed', async () => {
    controller.close();

    createJob();
    await settled();

    expect(pods()).to.be.empty;
  });

  it('keeps up with a thousand Jobs', async () => {
    for (let index = 0; index < 1000; index++) {
      const container = { name: 'main', image: 'busybox' };
      const template = { spec: { restartPolicy: 'Never', containers: [container] } };
      store.create('jobs', { metadata: { name: `many-${index}`, namespace }, spec: { template } });
    }
    while (pods().length < 1000) await settled();

    await movePods({ phase: 'Succeeded' });
    const unfinished = (): number =>
      store.list('jobs').filter((each) => textAt(each, 'status', 'completionTime') === '').length;
    while (unfinished() > 0) await settled();

    expect(pods()).to.have.length(1000);
  });
});

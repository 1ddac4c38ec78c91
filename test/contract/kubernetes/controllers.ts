import { expect } from 'chai';
import type { KubeAnswer } from '../kube-http.js';
import { eventually, jobManifest, namesOf, pathsOf, type Fixture } from './target.js';

/** What happens by itself: the job controller, time to live, garbage collection. The test is the kubelet. */
export function describeControllers({ api, namespace }: Fixture): void {
  interface Setting {
    readonly jobs: string;
    readonly pods: string;
    readonly job: () => Promise<KubeAnswer>;
    /** The one pod of the job, as soon as it exists. */
    readonly pod: () => Promise<any>;
  }
  async function run(spec: object = {}, podSpec: object = {}): Promise<Setting> {
    const { jobs, pods } = pathsOf(await namespace());
    await api().expect(201, 'POST', jobs, { body: jobManifest('j', { spec, podSpec }) });
    const listPods = () => api().expect(200, 'GET', pods);
    return {
      jobs,
      pods,
      job: () => api().request('GET', `${jobs}/j`),
      pod: async () => (await eventually(listPods, ({ body }) => body.items.length === 1)).body.items[0],
    };
  }
  async function move({ pods, pod }: Setting, status: object): Promise<void> {
    const { metadata } = await pod();
    await api().expect(200, 'PATCH', `${pods}/${metadata.name}/status`, {
      body: { status },
      contentType: 'application/strategic-merge-patch+json',
    });
  }
  const condition = (answer: KubeAnswer, type: string): any =>
    (answer.body.status?.conditions ?? []).find((each: any) => each.type === type && each.status === 'True');
  const hasCondition = (type: string) => (answer: KubeAnswer) => condition(answer, type) !== undefined;
  const isGone = (answer: KubeAnswer): boolean => answer.status === 404;

  it('a Job gets a pod that knows its owner', async () => {
    const setting = await run();

    const pod = await setting.pod();

    const job = (await setting.job()).body;
    expect(pod.metadata.name).to.match(/^j-[a-z0-9]{5}$/);
    expect(pod.metadata.ownerReferences).to.deep.equal([
      {
        apiVersion: 'batch/v1',
        kind: 'Job',
        name: 'j',
        uid: job.metadata.uid,
        controller: true,
        blockOwnerDeletion: true,
      },
    ]);
    expect(pod.metadata.labels).to.include({
      'job-name': 'j',
      'batch.kubernetes.io/job-name': 'j',
      'controller-uid': job.metadata.uid,
      'batch.kubernetes.io/controller-uid': job.metadata.uid,
    });
    expect(pod.status.phase).to.equal('Pending');
  });

  it('labels and annotations of the template reach the pod', async () => {
    const metadata = { labels: { 'buildkite.com/job-uuid': 'u' }, annotations: { 'example.com/a': 'b c' } };
    const template = { metadata, spec: jobManifest('x').spec.template.spec };
    const setting = await run({ template });

    const pod = await setting.pod();

    expect(pod.metadata.labels).to.include(metadata.labels);
    expect(pod.metadata.annotations).to.include(metadata.annotations);
  });

  it('a Job with a running pod is active', async () => {
    const setting = await run();

    await move(setting, { phase: 'Running' });
    const job = await eventually(setting.job, ({ body }) => body.status.active === 1);

    expect(job.body.status.startTime).to.be.a('string');
    expect(job.body.status).to.not.have.property('completionTime');
  });

  it('a Job whose pod succeeded is complete', async () => {
    const setting = await run({ backoffLimit: 0 });

    await move(setting, { phase: 'Running' });
    await move(setting, { phase: 'Succeeded' });
    const job = await eventually(setting.job, hasCondition('Complete'));

    expect(job.body.status).to.include({ succeeded: 1 });
    expect(job.body.status.completionTime).to.be.a('string');
    expect(job.body.status.active ?? 0).to.equal(0);
  });

  it('a Job whose pod failed, with no retries left, is failed', async () => {
    const setting = await run({ backoffLimit: 0 });

    await move(setting, { phase: 'Failed' });
    const job = await eventually(setting.job, hasCondition('Failed'));

    expect(condition(job, 'Failed').reason).to.equal('BackoffLimitExceeded');
    expect(job.body.status).to.include({ failed: 1 });
    expect(job.body.status).to.not.have.property('completionTime');
  });

  it('a Job past its deadline is failed and its pods are deleted', async () => {
    const setting = await run({ activeDeadlineSeconds: 1, backoffLimit: 0 });
    await setting.pod();

    const job = await eventually(setting.job, hasCondition('Failed'));

    expect(condition(job, 'Failed').reason).to.equal('DeadlineExceeded');
    await eventually(
      () => api().expect(200, 'GET', setting.pods),
      ({ body }) => body.items.every((pod: any) => pod.metadata.deletionTimestamp !== undefined),
    );
  });

  it('a suspended Job makes no pod until it is let go', async () => {
    const setting = await run({ suspend: true });
    await eventually(setting.job, hasCondition('Suspended'));
    const before = await api().expect(200, 'GET', setting.pods);

    await api().expect(200, 'PATCH', `${setting.jobs}/j`, {
      body: { spec: { suspend: false } },
      contentType: 'application/merge-patch+json',
    });

    expect(namesOf(before)).to.be.empty;
    expect((await setting.pod()).metadata.name).to.match(/^j-/);
  });

  it('an ended Job and its pods disappear after their time to live', async () => {
    const setting = await run({ ttlSecondsAfterFinished: 1 });

    await move(setting, { phase: 'Succeeded' });

    await eventually(setting.job, isGone);
    await eventually(
      () => api().expect(200, 'GET', setting.pods),
      ({ body }) => body.items.length === 0,
    );
  });

  it('deleting a Job in the background takes its pods along', async () => {
    const setting = await run();
    await setting.pod();

    await api().expect(200, 'DELETE', `${setting.jobs}/j`, { body: { propagationPolicy: 'Background' } });

    expect(isGone(await setting.job())).to.equal(true);
    await eventually(
      () => api().expect(200, 'GET', setting.pods),
      ({ body }) => body.items.length === 0,
    );
  });

  it('deleting a Job in the foreground keeps it until its pods are gone', async () => {
    const setting = await run();
    await setting.pod();

    const deleted = await api().expect(200, 'DELETE', `${setting.jobs}/j`, {
      body: { propagationPolicy: 'Foreground' },
    });

    expect(deleted.body.metadata.deletionTimestamp).to.be.a('string');
    expect(deleted.body.metadata.finalizers).to.include('foregroundDeletion');
    await eventually(setting.job, isGone);
    expect((await api().expect(200, 'GET', setting.pods)).body.items).to.be.empty;
  });

  it('deleting a Job as an orphan leaves its pods behind', async () => {
    const setting = await run();
    await setting.pod();

    await api().expect(200, 'DELETE', `${setting.jobs}/j`, { body: { propagationPolicy: 'Orphan' } });
    await eventually(setting.job, isGone);

    const left = await eventually(
      () => api().expect(200, 'GET', setting.pods),
      ({ body }) => body.items.every((pod: any) => pod.metadata.ownerReferences === undefined),
    );
    expect(namesOf(left)).to.have.length(1);
  });

  it('a deleted pod counts as a failure of its Job', async () => {
    const setting = await run({ backoffLimit: 0 });
    const { metadata } = await setting.pod();

    await api().expect(200, 'DELETE', `${setting.pods}/${metadata.name}`);

    const job = await eventually(setting.job, hasCondition('Failed'));
    expect(condition(job, 'Failed').reason).to.equal('BackoffLimitExceeded');
  });
}

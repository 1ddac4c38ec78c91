import { existsSync } from 'node:fs';
import { expect } from 'chai';
import {
  recordAt,
  recordsAt,
  textAt,
  type JsonRecord,
  type KubeObject,
} from '../../../src/sandbox/kubernetes/objects.js';
import { startWorld, type World } from './support.js';

const MOUNT = [{ name: 'data', mountPath: '/data' }];
const VOLUMES = [{ name: 'data', emptyDir: {} }];

function shell(name: string, script: string, more: JsonRecord = {}): JsonRecord {
  return {
    name,
    image: 'x',
    command: ['/bin/sh', '-c'],
    args: [script],
    volumeMounts: MOUNT,
    workingDir: '/data',
    ...more,
  };
}

describe('a pod in the sandbox kubelet', () => {
  let world: World;

  beforeEach(async () => {
    world = await startWorld({ kubelet: { maxPods: 2 } });
  });
  afterEach(async () => {
    await world.close();
    expect(world.errors).to.deep.equal([]);
  });

  async function ended(spec: JsonRecord): Promise<KubeObject> {
    const pod = world.createPod({ volumes: VOLUMES, ...spec });
    return world.reached(pod.metadata.name, 'Succeeded', 'Failed');
  }

  function exitCodes(pod: KubeObject): Record<string, unknown> {
    const statuses = [
      ...recordsAt(pod, 'status', 'initContainerStatuses'),
      ...recordsAt(pod, 'status', 'containerStatuses'),
    ];
    return Object.fromEntries(
      statuses.map(({ name, state }) => [
        String(name),
        recordAt(state, 'terminated')['exitCode'] ?? Object.keys(recordAt(state))[0],
      ]),
    );
  }

  it('runs init containers in order before the others', async () => {
    const pod = await ended({
      initContainers: [shell('one', 'echo 1 >> order'), shell('two', 'echo 2 >> order')],
      containers: [shell('main', 'echo 3 >> order; cat order')],
    });

    expect(await world.containerLog(pod.metadata.name, 'main')).to.equal('1\n2\n3\n');
    expect(exitCodes(pod)).to.deep.equal({ one: 0, two: 0, main: 0 });
  });

  it('fails when an init container fails; the others never start', async () => {
    const pod = await ended({
      initContainers: [shell('one', 'exit 5'), shell('two', 'true')],
      containers: [shell('main', 'true')],
    });

    expect(textAt(pod, 'status', 'phase')).to.equal('Failed');
    expect(exitCodes(pod)).to.deep.equal({ one: 5, two: 'waiting', main: 'waiting' });
  });

  it('starts sidecars before and ends them after the other containers', async () => {
    const sidecar = shell(
      'side',
      "trap 'echo bye >> /data/order; exit 0' TERM; echo up >> /data/order; while :; do sleep 0.02; done",
      {
        restartPolicy: 'Always',
      },
    );

    const pod = await ended({
      initContainers: [sidecar],
      containers: [shell('main', 'until [ -f order ]; do sleep 0.02; done; cat order; echo main')],
    });

    expect(await world.containerLog(pod.metadata.name, 'main')).to.equal('up\nmain\n');
    expect(exitCodes(pod)).to.deep.equal({ side: 0, main: 0 });
    expect(textAt(pod, 'status', 'phase')).to.equal('Succeeded');
  });

  it('idles for sidecars it cannot run, and says so', async () => {
    const pod = await ended({
      initContainers: [
        { name: 'entrypoint', image: 'redis', restartPolicy: 'Always' },
        { name: 'missing', image: 'redis', restartPolicy: 'Always', command: ['no-such-program-here'] },
      ],
      containers: [shell('main', 'sleep 0.2')],
    });

    expect(textAt(pod, 'status', 'phase')).to.equal('Succeeded');
    expect(await world.containerLog(pod.metadata.name, 'entrypoint')).to.contain('this sidecar idles');
    expect(await world.containerLog(pod.metadata.name, 'missing')).to.contain(
      '"no-such-program-here" is not on this machine',
    );
  });

  it('writes a status a controller can read', async () => {
    const pod = await ended({ containers: [shell('main', 'exit 2')] });

    const status = recordAt(pod, 'status');
    const conditions = recordsAt(status, 'conditions').map(({ type, status: holds, reason }) => [type, holds, reason]);
    expect(status).to.include({ phase: 'Failed', podIP: '127.0.0.1' });
    expect(textAt(status, 'startTime')).to.match(/^\d{4}-.*Z$/);
    expect(textAt(pod, 'spec', 'nodeName')).to.equal('sandbox');
    expect(conditions).to.deep.equal([
      ['PodReadyToStartContainers', 'False', undefined],
      ['Initialized', 'True', undefined],
      ['Ready', 'False', 'PodFailed'],
      ['ContainersReady', 'False', 'PodFailed'],
      ['PodScheduled', 'True', undefined],
    ]);
    const [main] = recordsAt(status, 'containerStatuses');
    expect(main).to.deep.include({ name: 'main', ready: false, restartCount: 0 });
    expect(recordAt(main, 'state', 'terminated')).to.include({ exitCode: 2, reason: 'Error' });
  });

  it('waits for a secret that is not there yet', async () => {
    const env = [{ name: 'KEY', valueFrom: { secretKeyRef: { name: 'late', key: 'k' } } }];
    const pod = world.createPod({ volumes: VOLUMES, containers: [shell('main', 'echo $KEY', { env })] });
    const { name } = pod.metadata;
    await until(() => waitingReason(name) === 'CreateContainerConfigError');

    const data = { k: Buffer.from('arrived').toString('base64') };
    world.store.create('secrets', { metadata: { name: 'late', namespace: 'default' }, data });
    await world.reached(name, 'Succeeded');

    expect(await world.containerLog(name, 'main')).to.equal('arrived\n');
  });

  it('puts secrets and config maps where they are mounted', async () => {
    const data = { 'a.txt': 'from the map' };
    world.store.create('configmaps', { metadata: { name: 'files', namespace: 'default' }, data });
    const volumes = [{ name: 'files', configMap: { name: 'files' } }];
    const volumeMounts = [{ name: 'files', mountPath: '/etc/files' }];

    const pod = await ended({
      volumes,
      containers: [{ name: 'main', image: 'x', command: ['cat', '/etc/files/a.txt'], volumeMounts }],
    });

    expect(await world.containerLog(pod.metadata.name, 'main')).to.equal('from the map');
  });

  it('runs no more pods than it may; the others wait', async () => {
    const names = ['a', 'b', 'c'].map(
      (name) => world.createPod({ volumes: VOLUMES, containers: [shell('main', 'sleep 0.3')] }, { name }).metadata.name,
    );
    await world.reached('a', 'Running');
    await world.reached('b', 'Running');

    const [condition] = recordsAt(world.pod('c'), 'status', 'conditions');

    expect(world.kubelet.running()).to.equal(2);
    expect(world.phase('c')).to.equal('Pending');
    expect(condition).to.include({ type: 'PodScheduled', status: 'False', reason: 'Unschedulable' });
    await Promise.all(names.map((name) => world.reached(name, 'Succeeded')));
  });

  it('lets a pod go that never had its turn', async () => {
    for (const name of ['a', 'b', 'c']) {
      world.createPod({ volumes: VOLUMES, containers: [shell('main', 'sleep 0.3')] }, { name });
    }
    await world.reached('a', 'Running');

    world.store.delete('pods', 'default', 'c');
    await world.reached('a', 'Succeeded');
    await world.reached('b', 'Succeeded');

    await until(() => world.kubelet.running() === 0);
    expect(world.pod('c')).to.equal(undefined);
  });

  it('ends a pod at its deadline', async () => {
    const pod = await ended({
      activeDeadlineSeconds: 1,
      terminationGracePeriodSeconds: 1,
      containers: [shell('main', 'sleep 60')],
    });

    expect(recordAt(pod, 'status')).to.include({ phase: 'Failed', reason: 'DeadlineExceeded' });
  });

  it('kills a deleted pod that does not listen when its grace is over', async () => {
    const script = "trap '' TERM; echo up; while :; do sleep 0.05; done";
    const pod = world.createPod({ volumes: VOLUMES, containers: [shell('main', script)] });
    const { name } = pod.metadata;
    await until(async () => (await world.containerLog(name, 'main')) === 'up\n');

    world.store.delete('pods', 'default', name, { gracePeriodSeconds: 1 });
    await until(() => world.pod(name) === undefined);

    expect(world.kubelet.running()).to.equal(0);
  });

  it('follows a log while it is written', async () => {
    const pod = world.createPod({ volumes: VOLUMES, containers: [shell('main', 'echo a; sleep 0.1; echo b')] });
    await world.reached(pod.metadata.name, 'Running');
    const target = { namespace: 'default', pod: pod.metadata.name, container: 'main' };
    const parts: string[] = [];

    const signal = new AbortController().signal;
    for await (const part of world.kubelet.podLogs(target, { follow: true, timestamps: false, signal }))
      parts.push(part);

    expect(parts.join('')).to.equal('a\nb\n');
  });

  it('leaves nothing behind when it closes', async () => {
    const pod = world.createPod({ volumes: VOLUMES, containers: [shell('main', 'echo $$$$; exec sleep 60')] });
    const { name } = pod.metadata;
    await until(async () => (await world.containerLog(name, 'main')) !== '');
    const pid = Number(await world.containerLog(name, 'main'));

    await world.kubelet.close();

    expect(() => process.kill(pid, 0)).to.throw('ESRCH');
    expect(existsSync(world.kubelet.workDir)).to.equal(false);
  });

  function waitingReason(name: string): string {
    const [status] = recordsAt(world.pod(name), 'status', 'containerStatuses');
    return textAt(status, 'state', 'waiting', 'reason');
  }

  async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
    while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 10));
  }
});

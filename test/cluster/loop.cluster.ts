import { expect } from 'chai';
import { setTimeout as sleep } from 'node:timers/promises';
import { namesOf, pathsOf } from '../contract/kubernetes/target.js';
import { startController, type ControllerProcess } from './controller-process.js';
import { startControlPlane, type ControlPlane } from './control-plane.js';
import { startCountingProxy, type CountingProxy, type ProxiedRequest } from './counting-proxy.js';
import { startStandInNode, type StandInNode } from './stand-in-node.js';
import { startQueue, type TestQueue } from './test-queue.js';

const CONCURRENCY = 8;

const isCreate = ({ method, path }: ProxiedRequest): boolean => method === 'POST' && /\/jobs(\?|$)/.test(path);

describe('the whole loop: embedded Buildkite, real controller, real control plane', () => {
  let plane: ControlPlane;
  let proxy: CountingProxy;
  let queue: TestQueue;
  let node: StandInNode;
  let controller: ControllerProcess;
  before(async () => {
    plane = await startControlPlane();
    proxy = await startCountingProxy(plane);
  });
  beforeEach(async () => {
    queue = await startQueue(plane);
    node = startStandInNode({ api: plane.admin, namespace: queue.namespace, buildkiteUrl: queue.buildkite.url });
  });
  afterEach(async () => {
    await controller.end('SIGKILL');
    await node.stop();
    await queue.stop();
  });
  after(async function () {
    const failed = this.test?.parent?.tests.some((test) => test.state === 'failed') ?? false;
    await proxy.stop();
    await plane.stop({ keepFolder: failed });
    if (failed) console.error(`logs of the failed run: ${plane.folder}`);
  });

  async function start(): Promise<void> {
    controller = startController({
      folder: plane.folder,
      kubeconfig: await queue.controllerKubeconfig(proxy.url),
      config: { ...queue.config, 'max-in-flight': 0, 'job-creation-concurrency': CONCURRENCY },
    });
    await queue.polled(() => controller.assertAlive());
  }
  /** Resolves when every Job resource is complete. */
  async function allComplete(count: number): Promise<void> {
    const { jobs } = pathsOf(queue.namespace);
    for (;;) {
      controller.assertAlive();
      const { body } = await plane.admin.expect(200, 'GET', jobs);
      const complete = body.items.filter((job: any) => job.status.succeeded === 1 && job.status.completionTime);
      if (complete.length >= count) return;
      await sleep(200);
    }
  }
  function expectEachRanOnce(ids: readonly string[]): void {
    expect(node.troubles.map(String)).to.deep.equal([]);
    expect([...node.finished].sort()).to.deep.equal([...ids].sort());
    const states = new Set(ids.map((id) => queue.buildkite.job(id)?.state));
    expect([...states]).to.deep.equal(['finished']);
  }

  it('runs 200 jobs, each exactly once, over no more connections than it has workers', async () => {
    await start();

    const ids = queue.createJobs(200);
    await allComplete(ids.length);

    expectEachRanOnce(ids);
    const list = await plane.admin.expect(200, 'GET', pathsOf(queue.namespace).jobs);
    expect(namesOf(list)).to.have.members(ids.map((id) => `buildkite-${id}`));
    const creates = proxy.requests().filter(isCreate);
    expect(creates).to.have.length(200);
    expect(creates.every(({ path }) => path.includes('fieldValidation=Strict'))).to.equal(true);
    expect(proxy.connectionsWith(isCreate)).to.be.within(1, CONCURRENCY);
    expect(controller.log()).to.not.include('forbidden');
    expect(await controller.end('SIGTERM')).to.equal(0);
  });

  it('loses no job and runs none twice when it is killed again and again', async () => {
    await start();

    const ids = queue.createJobs(60);
    for (let kill = 0; kill < 3; kill += 1) {
      await sleep(400);
      await controller.end('SIGKILL');
      await start();
    }
    await allComplete(ids.length);

    expectEachRanOnce(ids);
    const list = await plane.admin.expect(200, 'GET', pathsOf(queue.namespace).jobs);
    expect(namesOf(list)).to.have.members(ids.map((id) => `buildkite-${id}`));
  });
});

import { expect } from 'chai';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Watch } from '../contract/kube-http.js';
import { namesOf, pathsOf } from '../contract/kubernetes/target.js';
import { startController, type ControllerProcess } from './controller-process.js';
import { startControlPlane, type ControlPlane } from './control-plane.js';
import { startCountingProxy, type CountingProxy, type ProxiedRequest } from './counting-proxy.js';
import { startStandInNode, type StandInNode } from './stand-in-node.js';
import { startQueue, type Source, type TestQueue } from './test-queue.js';

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

  async function offer(source: Source): Promise<void> {
    queue = await startQueue(plane, source);
    node = startStandInNode({ api: plane.admin, namespace: queue.namespace, buildkiteUrl: queue.buildkite.url });
  }
  async function start(config: Readonly<Record<string, unknown>> = {}): Promise<void> {
    controller = startController({
      folder: plane.folder,
      kubeconfig: await queue.controllerKubeconfig(proxy.url),
      config: { ...queue.config, 'max-in-flight': 0, 'job-creation-concurrency': CONCURRENCY, ...config },
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

  const offers: readonly (readonly [Source, number])[] = [
    ['stacks', 200],
    ['graphql', 60],
  ];
  for (const [source, count] of offers) {
    it(`runs ${count} jobs of the ${source} source, each exactly once, over no more connections than workers`, async () => {
      await offer(source);
      await start();
      const seen = proxy.requests().length;

      const ids = queue.createJobs(count);
      await allComplete(ids.length);

      expectEachRanOnce(ids);
      const list = await plane.admin.expect(200, 'GET', pathsOf(queue.namespace).jobs);
      expect(namesOf(list)).to.have.members(ids.map((id) => `buildkite-${id}`));
      const creates = proxy.requests().slice(seen).filter(isCreate);
      expect(creates).to.have.length(count);
      expect(creates.every(({ path }) => path.includes('fieldValidation=Strict'))).to.equal(true);
      expect(new Set(creates.map(({ connection }) => connection)).size).to.be.within(1, CONCURRENCY);
      expect(controller.log()).to.not.include('forbidden');
      expect(await controller.end('SIGTERM')).to.equal(0);
    });
  }

  it('holds max-in-flight: never more unfinished Jobs than allowed', async () => {
    await offer('stacks');
    const { jobs } = pathsOf(queue.namespace);
    const watch = await plane.admin.watch(jobs);
    await start({ 'max-in-flight': 5 });

    const ids = queue.createJobs(30);
    const most = mostAtOnce(watch, ids.length);
    await allComplete(ids.length);
    watch.close();

    expectEachRanOnce(ids);
    expect(await most).to.be.within(1, 5);
  });

  it('loses no job and runs none twice when it is killed again and again', async () => {
    await offer('stacks');
    // What a killed controller had reserved comes back when the reservation ends.
    const config = { 'reservation-expiry-seconds': 3 };
    await start(config);

    const ids = queue.createJobs(60);
    for (let kill = 0; kill < 3; kill += 1) {
      await sleep(400);
      await controller.end('SIGKILL');
      await start(config);
    }
    await allComplete(ids.length);

    expectEachRanOnce(ids);
    const list = await plane.admin.expect(200, 'GET', pathsOf(queue.namespace).jobs);
    expect(namesOf(list)).to.have.members(ids.map((id) => `buildkite-${id}`));
  });
});

/** Follows Jobs over a watch until that many have ended, and counts those that had not at any one time. */
async function mostAtOnce(watch: Watch, count: number): Promise<number> {
  const unfinished = new Set<string>();
  let [most, ended] = [0, 0];
  while (ended < count) {
    const event = await watch.next();
    if (event === undefined) break;
    const { name } = event.object.metadata;
    if (event.type === 'ADDED') unfinished.add(name);
    if (event.object.status.completionTime !== undefined && unfinished.delete(name)) ended += 1;
    most = Math.max(most, unfinished.size);
  }
  return most;
}

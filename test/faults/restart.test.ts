import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { expectCleanLogs, startWorld, type ControllerProcess, type World } from './world.js';

/** Resolves when the time has come to end the controller. */
type Moment = (world: World) => Promise<void>;

/** When Buildkite is asked this for the nth time from now on; the request itself is carried out. */
function buildkiteCall(route: string, nth = 1): Moment {
  return ({ buildkite }) =>
    new Promise((resolve) => {
      let seen = 0;
      const stop = buildkite.intercept((call) => {
        if (call.route === route && ++seen === nth) {
          stop();
          resolve();
        }
        return undefined;
      });
    });
}

/** When the API server is asked this for the nth time from now on; the request itself is carried out. */
function kubernetesCall(verb: string, resource: string, nth = 1): Moment {
  return ({ kubernetes }) =>
    new Promise((resolve) => {
      let seen = 0;
      const stop = kubernetes.intercept((request) => {
        if (request.verb === verb && request.store === resource && ++seen === nth) {
          stop();
          resolve();
        }
        return undefined;
      });
    });
}

const elapsed =
  (ms: number): Moment =>
  () =>
    sleep(ms);

/** When so many Buildkite jobs have ended. */
function finishedJobs(count: number): Moment {
  return async ({ buildkite }) => {
    while (buildkite.jobs().filter(({ state }) => state === 'finished').length < count) await sleep(20);
  };
}

const RESERVE = 'PUT /v3/stacks/:key/scheduled-jobs/batch-reserve';
const STARTING: readonly Moment[] = [elapsed(100), kubernetesCall('get', 'secrets')];
const CREATING: readonly Moment[] = [
  kubernetesCall('list', 'jobs'),
  kubernetesCall('create', 'jobs'),
  kubernetesCall('create', 'jobs', 30),
];

const STACKS_MOMENTS: readonly Moment[] = [
  ...STARTING,
  buildkiteCall('POST /v3/stacks/register'),
  buildkiteCall('GET /v3/stacks/:key/scheduled-jobs'),
  buildkiteCall(RESERVE),
  buildkiteCall('GET /v3/stacks/:key/jobs/:id', 5),
  ...CREATING,
  finishedJobs(400),
];

const GRAPHQL_MOMENTS: readonly Moment[] = [
  ...STARTING,
  buildkiteCall('POST /graphql'),
  buildkiteCall('POST /graphql', 3),
  kubernetesCall('create', 'jobs', 2),
  kubernetesCall('create', 'jobs', 7),
  ...CREATING,
  finishedJobs(120),
];

const MAX_IN_FLIGHT = 60;

describe('a controller that is stopped and started again', function () {
  this.timeout(90_000);
  let world: World;
  let controller: ControllerProcess;
  afterEach(() => world.close());
  after(() => expectCleanLogs());

  function createJobs(count: number): void {
    world.buildkite.createJobs(count - Math.floor(count / 20), { command: 'true' });
    world.buildkite.createJobs(Math.floor(count / 20), { command: 'sleep 0.05', priority: 1 });
  }
  const finish = () => world.allFinished(() => controller.assertAlive());

  for (const source of ['stacks', 'graphql'] as const) {
    it(`runs each job of the ${source} source once when nothing happens to it`, async () => {
      world = await startWorld({ source, config: { 'max-in-flight': MAX_IN_FLIGHT } });
      controller = world.start();

      createJobs(150);
      await finish();

      world.expectEachRanOnce();
      expect(world.census().most).to.be.within(2, MAX_IN_FLIGHT);
      expect(await controller.end('SIGTERM')).to.equal(0);
    });
  }

  const killed = [
    { source: 'stacks', jobs: 1000, moments: STACKS_MOMENTS },
    { source: 'graphql', jobs: 200, moments: GRAPHQL_MOMENTS },
  ] as const;
  for (const { source, jobs, moments } of killed) {
    it(`loses none of ${jobs} jobs of the ${source} source and runs none twice when killed ${moments.length} times`, async () => {
      // What a killed controller had reserved comes back when the reservation ends.
      const config = { 'max-in-flight': MAX_IN_FLIGHT, 'reservation-expiry-seconds': 3 };
      world = await startWorld({ source, config });
      createJobs(jobs);

      for (const moment of moments) {
        const reached = moment(world);
        controller = world.start();
        await reached;
        expect(await controller.end('SIGKILL')).to.equal('SIGKILL');
      }
      controller = world.start();
      await finish();

      world.expectEachRanOnce();
      expect(world.census().most).to.be.within(2, MAX_IN_FLIGHT);
    });
  }

  it('keeps nothing reserved that it has not created when it is told to stop, and ends within its time', async () => {
    world = await startWorld({ config: { 'max-in-flight': MAX_IN_FLIGHT } });
    createJobs(300);

    for (const moment of [kubernetesCall('create', 'jobs'), buildkiteCall(RESERVE), elapsed(700), elapsed(1200)]) {
      const reached = moment(world);
      controller = world.start();
      await reached;
      const asked = Date.now();
      expect(await controller.end('SIGTERM')).to.equal(0);
      expect(Date.now() - asked).to.be.below(20_000);
      // A claim that is given back runs out after a second.
      await sleep(1300);
      expect(reservedWithoutJob(world)).to.deep.equal([]);
    }
    controller = world.start();
    await finish();

    world.expectEachRanOnce();
  });
});

function reservedWithoutJob(world: World): string[] {
  const present = world.jobsInCluster();
  world.buildkite.sweep();
  return world.buildkite
    .jobs()
    .filter(({ id, state }) => state === 'reserved' && !present.has(id))
    .map(({ id }) => id);
}

import { expect } from 'chai';
import { defaultConfig } from '../../src/core/config/default-config.js';
import { ExternalError } from '../../src/core/errors.js';
import type { ControllerConfig } from '../../src/core/config/config.js';
import { Controller } from '../../src/controller/controller.js';
import { FakeBuildkite, FakeCluster, FastClock, silentLogger } from '../support/fake-world.js';

interface World {
  readonly buildkite: FakeBuildkite;
  readonly cluster: FakeCluster;
}

function newWorld(): World {
  return { buildkite: new FakeBuildkite(), cluster: new FakeCluster() };
}

/** Jobs run and finish on their own: an agent takes the Buildkite job, and both ends are reported a moment later. */
function runJobsByThemselves({ buildkite, cluster }: World): Map<string, number> {
  const runs = new Map<string, number>();
  cluster.onCreated = (jobId, name) => {
    setTimeout(() => {
      const job = buildkite.jobs.get(jobId);
      if (job === undefined || !['scheduled', 'reserved'].includes(job.state)) return;
      runs.set(jobId, (runs.get(jobId) ?? 0) + 1);
      job.state = 'finished';
      cluster.endJob(name);
    }, 3);
  };
  return runs;
}

function start({ buildkite, cluster }: World, overrides: Partial<ControllerConfig> = {}) {
  const stop = new AbortController();
  const controller = new Controller({
    config: defaultConfig(overrides),
    version: 'v0.0.0',
    source: buildkite,
    cluster,
    clock: new FastClock(),
    logger: silentLogger,
    random: () => 0.5,
  });
  const done = controller.run(stop.signal);
  return {
    done,
    async stop(): Promise<void> {
      stop.abort();
      await done;
    },
  };
}

async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < 2000; turn++) {
    if (condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error('the world did not get there in ten seconds');
}

const ids = (count: number) => Array.from({ length: count }, (_, index) => `job-${String(index).padStart(4, '0')}`);

describe('Controller', () => {
  it('runs every listed job exactly once', async () => {
    const world = newWorld();
    const runs = runJobsByThemselves(world);
    for (const id of ids(120)) world.buildkite.addJob(id);

    const controller = start(world);
    await until(() => [...world.buildkite.jobs.values()].every((job) => job.state === 'finished'));
    await controller.stop();

    expect([...runs.values()]).to.deep.equal(ids(120).map(() => 1));
    expect(world.cluster.created).to.have.length(120);
    expect(world.buildkite.disconnected).to.equal(1);
  });

  it('never has more unfinished Jobs than max-in-flight', async () => {
    const world = newWorld();
    let peak = 0;
    world.cluster.onCreated = (_, name) => {
      peak = Math.max(peak, [...world.cluster.jobs.values()].filter(({ record }) => record.ended === undefined).length);
      setTimeout(() => world.cluster.endJob(name), 3);
    };
    for (const id of ids(40)) world.buildkite.addJob(id);

    const controller = start(world, { maxInFlight: 3 });
    await until(() => world.cluster.created.length === 40);
    await controller.stop();

    expect(peak).to.equal(3);
  });

  it('starts the most urgent jobs first', async () => {
    const world = newWorld();
    runJobsByThemselves(world);
    for (const [index, id] of ids(6).entries()) world.buildkite.addJob(id, { priority: index % 3 });

    const controller = start(world, { maxInFlight: 1 });
    await until(() => world.cluster.created.length === 6);
    await controller.stop();

    expect(world.cluster.created).to.deep.equal([
      'job-0002',
      'job-0005',
      'job-0001',
      'job-0004',
      'job-0000',
      'job-0003',
    ]);
  });

  it('counts the Jobs of an earlier run before it creates the first one', async () => {
    const world = newWorld();
    for (const id of ids(5)) world.buildkite.addJob(id);
    const first = start(world, { maxInFlight: 2 });
    await until(() => world.cluster.created.length === 2);
    await first.stop();

    const second = start(world, { maxInFlight: 2 });
    await new Promise((resolve) => setTimeout(resolve, 100));
    const whileFull = world.cluster.created.length;
    world.cluster.endJob([...world.cluster.jobs.keys()][0]!);
    await until(() => world.cluster.created.length === 3);
    await second.stop();

    expect(whileFull).to.equal(2);
  });

  it('loses no job and doubles none when it is stopped again and again', async () => {
    const world = newWorld();
    const runs = runJobsByThemselves(world);
    for (const id of ids(200)) world.buildkite.addJob(id);

    for (let restart = 0; restart < 10; restart++) {
      const controller = start(world, { maxInFlight: 10 });
      await new Promise((resolve) => setTimeout(resolve, 15));
      await controller.stop();
      // A stop hands reservations back: nothing has to wait for their expiry.
      expect(
        [...world.buildkite.jobs.values()].filter(
          (job) => job.state === 'reserved' && !runs.has(job.id) && !world.cluster.created.includes(job.id),
        ),
      ).to.deep.equal([]);
    }
    const last = start(world, { maxInFlight: 50 });
    await until(() => [...world.buildkite.jobs.values()].every((job) => job.state === 'finished'));
    await last.stop();

    expect(runs.size).to.equal(200);
    expect(new Set(runs.values())).to.deep.equal(new Set([1]));
  });

  it('fails a job that cannot be built, with the reason, and frees its slot', async () => {
    const world = newWorld();
    runJobsByThemselves(world);
    world.buildkite.addJob('bad', {
      priority: 9,
      env: {
        BUILDKITE_PLUGINS:
          '[{"github.com/buildkite-plugins/kubernetes-buildkite-plugin":{"podSpec":{"containers":[{"image":"Golang:1.24"}]}}}]',
      },
    });
    world.buildkite.addJob('good');

    const controller = start(world, { maxInFlight: 1 });
    await until(() => world.buildkite.jobs.get('good')?.state === 'finished');
    await controller.stop();

    expect(world.buildkite.jobs.get('bad')?.failure).to.equal(
      'agent-stack-k8s failed to build a podSpec for the job: repository name must be lowercase "Golang:1.24" for container "container-0"',
    );
    expect(world.cluster.created).to.deep.equal(['good']);
  });

  it('keeps trying while the cluster refuses for the moment, as a quota does', async () => {
    const world = newWorld();
    runJobsByThemselves(world);
    world.buildkite.addJob('job');
    let refusals = 3;
    world.cluster.fault = () => {
      if (refusals-- > 0) throw new ExternalError('exceeded quota', { retryable: true, status: 403 });
    };

    const controller = start(world);
    await until(() => world.buildkite.jobs.get('job')?.state === 'finished');
    await controller.stop();

    expect(world.cluster.created).to.deep.equal(['job']);
  });

  it('goes on after Buildkite was away while listing, reserving and fetching', async () => {
    const world = newWorld();
    runJobsByThemselves(world);
    const left = new Map([
      ['connect', 2],
      ['list', 2],
      ['reserve', 2],
      ['get', 2],
      ['fail', 1],
    ]);
    world.buildkite.fault = (operation) => {
      const remaining = left.get(operation) ?? 0;
      left.set(operation, remaining - 1);
      if (remaining > 0) throw new ExternalError('503', { retryable: true, status: 503 });
    };
    for (const id of ids(3)) world.buildkite.addJob(id);

    const controller = start(world);
    await until(() => [...world.buildkite.jobs.values()].every((job) => job.state === 'finished'));
    await controller.stop();

    expect(world.cluster.created.toSorted()).to.deep.equal(ids(3));
  });

  it('starts nothing while the queue is paused', async () => {
    const world = newWorld();
    runJobsByThemselves(world);
    world.buildkite.addJob('job');
    world.buildkite.paused = true;

    const controller = start(world);
    await new Promise((resolve) => setTimeout(resolve, 100));
    const whilePaused = world.cluster.created.length;
    world.buildkite.paused = false;
    await until(() => world.buildkite.jobs.get('job')?.state === 'finished');
    await controller.stop();

    expect(whilePaused).to.equal(0);
  });

  it('fails the Buildkite job when its Job failed before an agent took it', async () => {
    const world = newWorld();
    world.buildkite.addJob('job');
    world.cluster.onCreated = (_, name) => world.cluster.endJob(name, 'failed', 'BackoffLimitExceeded');

    const controller = start(world);
    await until(() => world.cluster.created.length === 1);
    world.buildkite.expireReservations();
    await until(() => world.buildkite.jobs.get('job')?.state === 'finished');
    await controller.stop();

    expect(world.buildkite.jobs.get('job')?.failure).to.contain('BackoffLimitExceeded');
    expect(world.cluster.created).to.deep.equal(['job']);
  });

  it('refuses to start when Buildkite refuses it for good', async () => {
    const world = newWorld();
    world.buildkite.fault = () => {
      throw new ExternalError('the agent token is not accepted', { retryable: false, status: 401 });
    };

    const outcome = await start(world).done.catch((error: unknown) => error);

    expect(outcome).to.be.instanceOf(ExternalError);
  });
});

import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import type { Job } from '../../src/sandbox/buildkite/model.js';
import type { Fault as BuildkiteFault } from '../../src/sandbox/buildkite/router.js';
import type { ApiRequest } from '../../src/sandbox/kubernetes/api-request.js';
import type { Fault as KubernetesFault } from '../../src/sandbox/kubernetes/faults.js';
import type { Source } from '../cluster/test-queue.js';
import { startHurriedController } from './hurried-controller.js';
import { expectCleanLogs, startWorld, type ControllerProcess, type World } from './world.js';

const JOBS = 40;
const MAX_IN_FLIGHT = 10;
const SIDE_BY_SIDE = 6;

interface Trouble {
  readonly name: string;
  /** @default 'stacks' */
  readonly source?: Source;
  readonly config?: Readonly<Record<string, unknown>>;
  /** Starts the trouble, and ends it in time. @returns how often it struck so far */
  readonly begin: (world: World) => () => number;
  /** What else must be true in the end. */
  readonly expect?: (world: World) => void;
}

const isCreate = ({ verb, store }: ApiRequest): boolean => verb === 'create' && store === 'jobs';
const isWatch = ({ verb, store }: ApiRequest): boolean => verb === 'watch' && store === 'jobs';

/** Faults for requests of the controller to the API server, by how many came before. */
function kubernetesTrouble(
  which: (request: ApiRequest) => boolean,
  fault: (nth: number) => KubernetesFault | undefined,
): Trouble['begin'] {
  return ({ kubernetes }) => {
    let [seen, struck] = [0, 0];
    kubernetes.intercept((request) => {
      if (!which(request)) return undefined;
      const chosen = fault(seen++);
      if (chosen !== undefined) struck += 1;
      return chosen;
    });
    return () => struck;
  };
}

/** Faults for requests of the controller to Buildkite: agents' calls are left alone. */
function buildkiteTrouble(
  which: (route: string) => boolean,
  fault: (nth: number) => BuildkiteFault | undefined,
): Trouble['begin'] {
  return ({ buildkite }) => {
    let [seen, struck] = [0, 0];
    buildkite.intercept(({ route }) => {
      if (!/\/stacks\/|\/graphql$/.test(route) || !which(route)) return undefined;
      const chosen = fault(seen++);
      if (chosen !== undefined) struck += 1;
      return chosen;
    });
    return () => struck;
  };
}

const first =
  <F>(count: number, fault: F) =>
  (nth: number): F | undefined =>
    nth < count ? fault : undefined;

/** From the `from`th request on, for so long. */
function awhile<F>(from: number, ms: number, fault: F): (nth: number) => F | undefined {
  let began: number | undefined;
  return (nth) => {
    if (nth < from) return undefined;
    began ??= Date.now();
    return Date.now() - began < ms ? fault : undefined;
  };
}

const isListing = (route: string): boolean => route.endsWith('/scheduled-jobs');
const isReserving = (route: string): boolean => route.endsWith('/batch-reserve');
const tooMany = { kind: 'status', code: 429, reason: 'TooManyRequests', retryAfterSeconds: 1 } as const;

const GRAPHQL_FAULTS: readonly (BuildkiteFault | undefined)[] = [
  { status: 502 },
  undefined,
  undefined,
  { reset: true },
  undefined,
  { body: 'truncated' },
];

const TROUBLES: readonly Trouble[] = [
  {
    name: 'the API server is away for 3 s',
    begin: (world) => {
      // The watch breaks first, then nothing gets through.
      kubernetesTrouble(isWatch, first(1, { kind: 'cut', afterEvents: 12 }))(world);
      return kubernetesTrouble(() => true, awhile(20, 3000, { kind: 'drop' }))(world);
    },
  },
  {
    name: 'the API server answers creates with 429 and Retry-After',
    begin: kubernetesTrouble(isCreate, (nth) => (nth % 3 === 0 && nth < 30 ? tooMany : undefined)),
  },
  {
    name: 'the API server answers anything with 500 and 503 now and then',
    begin: kubernetesTrouble(
      () => true,
      (nth) => (nth % 4 === 1 && nth < 60 ? { kind: 'status', code: nth % 8 === 1 ? 500 : 503 } : undefined),
    ),
  },
  {
    name: 'a create is carried out but its answer is lost',
    begin: kubernetesTrouble(isCreate, (nth) => (nth % 4 === 0 ? { kind: 'drop-answer' } : undefined)),
    expect: ({ logs }) => expect(logs()).to.include('adopted the Kubernetes Job that exists already'),
  },
  {
    name: 'watches break off or end after a few events',
    begin: kubernetesTrouble(isWatch, (nth) =>
      nth < 4 ? { kind: 'cut', afterEvents: 3, clean: nth % 2 === 0 } : undefined,
    ),
  },
  {
    name: 'the history is compacted while the watch is down',
    begin: (world) =>
      kubernetesTrouble(isWatch, (nth) => {
        if (nth > 0) world.kubernetes.compact();
        return nth < 3 ? { kind: 'cut', afterEvents: 5 } : undefined;
      })(world),
    expect: ({ logs }) => expect(logs()).to.include('relist=true'),
  },
  {
    name: 'watches are answered 410',
    begin: kubernetesTrouble(isWatch, (nth) => {
      if (nth === 0) return { kind: 'cut', afterEvents: 5 };
      return nth < 3 ? { kind: 'status', code: 410, reason: 'Expired' } : undefined;
    }),
  },
  {
    name: 'a quota is exhausted for a while',
    begin: ({ kubernetes }) => {
      let struck = 0;
      const began = Date.now();
      kubernetes.store.addAdmission((resource) => {
        if (resource !== 'jobs' || Date.now() - began > 2000) return undefined;
        struck += 1;
        return 'exceeded quota: ci, requested: count/jobs.batch=1, used: count/jobs.batch=5, limited: count/jobs.batch=5';
      });
      return () => struck;
    },
  },
  {
    name: 'Buildkite is away for 3 s',
    begin: buildkiteTrouble(() => true, awhile(15, 3000, { reset: true })),
  },
  {
    name: 'Buildkite answers listings and reservations with 429 and Retry-After',
    begin: buildkiteTrouble(
      (route) => isListing(route) || isReserving(route),
      (nth) => (nth % 3 === 0 && nth < 9 ? { status: 429, retryAfter: 1 } : undefined),
    ),
  },
  {
    name: 'Buildkite breaks its answers off in the middle, with payloads logged',
    config: { debug: true, 'log-http-payloads': true },
    begin: buildkiteTrouble(
      () => true,
      (nth) => (nth % 5 === 3 && nth < 40 ? { body: 'truncated' } : undefined),
    ),
  },
  {
    name: 'a reservation is made but the answer is lost',
    begin: buildkiteTrouble(isReserving, first(2, { reset: true, applied: true })),
  },
  {
    name: 'GraphQL is refused, broken off or answered with half a text now and then',
    source: 'graphql',
    begin: buildkiteTrouble(
      () => true,
      (nth) => GRAPHQL_FAULTS[nth],
    ),
  },
];

describe('a controller in trouble runs each job once', function () {
  this.timeout(60_000);
  const runs: Promise<void>[] = [];
  before(() => {
    // Several side by side, because most of the time they wait.
    for (const [index, trouble] of TROUBLES.entries()) {
      const earlier = runs[index - SIDE_BY_SIDE] ?? Promise.resolve();
      runs.push(earlier.catch(() => undefined).then(() => getOverIt(trouble)));
    }
    void Promise.allSettled(runs);
  });
  after(() => expectCleanLogs());

  for (const [index, { name }] of TROUBLES.entries()) it(`when ${name}`, () => runs[index]);
});

async function getOverIt(trouble: Trouble): Promise<void> {
  const config = { 'max-in-flight': MAX_IN_FLIGHT, 'reservation-expiry-seconds': 3, ...trouble.config };
  const world = await startWorld({ source: trouble.source ?? 'stacks', config });
  try {
    const struck = trouble.begin(world);
    const controller = world.start();
    world.buildkite.createJobs(JOBS, { command: 'true' });
    await world.allFinished(() => controller.assertAlive());

    world.expectEachRanOnce();
    expect(world.census().most).to.be.at.most(MAX_IN_FLIGHT);
    expect(struck()).to.be.above(1);
    trouble.expect?.(world);
    expect(await controller.end('SIGTERM')).to.equal(0);
  } finally {
    await world.close();
  }
}

describe('a controller in long trouble runs each job once', function () {
  this.timeout(30_000);
  let world: World;
  let stop: () => Promise<void> = () => Promise.resolve();
  beforeEach(async () => {
    world = await startWorld({ buildkite: { enforceRateLimits: false } });
  });
  afterEach(async () => {
    await stop();
    await world.close();
  });

  it('when a watch says nothing any more', async () => {
    const struck = kubernetesTrouble(isWatch, first(2, { kind: 'silence' }))(world);

    world.buildkite.createJobs(JOBS, { command: 'true' });
    stop = startHurriedController(world, { config: { maxInFlight: 5 }, watchTiming: { idleMs: 400 } });
    await world.allFinished();

    world.expectEachRanOnce();
    expect(struck()).to.equal(2);
    expect(world.census().most).to.be.at.most(5);
  });

  it('when it may not create Jobs for a while', async () => {
    const message = 'jobs.batch is forbidden: User "controller" cannot create resource "jobs" in API group "batch"';
    const refusal = { kind: 'status', code: 403, reason: 'Forbidden', message } as const;
    const struck = kubernetesTrouble(isCreate, awhile(0, 500, refusal))(world);

    world.buildkite.createJobs(JOBS, { command: 'true' });
    stop = startHurriedController(world, { config: { maxInFlight: 5 } });
    await world.allFinished();

    world.expectEachRanOnce();
    expect(struck()).to.be.above(0);
  });

  it('when no answer to a reservation arrives: the jobs come back when it expires', async () => {
    const struck = buildkiteTrouble(isReserving, first(6, { reset: true, applied: true }))(world);

    world.buildkite.createJobs(JOBS, { command: 'true' });
    stop = startHurriedController(world, { config: { maxInFlight: 0, reservationExpirySeconds: 1 } });
    await world.allFinished();

    world.expectEachRanOnce();
    expect(struck()).to.equal(6);
  });
});

describe('a job that cannot be built', function () {
  this.timeout(30_000);
  let world: World;
  let controller: ControllerProcess;
  afterEach(() => world.close());

  async function ended(job: Job): Promise<Job> {
    while (job.state !== 'finished') {
      controller.assertAlive();
      await sleep(20);
    }
    return job;
  }
  function createJob(env: Readonly<Record<string, string>> = {}): Job {
    const [job] = world.buildkite.createJobs(1, { command: 'true', env });
    if (job === undefined) throw new Error('no job was made');
    return job;
  }

  const failures = [
    { source: 'stacks', call: 'POST /v3/stacks/:key/jobs/:id/finish', exitStatus: -1 },
    { source: 'graphql', call: 'POST /v3/register', exitStatus: 1 },
  ] as const;
  for (const { source, call, exitStatus } of failures) {
    it(`fails once at Buildkite (${source}) although the call for that fails twice, and frees its slot`, async () => {
      world = await startWorld({ source, config: { 'max-in-flight': 1 } });
      let struck = 0;
      const heal = world.buildkite.intercept(({ route }) =>
        route === call && ++struck <= 2 ? { status: 500 } : undefined,
      );
      const plugin = { 'github.com/buildkite-plugins/kubernetes-buildkite-plugin': { podSpec: 7 } };
      const unbuildable = createJob({ BUILDKITE_PLUGINS: JSON.stringify([plugin]) });

      controller = world.start();
      await ended(unbuildable);
      heal();
      const next = await ended(createJob());

      expect(struck).to.equal(3);
      expect(unbuildable).to.include({ exitStatus, finishes: 1 });
      expect(`${unbuildable.stackError ?? ''}${world.buildkite.log(unbuildable.id)}`).to.include('podSpec');
      expect(world.census().made.has(unbuildable.id)).to.equal(false);
      expect(next).to.include({ exitStatus: 0, starts: 1 });
    });
  }
});

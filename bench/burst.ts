/**
 * How fast a burst of jobs reaches Kubernetes: `node dist/bench/burst.js [--jobs 1000] [--max-in-flight 0] [--rounds 3]`.
 *
 * A real control plane, the embedded Buildkite (Stacks source) and the controller in a process of its own with default
 * settings except `max-in-flight`. All jobs become visible at once. The same manifests are created by a bare loop over as many
 * keep-alive connections, before and after, so that the ratio depends neither on the machine nor on what else it does meanwhile.
 */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs, promisify } from 'node:util';
import { startControlPlane, type ControlPlane } from '../test/cluster/control-plane.js';
import { startController, type ControllerProcess } from '../test/cluster/controller-process.js';
import { pathsOf } from '../test/contract/kubernetes/target.js';
import { CONTROLLER_ROLE, startQueue } from '../test/cluster/test-queue.js';
import type { BareLoop } from './bare-create-loop.js';
import { quantile } from './quantile.js';

/** The default of `job-creation-concurrency`. */
const CONCURRENCY = 25;

/**
 * The default of kube-controller-manager. A faster one would make pods of the first Jobs while the last are created, on the
 * same processors: more of them the longer it takes, which is not what is compared here.
 */
const CONTROLLER_MANAGER_QPS = 20;

interface Arrivals {
  /** Milliseconds from the moment the jobs became visible. */
  readonly firstMs: number;
  readonly lastMs: number;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      jobs: { type: 'string', default: '1000' },
      'max-in-flight': { type: 'string', default: '0' },
      rounds: { type: 'string', default: '3' },
    },
  });
  const load = { jobs: Number(values.jobs), maxInFlight: Number(values['max-in-flight']) };
  const plane = await startControlPlane({ controllerQps: CONTROLLER_MANAGER_QPS });
  try {
    // Servers that have just started answer slowly, the API server as well as the embedded Buildkite, so the first burst does not count.
    let before = await bareLoopMs(plane, (await measureBurst(plane, load)).manifests);
    const rounds: Round[] = [];
    for (let round = 0; round < Number(values.rounds); round += 1) {
      const burst = await measureBurst(plane, load);
      const after = await bareLoopMs(plane, burst.manifests);
      rounds.push({ ...burst, bareMs: (before + after) / 2 });
      before = after;
    }
    report(load.jobs, rounds);
  } finally {
    await plane.stop();
  }
}

interface Load {
  readonly jobs: number;
  readonly maxInFlight: number;
}

interface Burst extends Arrivals {
  readonly peakMiB: number;
  readonly connections: { readonly most: number; readonly ever: number };
  readonly status: number | string;
  /** What it created. */
  readonly manifests: readonly unknown[];
}

interface Round extends Burst {
  /** Mean of the bare loops before and after the burst: what else the machine does meets both. */
  readonly bareMs: number;
}

async function measureBurst(plane: ControlPlane, { jobs, maxInFlight }: Load): Promise<Burst> {
  const queue = await startQueue(plane);
  try {
    const controller = startController({
      folder: plane.folder,
      kubeconfig: await queue.controllerKubeconfig(),
      config: { ...queue.config, 'max-in-flight': maxInFlight },
    });
    await queue.polled(() => controller.assertAlive());
    const watchdog = sampleConnections(controller, Number(new URL(plane.url).port));
    const arrivals = watchArrivals({ plane, namespace: queue.namespace, controller, jobs });
    queue.createJobs(jobs);
    const { firstMs, lastMs } = await arrivals;
    const peakMiB = controller.peakMemoryMiB();
    const connections = watchdog.stop();
    const status = await controller.end('SIGTERM');
    return { firstMs, lastMs, peakMiB, connections, status, manifests: await createdManifests(plane, queue.namespace) };
  } finally {
    await queue.stop();
  }
}

/**
 * As the controller's own log has it: nobody asks anybody while the burst is on, and the processors are the controller's alone. That the
 * Jobs are really there is asked of etcd afterwards.
 */
async function watchArrivals({ plane, namespace, controller, jobs }: Watched): Promise<Arrivals> {
  const visibleAt = Date.now();
  for (;;) {
    await sleep(200);
    controller.assertAlive();
    const times = creationTimes(controller.log());
    const [first, last] = [times[0], times[jobs - 1]];
    if (first === undefined || last === undefined) continue;
    const stored = await plane.countStored('jobs', namespace);
    if (stored !== jobs) throw new Error(`the controller says that it created ${jobs} Jobs, and there are ${stored}`);
    return { firstMs: first - visibleAt, lastMs: last - visibleAt };
  }
}

interface Watched {
  readonly plane: ControlPlane;
  readonly namespace: string;
  readonly controller: ControllerProcess;
  readonly jobs: number;
}

/** Milliseconds since the epoch of each creation that a log tells of, in order. */
function creationTimes(log: string): number[] {
  const lines = log.matchAll(/^time=(\S+) level=info msg="created the Kubernetes Job"/gm);
  return Array.from(lines, ([, time = '']) => Date.parse(time));
}

/** Once a second: also where no socket is new, a sample takes a millisecond of the processor that is measured. */
function sampleConnections(controller: ControllerProcess, port: number) {
  const ever = new Set<string>();
  let most = 0;
  const sample = (): void => {
    const now = controller.connectionsTo(port);
    for (const inode of now) ever.add(inode);
    most = Math.max(most, now.length);
  };
  const timer = setInterval(sample, 1000);
  return {
    stop: () => {
      clearInterval(timer);
      sample();
      return { most, ever: ever.size };
    },
  };
}

/** What the controller created, without what the server added to it. */
async function createdManifests(plane: ControlPlane, namespace: string): Promise<unknown[]> {
  const { body } = await plane.admin.expect(200, 'GET', pathsOf(namespace).jobs);
  return body.items.map((job: any) => {
    const { name, labels, annotations } = job.metadata;
    const { template } = job.spec;
    const spec = { ...job.spec, selector: undefined };
    const podLabels = Object.entries(template.metadata.labels).filter(
      ([key]) => !/(job-name|controller-uid)$/.test(key),
    );
    const metadata = { labels: Object.fromEntries(podLabels), annotations: template.metadata.annotations };
    return {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name, labels, annotations },
      spec: { ...spec, template: { metadata, spec: template.spec } },
    };
  });
}

/** Creates all manifests in a bare loop, in a namespace of its own. @returns milliseconds. */
async function bareLoopMs(plane: ControlPlane, manifests: readonly unknown[]): Promise<number> {
  const namespace = await plane.createNamespace();
  const file = path.join(plane.folder, 'bare-create-loop.json');
  const loop: BareLoop = {
    // With the controller's rights: checking those of an administrator costs the API server less.
    target: { url: plane.url, ca: plane.ca, token: await plane.restrictedToken(namespace, CONTROLLER_ROLE) },
    path: pathsOf(namespace).jobs,
    connections: CONCURRENCY,
    manifests,
  };
  writeFileSync(file, JSON.stringify(loop), { mode: 0o600 });
  const program = path.join(import.meta.dirname, 'bare-create-loop.js');
  const { stdout } = await promisify(execFile)(process.execPath, [program, file]);
  return Number(stdout);
}

function report(jobs: number, rounds: readonly Round[]): void {
  const rate = (ms: number): string => `${((jobs / ms) * 1000).toFixed(0)}/s`;
  const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`;
  const creatingMs = ({ firstMs, lastMs }: Round): number => lastMs - firstMs;
  const line = (name: string, show: (round: Round) => string): void =>
    console.log(name.padEnd(34) + rounds.map((round) => show(round).padEnd(18)).join(''));
  const bytes = Buffer.byteLength(JSON.stringify(rounds[0]?.manifests[0]));
  console.log(`${jobs} jobs, manifests of ${bytes} bytes, ${CONCURRENCY} workers`);
  line('visible to first Job', ({ firstMs }) => seconds(firstMs));
  line('visible to last Job', ({ lastMs }) => `${seconds(lastMs)}, ${rate(lastMs)}`);
  line('first to last Job', (round) => `${seconds(creatingMs(round))}, ${rate(creatingMs(round))}`);
  line('bare loop, mean of two', ({ bareMs }) => `${seconds(bareMs)}, ${rate(bareMs)}`);
  line('ratio, from the first Job on', (round) => (round.bareMs / creatingMs(round)).toFixed(2));
  line('ratio, from visibility on', ({ bareMs, lastMs }) => (bareMs / lastMs).toFixed(2));
  line('connections at once, ever', ({ connections }) => `${connections.most}, ${connections.ever}`);
  line('peak memory of the controller', ({ peakMiB }) => `${peakMiB.toFixed(0)} MiB`);
  line('exit status after SIGTERM', ({ status }) => String(status));
  const ratios = rounds.map((round) => round.bareMs / creatingMs(round));
  console.log(`median ratio, from the first Job on: ${quantile(ratios, 0.5).toFixed(2)}`);
}

await main();

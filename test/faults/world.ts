import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import {
  startBuildkiteServer,
  type BuildkiteServer,
  type BuildkiteServerOptions,
} from '../../src/sandbox/buildkite/server.js';
import { startKubelet } from '../../src/sandbox/kubelet/kubelet.js';
import { startJobController } from '../../src/sandbox/kubernetes/job-controller.js';
import { startKubernetesServer, type KubernetesServer } from '../../src/sandbox/kubernetes/kubernetes-server.js';
import { textAt } from '../../src/sandbox/kubernetes/objects.js';
import { startController, type ControllerProcess } from '../cluster/controller-process.js';
import { CONTROLLER_ROLE, type Source } from '../cluster/test-queue.js';

export type { ControllerProcess } from '../cluster/controller-process.js';

export const NAMESPACE = 'buildkite';
export const AGENT_TOKEN_SECRET = 'buildkite-agent-token';

export interface WorldOptions {
  readonly source?: Source;
  /** Keys of the controller's configuration file. */
  readonly config?: Readonly<Record<string, unknown>>;
  readonly buildkite?: BuildkiteServerOptions;
}

/** Job resources as they came and went. */
export interface Census {
  /** Resources ever made for each Buildkite job. */
  readonly made: ReadonlyMap<string, number>;
  /** The most that were unfinished at one time. */
  readonly most: number;
}

/** An embedded Buildkite and an embedded cluster in this process, and controllers in processes of their own between them. */
export interface World {
  readonly buildkite: BuildkiteServer;
  readonly kubernetes: KubernetesServer;
  /** The controller's bearer token. */
  readonly kubeToken: string;
  /** A kubeconfig with no more rights than the chart gives. */
  readonly kubeconfig: string;
  /** Starts a controller; `config` overrides that of the world. */
  start(config?: Readonly<Record<string, unknown>>, otherKubeconfig?: string): ControllerProcess;
  readonly census: () => Census;
  /** Ids of the Buildkite jobs that have a Job resource now. */
  jobsInCluster(): ReadonlySet<string>;
  /** What all controllers of this world have written. */
  readonly logs: () => string;
  /** Resolves when every job has ended and every Job resource too. @param check throws to give up */
  readonly allFinished: (check?: () => void) => Promise<void>;
  /** Every Buildkite job passed and was run once, by one Job resource. */
  readonly expectEachRanOnce: () => void;
  close(): Promise<void>;
}

/** Every secret of every world so far, for `expectNoSecrets`. */
const secrets = new Set<string>();
const written: string[] = [];

/** Starts the two ends of the wire. A controller is not started. */
export async function startWorld({ source = 'stacks', config = {}, ...options }: WorldOptions = {}): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), 'agent-stack-k8s-faults-'));
  const buildkite = await startBuildkiteServer({
    agentSettings: { jobStatusInterval: 0.2, chunksIntervalSeconds: 0.05 },
    ...options.buildkite,
  });
  const kubernetes = await startKubernetesServer({ namespaces: [NAMESPACE] });
  const { store } = kubernetes;
  store.create('secrets', {
    metadata: { name: AGENT_TOKEN_SECRET, namespace: NAMESPACE },
    stringData: { BUILDKITE_AGENT_TOKEN: buildkite.agentToken },
  });
  const census = takeCensus(kubernetes);
  const jobController = startJobController(store);
  const kubelet = startKubelet({ store, workDir: join(folder, 'pods') });
  const kubeToken = kubernetes.addToken({
    name: `system:serviceaccount:${NAMESPACE}:controller`,
    rules: CONTROLLER_ROLE.map((rule) => ({ ...rule, namespaces: [NAMESPACE] })),
  });
  const kubeconfig = join(folder, 'kubeconfig');
  writeFileSync(kubeconfig, kubernetes.kubeconfig({ token: kubeToken, namespace: NAMESPACE }));
  for (const secret of [buildkite.agentToken, buildkite.apiToken, kubeToken]) secrets.add(secret);
  const running: ControllerProcess[] = [];
  let closed = false;
  const logs = (): string =>
    readdirSync(folder)
      .filter((name) => name.endsWith('.log'))
      .map((name) => readFileSync(join(folder, name), 'utf8'))
      .join('');
  const world: World = {
    buildkite,
    kubernetes,
    kubeToken,
    kubeconfig,
    start(overrides = {}, otherKubeconfig = kubeconfig) {
      const all = { ...configFor(buildkite, source), ...config, ...overrides };
      const controller = startController({ folder, kubeconfig: otherKubeconfig, config: all });
      running.push(controller);
      return controller;
    },
    census,
    jobsInCluster: () => new Set(store.list('jobs', NAMESPACE).map(jobIdOf)),
    logs,
    allFinished: async (check) => {
      while (!isFinished(world)) {
        check?.();
        if (closed) throw new Error('the world was closed before its jobs had ended');
        await sleep(50);
      }
    },
    expectEachRanOnce: () => expectEachRanOnce(world),
    async close() {
      closed = true;
      for (const controller of running) await controller.end('SIGKILL');
      written.push(logs());
      await kubelet.close();
      jobController.close();
      await buildkite.close();
      await kubernetes.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return world;
}

function configFor(buildkite: BuildkiteServer, source: Source): Record<string, unknown> {
  return {
    namespace: NAMESPACE,
    id: 'faults',
    'agent-token-secret': AGENT_TOKEN_SECRET,
    tags: [`queue=${buildkite.queueKey}`],
    'agent-config': { endpoint: buildkite.agentEndpoint },
    'job-source': source,
    'graphql-endpoint': buildkite.graphqlEndpoint,
    org: buildkite.organizationSlug,
    'cluster-uuid': buildkite.clusterUuid,
    ...(source === 'graphql' ? { 'buildkite-token': buildkite.apiToken } : {}),
  };
}

function takeCensus({ store }: KubernetesServer): () => Census {
  const made = new Map<string, number>();
  const unfinished = new Set<string>();
  let most = 0;
  store.watch('jobs', {}, ({ type, object }) => {
    const id = jobIdOf(object);
    if (type === 'ADDED') made.set(id, (made.get(id) ?? 0) + 1);
    if (type === 'ADDED') unfinished.add(object.metadata.uid);
    if (type === 'DELETED' || isEnded(object)) unfinished.delete(object.metadata.uid);
    most = Math.max(most, unfinished.size);
  });
  return () => ({ made, most });
}

function jobIdOf(object: unknown): string {
  return textAt(object, 'metadata', 'labels', 'buildkite.com/job-uuid');
}

function isEnded(job: unknown): boolean {
  return conditionsOf(job).some(({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True');
}

function conditionsOf(job: any): { type: string; status: string }[] {
  return job.status?.conditions ?? [];
}

function isFinished({ buildkite, kubernetes }: World): boolean {
  return (
    buildkite.jobs().every(({ state }) => state === 'finished') &&
    kubernetes.store.list('jobs', NAMESPACE).every(isEnded)
  );
}

function expectEachRanOnce({ buildkite, census }: World): void {
  const jobs = buildkite.jobs();
  const wrong = jobs.filter(
    ({ state, exitStatus, starts, finishes, refusals }) =>
      state !== 'finished' || exitStatus !== 0 || starts !== 1 || finishes !== 1 || refusals !== 0,
  );
  expect(
    wrong.map(({ id, state, exitStatus, starts, finishes, refusals }) => ({
      id,
      state,
      exitStatus,
      starts,
      finishes,
      refusals,
    })),
  ).to.deep.equal([]);
  const { made } = census();
  expect([...made.keys()].sort()).to.deep.equal(jobs.map(({ id }) => id).sort());
  expect([...made].filter(([, count]) => count !== 1)).to.deep.equal([]);
}

/** What the controllers of all closed worlds have written is logfmt with constant messages, and no secret is in it. */
export function expectCleanLogs(moreSecrets: readonly string[] = []): void {
  const lines = written
    .join('')
    .split('\n')
    .filter((line) => line !== '');
  expect(lines).to.not.have.length(0);
  for (const line of lines) {
    const message = /^time=\S+ level=(?:debug|info|warn|error) msg=("(?:[^"\\]|\\.)*"|\S+)/.exec(line)?.[1];
    expect(message, line).to.be.a('string');
    expect(message, line).to.not.match(/[0-9a-f]{8}-|\d{3}|:\/\//);
  }
  const text = lines.join('\n');
  for (const secret of [...secrets, ...moreSecrets]) {
    expect(text.includes(secret), 'a secret in the log').to.equal(false);
    expect(text.includes(Buffer.from(secret).toString('base64')), 'a secret in base64 in the log').to.equal(false);
  }
}

import { createWriteStream } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { loadKubeConnection } from '../adapters/kubernetes/kube-config.js';
import { defaultConfig } from '../core/config/default-config.js';
import type { ControllerConfig } from '../core/config/config.js';
import { EXIT, ToolkitError, UsageError, type ExitStatus } from '../core/errors.js';
import { PipelineRejected, startBuildkiteServer, type BuildkiteServer } from '../sandbox/buildkite/server.js';
import { startJobController } from '../sandbox/kubernetes/job-controller.js';
import { startKubernetesServer, type KubernetesServer } from '../sandbox/kubernetes/kubernetes-server.js';
import { startKubelet } from '../sandbox/kubelet/kubelet.js';
import { giveUpOnPods } from './give-up-on-pods.js';
import type { LocalRepository } from './local-repository.js';
import { runController } from './run-controller.js';
import type { SandboxEvent } from '../core/sandbox-event.js';
import { followJobs } from './sandbox-events.js';

const NAMESPACE = 'buildkite';
const AGENT_TOKEN_SECRET = 'buildkite-agent-token';

/** The rights the chart gives the controller, and no more: what works here works there. */
const CONTROLLER_RULES = [
  { apiGroups: ['batch'], resources: ['jobs'], verbs: ['get', 'list', 'watch', 'create', 'update', 'delete'] },
  { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'watch', 'delete'] },
  { apiGroups: [''], resources: ['podtemplates', 'secrets'], verbs: ['get'] },
  { apiGroups: [''], resources: ['events'], verbs: ['list'] },
];

export interface RunSandboxOptions {
  readonly pipeline: { readonly text: string; readonly file: string };
  readonly source: 'graphql' | 'stacks';
  /** Leave the endpoints up after the build, until the signal aborts. */
  readonly keep: boolean;
  /** Where the jobs' code comes from; without one the checkouts are empty. */
  readonly repository: LocalRepository | undefined;
  /** Variables of the build. */
  readonly env: Readonly<Record<string, string>>;
  /** `max-in-flight` of the controller. */
  readonly maxInFlight: number;
  readonly version: string;
  readonly signal: AbortSignal;
  readonly tell: (event: SandboxEvent) => void;
}

/**
 * Runs a pipeline on this machine: an embedded Buildkite and an embedded Kubernetes on loopback, and the real controller between
 * them over HTTP. The jobs' commands run here, as processes in scratch directories.
 * @returns 0 when the build passed, 1 when it did not
 * @throws UsageError when the pipeline is refused
 */
export async function runSandbox(options: RunSandboxOptions): Promise<ExitStatus> {
  const { tell, signal, source, pipeline } = options;
  const workDir = await mkdtemp(join(tmpdir(), 'agent-stack-k8s-sandbox-'));
  const cleanUp: (() => Promise<unknown>)[] = [() => rm(workDir, { recursive: true, force: true })];
  try {
    const buildkite = await startBuildkiteServer({ ignoreAgentRules: true });
    cleanUp.push(() => buildkite.close());
    const kubernetes = await startCluster(buildkite, workDir, cleanUp);
    // The build's first events come with its making, but a pipeline that is refused starts nothing.
    const first: SandboxEvent[] = [];
    let follow = (event: SandboxEvent): void => void first.push(event);
    const unfollow = followJobs({ buildkite, kubernetes }, (event) => follow(event));
    const stopGivingUp = giveUpOnPods({ buildkite, kubernetes }, (event) => follow(event));
    cleanUp.push(
      () => Promise.resolve(unfollow()),
      () => Promise.resolve(stopGivingUp()),
    );
    const build = startBuild(buildkite, options);
    const { url: buildkiteUrl } = buildkite;
    const notice = `The commands of the pipeline run on this machine, as you, below ${workDir}. Images are not used.`;
    tell({
      type: 'started',
      pipeline: pipeline.file,
      source,
      buildkite: buildkiteUrl,
      kubernetes: kubernetes.url,
      workDir,
      notice,
    });
    for (const text of notesOn(options, buildkite.jobs().length)) tell({ type: 'note', text });
    for (const event of first) tell(event);
    follow = tell;
    const controller = await startController({ ...options, buildkite, kubernetes, workDir });
    cleanUp.push(() => controller.stop());
    const startedAt = Date.now();
    // The controller ends by itself only when it cannot run.
    const ended = await Promise.race([buildkite.waitForBuild(build.id, signal), controller.done]);
    if (typeof ended === 'number')
      throw new ToolkitError(
        `the controller stopped with status ${ended}; its log:\n${await controller.log()}`,
        EXIT.unable,
      );
    const state = ended.state === 'passed' || ended.state === 'canceled' ? ended.state : 'failed';
    tell({ type: 'finished', state, jobs: buildkite.jobs().length, durationMs: Date.now() - startedAt });
    if (options.keep) await keepUp({ buildkite, kubernetes, workDir, tell, signal });
    return state === 'passed' ? EXIT.ok : EXIT.problems;
  } finally {
    for (const step of cleanUp.toReversed()) await step();
  }
}

function notesOn({ repository, pipeline }: RunSandboxOptions, jobs: number): readonly string[] {
  const notes = jobs === 0 ? [`${pipeline.file}: there is no command step in it, so nothing runs`] : [];
  if (repository?.dirty !== true) return notes;
  const commit = repository.commit.slice(0, 10);
  return [...notes, `jobs get commit ${commit} of "${repository.path}": changes that are not committed are not in it`];
}

async function startCluster(
  buildkite: BuildkiteServer,
  workDir: string,
  cleanUp: (() => Promise<unknown>)[],
): Promise<KubernetesServer> {
  const kubernetes = await startKubernetesServer({ namespaces: [NAMESPACE] });
  cleanUp.push(() => kubernetes.close());
  kubernetes.store.create('secrets', {
    metadata: { name: AGENT_TOKEN_SECRET, namespace: NAMESPACE },
    stringData: { BUILDKITE_AGENT_TOKEN: buildkite.agentToken },
  });
  const jobController = startJobController(kubernetes.store);
  cleanUp.push(() => Promise.resolve(jobController.close()));
  const kubelet = startKubelet({ store: kubernetes.store, workDir: join(workDir, 'pods') });
  cleanUp.push(() => kubelet.close());
  kubernetes.setPodLogProvider((target, read) => kubelet.podLogs(target, read));
  return kubernetes;
}

function startBuild(buildkite: BuildkiteServer, { pipeline, repository, env }: RunSandboxOptions) {
  try {
    return buildkite.createBuild({
      pipeline: pipeline.text,
      file: pipeline.file,
      pipelineSlug: 'sandbox',
      env,
      ...(repository === undefined
        ? {}
        : { repo: repository.path, commit: repository.commit, branch: repository.branch }),
    });
  } catch (error) {
    if (error instanceof PipelineRejected)
      throw new UsageError(`the pipeline cannot run:\n  ${error.message.replaceAll('\n', '\n  ')}`, { cause: error });
    throw error;
  }
}

interface RunningController {
  readonly done: Promise<ExitStatus>;
  stop(): Promise<void>;
  log(): Promise<string>;
}

async function startController(
  options: RunSandboxOptions & { buildkite: BuildkiteServer; kubernetes: KubernetesServer; workDir: string },
): Promise<RunningController> {
  const { buildkite, kubernetes, workDir, version } = options;
  const token = kubernetes.addToken({
    name: `system:serviceaccount:${NAMESPACE}:controller`,
    rules: CONTROLLER_RULES.map((rule) => ({ ...rule, namespaces: [NAMESPACE] })),
  });
  const kubeconfig = join(workDir, 'controller-kubeconfig');
  await writeFile(kubeconfig, kubernetes.kubeconfig({ token, namespace: NAMESPACE }), { mode: 0o600 });
  const logFile = join(workDir, 'controller.log');
  const logStream = createWriteStream(logFile);
  const stop = new AbortController();
  const done = runController({
    config: controllerConfig(options, buildkite),
    version,
    signal: stop.signal,
    connection: loadKubeConnection({ path: kubeconfig }),
    logStream,
  });
  return {
    done,
    log: () => import('node:fs/promises').then(({ readFile }) => readFile(logFile, 'utf8')),
    async stop() {
      stop.abort();
      await done;
      logStream.end();
      await finished(logStream);
    },
  };
}

function controllerConfig(options: RunSandboxOptions, buildkite: BuildkiteServer): ControllerConfig {
  return defaultConfig({
    namespace: NAMESPACE,
    id: 'sandbox',
    agentTokenSecret: AGENT_TOKEN_SECRET,
    queue: buildkite.queueKey,
    agentConfig: { endpoint: buildkite.agentEndpoint },
    jobSource: options.source,
    maxInFlight: options.maxInFlight,
    org: buildkite.organizationSlug,
    clusterUuid: buildkite.clusterUuid,
    buildkiteToken: options.source === 'graphql' ? buildkite.apiToken : '',
    graphqlEndpoint: buildkite.graphqlEndpoint,
  });
}

async function keepUp(world: {
  buildkite: BuildkiteServer;
  kubernetes: KubernetesServer;
  workDir: string;
  tell: (event: SandboxEvent) => void;
  signal: AbortSignal;
}): Promise<void> {
  const kubeconfig = join(world.workDir, 'kubeconfig');
  await writeFile(kubeconfig, world.kubernetes.kubeconfig({ namespace: NAMESPACE }), { mode: 0o600 });
  const { graphqlEndpoint: graphql, agentEndpoint } = world.buildkite;
  world.tell({ type: 'kept', kubeconfig, namespace: NAMESPACE, graphql, agentEndpoint });
  if (world.signal.aborted) return;
  await new Promise<void>((resolve) => world.signal.addEventListener('abort', () => resolve(), { once: true }));
}

import type { Agent as HttpAgent } from 'node:http';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { recordAt, recordsAt, textAt, type JsonRecord, type KubeObject } from '../kubernetes/objects.js';
import { runAgent, type BootstrapClient } from './agent/agent-session.js';
import { runBootstrap } from './agent/bootstrap.js';
import { resolveContainerEnv, type Env, type EnvSources } from './container-env.js';
import type { ContainerLog } from './container-log.js';
import { startProcess, superviseProcess, type ProcessEnd } from './local-process.js';
import { commandLine, type ReadyContainer } from './ready-container.js';
import { isSidecar, podStatus, type ContainerState } from './pod-status.js';
import { SidecarSet } from './sidecars.js';
import { createWorkspace, prepareBuildkiteDirectories, type Workspace } from './workspace.js';

/** What a pod needs from the kubelet that runs it. */
export interface PodHost {
  readonly nodeName: string;
  /** Directory for this pod alone. */
  readonly podDir: string;
  /** Directory that holds the `buildkite-agent` program. */
  readonly binDir: string;
  readonly httpAgent: HttpAgent;
  readonly find: EnvSources['find'];
  /** Writes the pod's status; the current one is given. */
  readonly writeStatus: (change: (current: JsonRecord) => JsonRecord) => void;
  readonly logOf: (container: string) => ContainerLog;
}

/** Why and how fast a pod has to go. */
export interface StopRequest {
  readonly graceMs: number;
  readonly endedBy?: { readonly reason: string; readonly message: string };
}

const CONFIG_RETRY_MS = 1000;
const KILLED = 137;
const CUT_OFF = 1;

/** Runs one pod as local processes, from its first init container to its last sidecar. */
export class PodWorker {
  readonly #pod: KubeObject;
  readonly #host: PodHost;
  readonly #workspace: Workspace;
  readonly #states = new Map<string, ContainerState>();
  readonly #sidecars: SidecarSet;
  readonly #stopping = new AbortController();
  readonly #killing = new AbortController();
  readonly #startedAt = Date.now();
  #stopRequest: StopRequest | undefined;
  #killAt = Number.POSITIVE_INFINITY;
  #killTimer: NodeJS.Timeout | undefined;
  #publishing: NodeJS.Immediate | undefined;

  constructor(pod: KubeObject, host: PodHost) {
    this.#pod = pod;
    this.#host = host;
    this.#workspace = createWorkspace(host.podDir, this.#sources());
    this.#sidecars = new SidecarSet((name, state) => this.#setState(name, state));
  }

  /** Resolves when everything in the pod has ended and its last status is written. */
  async run(): Promise<void> {
    const { spec } = this.#pod;
    const init = recordsAt(spec, 'initContainers');
    for (const container of recordsAt(spec, 'containers')) {
      const reason = init.length > 0 ? 'PodInitializing' : 'ContainerCreating';
      this.#states.set(textAt(container, 'name'), { kind: 'waiting', reason });
    }
    this.#publish();
    const initialized = await this.#runInitContainers(init);
    if (initialized && !this.#stopping.signal.aborted) await this.#runMainContainers();
    await this.#sidecars.stop(this.#terminationGraceMs(), this.#killing.signal);
    clearTimeout(this.#killTimer);
    this.#endWhatNeverRan();
    clearImmediate(this.#publishing);
    this.#writeStatus();
    await this.#workspace.remove();
  }

  /** Asks everything in the pod to end, and ends it when the grace is over; a later, shorter grace counts. */
  stop(request: StopRequest): void {
    this.#stopRequest ??= request;
    this.#stopping.abort();
    const killAt = Date.now() + request.graceMs;
    if (killAt >= this.#killAt) return;
    this.#killAt = killAt;
    clearTimeout(this.#killTimer);
    if (request.graceMs === 0) this.#killing.abort();
    else this.#killTimer = setTimeout(() => this.#killing.abort(), request.graceMs);
  }

  async #runInitContainers(containers: readonly JsonRecord[]): Promise<boolean> {
    for (const spec of containers) {
      if (this.#stopping.signal.aborted) return false;
      const container = await this.#ready(spec);
      if (container === undefined) return false;
      if (isSidecar(spec)) {
        this.#sidecars.start(container, { log: this.#host.logOf(container.name), env: this.#processEnv(container) });
        continue;
      }
      if ((await this.#runInitContainer(container)) !== 0) return false;
    }
    return true;
  }

  async #runInitContainer(container: ReadyContainer): Promise<number> {
    const startedAt = this.#started(container.name);
    const exitCode = await this.#initExitCode(container);
    this.#ended(container.name, startedAt, exitCode);
    return exitCode;
  }

  async #initExitCode(container: ReadyContainer): Promise<number> {
    const { name, spec } = container;
    const log = this.#host.logOf(name);
    if (name === 'copy-agent') {
      prepareBuildkiteDirectories(container.paths.directory('/workspace'), join(this.#host.binDir, 'buildkite-agent'));
      log.append('sandbox: prepared the workspace\n');
      return 0;
    }
    if (/^imagecheck-\d+$/.test(name)) {
      log.append(`sandbox: image "${textAt(spec, 'image')}" is not pulled\n`);
      return 0;
    }
    return (await this.#runProcess(container)).exitCode;
  }

  async #runMainContainers(): Promise<void> {
    const containers: ReadyContainer[] = [];
    for (const spec of recordsAt(this.#pod.spec, 'containers')) {
      const container = await this.#ready(spec);
      if (container === undefined) return;
      containers.push(container);
    }
    const started = new Map(containers.map(({ name }) => [name, this.#started(name)]));
    const ended = (name: string, exitCode: number): void =>
      this.#ended(name, started.get(name) ?? Date.now(), exitCode);
    const agent = containers.find(({ env }) => env['BUILDKITE_AGENT_ACQUIRE_JOB'] !== undefined);
    const clients = agent ? containers.filter(({ env }) => env['BUILDKITE_BOOTSTRAP_PHASES'] !== undefined) : [];
    const others = containers.filter((container) => container !== agent && !clients.includes(container));
    await Promise.all([
      agent ? this.#runBuildkiteJob(agent, clients, ended) : undefined,
      ...others.map(async (container) => ended(container.name, (await this.#runProcess(container)).exitCode)),
    ]);
  }

  async #runBuildkiteJob(
    agent: ReadyContainer,
    containers: readonly ReadyContainer[],
    ended: (name: string, exitCode: number) => void,
  ): Promise<void> {
    const id = ({ env }: ReadyContainer): number => Number(env['BUILDKITE_CONTAINER_ID'] ?? '0');
    const inOrder = [...containers].sort((a, b) => id(a) - id(b));
    const checksOut = inOrder.some(({ env }) => env['BUILDKITE_BOOTSTRAP_PHASES']?.includes('checkout') === true);
    const log = this.#host.logOf(agent.name);
    const exitCode = await runAgent({
      env: agent.env,
      clients: inOrder.map((container) => this.#client(container, { checksOut, ended })),
      httpAgent: this.#host.httpAgent,
      stop: this.#stopping.signal,
      kill: this.#killing.signal,
      say: (line) => log.append(`${line}\n`),
    });
    ended(agent.name, exitCode);
  }

  #client(
    container: ReadyContainer,
    { checksOut, ended }: { readonly checksOut: boolean; readonly ended: (name: string, exitCode: number) => void },
  ): BootstrapClient {
    const { name, env, paths, spec } = container;
    const log = this.#host.logOf(name);
    let done = false;
    const bootstrap = {
      name,
      image: textAt(spec, 'image'),
      env,
      baseEnv: this.#baseEnv(),
      paths,
      binDir: this.#host.binDir,
      checksOut,
      onOutput: (text: string) => log.append(text),
    };
    return {
      run: async (part) => {
        const result = await runBootstrap(bootstrap, part);
        done = true;
        ended(name, result.exitCode);
        return result;
      },
      skip: () => {
        if (!done) ended(name, CUT_OFF);
      },
    };
  }

  /** Runs a container's own command; one without a command has nothing to run without its image. */
  async #runProcess(container: ReadyContainer): Promise<ProcessEnd> {
    const log = this.#host.logOf(container.name);
    const argv = commandLine(container);
    if (argv.length === 0) {
      log.append('sandbox: no command is given and images are not used, so there is nothing to run\n');
      return { exitCode: 0, signal: undefined };
    }
    const running = startProcess({
      argv,
      cwd: container.paths.workingDir,
      env: this.#processEnv(container),
      onOutput: (bytes) => log.append(bytes.toString('utf8')),
    });
    return superviseProcess(running, { stop: this.#stopping.signal, kill: this.#killing.signal });
  }

  /** Waits, as a kubelet does, for Secrets and ConfigMaps that are not there yet; undefined when told to stop. */
  async #ready(spec: JsonRecord): Promise<ReadyContainer | undefined> {
    const name = textAt(spec, 'name');
    for (;;) {
      const env = resolveContainerEnv(spec, this.#sources());
      if (env.ok) {
        const paths = this.#workspace.pathsOf(spec, env.value);
        const local = Object.entries(env.value).map(([key, value]) => [key, paths.localize(value)]);
        return { name, spec, env: Object.fromEntries(local) as Env, paths };
      }
      this.#setState(name, { kind: 'waiting', reason: 'CreateContainerConfigError', message: env.error });
      await sleep(CONFIG_RETRY_MS, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
      if (this.#stopping.signal.aborted) return undefined;
    }
  }

  #sources(): EnvSources {
    return { pod: this.#pod, nodeName: this.#host.nodeName, find: this.#host.find };
  }

  /** All that processes get of our own environment. */
  #baseEnv(): Env {
    return {
      PATH: process.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin',
      LANG: process.env['LANG'] ?? 'C.UTF-8',
      HOME: this.#workspace.home,
      TMPDIR: this.#workspace.tmp,
    };
  }

  #processEnv({ env }: ReadyContainer): Env {
    const base = this.#baseEnv();
    const path = [env['PATH'], base['PATH']].filter((item) => item !== undefined).join(delimiter);
    return { ...base, ...env, HOME: this.#workspace.home, PATH: path };
  }

  #terminationGraceMs(): number {
    const seconds = recordAt(this.#pod, 'spec')['terminationGracePeriodSeconds'];
    return (typeof seconds === 'number' ? seconds : 30) * 1000;
  }

  #endWhatNeverRan(): void {
    const containers = [...recordsAt(this.#pod.spec, 'initContainers'), ...recordsAt(this.#pod.spec, 'containers')];
    const now = Date.now();
    for (const container of containers) {
      const name = textAt(container, 'name');
      this.#host.logOf(name).end();
      const state = this.#states.get(name);
      if (this.#stopRequest === undefined || state?.kind === 'terminated') continue;
      this.#states.set(name, { kind: 'terminated', exitCode: KILLED, startedAt: now, finishedAt: now });
    }
  }

  #started(name: string): number {
    const startedAt = Date.now();
    this.#setState(name, { kind: 'running', startedAt });
    return startedAt;
  }

  #ended(name: string, startedAt: number, exitCode: number): void {
    this.#setState(name, { kind: 'terminated', exitCode, startedAt, finishedAt: Date.now() });
  }

  #setState(name: string, state: ContainerState): void {
    this.#states.set(name, state);
    this.#publish();
  }

  /** Several changes in one turn become one status update. */
  #publish(): void {
    this.#publishing ??= setImmediate(() => {
      this.#publishing = undefined;
      this.#writeStatus();
    });
  }

  #writeStatus(): void {
    const view = {
      spec: recordAt(this.#pod, 'spec'),
      states: this.#states,
      restarts: this.#sidecars.restarts,
      startedAt: this.#startedAt,
      now: Date.now(),
      endedBy: this.#stopRequest?.endedBy,
    };
    this.#host.writeStatus((current) => podStatus(view, current));
  }
}

import type { Env } from './container-env.js';
import type { ContainerLog } from './container-log.js';
import { startProcess, superviseProcess, whenAborted, type LocalProcess } from './local-process.js';
import type { ContainerState } from './pod-status.js';
import { commandLine, type ReadyContainer } from './ready-container.js';

interface Sidecar {
  readonly name: string;
  readonly startedAt: number;
  running: LocalProcess | undefined;
  restartTimer: NodeJS.Timeout | undefined;
}

const NOT_FOUND = 127;
const MAX_BACKOFF_MS = 60_000;

/** The native sidecars of a pod: they run beside its containers, are started again when they end, and go last. */
export class SidecarSet {
  /** How often each was started again. */
  readonly restarts = new Map<string, number>();
  readonly #onState: (name: string, state: ContainerState) => void;
  readonly #sidecars: Sidecar[] = [];
  #stopping = false;

  constructor(onState: (name: string, state: ContainerState) => void) {
    this.#onState = onState;
  }

  start(container: ReadyContainer, surroundings: { readonly log: ContainerLog; readonly env: Env }): void {
    const sidecar: Sidecar = {
      name: container.name,
      startedAt: Date.now(),
      running: undefined,
      restartTimer: undefined,
    };
    this.#sidecars.push(sidecar);
    this.#run(sidecar, container, surroundings);
  }

  /** Ends them in reverse order of their start, all within one grace period. */
  async stop(graceMs: number, kill: AbortSignal): Promise<void> {
    this.#stopping = true;
    const patience = new AbortController();
    const timer = setTimeout(() => patience.abort(), graceMs);
    const forget = whenAborted(kill, () => patience.abort());
    for (const sidecar of [...this.#sidecars].reverse()) {
      clearTimeout(sidecar.restartTimer);
      const { running, startedAt, name } = sidecar;
      const signals = { stop: AbortSignal.abort(), kill: patience.signal };
      const exitCode = running ? (await superviseProcess(running, signals)).exitCode : 0;
      this.#onState(name, { kind: 'terminated', exitCode, startedAt, finishedAt: Date.now() });
    }
    clearTimeout(timer);
    forget();
  }

  #run(
    sidecar: Sidecar,
    container: ReadyContainer,
    surroundings: { readonly log: ContainerLog; readonly env: Env },
  ): void {
    const { log, env } = surroundings;
    this.#onState(sidecar.name, { kind: 'running', startedAt: sidecar.startedAt });
    const argv = commandLine(container);
    if (argv.length === 0) {
      log.append('sandbox: no command is given and images are not used, so this sidecar idles\n');
      return;
    }
    const onOutput = (bytes: Buffer): void => log.append(bytes.toString('utf8'));
    const running = startProcess({ argv, cwd: container.paths.workingDir, env, onOutput });
    sidecar.running = running;
    void running.ended.then(({ exitCode }) => {
      sidecar.running = undefined;
      if (this.#stopping) return;
      if (exitCode === NOT_FOUND) {
        log.append(
          `sandbox: "${argv[0] ?? ''}" is not on this machine and images are not used, so this sidecar idles\n`,
        );
        return;
      }
      this.#restartLater(sidecar, () => this.#run(sidecar, container, surroundings));
    });
  }

  #restartLater(sidecar: Sidecar, restart: () => void): void {
    const count = (this.restarts.get(sidecar.name) ?? 0) + 1;
    this.restarts.set(sidecar.name, count);
    const message = 'back-off restarting failed container';
    this.#onState(sidecar.name, { kind: 'waiting', reason: 'CrashLoopBackOff', message });
    sidecar.restartTimer = setTimeout(restart, Math.min(500 * 2 ** count, MAX_BACKOFF_MS));
  }
}

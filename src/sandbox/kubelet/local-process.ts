import { spawn } from 'node:child_process';
import { setMaxListeners } from 'node:events';
import { constants } from 'node:os';
import type { Env } from './container-env.js';

export interface ProcessOptions {
  readonly argv: readonly string[];
  readonly cwd: string;
  /** The whole environment: nothing of ours is handed on. */
  readonly env: Env;
  readonly onOutput: (bytes: Buffer) => void;
}

export interface ProcessEnd {
  /** Exit status; 128 plus the number of the signal that ended it, as container runtimes say it. */
  readonly exitCode: number;
  readonly signal: NodeJS.Signals | undefined;
}

export interface LocalProcess {
  /** Resolves when the process and its output have ended; never rejects. */
  readonly ended: Promise<ProcessEnd>;
  /** Signals the whole process group. */
  signal(signal: NodeJS.Signals): void;
}

/** Joins standard error to standard output in the child, so that their lines keep their order. */
const JOIN_OUTPUTS = ['/bin/sh', '-c', 'exec "$@" 2>&1', 'sh'];
const CANNOT_START = 128;

/**
 * Starts a program in a process group of its own. When it ends, whatever it left running in the group is killed,
 * as with a container.
 */
export function startProcess({ argv, cwd, env, onOutput }: ProcessOptions): LocalProcess {
  const [shell = '', ...rest] = [...JOIN_OUTPUTS, ...argv];
  const child = spawn(shell, rest, { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'ignore'] });
  const signalGroup = (signal: NodeJS.Signals): void => {
    if (child.pid === undefined) return;
    try {
      process.kill(-child.pid, signal);
    } catch {
      // The group is gone already.
    }
  };
  child.stdout.on('data', onOutput);
  const ended = new Promise<ProcessEnd>((resolve) => {
    child.once('error', (error) => {
      onOutput(Buffer.from(`cannot start: ${error.message}\n`));
      resolve({ exitCode: CANNOT_START, signal: undefined });
    });
    child.once('exit', () => signalGroup('SIGKILL'));
    child.once('close', (code, signal) => resolve(processEnd(code, signal)));
  });
  return { ended, signal: signalGroup };
}

function processEnd(code: number | null, signal: NodeJS.Signals | null): ProcessEnd {
  if (signal !== null) return { exitCode: 128 + constants.signals[signal], signal };
  return { exitCode: code ?? 0, signal: undefined };
}

/** Waits for a process; `stop` asks it to end, `kill` makes it. */
export async function superviseProcess(
  running: LocalProcess,
  { stop, kill }: { readonly stop: AbortSignal; readonly kill: AbortSignal },
): Promise<ProcessEnd> {
  const forget = [
    whenAborted(stop, () => running.signal('SIGTERM')),
    whenAborted(kill, () => running.signal('SIGKILL')),
  ];
  const end = await running.ended;
  for (const off of forget) off();
  return end;
}

/** Calls `action` when the signal aborts, at once if it has; the result takes that back. */
export function whenAborted(signal: AbortSignal, action: () => void): () => void {
  if (signal.aborted) {
    action();
    return () => undefined;
  }
  // Every container of a pod listens; more than ten would look like a leak to Node.
  setMaxListeners(0, signal);
  signal.addEventListener('abort', action, { once: true });
  return () => signal.removeEventListener('abort', action);
}

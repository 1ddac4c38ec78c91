import { spawn, type ChildProcess } from 'node:child_process';
import { openSync, closeSync, readFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import path from 'node:path';

/** Programs that live exactly as long as the test that started them. */
export interface ProcessGroup {
  /** Starts a program; what it prints goes to `<folder>/<name>.log`. */
  start(name: string, binary: string, args: readonly string[]): void;
  /** Throws, with the end of its log, when one of the programs has ended by itself. */
  assertAlive(): void;
  /** Ends all programs, newest first, and resolves when they are gone. */
  stop(): Promise<void>;
}

interface Member {
  readonly name: string;
  readonly child: ChildProcess;
  readonly gone: Promise<void>;
}

/** @param folder an existing folder for the logs. */
export function processGroup(folder: string): ProcessGroup {
  const members: Member[] = [];
  let guard: Guard | undefined;
  const onExit = (): void => {
    for (const { child } of members) child.kill('SIGKILL');
  };
  process.on('exit', onExit);
  return {
    start: (name, binary, args) => {
      members.push(launch(folder, name, binary, args));
      guard?.dismiss();
      guard = guardAgainstOurDeath(members.flatMap(({ child }) => child.pid ?? []));
    },
    assertAlive: () => {
      const ended = members.find(({ child }) => child.exitCode !== null || child.signalCode !== null);
      if (ended === undefined) return;
      throw new Error(`"${ended.name}" ended by itself; the end of its log:\n${logTail(folder, ended.name)}`);
    },
    stop: async () => {
      guard?.dismiss();
      for (const { child, gone } of members.reverse()) {
        child.kill('SIGTERM');
        const impatience = setTimeout(() => child.kill('SIGKILL'), 3000);
        await gone;
        clearTimeout(impatience);
      }
      process.off('exit', onExit);
    },
  };
}

/** The last lines a program of the group printed. */
function logTail(folder: string, name: string, lines = 15): string {
  return readFileSync(path.join(folder, `${name}.log`), 'utf8')
    .trimEnd()
    .split('\n')
    .slice(-lines)
    .join('\n');
}

/** A loopback port nobody listens on right now. */
export async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve, reject) => {
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', resolve);
  });
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

function launch(folder: string, name: string, binary: string, args: readonly string[]): Member {
  const log = openSync(path.join(folder, `${name}.log`), 'a');
  const child = spawn(binary, args, { cwd: folder, stdio: ['ignore', log, log] });
  closeSync(log);
  const gone = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  return { name, child, gone };
}

interface Guard {
  dismiss(): void;
}

/**
 * An exit hook does not run on SIGKILL. A shell in a session of its own waits for the end of its input, which comes when
 * we are gone by whatever way, and then ends the programs.
 */
function guardAgainstOurDeath(pids: readonly number[]): Guard {
  const script = 'read -r word; [ "$word" = dismissed ] || kill -9 "$@" 2>/dev/null';
  const shell = spawn('/bin/sh', ['-c', script, 'sh', ...pids.map(String)], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  shell.unref();
  return { dismiss: () => void shell.stdin.end('dismissed\n') };
}

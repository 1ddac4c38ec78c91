import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** The controller as its users run it: a process of its own, with a configuration file and a kubeconfig. */
export interface ControllerProcess {
  readonly pid: number;
  /** Everything it has logged so far. */
  log(): string;
  /** The most memory it ever had resident, in MiB. Linux only. */
  peakMemoryMiB(): number;
  /** Ids of its open TCP connections to a port. Linux only. */
  connectionsTo(port: number): string[];
  /** Throws, with the end of the log, when it has ended by itself. */
  assertAlive(): void;
  /** Resolves to the exit status, or the signal's name, once it has ended. */
  readonly ended: Promise<number | string>;
  /** Sends a signal and resolves to the exit status, or the signal's name, once it has ended. */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | string>;
}

export interface ControllerOptions {
  /** Where its configuration and its log are written. */
  readonly folder: string;
  readonly kubeconfig: string;
  /** Keys as in a configuration file. */
  readonly config: Readonly<Record<string, unknown>>;
}

const repository = path.resolve(import.meta.dirname, '../../..');

/** Starts `agent-stack-k8s controller`. It is ended with this process at the latest. */
export function startController({ folder, kubeconfig, config }: ControllerOptions): ControllerProcess {
  const serial = readdirSync(folder).filter((name) => /^controller-\d+\.log$/.test(name)).length + 1;
  const configFile = path.join(folder, `controller-${serial}.yaml`);
  const logFile = path.join(folder, `controller-${serial}.log`);
  writeFileSync(configFile, JSON.stringify(config));
  const log = openSync(logFile, 'a');
  const child = spawn(process.execPath, [path.join(repository, 'bin/run.js'), 'controller', '--config', configFile], {
    cwd: folder,
    env: { PATH: process.env['PATH'], HOME: folder, KUBECONFIG: kubeconfig },
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  const ended = new Promise<number | string>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(code ?? signal ?? 'unknown'));
  });
  const onExit = (): void => void child.kill('SIGKILL');
  process.on('exit', onExit);
  void ended.finally(() => process.off('exit', onExit));
  const pid = pidOf(child);
  return {
    pid,
    ended,
    log: () => readFileSync(logFile, 'utf8'),
    peakMemoryMiB: () => Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024,
    connectionsTo: connectionReader(pid),
    assertAlive: () => {
      if (child.exitCode === null && child.signalCode === null) return;
      throw new Error(`the controller ended by itself; the end of its log:\n${lastLines(logFile)}`);
    },
    end: (signal) => {
      child.kill(signal);
      return ended;
    },
  };
}

function lastLines(logFile: string): string {
  const lines = readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-15);
  return lines.map((line) => line.slice(0, 500)).join('\n');
}

function pidOf(child: ChildProcess): number {
  if (child.pid === undefined) throw new Error('the controller could not be started');
  return child.pid;
}

/** Reads a process's connections to ports, by the inode of their socket. */
function connectionReader(pid: number): (port: number) => string[] {
  // Inodes of sockets to their remote port, `undefined` for what is no TCP connection, like the pipe to a terminal.
  let known = new Map<string, number | undefined>();
  return (port) => {
    const open = socketsOf(pid);
    // Reading the kernel's table takes tens of milliseconds: only when there is a socket that it was not asked about.
    if (!open.every((inode) => known.has(inode))) {
      const ports = remotePorts(pid);
      known = new Map(open.map((inode) => [inode, ports.get(inode)]));
    }
    return open.filter((inode) => known.get(inode) === port);
  };
}

function socketsOf(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fd`)
    .map((fd) => inodeOf(`/proc/${pid}/fd/${fd}`))
    .filter((inode) => inode !== undefined);
}

/** Of every connection in the process's network, by inode. */
function remotePorts(pid: number): Map<string, number> {
  const ports = new Map<string, number>();
  for (const line of readFileSync(`/proc/${pid}/net/tcp`, 'utf8').split('\n').slice(1)) {
    const [, , remote, , , , , , , inode] = line.trim().split(/\s+/);
    const port = remote?.split(':')[1];
    if (port !== undefined && inode !== undefined) ports.set(inode, Number.parseInt(port, 16));
  }
  return ports;
}

function inodeOf(link: string): string | undefined {
  try {
    return /^socket:\[(\d+)\]$/.exec(readlinkSync(link))?.[1];
  } catch {
    return undefined; // closed since the folder was read
  }
}

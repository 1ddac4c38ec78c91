import { existsSync, mkdirSync } from 'node:fs';
import { chmod, stat } from 'node:fs/promises';
import { delimiter, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Env } from '../container-env.js';
import type { LocalPaths } from '../workspace.js';
import { startProcess, superviseProcess } from '../local-process.js';
import type { JobPart, PartResult } from './agent-session.js';
import { findArtifacts, uploadArtifacts } from './artifacts.js';

/** A checkout or command container, as far as its part of the job is concerned. */
export interface BootstrapContainer {
  readonly name: string;
  readonly image: string;
  /** Its own environment, mount paths already local. */
  readonly env: Env;
  /** What every process gets: PATH, HOME, TMPDIR, LANG. */
  readonly baseEnv: Env;
  /** Where its paths are on this machine. */
  readonly paths: LocalPaths;
  /** Directory of the `buildkite-agent` program. */
  readonly binDir: string;
  /** Whether the pod has a checkout container. */
  readonly checksOut: boolean;
  /** Also the container's own log. */
  readonly onOutput: (text: string) => void;
}

/** Variables of the container that the agent's do not replace. */
const KEPT = new Set([
  'BUILDKITE_BOOTSTRAP_PHASES',
  'BUILDKITE_COMMAND',
  'BUILDKITE_CONTAINER_ID',
  'BUILDKITE_JOB_CONTEXT_DIR',
  'BUILDKITE_SOCKETS_PATH',
  'BUILDKITE_SHELL',
  'BUILDKITE_HOOKS_SHELL',
  'HOSTNAME',
  'PWD',
  'SHLVL',
  'TERM',
]);
const BUILD_PATH = '/workspace/build';
const COMMAND_KILLED_BY_SIGNAL = 255;

/** Runs a container's part of the job: its checkout phase or its command phase. */
export async function runBootstrap(container: BootstrapContainer, part: JobPart): Promise<PartResult> {
  const phases = (container.env['BUILDKITE_BOOTSTRAP_PHASES'] ?? '').split(',');
  const env = bootstrapEnv(container, part);
  if (phases.includes('checkout')) return checkOut(container, part, env);
  return runCommand(container, part, env);
}

function bootstrapEnv(container: BootstrapContainer, part: JobPart): Env {
  const { baseEnv, binDir, paths } = container;
  const merged: Record<string, string> = { ...container.env };
  for (const [name, value] of Object.entries(part.env)) {
    const kept = container.env[name] !== undefined && (KEPT.has(name) || name.startsWith('KUBERNETES_'));
    if (!kept) merged[name] = paths.localize(value);
  }
  const path = [binDir, container.env['PATH'], baseEnv['PATH']].filter((item) => item !== undefined);
  return {
    ...baseEnv,
    ...merged,
    HOME: baseEnv['HOME'] ?? '',
    PATH: path.join(delimiter),
    BUILDKITE_BIN_PATH: binDir,
    BUILDKITE_BUILD_PATH: paths.directory(BUILD_PATH),
    BUILDKITE_BUILD_CHECKOUT_PATH: paths.directory(
      merged['BUILDKITE_BUILD_CHECKOUT_PATH'] ?? `${BUILD_PATH}/buildkite`,
    ),
  };
}

async function checkOut(container: BootstrapContainer, part: JobPart, env: Env): Promise<PartResult> {
  const { directory, buildDir } = placesOf(env);
  part.log.writeLine('~~~ Preparing working directory');
  const repository = localRepository(env['BUILDKITE_REPO'] ?? '');
  if (repository === undefined || env['BUILDKITE_SKIP_CHECKOUT'] === 'true') {
    part.log.writeLine(
      `sandbox: nothing is fetched from "${env['BUILDKITE_REPO'] ?? ''}", the checkout is an empty directory`,
    );
    mkdirSync(directory, { recursive: true });
    return { exitCode: 0, killed: false };
  }
  // Objects are borrowed, not copied: the repository is there as long as the sandbox runs.
  const clone = ['git', '-c', 'safe.directory=*', 'clone', '--quiet', '--shared', '--', repository, directory];
  const cloned = await runLogged(container, part, { argv: clone, cwd: buildDir, env });
  const commit = env['BUILDKITE_COMMIT'] ?? 'HEAD';
  if (cloned.exitCode !== 0 || cloned.killed || commit === 'HEAD') return cloned;
  const checkout = ['git', 'checkout', '--quiet', '--detach', commit];
  return runLogged(container, part, { argv: checkout, cwd: directory, env });
}

/** Both are always set by `bootstrapEnv`. */
function placesOf(env: Env): { readonly directory: string; readonly buildDir: string } {
  const buildDir = env['BUILDKITE_BUILD_PATH'] ?? '.';
  return { directory: env['BUILDKITE_BUILD_CHECKOUT_PATH'] ?? buildDir, buildDir };
}

/** The path of a repository on this machine; undefined for everything that would need a network. */
function localRepository(repo: string): string | undefined {
  const path = repo.startsWith('file://') ? fileURLToPath(repo) : repo;
  if (!path.startsWith('/') || path === '/dev/null') return undefined;
  return existsSync(path) ? path : undefined;
}

async function runCommand(container: BootstrapContainer, part: JobPart, env: Env): Promise<PartResult> {
  const command = env['BUILDKITE_COMMAND'] ?? '';
  part.log.writeLine(`~~~ Running commands in container "${container.name}"`);
  part.log.writeLine(`sandbox: runs on this machine, image "${container.image}" is not used`);
  const plugins = env['BUILDKITE_PLUGINS'] ?? '[]';
  if (plugins !== '[]') part.log.writeLine(`sandbox: plugins are not run: ${plugins}`);
  else if (command.trim() === '') {
    // Only a hook of a plugin could stand in for the command.
    part.log.writeLine('the command phase has no command to execute: give the step or the container a command');
    return { exitCode: 1, killed: false };
  }
  for (const line of command.trimEnd().split('\n')) part.log.writeLine(`$ ${line}`);
  const { directory, buildDir } = placesOf(env);
  const cwd = container.checksOut && existsSync(directory) ? directory : buildDir;
  const shell = (env['BUILDKITE_SHELL'] ?? '/bin/sh -ec').split(/\s+/).filter((word) => word !== '');
  const result = await runLogged(container, part, { argv: [...shell, await runnable(command, cwd)], cwd, env });
  if (result.exitCode !== 0) {
    part.log.writeLine('^^^ +++');
    part.log.writeLine(`the command exited with status ${result.exitCode}`);
  }
  return withArtifacts(part, { env, cwd, result });
}

/** A command that is nothing but the name of a file here is that script, wherever PATH leads and whether or not it is executable. */
async function runnable(command: string, cwd: string): Promise<string> {
  const script = join(cwd, command.replaceAll('\n', ''));
  // Most commands cannot even be the name of a file.
  const info = await stat(script).catch(() => undefined);
  if (info?.isFile() !== true) return command;
  await chmod(script, info.mode | 0o111);
  return `./${relative(cwd, script)}`;
}

/** Artifacts go up after the command, whatever it ended with. */
async function withArtifacts(
  part: JobPart,
  { env, cwd, result }: { readonly env: Env; readonly cwd: string; readonly result: PartResult },
): Promise<PartResult> {
  const patterns = env['BUILDKITE_ARTIFACT_PATHS'] ?? '';
  if (patterns.trim() === '' || result.killed) return result;
  part.log.writeLine('~~~ Uploading artifacts');
  try {
    const files = await findArtifacts(patterns, cwd);
    await uploadArtifacts(part.api, part.jobId, files);
    for (const file of files) part.log.writeLine(`uploaded ${file.path}`);
    if (files.length === 0) part.log.writeLine(`no files matched "${patterns}"`);
    return result;
  } catch (error) {
    part.log.writeLine(`artifacts could not be uploaded: ${error instanceof Error ? error.message : String(error)}`);
    return { ...result, exitCode: result.exitCode === 0 ? 1 : result.exitCode };
  }
}

async function runLogged(
  container: BootstrapContainer,
  part: JobPart,
  program: { readonly argv: readonly string[]; readonly cwd: string; readonly env: Env },
): Promise<PartResult> {
  const running = startProcess({
    ...program,
    onOutput: (bytes) => {
      part.log.write(bytes);
      container.onOutput(bytes.toString('utf8'));
    },
  });
  const end = await superviseProcess(running, { stop: part.interrupt, kill: part.kill });
  const killed = part.interrupt.aborted && end.signal === 'SIGKILL';
  if (end.signal !== undefined && !part.interrupt.aborted) return { exitCode: COMMAND_KILLED_BY_SIGNAL, killed };
  return { exitCode: end.exitCode, killed };
}

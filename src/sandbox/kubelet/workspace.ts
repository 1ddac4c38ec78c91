import { chmodSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { recordsAt, textAt, type JsonRecord } from '../kubernetes/objects.js';
import { dataOf, type Env, type EnvSources } from './container-env.js';
import { expandVariables } from './expand.js';

/** The scratch directory of one pod: its volumes, and a home and temporary directory for what runs in it. */
export interface Workspace {
  readonly root: string;
  readonly home: string;
  readonly tmp: string;
  /** How a container's mount paths read on this machine. */
  pathsOf(container: JsonRecord, env: Env): LocalPaths;
  remove(): Promise<void>;
}

export interface LocalPaths {
  /** Replaces every mount path of the container in a text by the directory that stands for it. */
  localize(text: string): string;
  /** Where an absolute path of the container is; always inside of the scratch directory. */
  directory(path: string): string;
  /** The container's working directory; it exists. */
  readonly workingDir: string;
}

/** Makes the directories of a pod. Volumes that name the host or a disk become empty directories here. */
export function createWorkspace(root: string, sources: EnvSources): Workspace {
  const home = join(root, 'home');
  const tmp = join(root, 'tmp');
  for (const directory of [home, tmp]) mkdirSync(directory, { recursive: true });
  for (const volume of recordsAt(sources.pod, 'spec', 'volumes')) {
    const directory = join(root, 'volumes', textAt(volume, 'name'));
    mkdirSync(directory, { recursive: true });
    writeFiles(directory, filesOf(volume, sources));
  }
  return {
    root,
    home,
    tmp,
    pathsOf: (container, env) => localPaths(root, container, env),
    remove: () => rm(root, { recursive: true, force: true, maxRetries: 3 }),
  };
}

/** What the `copy-agent` init container does, with links instead of copies. */
export function prepareBuildkiteDirectories(workspaceDir: string, agentProgram: string): void {
  for (const name of ['build', 'plugins', 'sockets']) {
    const directory = join(workspaceDir, name);
    mkdirSync(directory, { recursive: true });
    chmodSync(directory, 0o777);
  }
  const link = join(workspaceDir, 'buildkite-agent');
  if (!existsSync(link)) symlinkSync(agentProgram, link);
}

function localPaths(root: string, container: JsonRecord, env: Env): LocalPaths {
  const mounts = recordsAt(container, 'volumeMounts')
    .map((mount) => ({ path: textAt(mount, 'mountPath').replace(/\/+$/, ''), local: localOf(root, mount, env) }))
    .filter(({ path }) => path !== '')
    .sort((a, b) => b.path.length - a.path.length);
  const byPath = new Map(mounts.map(({ path, local }) => [path, local]));
  const alternatives = mounts.map(({ path }) => path.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|');
  const pattern = new RegExp(`(?<![\\w./-])(?:${alternatives})(?![\\w.-])`, 'g');
  const localize = (text: string): string =>
    mounts.length === 0 ? text : text.replace(pattern, (path) => byPath.get(path) ?? path);
  // A directory of the image does not exist here, and nothing outside of the scratch directory is ours.
  const directory = (path: string): string => {
    const local = resolve(localize(path));
    return local.startsWith(`${root}/`) ? local : join(root, 'image', resolve('/', path));
  };
  const asked = textAt(container, 'workingDir');
  const workingDir = asked === '' ? (mounts.at(-1)?.local ?? root) : directory(asked);
  for (const { local } of mounts) mkdirSync(local, { recursive: true });
  mkdirSync(workingDir, { recursive: true });
  return { localize, directory, workingDir };
}

function localOf(root: string, mount: JsonRecord, env: Env): string {
  const below = textAt(mount, 'subPath') || expandVariables(textAt(mount, 'subPathExpr'), (name) => env[name]);
  const safe = below.split('/').filter((segment) => segment !== '' && segment !== '..' && segment !== '.');
  return join(root, 'volumes', textAt(mount, 'name'), ...safe);
}

function filesOf(volume: JsonRecord, sources: EnvSources): Env {
  for (const [field, resource, nameField] of [
    ['secret', 'secrets', 'secretName'],
    ['configMap', 'configmaps', 'name'],
  ] as const) {
    if (volume[field] === undefined) continue;
    const object = sources.find(resource, textAt(volume, field, nameField));
    const data = object ? dataOf(resource, object) : {};
    const items = recordsAt(volume, field, 'items');
    if (items.length === 0) return data;
    return Object.fromEntries(items.map((item) => [textAt(item, 'path'), data[textAt(item, 'key')] ?? '']));
  }
  return {};
}

function writeFiles(directory: string, files: Env): void {
  for (const [path, text] of Object.entries(files)) {
    const segments = path.split('/').filter((segment) => segment !== '' && segment !== '..');
    mkdirSync(join(directory, ...segments.slice(0, -1)), { recursive: true });
    writeFileSync(join(directory, ...segments), text, { mode: 0o600 });
  }
}

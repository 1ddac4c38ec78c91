#!/usr/bin/env node
// Builds the real programs our cluster tests meet (kube-apiserver, kube-controller-manager, etcd) from published Go modules.
//
//   node test/peers/build.mjs [NAME…]     all of them by default; prints {"name": "/path", …} on standard output
//
// Results live in the git-ignored test/peers/.cache/bin, or in $AGENT_STACK_K8S_PEERS_CACHE/bin so that several clones can
// share them. A binary is rebuilt when its go.mod, go.sum, its flags or the Go release change. Exit: 0 built, 2 wrong usage,
// 3 could not build (the last line on standard error says why).
import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const here = path.dirname(fileURLToPath(import.meta.url));
const binFolder = path.join(path.resolve(process.env.AGENT_STACK_K8S_PEERS_CACHE ?? path.join(here, '.cache')), 'bin');

/** Without these the API server reports an empty `/version`, and clients that compare versions go astray. */
function kubernetesStamps(version) {
  const [major, minor] = version.slice(1).split('.');
  const variables = { gitVersion: version, gitMajor: major, gitMinor: minor, gitTreeState: 'clean' };
  return Object.entries(variables).map(([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`);
}

const peers = [
  {
    name: 'kube-apiserver',
    module: 'kubernetes',
    source: 'k8s.io/kubernetes',
    package: 'k8s.io/kubernetes/cmd/kube-apiserver',
    stamps: kubernetesStamps,
    minutes: 4,
  },
  {
    name: 'kube-controller-manager',
    module: 'kubernetes',
    source: 'k8s.io/kubernetes',
    package: 'k8s.io/kubernetes/cmd/kube-controller-manager',
    stamps: kubernetesStamps,
    minutes: 1,
  },
  {
    name: 'etcd',
    module: 'etcd',
    source: 'go.etcd.io/etcd/server/v3',
    package: 'go.etcd.io/etcd/server/v3',
    stamps: () => [],
    minutes: 0.5,
  },
];

class BuildError extends Error {}

async function goVersion() {
  try {
    const { stdout } = await promisify(execFile)('go', ['env', 'GOVERSION'], { cwd: here });
    return stdout.trim();
  } catch (error) {
    throw new BuildError('no "go" command found: the real Kubernetes programs cannot be built; install Go 1.26 or newer', {
      cause: error,
    });
  }
}

/** What has to stay the same for a binary to be still good, and how to make it. */
async function recipe(peer, go) {
  const folder = path.join(here, peer.module);
  const goMod = await readFile(path.join(folder, 'go.mod'), 'utf8');
  const goSum = await readFile(path.join(folder, 'go.sum'), 'utf8');
  const version = new RegExp(`${peer.source} (v\\S+)`).exec(goMod)?.[1];
  if (version === undefined) throw new BuildError(`"${folder}/go.mod" does not require "${peer.source}"`);
  const flags = ['-trimpath', '-ldflags', ['-s', '-w', ...peer.stamps(version)].join(' ')];
  const stamp = createHash('sha256').update(JSON.stringify([goMod, goSum, flags, go])).digest('hex');
  return { folder, version, flags, stamp };
}

async function isCurrent(binary, stamp) {
  try {
    await stat(binary);
    return (await readFile(`${binary}.stamp`, 'utf8')) === stamp;
  } catch {
    return false;
  }
}

/** Runs `go build`; resolves to what it said when it failed, else to undefined. */
function goBuild(folder, args) {
  const child = spawn('go', ['build', ...args], {
    cwd: folder,
    env: { ...process.env, CGO_ENABLED: '0' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    said += text;
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code === 0 ? undefined : said || `go build ended with status ${code}`));
  });
}

function explain(peer, said) {
  const last = said
    .trim()
    .split('\n')
    .filter((line) => !line.startsWith('go: downloading'))
    .slice(-5)
    .join('\n');
  const offline = /dial tcp|no such host|module lookup disabled|connection refused|i\/o timeout|TLS handshake/.test(said);
  const remedy = offline
    ? 'the Go module proxy cannot be reached: check the network, or set GOPROXY'
    : 'see the words of the Go compiler above';
  return new BuildError(`${last}\ncannot build "${peer.name}": ${remedy}`);
}

async function build(peer, go) {
  const { folder, version, flags, stamp } = await recipe(peer, go);
  const binary = path.join(binFolder, peer.name);
  if (await isCurrent(binary, stamp)) return binary;
  const wait = peer.minutes < 1 ? 'half a minute' : `${peer.minutes} minute${peer.minutes === 1 ? '' : 's'}`;
  console.error(`building ${peer.name} ${version} (about ${wait} when nothing is cached)`);
  const started = Date.now();
  // Under another name until it is whole, so that a test run beside this one never starts half a program.
  const unfinished = `${binary}.${process.pid}`;
  const failure = await goBuild(folder, [...flags, '-o', unfinished, peer.package]);
  if (failure !== undefined) {
    await rm(unfinished, { force: true });
    throw explain(peer, failure);
  }
  await rename(unfinished, binary);
  await writeFile(`${binary}.stamp`, stamp);
  console.error(`built ${peer.name} in ${((Date.now() - started) / 1000).toFixed(0)} s`);
  return binary;
}

async function main(names) {
  const unknown = names.filter((name) => !peers.some((peer) => peer.name === name));
  if (unknown.length > 0) {
    console.error(`unknown program "${unknown.join('", "')}": choose from ${peers.map((peer) => peer.name).join(', ')}`);
    return 2;
  }
  const wanted = names.length === 0 ? peers : peers.filter((peer) => names.includes(peer.name));
  const go = await goVersion();
  await mkdir(binFolder, { recursive: true });
  const paths = {};
  for (const peer of wanted) paths[peer.name] = await build(peer, go);
  process.stdout.write(`${JSON.stringify(paths)}\n`);
  return 0;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof BuildError)) throw error;
  console.error(error.message);
  process.exitCode = 3;
}

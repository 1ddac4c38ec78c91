import { execFile } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { kubeHttp, type KubeHttp } from '../contract/kube-http.js';
import type { KubernetesTarget, RoleRule } from '../contract/kubernetes/target.js';
import { freePort, processGroup, type ProcessGroup } from './processes.js';

/** A real etcd, kube-apiserver and kube-controller-manager on loopback, without nodes: nothing runs the pods. */
export interface ControlPlane extends KubernetesTarget {
  readonly ca: string;
  /** Path of a kubeconfig file for the administrator. */
  readonly kubeconfig: string;
  /** Holds logs, keys and data; removed by `stop` unless asked to keep it. */
  readonly folder: string;
  /** Speaks to the API server as the administrator, a member of `system:masters`. */
  readonly admin: KubeHttp;
  /** How many objects of a kind a namespace holds, asked of etcd: the API server is not disturbed. @param plural e.g. `jobs` */
  countStored(plural: string, namespace: string): Promise<number>;
  /** Writes a kubeconfig file for a token and answers its path. @param options.url another way to the server, e.g. a proxy. */
  writeKubeconfig(token: string, options?: { readonly namespace?: string; readonly url?: string }): string;
}

export interface ControlPlaneOptions {
  /**
   * Requests a second kube-controller-manager allows itself. Its own default of 20 would be what a test of 200 jobs measures.
   * @default 1000
   */
  readonly controllerQps?: number;
}

/** Why there is no real control plane here: Go or the module proxy is missing. */
export class PeersUnavailable extends Error {}

const repository = path.resolve(import.meta.dirname, '../../..');

/** Builds what is not built yet (minutes, the first time on a machine) and answers the programs' paths by name. */
export async function buildPeers(): Promise<Readonly<Record<string, string>>> {
  const script = path.join(repository, 'test/peers/build.mjs');
  const running = promisify(execFile)(process.execPath, [script]);
  running.child.stderr?.on('data', (progress: string) => process.stderr.write(progress));
  try {
    const { stdout } = await running;
    return JSON.parse(stdout) as Record<string, string>;
  } catch (error) {
    const said =
      error instanceof Error && 'stderr' in error ? String(error.stderr).trim().split('\n').at(-1) : undefined;
    throw new PeersUnavailable(said ?? 'the real Kubernetes programs cannot be built', { cause: error });
  }
}

/**
 * Starts a control plane and resolves when it answers, after about 4 seconds.
 * @throws PeersUnavailable when its programs cannot be built; Error with the end of the log when one does not come up.
 */
export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const programs = await buildPeers();
  const folder = mkdtempSync(path.join(os.tmpdir(), 'agent-stack-k8s-control-plane-'));
  const group = processGroup(folder);
  try {
    return await bringUp({ programs, folder, group, ...options });
  } catch (error) {
    await group.stop();
    throw new Error(`the control plane did not come up; its logs are in "${folder}"`, { cause: error });
  }
}

interface BringUp extends ControlPlaneOptions {
  readonly programs: Readonly<Record<string, string>>;
  readonly folder: string;
  readonly group: ProcessGroup;
}

async function bringUp({ programs, folder, group, controllerQps = 1000 }: BringUp): Promise<ControlPlane> {
  const program = (name: string): string => programs[name] ?? name;
  const file = (name: string): string => path.join(folder, name);
  const [etcdPort, peerPort, apiPort] = [await freePort(), await freePort(), await freePort()];
  const adminToken = randomBytes(16).toString('hex');
  writeCredentials(folder, adminToken);
  group.start('etcd', program('etcd'), etcdFlags(folder, etcdPort, peerPort));
  group.start('kube-apiserver', program('kube-apiserver'), apiServerFlags(folder, apiPort, etcdPort));
  const url = `https://127.0.0.1:${apiPort}`;
  const ca = await eventually('a certificate', group, () => wholeCertificate(file('certs/apiserver.crt')));
  const admin = kubeHttp({ url, ca, token: adminToken });
  await eventually('a ready API server', group, async () => {
    if ((await admin.request('GET', '/readyz')).status !== 200) throw new Error('not ready');
  });
  const kubeconfig = file('admin.kubeconfig');
  writeFileSync(kubeconfig, kubeconfigText({ url, ca, token: adminToken, namespace: 'default' }), { mode: 0o600 });
  group.start(
    'kube-controller-manager',
    program('kube-controller-manager'),
    controllerManagerFlags(folder, controllerQps),
  );
  await eventually('running controllers', group, () => serviceAccountExists(admin, 'default'));

  let serial = 0;
  return {
    url,
    ca,
    adminToken,
    kubeconfig,
    folder,
    admin,
    createNamespace: async () => {
      const name = `test-${(serial += 1)}-${randomBytes(3).toString('hex')}`;
      await admin.expect(201, 'POST', '/api/v1/namespaces', { body: { metadata: { name } } });
      await eventually(`the namespace "${name}"`, group, () => serviceAccountExists(admin, name));
      return name;
    },
    restrictedToken: (namespace, rules) => restrictedToken(admin, namespace, rules),
    forgetHistory: () => compact(`http://127.0.0.1:${etcdPort}`, admin),
    countStored: (plural, namespace) => countKeys(`http://127.0.0.1:${etcdPort}`, `/registry/${plural}/${namespace}/`),
    writeKubeconfig: (token, options = {}) => {
      const target = file(`${(serial += 1)}.kubeconfig`);
      writeFileSync(target, kubeconfigText({ url, ca, token, namespace: 'default', ...options }), { mode: 0o600 });
      return target;
    },
    stop: async ({ keepFolder = false } = {}) => {
      admin.close();
      await group.stop();
      if (!keepFolder) rmSync(folder, { recursive: true, force: true });
    },
  };
}

function writeCredentials(folder: string, adminToken: string): void {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  const write = (name: string, text: string): void => writeFileSync(path.join(folder, name), text, { mode: 0o600 });
  write('service-account.key', privateKey);
  write('service-account.pub', publicKey);
  write('tokens.csv', `${adminToken},admin,admin,"system:masters"\n`);
}

function etcdFlags(folder: string, port: number, peerPort: number): string[] {
  return [
    '--name=test',
    `--data-dir=${path.join(folder, 'etcd')}`,
    `--listen-client-urls=http://127.0.0.1:${port}`,
    `--advertise-client-urls=http://127.0.0.1:${port}`,
    `--listen-peer-urls=http://127.0.0.1:${peerPort}`,
    `--initial-advertise-peer-urls=http://127.0.0.1:${peerPort}`,
    `--initial-cluster=test=http://127.0.0.1:${peerPort}`,
    '--unsafe-no-fsync',
    '--log-level=warn',
  ];
}

function apiServerFlags(folder: string, port: number, etcdPort: number): string[] {
  return [
    '--bind-address=127.0.0.1',
    '--advertise-address=127.0.0.1',
    `--secure-port=${port}`,
    `--cert-dir=${path.join(folder, 'certs')}`,
    `--etcd-servers=http://127.0.0.1:${etcdPort}`,
    '--service-cluster-ip-range=10.0.0.0/24',
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${path.join(folder, 'service-account.pub')}`,
    `--service-account-signing-key-file=${path.join(folder, 'service-account.key')}`,
    '--authorization-mode=RBAC',
    `--token-auth-file=${path.join(folder, 'tokens.csv')}`,
    '--endpoint-reconciler-type=none',
    '--allow-privileged=true',
  ];
}

function controllerManagerFlags(folder: string, qps: number): string[] {
  const controllers = [
    'job-controller',
    'ttl-after-finished-controller',
    'serviceaccount-controller',
    'serviceaccount-token-controller',
    'namespace-controller',
    'garbage-collector-controller',
    'pod-garbage-collector-controller',
    'root-ca-certificate-publisher-controller',
  ];
  return [
    `--kubeconfig=${path.join(folder, 'admin.kubeconfig')}`,
    `--controllers=${controllers.join(',')}`,
    `--service-account-private-key-file=${path.join(folder, 'service-account.key')}`,
    `--root-ca-file=${path.join(folder, 'certs/apiserver.crt')}`,
    '--leader-elect=false',
    '--secure-port=0',
    `--kube-api-qps=${qps}`,
    `--kube-api-burst=${qps * 1.5}`,
  ];
}

interface KubeconfigInput {
  readonly url: string;
  readonly ca: string;
  readonly token: string;
  readonly namespace: string;
}

function kubeconfigText({ url, ca, token, namespace }: KubeconfigInput): string {
  const name = 'test';
  // JSON is YAML; no serializer needed.
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': name,
    clusters: [{ name, cluster: { server: url, 'certificate-authority-data': Buffer.from(ca).toString('base64') } }],
    users: [{ name, user: { token } }],
    contexts: [{ name, context: { cluster: name, user: name, namespace } }],
  });
}

function wholeCertificate(file: string): string {
  const pem = readFileSync(file, 'utf8');
  if (!pem.trimEnd().endsWith('-----END CERTIFICATE-----')) throw new Error(`"${file}" is still being written`);
  return pem;
}

async function serviceAccountExists(admin: KubeHttp, namespace: string): Promise<void> {
  await admin.expect(200, 'GET', `/api/v1/namespaces/${namespace}/serviceaccounts/default`);
}

async function restrictedToken(admin: KubeHttp, namespace: string, rules: readonly RoleRule[]): Promise<string> {
  const name = `restricted-${randomBytes(3).toString('hex')}`;
  const metadata = { name, namespace };
  const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}`;
  const accounts = `/api/v1/namespaces/${namespace}/serviceaccounts`;
  await admin.expect(201, 'POST', accounts, { body: { metadata } });
  await admin.expect(201, 'POST', `${rbac}/roles`, { body: { metadata, rules } });
  await admin.expect(201, 'POST', `${rbac}/rolebindings`, {
    body: {
      metadata,
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
      subjects: [{ kind: 'ServiceAccount', name, namespace }],
    },
  });
  const { body } = await admin.expect(201, 'POST', `${accounts}/${name}/token`, {
    body: { spec: { expirationSeconds: 7200 } },
  });
  return String(body.status.token);
}

/** Does now what the API server does every five minutes: etcd drops what is older than the present. */
async function compact(etcdUrl: string, admin: KubeHttp): Promise<void> {
  const { body } = await admin.expect(200, 'GET', '/api/v1/namespaces');
  await askEtcd(etcdUrl, 'compaction', { revision: body.metadata.resourceVersion, physical: true });
}

async function countKeys(etcdUrl: string, prefix: string): Promise<number> {
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  const range_end = base64(prefix.replace(/\/$/, '0')); // "0" follows "/": all keys that begin with the prefix
  const { count } = await askEtcd(etcdUrl, 'range', { key: base64(prefix), range_end, count_only: true });
  return Number(count ?? 0);
}

async function askEtcd(etcdUrl: string, call: string, body: object): Promise<{ readonly count?: string }> {
  const answer = await fetch(`${etcdUrl}/v3/kv/${call}`, { method: 'POST', body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`etcd refuses "${call}": ${await answer.text()}`);
  return (await answer.json()) as { readonly count?: string };
}

/** Tries until it works; a minute is far beyond what a slow machine needs. */
async function eventually<T>(what: string, group: ProcessGroup, attempt: () => T | Promise<T>): Promise<T> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      group.assertAlive();
      if (Date.now() > deadline) throw new Error(`no sign of ${what} within a minute`, { cause: error });
    }
    await sleep(50);
  }
}

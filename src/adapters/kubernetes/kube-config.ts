import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { RequestOptions } from 'node:https';
import { homedir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { parse } from 'yaml';
import { UsageError } from '../../core/errors.js';
import type { TlsOptions } from '../http/http-pool.js';
import { systemClock } from '../system/clock.js';
import type { Clock } from '../../ports/runtime.js';
import { memberOf, textAt } from './kube-errors.js';

/** Tokens and certificates are read again after this time at the latest, as client-go does. */
const CREDENTIALS_LIFETIME_MS = 60_000;
/** After a failed reading the old credentials serve this long before the next try. */
const SECOND_LOOK_MS = 5_000;
const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

export interface KubeCredentials {
  /** `Authorization` and impersonation headers. */
  readonly headers: Readonly<Record<string, string>>;
  /** The same object as long as its content is the same. */
  readonly tls: TlsOptions;
}

/** Where the API server is and how to prove who we are. */
export interface KubeConnection {
  /** e.g. `https://10.96.0.1:443`, without a trailing slash. */
  readonly server: string;
  /** Namespace of the current context, or of the service account. */
  readonly namespace: string | undefined;
  /** Where the configuration was found, for people. */
  readonly source: string;
  /** Current credentials; read again when older than a minute. */
  credentials(): Promise<KubeCredentials>;
  /** The server did not accept `used`: read them again on the next call, unless that has happened already. */
  invalidate(used: KubeCredentials): void;
}

export interface KubeConfigOptions {
  /** An explicit kubeconfig; nothing else is looked at. */
  readonly path?: string | undefined;
  /** Which context of the kubeconfig. @default its current one */
  readonly context?: string | undefined;
  /** @default process.env */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Put before the service account's folder; for tests. */
  readonly inClusterRoot?: string | undefined;
  readonly clock?: Pick<Clock, 'now'> | undefined;
}

interface Loaded {
  readonly config: KubeConfig;
  readonly source: string;
  readonly tokenFile: string | undefined;
  /** The token file of a user. */
  readonly tokenFileOf: (user: string) => string | undefined;
}

/**
 * Finds the cluster: the given path or `KUBECONFIG`, else the service account of the pod we run in, else `~/.kube/config`.
 * Exec plugins, certificates and tokens are client-node's business, except that token files are ours (trimmed, read
 * again every minute and after a refusal, the last good one kept while the file is away).
 * @throws UsageError when nothing is found, a file is unreadable, or it names no cluster.
 */
export function loadKubeConnection(options: KubeConfigOptions = {}): KubeConnection {
  const { config, source } = load(options);
  const cluster = config.getCurrentCluster();
  if (cluster === null) {
    throw new UsageError(
      `no cluster in ${source}: its current context "${config.currentContext}" does not lead to one; choose one with "kubectl config use-context"`,
    );
  }
  if (cluster.proxyUrl !== undefined) {
    throw new UsageError(`cluster "${cluster.name}" in ${source} has a proxy-url, which is not supported; remove it`);
  }
  const namespace = config.getContextObject(config.currentContext)?.namespace?.trim();
  return {
    server: withoutCredentials(cluster.server, source),
    namespace: namespace === '' ? undefined : namespace,
    source,
    ...createCredentialSource(options),
  };
}

/** Credentials in the URL would end up in messages; they are sent as a header instead. */
function withoutCredentials(server: string, source: string): string {
  if (!URL.canParse(server))
    throw new UsageError(`server of ${source} is not a URL; write it like "https://host:6443"`);
  const url = new URL(server);
  url.username = '';
  url.password = '';
  return url.href.replace(/\/+$/, '');
}

function createCredentialSource(options: KubeConfigOptions): Pick<KubeConnection, 'credentials' | 'invalidate'> {
  const clock = options.clock ?? systemClock;
  let current: KubeCredentials | undefined;
  let readAt = 0;
  let reading: Promise<KubeCredentials> | undefined;
  const refresh = async (): Promise<KubeCredentials> => {
    try {
      current = await readCredentials(load(options), current);
      readAt = clock.now();
      return current;
    } catch (error) {
      // A file being replaced or a plugin that stumbles once: what worked a moment ago most likely still does.
      if (current === undefined) throw error;
      readAt = clock.now() - CREDENTIALS_LIFETIME_MS + SECOND_LOOK_MS;
      return current;
    }
  };
  return {
    async credentials() {
      if (current !== undefined && clock.now() - readAt < CREDENTIALS_LIFETIME_MS) return current;
      // Many callers, one reading.
      reading ??= refresh().finally(() => (reading = undefined));
      return reading;
    },
    invalidate(used) {
      if (used === current) readAt = -Infinity;
    },
  };
}

async function readCredentials(loaded: Loaded, last: KubeCredentials | undefined): Promise<KubeCredentials> {
  const options: RequestOptions = {};
  await loaded.config.applyToHTTPSOptions(options);
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(options.headers ?? {})) {
    if (typeof value === 'string') headers[name.toLowerCase()] = value.trim();
  }
  const basic = basicHeader(options, loaded.config.getCurrentCluster()?.server);
  if (basic !== undefined) headers['authorization'] ??= basic;
  if (loaded.tokenFile !== undefined) headers['authorization'] = await tokenHeader(loaded.tokenFile);
  const tls = tlsOptionsOf(options);
  return { headers, tls: last !== undefined && JSON.stringify(last.tls) === JSON.stringify(tls) ? last.tls : tls };
}

/** Name and password of the user, else of the server's URL. */
function basicHeader({ auth }: RequestOptions, server = ''): string | undefined {
  const { username, password } = new URL(server);
  const inUrl = username === '' ? undefined : `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  const login = auth ?? inUrl;
  return login === undefined ? undefined : `Basic ${Buffer.from(login).toString('base64')}`;
}

function tlsOptionsOf({ ca, cert, key, rejectUnauthorized, servername }: RequestOptions): TlsOptions {
  const all = { ca, cert, key, rejectUnauthorized, servername };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

async function tokenHeader(file: string): Promise<string> {
  const token = (await readFile(file, 'utf8').catch(() => '')).trim();
  if (token !== '') return `Bearer ${token}`;
  throw new UsageError(
    `cannot read a token from "${file}": Kubernetes will not know who we are; mount or write the token there`,
  );
}

function load(options: KubeConfigOptions): Loaded {
  const loaded = find(options);
  const { context } = options;
  if (context === undefined) return loaded;
  if (loaded.config.getContextObject(context) === null) {
    const known = loaded.config.contexts.map(({ name }) => `"${name}"`).join(', ');
    throw new UsageError(`no context "${context}" in ${loaded.source}; it has ${known === '' ? 'none' : known}`);
  }
  loaded.config.setCurrentContext(context);
  return { ...loaded, tokenFile: loaded.tokenFileOf(loaded.config.getCurrentUser()?.name ?? '') };
}

function find(options: KubeConfigOptions): Loaded {
  if (options.path !== undefined) return loadFiles([options.path], 'the given kubeconfig');
  const env = options.env ?? process.env;
  const listed = env['KUBECONFIG']?.split(delimiter).filter(Boolean) ?? [];
  if (listed.length > 0) return loadFiles(listed, 'KUBECONFIG');
  const root = options.inClusterRoot ?? '';
  const inCluster = loadInCluster(env, root);
  if (inCluster !== undefined) return inCluster;
  const home = join(env['HOME'] ?? homedir(), '.kube', 'config');
  if (readable(home)) return loadFiles([home], 'the home folder');
  throw new UsageError(
    `no Kubernetes cluster found: KUBECONFIG is not set, there is no service account in "${root}${SERVICE_ACCOUNT}" and no file "${home}"; set KUBECONFIG or run inside a cluster`,
  );
}

function loadInCluster(env: Readonly<Record<string, string | undefined>>, root: string): Loaded | undefined {
  const host = env['KUBERNETES_SERVICE_HOST'];
  const tokenFile = `${root}${SERVICE_ACCOUNT}/token`;
  if (host === undefined || host === '' || !readable(tokenFile)) return undefined;
  const config = new KubeConfig();
  const port = env['KUBERNETES_SERVICE_PORT'] ?? '443';
  const caFile = `${root}${SERVICE_ACCOUNT}/ca.crt`;
  const namespaceFile = `${root}${SERVICE_ACCOUNT}/namespace`;
  const server = `https://${host.includes(':') ? `[${host}]` : host}:${port}`;
  config.loadFromClusterAndUser(
    { name: 'in-cluster', server, caFile, skipTLSVerify: false },
    { name: 'service-account' },
  );
  const context = { name: config.currentContext, cluster: 'in-cluster', user: 'service-account' };
  config.contexts = [
    readable(namespaceFile) ? { ...context, namespace: readFileSync(namespaceFile, 'utf8').trim() } : context,
  ];
  return {
    config,
    source: `the service account in "${root}${SERVICE_ACCOUNT}"`,
    tokenFile,
    tokenFileOf: () => tokenFile,
  };
}

/** Merges as kubectl does: files that are not there are passed over, and the first mention of a name wins. */
function loadFiles(listed: readonly string[], origin: string): Loaded {
  const files = listed.filter(readable);
  const source = `${origin} (${listed.map((file) => `"${file}"`).join(', ')})`;
  if (files.length === 0)
    throw new UsageError(`cannot read ${source}: the file is missing or not readable; check the path`);
  const config = new KubeConfig();
  config.loadFromOptions({ clusters: [], users: [], contexts: [], currentContext: '' });
  const tokenFiles = new Map<string, string>();
  for (const file of files) mergeFile(config, file, tokenFiles);
  // client-node refuses plain HTTP unless verification is off; over HTTP there is nothing to verify.
  config.clusters = config.clusters.map((cluster) =>
    cluster.server.startsWith('http:') ? { ...cluster, skipTLSVerify: true } : cluster,
  );
  const tokenFileOf = (user: string): string | undefined => tokenFiles.get(user);
  return { config, source, tokenFile: tokenFileOf(config.getCurrentUser()?.name ?? ''), tokenFileOf };
}

function mergeFile(config: KubeConfig, file: string, tokenFiles: Map<string, string>): void {
  const next = new KubeConfig();
  try {
    next.loadFromFile(file);
    for (const [user, tokenFile] of tokenFilesOf(file))
      if (config.getUser(user) === null) tokenFiles.set(user, tokenFile);
  } catch (error) {
    // Only the first line: what follows quotes the file, secrets included.
    const why = error instanceof Error ? (error.message.split('\n')[0] ?? '') : 'unknown error';
    throw new UsageError(`kubeconfig "${file}" is not usable: ${why}; correct it or point KUBECONFIG elsewhere`);
  }
  config.clusters = [...config.clusters, ...next.clusters.filter(({ name }) => config.getCluster(name) === null)];
  config.users = [...config.users, ...next.users.filter(({ name }) => config.getUser(name) === null)];
  config.contexts = [...config.contexts, ...next.contexts.filter(({ name }) => config.getContextObject(name) === null)];
  // A file without `current-context` leaves undefined behind, whatever client-node's types say.
  if (!config.currentContext) config.currentContext = next.currentContext;
}

/** client-node does not know a user's `tokenFile`. */
function tokenFilesOf(file: string): readonly (readonly [string, string])[] {
  const users = memberOf(parse(readFileSync(file, 'utf8')), 'users');
  if (!Array.isArray(users)) return [];
  return users.flatMap((entry: unknown) => {
    const name = textAt(entry, 'name');
    const tokenFile = textAt(memberOf(entry, 'user'), 'tokenFile');
    return name === undefined || tokenFile === undefined ? [] : [[name, resolve(dirname(file), tokenFile)] as const];
  });
}

function readable(file: string): boolean {
  try {
    readFileSync(file);
    return true;
  } catch {
    return false;
  }
}

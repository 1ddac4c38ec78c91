import type { IncomingMessage, ServerResponse } from 'node:http';
import { sendJson, serveHttp } from '../http.js';
import { ApiError, statusOf, unknownPath } from './api-error.js';
import { parseApiRequest, parseResourcePath, type ApiRequest } from './api-request.js';
import { Authorizer, type Account } from './auth.js';
import { discoveryDocument } from './discovery.js';
import { applyFault, type Interceptor } from './faults.js';
import { startGarbageCollector } from './garbage-collector.js';
import { kubeconfigOf, type KubeconfigOptions } from './kubeconfig.js';
import { ObjectStore, type ObjectStoreOptions } from './object-store.js';
import type { PodLogProvider } from './pod-log.js';
import { handleApiRequest } from './request-handler.js';
import { apiVersionOf, SERVED } from './resources.js';

export interface KubernetesServerOptions extends ObjectStoreOptions {
  /** @default 0: a free one */
  readonly port?: number;
  /** Namespaces that exist besides the usual ones. @default [] */
  readonly namespaces?: readonly string[];
  /** How often a watch that asked for bookmarks gets one. @default 60000, as the API server */
  readonly bookmarkIntervalMs?: number;
}

/** An embedded Kubernetes API server. */
export interface KubernetesServer {
  /** e.g. `http://127.0.0.1:41234`. */
  readonly url: string;
  /** The objects behind it; writes here and over HTTP see each other at once. */
  readonly store: ObjectStore;
  /** Holder of all rights. */
  readonly adminToken: string;
  /** Makes a bearer token with limited rights; returns it. */
  addToken(account: Account, token?: string): string;
  /** Makes a token invalid: its next request is answered 401. */
  removeToken(token: string): void;
  /** YAML for kubectl and for client libraries; the admin's unless a token is given. */
  kubeconfig(options?: Partial<Omit<KubeconfigOptions, 'url'>>): string;
  /** Lets requests fail on purpose; returns the way to stop that. The first interceptor that answers decides. */
  intercept(interceptor: Interceptor): () => void;
  /** Where `GET pods/<name>/log` takes its text from. */
  setPodLogProvider(provider: PodLogProvider): void;
  /** Forgets all history: older resourceVersions answer 410 from now on. */
  compact(): void;
  /** Ends every connection and stops listening. */
  close(): Promise<void>;
}

const SYSTEM_NAMESPACES = ['default', 'kube-system', 'kube-public', 'kube-node-lease'];
const HEALTH_PATHS = ['/healthz', '/livez', '/readyz'];

interface Internals {
  readonly store: ObjectStore;
  readonly authorizer: Authorizer;
  readonly interceptors: Set<Interceptor>;
  readonly bookmarkIntervalMs: number;
  logProvider: PodLogProvider | undefined;
}

/** Starts an embedded Kubernetes API server on loopback: in memory, without TLS, honest about everything else. */
export async function startKubernetesServer(options: KubernetesServerOptions = {}): Promise<KubernetesServer> {
  const internals: Internals = {
    store: new ObjectStore(options),
    authorizer: new Authorizer(),
    interceptors: new Set(),
    bookmarkIntervalMs: options.bookmarkIntervalMs ?? 60_000,
    logProvider: undefined,
  };
  const { store, authorizer } = internals;
  const stopCollecting = startGarbageCollector(store);
  for (const name of [...SYSTEM_NAMESPACES, ...(options.namespaces ?? [])]) {
    if (store.find('namespaces', '', name) === undefined) store.create('namespaces', { metadata: { name } });
  }
  const endpoint = await serveHttp(
    (incoming, response, url) => serve(internals, { incoming, response, url }),
    options.port,
  );
  return {
    url: endpoint.url,
    store,
    adminToken: authorizer.adminToken,
    addToken: (account, token) => authorizer.addToken(account, token),
    removeToken: (token) => authorizer.removeToken(token),
    kubeconfig: (chosen = {}) =>
      kubeconfigOf({ url: endpoint.url, token: authorizer.adminToken, namespace: 'default', ...chosen }),
    intercept: (interceptor) => {
      internals.interceptors.add(interceptor);
      return () => internals.interceptors.delete(interceptor);
    },
    setPodLogProvider: (provider) => {
      internals.logProvider = provider;
    },
    compact: () => store.revisions.compact(),
    close: async () => {
      stopCollecting();
      await endpoint.close();
    },
  };
}

interface Wire {
  readonly incoming: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
}

async function serve(internals: Internals, wire: Wire): Promise<void> {
  try {
    await answer(internals, wire);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    sendJson(wire.response, error.code, statusOf(error));
  }
}

async function answer(internals: Internals, wire: Wire): Promise<void> {
  const { incoming, response, url } = wire;
  const account = internals.authorizer.authenticate(incoming.headers.authorization);
  if (parseResourcePath(url.pathname) === undefined) return answerDocument(internals, wire, account);
  const request = parseApiRequest(incoming.method ?? 'GET', url, account);
  authorize(internals.authorizer, request);
  const passage = await applyFault(faultFor(internals, request), request, wire);
  if (passage === 'handled') return;
  const context = {
    store: internals.store,
    bookmarkIntervalMs: internals.bookmarkIntervalMs,
    logProvider: () => internals.logProvider,
  };
  await handleApiRequest(context, { request, incoming, response, passage });
}

function faultFor(internals: Internals, request: ApiRequest): ReturnType<Interceptor> {
  for (const interceptor of internals.interceptors) {
    const fault = interceptor(request);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function authorize(authorizer: Authorizer, request: ApiRequest): void {
  const { verb, type, subresource, namespace, name, path, account } = request;
  const resource = subresource === '' ? type.plural : `${type.plural}/${subresource}`;
  authorizer.authorize(account, { verb, group: type.group, resource, namespace, name, path });
}

function answerDocument(internals: Internals, wire: Wire, account: Account): void {
  const { incoming, response, url } = wire;
  const verb = (incoming.method ?? 'GET').toLowerCase();
  const path = url.pathname;
  internals.authorizer.authorize(account, { verb, group: '', resource: '', namespace: '', name: '', path });
  if (HEALTH_PATHS.includes(path)) {
    response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' });
    response.end('ok');
    return;
  }
  if (path === '/openapi/v2') {
    // kubectl reads it before it sends a List. An empty message describes no type, which leaves checking to the server.
    response.writeHead(200, { 'content-type': 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf' });
    response.end();
    return;
  }
  const document = discoveryDocument(path);
  if (document === undefined && isServed(path)) throw unknownPath();
  if (document === undefined) {
    response.writeHead(404, { 'content-type': 'text/plain; charset=utf-8' });
    response.end('404 page not found\n');
    return;
  }
  sendJson(response, 200, document);
}

/** Whether a path lies below a group and version that exist; others are no API and get no Status. */
function isServed(path: string): boolean {
  const [, root, ...parts] = path.split('/');
  const groupVersion = root === 'apis' ? parts.slice(0, 2).join('/') : root === 'api' ? parts[0] : undefined;
  return SERVED.some(({ type }) => apiVersionOf(type) === groupVersion);
}

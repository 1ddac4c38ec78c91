import type { V1Taint } from '@kubernetes/client-node';
import type { ClusterFacts, NodeFacts, QuotaFacts } from '../../core/lint/cluster-facts.js';
import { ExternalError } from '../../core/errors.js';
import type { KubeClient } from './kube-client.js';
import { memberOf, textAt } from './kube-errors.js';

/** Facts that are not there, and why. */
export interface MissingFacts {
  /** e.g. `secrets`. */
  readonly what: string;
  readonly why: string;
}

export interface CollectedFacts {
  readonly facts: Omit<ClusterFacts, 'generatedAt'>;
  readonly missing: readonly MissingFacts[];
}

type ListKey = Exclude<keyof ClusterFacts, 'generatedAt' | 'namespace' | 'kubernetesVersion'>;

/** How a kind of object becomes a fact. */
interface Source {
  readonly key: ListKey;
  readonly path: (namespace: string) => string;
  /** Whether metadata is enough: then nothing else goes over the wire. */
  readonly namesOnly: boolean;
  /** What is kept of one object, read as soon as its page is there; the rest is dropped. */
  readonly keep: (object: unknown) => unknown;
  /** What the kept parts are together. @default a list */
  readonly join?: (kept: readonly unknown[]) => unknown;
}

const core = (plural: string) => (namespace: string) => `/api/v1/namespaces/${namespace}/${plural}`;
const nameOf = (object: unknown): string => textAt(memberOf(object, 'metadata'), 'name') ?? '';
const names = { namesOnly: true, keep: nameOf } as const;
/**
 * The API tells the keys of a Secret or ConfigMap only together with their values: those are in memory while a page is read, and are never
 * kept, logged or written.
 */
const keys = {
  namesOnly: false,
  keep: (object: unknown) => [nameOf(object), [...keysAt(object, 'data'), ...keysAt(object, 'binaryData')].sort()],
  join: (kept: readonly unknown[]) => Object.fromEntries(kept as readonly (readonly [string, readonly string[]])[]),
} as const;

const SOURCES: readonly Source[] = [
  { key: 'serviceAccounts', path: core('serviceaccounts'), ...names },
  { key: 'secrets', path: core('secrets'), ...keys },
  { key: 'configMaps', path: core('configmaps'), ...keys },
  { key: 'persistentVolumeClaims', path: core('persistentvolumeclaims'), ...names },
  { key: 'podTemplates', path: core('podtemplates'), ...names },
  { key: 'priorityClasses', path: () => '/apis/scheduling.k8s.io/v1/priorityclasses', ...names },
  { key: 'runtimeClasses', path: () => '/apis/node.k8s.io/v1/runtimeclasses', ...names },
  {
    key: 'limitRanges',
    path: core('limitranges'),
    namesOnly: false,
    // The API's own answer has the API's own type.
    keep: (object) => memberOf(object, 'spec'),
  },
  { key: 'resourceQuotas', path: core('resourcequotas'), namesOnly: false, keep: quotaFacts },
  { key: 'nodes', path: () => '/api/v1/nodes', namesOnly: false, keep: nodeFacts },
];

const PAGE = 200;

/**
 * Takes a snapshot of what pods of a namespace can refer to: names and keys, sizes of nodes and limits; never a value of a Secret. What
 * may not be read, or does not exist there, is left out and told. Throws when the cluster cannot be reached or does not know us at all.
 */
export async function collectClusterFacts(
  client: KubeClient,
  namespace: string,
  signal: AbortSignal,
): Promise<CollectedFacts> {
  const missing: MissingFacts[] = [];
  const attempt = async (what: string, read: () => Promise<unknown>): Promise<readonly [string, unknown][]> => {
    try {
      return [[what, await read()]];
    } catch (error) {
      if (!(error instanceof ExternalError) || (error.status !== 403 && error.status !== 404)) throw error;
      missing.push({ what, why: error.status === 403 ? 'permission denied' : 'the server does not have them' });
      return [];
    }
  };
  const version = await attempt('kubernetesVersion', () => readVersion(client, signal));
  const found: (readonly [string, unknown])[] = [];
  // One after the other: a snapshot is never in a hurry, and an API server may be.
  for (const source of SOURCES) {
    found.push(...(await attempt(source.key, () => readList(source, { client, namespace, signal }))));
  }
  return { facts: { namespace, ...Object.fromEntries([...version, ...found]) }, missing };
}

interface Reading {
  readonly client: KubeClient;
  readonly namespace: string;
  readonly signal: AbortSignal;
}

async function readList(
  { path, namesOnly, keep, join }: Source,
  { client, namespace, signal }: Reading,
): Promise<unknown> {
  const kept: unknown[] = [];
  let next: string | undefined;
  do {
    const { body } = await client.request(
      {
        method: 'GET',
        path: path(encodeURIComponent(namespace)),
        query: { limit: PAGE, continue: next },
        answer: namesOnly ? 'metadata-list' : 'whole',
        pool: 'bulk',
      },
      signal,
    );
    const items = memberOf(body, 'items');
    kept.push(...(Array.isArray(items) ? items.map(keep) : []));
    next = textAt(memberOf(body, 'metadata'), 'continue') || undefined;
  } while (next !== undefined);
  return join === undefined ? kept : join(kept);
}

async function readVersion(client: KubeClient, signal: AbortSignal): Promise<string> {
  const { body } = await client.request({ method: 'GET', path: '/version' }, signal);
  // Providers write the minor version as "36+".
  return [textAt(body, 'major'), textAt(body, 'minor')].map((part) => (part ?? '').replace(/\D+$/, '')).join('.');
}

function keysAt(object: unknown, member: string): readonly string[] {
  const data = memberOf(object, member);
  return typeof data === 'object' && data !== null ? Object.keys(data) : [];
}

function quotaFacts(object: unknown): QuotaFacts {
  const status = memberOf(object, 'status');
  const hard = memberOf(status, 'hard') ?? memberOf(memberOf(object, 'spec'), 'hard');
  const used = memberOf(status, 'used');
  return defined({ hard, used });
}

function nodeFacts(object: unknown): NodeFacts {
  const allocatable = memberOf(memberOf(object, 'status'), 'allocatable');
  const labels = memberOf(memberOf(object, 'metadata'), 'labels');
  const taints = memberOf(memberOf(object, 'spec'), 'taints') as readonly V1Taint[] | undefined;
  return defined({ allocatable, labels, taints });
}

function defined(fields: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

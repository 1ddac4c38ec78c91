import { writeFile } from 'node:fs/promises';
import { collectClusterFacts, type MissingFacts } from '../adapters/kubernetes/cluster-facts.js';
import { createKubeClient } from '../adapters/kubernetes/kube-client.js';
import { loadKubeConnection, type KubeConnection } from '../adapters/kubernetes/kube-config.js';
import { EXIT, ToolkitError } from '../core/errors.js';
import type { ClusterFacts } from '../core/lint/cluster-facts.js';

export interface WriteFactsOptions {
  /** @default that of the context, else `default` */
  readonly namespace?: string | undefined;
  /** Context of the kubeconfig. @default the current one */
  readonly context?: string | undefined;
  /** Where to write; undefined = nowhere. */
  readonly output?: string | undefined;
  /** e.g. `v0.1.0`. */
  readonly version: string;
  readonly now: Date;
  readonly signal: AbortSignal;
  /** Which API server. @default found like kubectl and in-cluster programs do */
  readonly connection?: KubeConnection | undefined;
}

export interface WrittenFacts {
  readonly facts: ClusterFacts;
  /** The facts as they are written. */
  readonly text: string;
  readonly missing: readonly MissingFacts[];
}

/**
 * Takes a snapshot of the cluster for `lint --facts`, and writes it when a file is named.
 * @throws ToolkitError when the cluster cannot be reached or the file cannot be written
 */
export async function writeFacts(options: WriteFactsOptions): Promise<WrittenFacts> {
  const connection = options.connection ?? loadKubeConnection({ context: options.context });
  const namespace = options.namespace ?? connection.namespace ?? 'default';
  const client = createKubeClient({ connection, version: options.version, maxConnections: 1 });
  try {
    const { facts, missing } = await collectClusterFacts(client, namespace, options.signal);
    const written = { generatedAt: options.now.toISOString().replace(/\.\d+Z$/, 'Z'), ...facts };
    const text = `${JSON.stringify(written, undefined, 2)}\n`;
    if (options.output !== undefined) await save(options.output, text);
    return { facts: written, text, missing };
  } finally {
    client.close();
  }
}

async function save(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ToolkitError(`cannot write "${path}": ${why}; name a file that can be written`, EXIT.unable, {
      cause: error,
    });
  }
}

import { agentEndpoint } from '../adapters/buildkite/agent-api.js';
import { createGraphqlSource } from '../adapters/buildkite/graphql-api.js';
import { createStacksSource } from '../adapters/buildkite/stacks-api.js';
import { createKubeClient, type KubeClient } from '../adapters/kubernetes/kube-client.js';
import { createKubeCluster } from '../adapters/kubernetes/kube-cluster.js';
import type { KubeConnection } from '../adapters/kubernetes/kube-config.js';
import { createTokenBucket } from '../adapters/kubernetes/token-bucket.js';
import type { ControllerConfig } from '../core/config/config.js';
import { chosenJobSource } from '../core/config/resolve-config.js';
import type { JobSource } from '../ports/buildkite.js';
import type { Cluster } from '../ports/cluster.js';
import type { Clock, Logger } from '../ports/runtime.js';

const GRAPHQL_ENDPOINT = 'https://graphql.buildkite.com/v1';

/** Key of the agent token Secret, as the Go controller and its chart have it. */
export const AGENT_TOKEN_KEY = 'BUILDKITE_AGENT_TOKEN';

export interface Surroundings {
  readonly config: ControllerConfig;
  readonly version: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** In [0, 1). */
  readonly random: () => number;
}

/** The client for the API server and the cluster behind it; `close` the client when done. */
export function composeCluster(
  surroundings: Surroundings,
  connection: KubeConnection,
): { client: KubeClient; cluster: Cluster } {
  const { config, version, clock, logger, random } = surroundings;
  const { k8sClientRateLimiterQps: qps, k8sClientRateLimiterBurst: burst } = config;
  const client = createKubeClient({
    connection,
    version,
    maxConnections: config.jobCreationConcurrency,
    rateLimiter:
      qps === undefined && burst === undefined
        ? undefined
        : createTokenBucket({ qps: qps ?? 10, burst: burst ?? 20, clock }),
    clock,
  });
  const cluster = createKubeCluster({
    client,
    namespace: config.namespace,
    controllerId: config.id,
    clock,
    logger,
    random,
  });
  return { client, cluster };
}

/** Where jobs come from, as the configuration chooses. */
export function composeJobSource(surroundings: Surroundings, agentToken: string): JobSource {
  const { config } = surroundings;
  const agent = {
    endpoint: agentEndpoint(config),
    token: agentToken,
    tokenOrigin: `key "${AGENT_TOKEN_KEY}" of secret "${config.namespace}/${config.agentTokenSecret}"`,
  };
  if (chosenJobSource(config) === 'stacks') return createStacksSource({ ...surroundings, ...agent });
  return createGraphqlSource({
    ...surroundings,
    endpoint: config.graphqlEndpoint || GRAPHQL_ENDPOINT,
    token: config.buildkiteToken,
    agent,
  });
}

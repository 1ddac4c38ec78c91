import { setTimeout as sleep } from 'node:timers/promises';
import { pathsOf, type RoleRule } from '../contract/kubernetes/target.js';
import { startBuildkiteServer, type BuildkiteServer } from '../../src/sandbox/buildkite/server.js';
import type { ControlPlane } from './control-plane.js';

/** What the controller may do in its namespace, and all it may do: the rules of the Helm chart's Role. */
export const CONTROLLER_ROLE: readonly RoleRule[] = [
  { apiGroups: ['batch'], resources: ['jobs'], verbs: ['get', 'list', 'watch', 'create', 'update', 'delete'] },
  { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'watch', 'delete'] },
  { apiGroups: [''], resources: ['podtemplates', 'secrets'], verbs: ['get'] },
  { apiGroups: [''], resources: ['events'], verbs: ['list'] },
];

const SECRET = 'buildkite-agent-token';

/** An embedded Buildkite queue and a namespace to serve it from. */
export interface TestQueue {
  readonly buildkite: BuildkiteServer;
  readonly namespace: string;
  /** The part of a controller configuration that points here; everything else is default. */
  readonly config: Readonly<Record<string, unknown>>;
  /** A kubeconfig with no more rights than the chart gives. @param url another way to the API server. */
  controllerKubeconfig(url?: string): Promise<string>;
  /** Makes jobs visible all at once and answers their ids. */
  createJobs(count: number): readonly string[];
  /** Resolves once a controller asks for scheduled jobs. @param check called while waiting; throws to give up. */
  polled(check: () => void): Promise<void>;
  stop(): Promise<void>;
}

/** How the controller hears of jobs. */
export type Source = 'stacks' | 'graphql';

const LISTING: Readonly<Record<Source, string>> = {
  stacks: 'GET /v3/stacks/:key/scheduled-jobs',
  graphql: 'POST /graphql',
};

/** Starts the embedded Buildkite, makes a namespace with the agent token in its Secret, and says how to configure for it. */
export async function startQueue(plane: ControlPlane, source: Source = 'stacks'): Promise<TestQueue> {
  const buildkite = await startBuildkiteServer();
  const namespace = await plane.createNamespace();
  await plane.admin.expect(201, 'POST', pathsOf(namespace).secrets, {
    body: { metadata: { name: SECRET }, stringData: { BUILDKITE_AGENT_TOKEN: buildkite.agentToken } },
  });
  return {
    buildkite,
    namespace,
    config: {
      namespace,
      'agent-token-secret': SECRET,
      tags: [`queue=${buildkite.queueKey}`],
      'agent-config': { endpoint: buildkite.agentEndpoint },
      ...(source === 'graphql' ? graphqlConfig(buildkite) : {}),
    },
    controllerKubeconfig: async (url) => {
      const token = await plane.restrictedToken(namespace, CONTROLLER_ROLE);
      return plane.writeKubeconfig(token, { namespace, ...(url === undefined ? {} : { url }) });
    },
    createJobs: (count) => buildkite.createJobs(count, { command: 'true' }).map((job) => job.id),
    polled: async (check) => {
      const before = buildkite.calls(LISTING[source]);
      while (buildkite.calls(LISTING[source]) === before) {
        check();
        await sleep(20);
      }
    },
    stop: () => buildkite.close(),
  };
}

function graphqlConfig(buildkite: BuildkiteServer): Record<string, string> {
  return {
    org: buildkite.organizationSlug,
    'cluster-uuid': buildkite.clusterUuid,
    'buildkite-token': buildkite.apiToken,
    'graphql-endpoint': buildkite.graphqlEndpoint,
  };
}

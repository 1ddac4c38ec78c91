import { loadKubeConnection } from '../../src/adapters/kubernetes/kube-config.js';
import { createKubeClient } from '../../src/adapters/kubernetes/kube-client.js';
import { createKubeCluster } from '../../src/adapters/kubernetes/kube-cluster.js';
import type { ReflectorTiming } from '../../src/adapters/kubernetes/reflector.js';
import { systemClock } from '../../src/adapters/system/clock.js';
import { composeJobSource } from '../../src/app/compose.js';
import { Controller } from '../../src/controller/controller.js';
import type { ControllerConfig } from '../../src/core/config/config.js';
import { defaultConfig } from '../../src/core/config/default-config.js';
import type { Clock } from '../../src/ports/runtime.js';
import { silentLogger } from '../support/fake-world.js';
import { AGENT_TOKEN_SECRET, NAMESPACE, type World } from './world.js';

/** Waits a twentieth of the time: back-offs of half a minute fit into a test. */
const hurriedClock: Clock = {
  now: () => Date.now(),
  sleep: (ms, signal) => systemClock.sleep(ms / 20, signal),
};

/**
 * A controller in this process whose waits are cut short, for faults that take a real one minutes to get over. Start its world
 * with `enforceRateLimits: false`.
 * @returns the way to stop it
 */
export function startHurriedController(
  world: World,
  options: { readonly config?: Partial<ControllerConfig>; readonly watchTiming?: Partial<ReflectorTiming> } = {},
): () => Promise<void> {
  const { buildkite } = world;
  const config = defaultConfig({
    namespace: NAMESPACE,
    id: 'faults',
    agentTokenSecret: AGENT_TOKEN_SECRET,
    queue: buildkite.queueKey,
    agentConfig: { endpoint: buildkite.agentEndpoint },
    jobSource: 'stacks',
    ...options.config,
  });
  const surroundings = { config, version: 'v0', clock: hurriedClock, logger: silentLogger, random: Math.random };
  const connection = loadKubeConnection({ path: world.kubeconfig });
  const client = createKubeClient({ connection, version: 'v0', maxConnections: config.jobCreationConcurrency });
  const cluster = createKubeCluster({
    client,
    namespace: NAMESPACE,
    controllerId: config.id,
    clock: hurriedClock,
    logger: silentLogger,
    watchTiming: options.watchTiming,
  });
  const source = composeJobSource(surroundings, buildkite.agentToken);
  const stop = new AbortController();
  const done = new Controller({ ...surroundings, source, cluster }).run(stop.signal).finally(() => client.close());
  return async () => {
    stop.abort();
    await done;
  };
}

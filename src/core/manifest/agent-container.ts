import type { V1Container, V1EnvVar } from '@kubernetes/client-node';
import { parseTags } from '../job/agent-tags.js';
import { CONTAINERS } from '../job/identity.js';
import { commandContainerCount, sharedMounts, type BuildContext } from './build-context.js';
import { checkoutSettings } from './checkout-container.js';
import { envVar, overlayEnv } from './container-env.js';

/** Patterns of variable names which agent 3.136 masks in logs by default; setting the list replaces them, so they are repeated. */
const DEFAULT_REDACTED_VARS = [
  '*_PASSWORD',
  '*_SECRET',
  '*_TOKEN',
  '*_PRIVATE_KEY',
  '*_SSH_KEY',
  '*_ACCESS_KEY',
  '*_SECRET_KEY',
  '*_CONNECTION_STRING',
  '*_API_KEY',
] as const;

/** The container that acquires the job at Buildkite and runs the others through a socket in the workspace. */
export function agentContainer(context: BuildContext): V1Container {
  const { config, plugin, agentConfig } = context;
  const env = [
    agentConfig.env,
    checkoutSettings(config.defaultCheckoutParams),
    checkoutSettings(plugin.checkout),
  ].reduce<V1EnvVar[]>(overlayEnv, baseEnv(context));
  return {
    name: CONTAINERS.agent,
    image: config.image,
    args: ['start'],
    workingDir: '/workspace',
    env,
    volumeMounts: [...sharedMounts(context), ...agentConfig.agentMounts],
  };
}

function baseEnv(context: BuildContext): V1EnvVar[] {
  const { job, config, base, skipCheckout, graceSeconds } = context;
  const clients = commandContainerCount(base) + (skipCheckout ? 0 : 1);
  return [
    envVar('BUILDKITE_KUBERNETES_EXEC', 'true'),
    envVar('BUILDKITE_CONTAINER_COUNT', String(clients)),
    envVar('BUILDKITE_AGENT_TAGS', agentTagList(context)),
    fieldVar('BUILDKITE_K8S_NODE', 'spec.nodeName'),
    fieldVar('BUILDKITE_K8S_NAMESPACE', 'metadata.namespace'),
    fieldVar('BUILDKITE_K8S_SERVICE_ACCOUNT', 'spec.serviceAccountName'),
    envVar('BUILDKITE_BUILD_PATH', '/workspace/build'),
    envVar('BUILDKITE_HOOKS_PATH', '/workspace/hooks'),
    envVar('BUILDKITE_PLUGINS_PATH', '/workspace/plugins'),
    envVar('BUILDKITE_SOCKETS_PATH', '/workspace/sockets/agent'),
    envVar('BUILDKITE_SHELL', '/bin/sh -ec'),
    {
      name: 'BUILDKITE_AGENT_TOKEN',
      valueFrom: { secretKeyRef: { name: config.agentTokenSecret, key: 'BUILDKITE_AGENT_TOKEN' } },
    },
    envVar('BUILDKITE_AGENT_ACQUIRE_JOB', job.id),
    envVar('BUILDKITE_REDACTED_VARS', [...DEFAULT_REDACTED_VARS, ...config.additionalRedactedVars].join(',')),
    // The agent needs ten seconds after the signal to report the end of the job before the kubelet kills it.
    envVar('BUILDKITE_CANCEL_GRACE_PERIOD', String(Math.max(graceSeconds, 1))),
    envVar('BUILDKITE_SIGNAL_GRACE_PERIOD_SECONDS', String(Math.max(0, graceSeconds - 10))),
  ];
}

function fieldVar(name: string, fieldPath: string): V1EnvVar {
  return { name, valueFrom: { fieldRef: { fieldPath } } };
}

/** Tags the agent registers with: the job's own rules, so that it matches the job, and who made the pod. Sorted: same job, same bytes. */
function agentTagList({ job, version }: BuildContext): string {
  const tags = new Map([['k8s:agent-stack-version', version], ...parseTags(job.agentQueryRules)]);
  return [...tags]
    .map(([key, value]) => `${key}=${value}`)
    .sort()
    .join(',');
}

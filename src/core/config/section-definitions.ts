import type { JsonSchema } from '../schema/json-schema.js';

const text: JsonSchema = { type: 'string' };
const flag: JsonSchema = { type: 'boolean' };
const texts: JsonSchema = { type: 'array', items: text };
const textMap: JsonSchema = { type: 'object', additionalProperties: text };

/** A reference to one of the pinned Kubernetes definitions. */
export function kubernetesType(name: string): JsonSchema {
  return { $ref: `#/definitions/io.k8s.api.core.v1.${name}` };
}

/** A reference to one of `sectionDefinitions`. */
export function sectionType(name: keyof typeof sectionDefinitions): JsonSchema {
  return { $ref: `#/definitions/${name}` };
}

const envFrom: JsonSchema = {
  type: 'array',
  description: 'Sources of variables, appended to what the container has.',
  items: kubernetesType('EnvFromSource'),
};
const extraVolumeMounts: JsonSchema = {
  type: 'array',
  description: 'Mounts, appended to what the container has.',
  items: kubernetesType('VolumeMount'),
};

function closed(description: string, properties: Readonly<Record<string, JsonSchema>>): JsonSchema {
  return { type: 'object', description, properties, additionalProperties: false };
}

/**
 * Shapes of the configuration's nested sections. The `kubernetes` plugin shares most of them (`checkout`, `commandParams`,
 * `sidecarParams`, `metadata`), hence their own home. Keys are the names after `#/definitions/`.
 */
export const sectionDefinitions = {
  AgentConfig: closed('Settings of the agent that runs in every pod.', {
    endpoint: { ...text, description: 'Base URL of the Agent API, also used by the controller itself.' },
    'no-http2': flag,
    experiment: { ...texts, description: 'Agent experiments to switch on.' },
    shell: { ...text, description: 'Shell for commands; "/bin/sh -ec" when not set.' },
    'no-color': flag,
    'strict-single-hooks': flag,
    'no-multipart-artifact-upload': flag,
    'trace-context-encoding': text,
    'tracing-backend': text,
    'tracing-service-name': text,
    'tracing-propagate-traceparent': flag,
    'disable-warnings-for': texts,
    'debug-signing': flag,
    'git-skip-fetch-existing-commits': flag,
    'container-start-timeout': {
      type: 'string',
      format: 'duration',
      description: 'How long the agent waits until all containers of its pod are connected.',
    },
    'hooks-path': text,
    hooksVolume: kubernetesType('Volume'),
    'additional-hooks-paths': texts,
    'additional-hooks': { type: 'array', items: { $ref: '#/definitions/AdditionalHook' } },
    'plugins-path': text,
    pluginsVolume: kubernetesType('Volume'),
    'no-pty': flag,
    'no-command-eval': flag,
    'no-local-hooks': flag,
    'no-plugins': flag,
    'plugin-validation': flag,
    'signing-jwks-file': text,
    'signing-jwks-key-id': text,
    signingJWKSVolume: kubernetesType('Volume'),
    'verification-jwks-file': text,
    'verification-failure-behavior': text,
    verificationJWKSVolume: kubernetesType('Volume'),
  }),
  AdditionalHook: {
    ...closed('A hooks folder that comes from a volume.', {
      path: { ...text, description: 'Where the volume is mounted and hooks are looked for.' },
      volume: kubernetesType('Volume'),
    }),
    required: ['path', 'volume'],
  },
  CheckoutParams: closed('How the checkout container fetches the source.', {
    skip: { ...flag, description: 'Leave the checkout container out.' },
    checkoutFlags: text,
    cleanFlags: text,
    cloneFlags: text,
    fetchFlags: text,
    noSubmodules: flag,
    submoduleCloneConfig: texts,
    gitMirrors: { $ref: '#/definitions/GitMirrors' },
    gitCredentialsSecret: kubernetesType('SecretVolumeSource'),
    envFrom,
    extraVolumeMounts,
  }),
  GitMirrors: closed('Bare mirrors of repositories, kept on a volume.', {
    path: text,
    volume: kubernetesType('Volume'),
    cloneFlags: text,
    lockTimeout: { type: 'integer', description: 'Seconds to wait for another job that uses the mirror.' },
    skipUpdate: flag,
  }),
  CommandParams: closed('Additions to every command container.', {
    interposer: {
      type: 'string',
      enum: ['', 'buildkite', 'vector', 'legacy'],
      description: 'How `command` and `args` become the command the agent runs.',
    },
    envFrom,
    extraVolumeMounts,
  }),
  SidecarParams: closed('Additions to every sidecar.', { envFrom, extraVolumeMounts }),
  Metadata: closed('Labels and annotations of Jobs and pods.', { labels: textMap, annotations: textMap }),
  ResourceClass: closed('Resources and place for the jobs that carry the tag `resource_class=<name>`.', {
    resource: kubernetesType('ResourceRequirements'),
    podResource: kubernetesType('ResourceRequirements'),
    nodeSelector: textMap,
  }),
} satisfies Readonly<Record<string, JsonSchema>>;

import type { JsonSchema } from '../schema/json-schema.js';

const text: JsonSchema = { type: 'string' };
const flag: JsonSchema = { type: 'boolean' };
const texts: JsonSchema = { type: 'array', items: text };
const textMap: JsonSchema = { type: 'object', additionalProperties: text };

/** A reference to one of the pinned Kubernetes definitions. */
export function kubernetesType(name: string): JsonSchema {
  return { $ref: `#/definitions/${name}` };
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
    'no-http2': { ...flag, description: 'Talk HTTP/1.1 to Buildkite.' },
    experiment: { ...texts, description: 'Agent experiments to switch on.' },
    shell: { ...text, description: 'Shell for commands; "/bin/sh -ec" when not set.' },
    'no-color': { ...flag, description: 'Write job logs without colours.' },
    'strict-single-hooks': { ...flag, description: 'End a hook at its first error.' },
    'no-multipart-artifact-upload': { ...flag, description: 'Upload every artifact in one piece.' },
    'trace-context-encoding': { ...text, description: 'How the trace context is handed on: gob or json.' },
    'tracing-backend': { ...text, description: 'Where traces go: datadog or opentelemetry.' },
    'tracing-service-name': { ...text, description: 'Name of the service in traces.' },
    'tracing-propagate-traceparent': { ...flag, description: 'Continue the trace that Buildkite began.' },
    'disable-warnings-for': { ...texts, description: 'Warnings of the agent to leave out, by their identifiers.' },
    'debug-signing': { ...flag, description: 'Log what is signed and verified, including secrets in steps.' },
    'git-skip-fetch-existing-commits': { ...flag, description: 'Do not fetch a commit that a clone already has.' },
    'container-start-timeout': {
      format: 'duration',
      description: 'How long the agent waits until all containers of its pod are connected.',
    },
    'hooks-path': { ...text, description: 'Folder of the agent hooks; /workspace/hooks when there is a volume.' },
    hooksVolume: { ...kubernetesType('Volume'), description: 'Volume with agent hooks, mounted at hooks-path.' },
    'additional-hooks-paths': {
      ...texts,
      description: 'Further folders with hooks, in the image or on another volume.',
    },
    'additional-hooks': {
      type: 'array',
      items: { $ref: '#/definitions/AdditionalHook' },
      description: 'Further folders with hooks, each on its own volume.',
    },
    'plugins-path': { ...text, description: 'Folder of the plugins; /workspace/plugins when there is a volume.' },
    pluginsVolume: { ...kubernetesType('Volume'), description: 'Volume for plugins, mounted at plugins-path.' },
    'no-pty': { ...flag, description: 'Run commands without a pseudo terminal.' },
    'no-command-eval': { ...flag, description: 'Refuse commands that are not scripts of the repository.' },
    'no-local-hooks': { ...flag, description: 'Ignore hooks of the repository.' },
    'no-plugins': { ...flag, description: 'Refuse steps with plugins.' },
    'plugin-validation': { ...flag, description: 'Check the configuration of plugins against their definitions.' },
    'signing-jwks-file': { ...text, description: 'File with the keys that sign uploaded steps.' },
    'signing-jwks-key-id': { ...text, description: 'The key of the file to sign with.' },
    signingJWKSVolume: { ...kubernetesType('Volume'), description: 'Volume with the signing keys.' },
    'verification-jwks-file': { ...text, description: 'File with the keys that verify signatures.' },
    'verification-failure-behavior': { ...text, description: 'What an invalid signature does: block or warn.' },
    verificationJWKSVolume: { ...kubernetesType('Volume'), description: 'Volume with the verification keys.' },
  }),
  AdditionalHook: {
    ...closed('A hooks folder that comes from a volume.', {
      path: { ...text, description: 'Where the volume is mounted and hooks are looked for.' },
      volume: { ...kubernetesType('Volume'), description: 'The volume, with a name.' },
    }),
    required: ['path', 'volume'],
  },
  CheckoutParams: closed('How the checkout container fetches the source.', {
    skip: { ...flag, description: 'Leave the checkout container out.' },
    checkoutFlags: { ...text, description: 'Flags for git checkout.' },
    cleanFlags: { ...text, description: 'Flags for git clean.' },
    cloneFlags: { ...text, description: 'Flags for git clone.' },
    fetchFlags: { ...text, description: 'Flags for git fetch.' },
    noSubmodules: { ...flag, description: 'Leave submodules out.' },
    submoduleCloneConfig: { ...texts, description: 'Git settings, key=value, for cloning submodules.' },
    gitMirrors: { $ref: '#/definitions/GitMirrors', description: 'Mirrors that clones take their objects from.' },
    gitCredentialsSecret: {
      ...kubernetesType('SecretVolumeSource'),
      description: 'Secret with a .git-credentials file for HTTPS.',
    },
    envFrom,
    extraVolumeMounts,
  }),
  GitMirrors: closed('Bare mirrors of repositories, kept on a volume.', {
    path: { ...text, description: 'Folder of the mirrors; /buildkite/git-mirrors when there is a volume.' },
    volume: { ...kubernetesType('Volume'), description: 'Volume of the mirrors, mounted at path.' },
    cloneFlags: { ...text, description: 'Flags for cloning a mirror.' },
    lockTimeout: { type: 'integer', description: 'Seconds to wait for another job that uses the mirror.' },
    skipUpdate: { ...flag, description: 'Use mirrors as they are.' },
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
  Metadata: closed('Labels and annotations of Jobs and pods.', {
    labels: { ...textMap, description: 'Labels; keys with the prefix buildkite.com are set by the controller.' },
    annotations: {
      ...textMap,
      description: 'Annotations; keys with the prefix buildkite.com are set by the controller.',
    },
  }),
  ResourceClass: closed('Resources and place for the jobs that carry the tag `resource_class=NAME`.', {
    resource: { ...kubernetesType('ResourceRequirements'), description: 'Resources of every command container.' },
    podResource: { ...kubernetesType('ResourceRequirements'), description: 'Resources of the pod as a whole.' },
    nodeSelector: { ...textMap, description: 'Labels a node must have.' },
  }),
} satisfies Readonly<Record<string, JsonSchema>>;

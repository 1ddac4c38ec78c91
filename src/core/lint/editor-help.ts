import type { PublishedSchema } from '../schema/publish-schema.js';

/** What an editor tells about each field of the plugin. */
export const PLUGIN_HELP: ReadonlyMap<string, PublishedSchema> = new Map<string, PublishedSchema>([
  [
    'podSpec',
    {
      description:
        "The pod of the job, instead of the default one. Each of its containers runs a command; one without a command runs the step's.",
      examples: [{ containers: [{ image: 'golang:1.25', command: ['go test ./...'] }] }],
    },
  ],
  [
    'podSpecPatch',
    {
      description:
        'A strategic merge patch of the pod that there would be without it. Containers are found by name: the first command container is "container-0".',
      examples: [{ containers: [{ name: 'container-0', resources: { requests: { cpu: '2' } } }] }],
    },
  ],
  [
    'podTemplate',
    {
      description:
        'Name of a PodTemplate in the namespace of the controller, whose pod is used when there is no podSpec.',
      examples: ['large'],
    },
  ],
  [
    'gitEnvFrom',
    {
      description: 'Secrets and config maps with the keys for git, as variables of the checkout container.',
      examples: [[{ secretRef: { name: 'deploy-key' } }]],
    },
  ],
  [
    'sidecars',
    {
      description: 'Containers that run beside the commands and end with them.',
      examples: [[{ image: 'postgres:17', name: 'database' }]],
    },
  ],
  [
    'metadata',
    {
      description: 'Labels and annotations of the Job and of its pod.',
      examples: [{ labels: { team: 'core' } }],
    },
  ],
  [
    'extraVolumeMounts',
    {
      description: 'Mounts that are added to all containers; the volumes are those of the pod spec.',
      examples: [[{ name: 'cache', mountPath: '/var/cache' }]],
    },
  ],
  [
    'checkout',
    {
      description: 'How the source is fetched, or that it is not.',
      examples: [{ skip: true }, { cloneFlags: '--depth 1' }],
    },
  ],
  ['commandParams', { description: 'Additions to all command containers.', examples: [{ interposer: 'vector' }] }],
  [
    'sidecarParams',
    { description: 'Additions to all sidecars.', examples: [{ envFrom: [{ configMapRef: { name: 'defaults' } }] }] },
  ],
  [
    'jobActiveDeadlineSeconds',
    {
      description: 'Seconds after which Kubernetes stops the job; overrides the setting of the controller.',
      examples: [3600],
    },
  ],
]);

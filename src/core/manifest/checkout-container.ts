import type { V1Container, V1EnvVar, V1SecretVolumeSource, V1Volume, V1VolumeMount } from '@kubernetes/client-node';
import type { CheckoutParams, GitMirrors } from '../config/config.js';
import { CONTAINERS } from '../job/identity.js';
import { sharedMounts, type BuildContext } from './build-context.js';
import { envVar, settingEnv } from './container-env.js';
import { ROOT_SECURITY_CONTEXT, type PodUser } from './workspace.js';

const MIRRORS_PATH = '/buildkite/git-mirrors';
const CREDENTIALS_SOURCE = { name: 'git-credentials-ro', mountPath: '/buildkite/git-credentials-ro' } as const;
const CREDENTIALS_COPY = { name: 'git-credentials', mountPath: '/buildkite/git-credentials' } as const;
const BOOTSTRAP = 'buildkite-agent-entrypoint kubernetes-bootstrap';

/** Git settings as variables of the agent container, which hands them to the checkout. */
export function checkoutSettings(params: CheckoutParams | undefined): V1EnvVar[] {
  if (params === undefined) return [];
  return settingEnv([
    ['BUILDKITE_GIT_CHECKOUT_FLAGS', params.checkoutFlags],
    ['BUILDKITE_GIT_CLEAN_FLAGS', params.cleanFlags],
    ['BUILDKITE_GIT_CLONE_FLAGS', params.cloneFlags],
    ['BUILDKITE_GIT_FETCH_FLAGS', params.fetchFlags],
    ['BUILDKITE_NO_GIT_SUBMODULES', params.noSubmodules],
    ['BUILDKITE_GIT_SUBMODULE_CLONE_CONFIG', params.submoduleCloneConfig],
    ...mirrorSettings(params.gitMirrors),
  ]);
}

function mirrorSettings(mirrors: GitMirrors = {}): Parameters<typeof settingEnv>[0] {
  const lockTimeout = mirrors.lockTimeout ?? 0;
  return [
    ['BUILDKITE_GIT_MIRRORS_PATH', mirrorsPath(mirrors)],
    ['BUILDKITE_GIT_CLONE_MIRROR_FLAGS', mirrors.cloneFlags],
    ['BUILDKITE_GIT_MIRRORS_LOCK_TIMEOUT', lockTimeout > 0 ? lockTimeout : undefined],
    ['BUILDKITE_GIT_MIRRORS_SKIP_UPDATE', mirrors.skipUpdate],
  ];
}

function mirrorsPath(mirrors: GitMirrors | undefined): string | undefined {
  return mirrors?.path || (mirrors?.volume === undefined ? undefined : MIRRORS_PATH);
}

/** Volumes which only the checkout container mounts. */
export function checkoutVolumes(context: BuildContext): V1Volume[] {
  const mirrors = [context.config.defaultCheckoutParams, context.plugin.checkout].flatMap(
    (params) => params?.gitMirrors?.volume ?? [],
  );
  return [...mirrors, ...credentialVolumes(context)];
}

/** The volumes of `gitCredentialsSecret`. */
export function credentialVolumes(context: BuildContext): V1Volume[] {
  const secret = credentialsSecret(context);
  if (secret === undefined) return [];
  return [
    { name: CREDENTIALS_SOURCE.name, secret },
    // A copy in memory, because git's credential store wants to write to its file.
    { name: CREDENTIALS_COPY.name, emptyDir: { medium: 'Memory' } },
  ];
}

function credentialsSecret({ config, plugin }: BuildContext): V1SecretVolumeSource | undefined {
  return plugin.checkout?.gitCredentialsSecret ?? config.defaultCheckoutParams?.gitCredentialsSecret;
}

/** The container that checks the code out before the commands run. */
export function checkoutContainer(context: BuildContext): V1Container {
  const { config, plugin, user } = context;
  const withCredentials = credentialsSecret(context) !== undefined;
  const container: V1Container = {
    name: CONTAINERS.checkout,
    image: config.image,
    command: ['/bin/sh', '-c'],
    args: [checkoutScript(user, { withCredentials })],
    workingDir: '/workspace',
    env: [
      envVar('BUILDKITE_BOOTSTRAP_PHASES', 'plugin,checkout'),
      envVar('BUILDKITE_CONTAINER_ID', '0'),
      envVar('BUILDKITE_SOCKETS_PATH', '/workspace/sockets/checkout'),
    ],
    envFrom: [config.defaultCheckoutParams?.envFrom, plugin.checkout?.envFrom, plugin.gitEnvFrom].flatMap(
      (list) => list ?? [],
    ),
    volumeMounts: checkoutMounts(context, { withCredentials }),
  };
  return user.uid === 0 ? container : { ...container, securityContext: ROOT_SECURITY_CONTEXT };
}

function checkoutMounts(context: BuildContext, { withCredentials }: { withCredentials: boolean }): V1VolumeMount[] {
  const [defaults, own] = [context.config.defaultCheckoutParams, context.plugin.checkout];
  const mirrors = mirrorMounts(defaults?.gitMirrors, own?.gitMirrors);
  return [
    ...sharedMounts(context),
    ...context.agentConfig.checkoutMounts,
    ...mirrors.defaults,
    ...(defaults?.extraVolumeMounts ?? []),
    ...mirrors.plugin,
    ...(own?.extraVolumeMounts ?? []),
    ...(withCredentials ? [CREDENTIALS_SOURCE, CREDENTIALS_COPY] : []),
  ];
}

/** A path of the plugin moves the configured volume with it, so that variable and mount agree; a volume of the plugin stands for itself. */
function mirrorMounts(
  defaults: GitMirrors | undefined,
  plugin: GitMirrors | undefined,
): { defaults: V1VolumeMount[]; plugin: V1VolumeMount[] } {
  const movedPath = plugin?.volume === undefined ? plugin?.path : undefined;
  const defaultMount = mirrorMount(defaults?.volume, movedPath || mirrorsPath(defaults));
  const pluginMount = mirrorMount(plugin?.volume, mirrorsPath(plugin));
  return { defaults: defaultMount, plugin: pluginMount };
}

function mirrorMount(volume: V1Volume | undefined, mountPath: string | undefined): V1VolumeMount[] {
  return volume === undefined || mountPath === undefined ? [] : [{ name: volume.name, mountPath }];
}

/**
 * The shell script of the checkout container. It starts as root and, when the pod runs as another user, makes that user and
 * goes on as it, so that the commands can change what was checked out. Works with BusyBox and with shadow-utils.
 */
export function checkoutScript(user: PodUser, { withCredentials }: { withCredentials: boolean }): string {
  const credentials = withCredentials
    ? [
        `cp ${CREDENTIALS_SOURCE.mountPath}/.git-credentials ${CREDENTIALS_COPY.mountPath}/.git-credentials`,
        `git config --global credential.helper 'store --file ${CREDENTIALS_COPY.mountPath}/.git-credentials'`,
      ]
    : [];
  // A line each: the shell would not stop at a failure inside of "a && b".
  if (user.uid === 0) return ['set -exuf', ...credentials, BOOTSTRAP].join('\n');
  const group = user.gid === 0 ? 'root' : 'buildkite-agent';
  const newGroup = (command: string) => (user.gid === 0 ? [] : [`  ${command} -g ${user.gid} buildkite-agent || true`]);
  return [
    'set -exuf',
    'if adduser --help 2>&1 | grep -q BusyBox; then',
    ...newGroup('addgroup'),
    `  adduser -D -H -u ${user.uid} -G ${group} -h /workspace buildkite-agent`,
    'elif command -v useradd >/dev/null 2>&1; then',
    ...newGroup('groupadd'),
    `  useradd -M -u ${user.uid} -g ${group} -d /workspace -s /bin/sh buildkite-agent`,
    'else',
    '  echo "the agent image has neither adduser (BusyBox) nor useradd: cannot check out as another user than root" >&2',
    '  exit 1',
    'fi',
    `su buildkite-agent -c "${[...credentials, BOOTSTRAP].join(' && ')}"`,
  ].join('\n');
}

import type { V1EnvVar, V1Volume, V1VolumeMount } from '@kubernetes/client-node';
import type { AgentConfig } from '../config/config.js';
import { formatDurationMs } from '../duration.js';
import { settingEnv } from './container-env.js';

const HOOKS_PATH = '/workspace/hooks';
const PLUGINS_PATH = '/workspace/plugins';
const SIGNING_DIR = '/buildkite/signing-jwks';
const VERIFICATION_DIR = '/buildkite/verification-jwks';

/** What `agent-config` adds to a pod. */
export interface AgentConfigParts {
  readonly volumes: readonly V1Volume[];
  /** Variables of the agent container, in the order the reference applies them. */
  readonly env: readonly V1EnvVar[];
  readonly agentMounts: readonly V1VolumeMount[];
  readonly checkoutMounts: readonly V1VolumeMount[];
  readonly commandMounts: readonly V1VolumeMount[];
}

const NO_PARTS: AgentConfigParts = { volumes: [], env: [], agentMounts: [], checkoutMounts: [], commandMounts: [] };

/** The configuration is the same for every job. */
const knownParts = new WeakMap<AgentConfig, AgentConfigParts>();

/** Resolves the `agent-config` section of the configuration into volumes, mounts and variables. */
export function agentConfigParts(config: AgentConfig | undefined): AgentConfigParts {
  if (config === undefined) return NO_PARTS;
  const known = knownParts.get(config);
  if (known !== undefined) return known;
  const parts = resolveParts(config);
  knownParts.set(config, parts);
  return parts;
}

function resolveParts(config: AgentConfig): AgentConfigParts {
  const signing = keyFile(config['signing-jwks-file'], config.signingJWKSVolume, SIGNING_DIR);
  const verification = keyFile(config['verification-jwks-file'], config.verificationJWKSVolume, VERIFICATION_DIR);
  const shared = [
    ...mountOf(config.hooksVolume, config['hooks-path'] || HOOKS_PATH),
    ...(config['additional-hooks'] ?? []).map(({ path, volume }) => ({ name: volume.name, mountPath: path })),
    ...mountOf(config.pluginsVolume, config['plugins-path'] || PLUGINS_PATH),
  ];
  return {
    volumes: [
      config.hooksVolume,
      ...(config['additional-hooks'] ?? []).map((hook) => hook.volume),
      config.pluginsVolume,
      config.signingJWKSVolume,
      config.verificationJWKSVolume,
    ].filter((volume) => volume !== undefined),
    env: settingEnv([
      ...transportSettings(config),
      ...hookSettings(config),
      ...restrictionSettings(config),
      ['BUILDKITE_AGENT_SIGNING_JWKS_FILE', signing.file],
      ['BUILDKITE_AGENT_SIGNING_JWKS_KEY_ID', config['signing-jwks-key-id']],
      ['BUILDKITE_AGENT_VERIFICATION_JWKS_FILE', verification.file],
      ['BUILDKITE_AGENT_JOB_VERIFICATION_NO_SIGNATURE_BEHAVIOR', verificationBehaviour(config, verification.file)],
    ]),
    checkoutMounts: shared,
    commandMounts: [...shared, ...signing.mounts],
    agentMounts: [...shared, ...signing.mounts, ...verification.mounts],
  };
}

type Settings = Parameters<typeof settingEnv>[0];

function transportSettings(config: AgentConfig): Settings {
  const timeout = config['container-start-timeout'];
  return [
    ['BUILDKITE_AGENT_ENDPOINT', config.endpoint],
    ['BUILDKITE_NO_HTTP2', config['no-http2']],
    ['BUILDKITE_AGENT_EXPERIMENT', config.experiment],
    ['BUILDKITE_SHELL', config.shell],
    ['BUILDKITE_AGENT_NO_COLOR', config['no-color']],
    ['BUILDKITE_STRICT_SINGLE_HOOKS', config['strict-single-hooks']],
    ['BUILDKITE_NO_MULTIPART_ARTIFACT_UPLOAD', config['no-multipart-artifact-upload']],
    ['BUILDKITE_TRACE_CONTEXT_ENCODING', config['trace-context-encoding']],
    ['BUILDKITE_TRACING_BACKEND', config['tracing-backend']],
    ['BUILDKITE_TRACING_SERVICE_NAME', config['tracing-service-name']],
    ['BUILDKITE_TRACING_PROPAGATE_TRACEPARENT', config['tracing-propagate-traceparent']],
    ['BUILDKITE_AGENT_DISABLE_WARNINGS_FOR', config['disable-warnings-for']],
    ['BUILDKITE_AGENT_DEBUG_SIGNING', config['debug-signing']],
    ['BUILDKITE_GIT_SKIP_FETCH_EXISTING_COMMITS', config['git-skip-fetch-existing-commits']],
    ['BUILDKITE_KUBERNETES_CONTAINER_START_TIMEOUT', timeout === undefined ? undefined : formatDurationMs(timeout)],
  ];
}

function hookSettings(config: AgentConfig): Settings {
  const additional = [
    ...(config['additional-hooks-paths'] ?? []),
    ...(config['additional-hooks'] ?? []).map((hook) => hook.path),
  ];
  return [
    ['BUILDKITE_HOOKS_PATH', config['hooks-path']],
    ['BUILDKITE_ADDITIONAL_HOOKS_PATHS', additional],
    ['BUILDKITE_PLUGINS_PATH', config['plugins-path']],
  ];
}

function restrictionSettings(config: AgentConfig): Settings {
  const validation = config['plugin-validation'];
  return [
    ['BUILDKITE_NO_PTY', config['no-pty']],
    ['BUILDKITE_NO_COMMAND_EVAL', config['no-command-eval']],
    ['BUILDKITE_NO_LOCAL_HOOKS', config['no-local-hooks']],
    ['BUILDKITE_NO_PLUGINS', config['no-plugins']],
    // The agent's variable says the opposite of the key.
    ['BUILDKITE_NO_PLUGIN_VALIDATION', validation === undefined ? undefined : !validation],
  ];
}

/** Without a key nothing can be verified, so the agent's own default "block" would refuse every job. */
function verificationBehaviour(config: AgentConfig, verificationFile: string | undefined): string | undefined {
  return config['verification-failure-behavior'] ?? (verificationFile === undefined ? 'warn' : undefined);
}

function mountOf(volume: V1Volume | undefined, mountPath: string): V1VolumeMount[] {
  return volume === undefined ? [] : [{ name: volume.name, mountPath }];
}

/** Where a JWKS file lies and where its volume is mounted: a relative file lies below `dir`, an absolute one names its own folder. */
function keyFile(
  file: string | undefined,
  volume: V1Volume | undefined,
  dir: string,
): { file: string | undefined; mounts: V1VolumeMount[] } {
  if (volume === undefined) return { file: file === '' ? undefined : file, mounts: [] };
  if (file === undefined || file === '') return { file: `${dir}/key`, mounts: mountOf(volume, dir) };
  if (!file.startsWith('/')) return { file: cleanPath(`${dir}/${file}`), mounts: mountOf(volume, dir) };
  return { file, mounts: mountOf(volume, cleanPath(`${file}/..`)) };
}

/** An absolute path without empty, `.` and `..` segments. */
function cleanPath(path: string): string {
  const kept: string[] = [];
  for (const segment of path.split('/')) {
    if (segment === '..') kept.pop();
    else if (segment !== '' && segment !== '.') kept.push(segment);
  }
  return `/${kept.join('/')}`;
}

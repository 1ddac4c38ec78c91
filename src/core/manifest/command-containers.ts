import type { V1Container, V1EnvFromSource, V1VolumeMount } from '@kubernetes/client-node';
import { envVar, escapeEnvExpansion } from './container-env.js';
import { appendArgs, interpose } from './interposer.js';
import { effectiveInterposer, sharedMounts, type BuildContext } from './build-context.js';

const TINI = ['/workspace/tini-static'] as const;
const BOOTSTRAP_ARGS = ['--', '/workspace/buildkite-agent', 'kubernetes-bootstrap'] as const;

/** The pod's regular containers, rewritten so that the in-pod agent starts and watches their commands. */
export function commandContainers(context: BuildContext): V1Container[] {
  if (context.base.containers.length === 0) return [defaultContainer(context)];
  return context.base.containers.map((container, index) => commandContainer(context, container, index));
}

function commandContainer(context: BuildContext, container: V1Container, index: number): V1Container {
  const { config, plugin, agentConfig } = context;
  const name = container.name || `container-${index}`;
  return {
    ...container,
    name,
    command: [...TINI],
    args: [...BOOTSTRAP_ARGS],
    workingDir: container.workingDir || '/workspace',
    env: [
      ...(container.env ?? []),
      ...bootstrapEnv(context, { name, index, command: commandLine(context, container) }),
    ],
    envFrom: [...(container.envFrom ?? []), ...commandEnvFrom(context)],
    volumeMounts: [
      ...(container.volumeMounts ?? []),
      ...agentConfig.commandMounts,
      ...(config.defaultCommandParams?.extraVolumeMounts ?? []),
      ...(plugin.commandParams?.extraVolumeMounts ?? []),
      ...sharedMounts(context),
    ],
  };
}

/** The container of a job whose pod names none: the step's command in the agent image. */
function defaultContainer(context: BuildContext): V1Container {
  const { config, plugin, agentConfig, job } = context;
  const name = 'container-0';
  const volumeMounts: V1VolumeMount[] = [
    ...sharedMounts(context),
    ...agentConfig.commandMounts,
    ...(config.defaultCommandParams?.extraVolumeMounts ?? []),
    ...(plugin.commandParams?.extraVolumeMounts ?? []),
  ];
  return {
    name,
    image: config.image,
    command: [...TINI],
    args: [...BOOTSTRAP_ARGS],
    workingDir: '/workspace',
    env: bootstrapEnv(context, { name, index: 0, command: escapeEnvExpansion(job.command) }),
    envFrom: commandEnvFrom(context),
    volumeMounts,
  };
}

function bootstrapEnv(context: BuildContext, container: { name: string; index: number; command: string }) {
  const id = container.index + (context.skipCheckout ? 0 : 1);
  return [
    envVar('BUILDKITE_BOOTSTRAP_PHASES', 'plugin,command'),
    envVar('BUILDKITE_COMMAND', container.command),
    envVar('BUILDKITE_CONTAINER_ID', String(id)),
    envVar('BUILDKITE_SOCKETS_PATH', `/workspace/sockets/${container.name}`),
  ];
}

function commandEnvFrom({ config, plugin }: BuildContext): V1EnvFromSource[] {
  return [
    ...(config.defaultCommandParams?.envFrom ?? []),
    ...(plugin.commandParams?.envFrom ?? []),
    ...(plugin.gitEnvFrom ?? []),
  ];
}

/**
 * The command line of a container. The step's own command is text for a shell, so its dollar signs are kept from the
 * kubelet; `command` and `args` of a podSpec are Kubernetes fields, where `$(NAME)` is expected to be expanded.
 */
function commandLine(context: BuildContext, { command = [], args = [] }: V1Container): string {
  const interposer = effectiveInterposer(context);
  if (command.length > 0) return interpose(interposer, command, args);
  const stepCommand = escapeEnvExpansion(context.job.command);
  return args.length > 0 ? appendArgs(interposer, stepCommand, args) : stepCommand;
}

/** Whether a container is one whose command runs under the in-pod agent. */
export function runsUnderAgent(container: V1Container): boolean {
  return sameWords(container.command, TINI) && sameWords(container.args, BOOTSTRAP_ARGS);
}

/** Whether a container carries a command of the job (resource classes and the `image` attribute go by this). */
export function isCommandContainer(container: V1Container): boolean {
  return (container.env ?? []).some(({ name }) => name === 'BUILDKITE_COMMAND');
}

/** Whether two optional lists of words are the same. */
export function sameWords(left: readonly string[] | undefined, right: readonly string[] | undefined): boolean {
  const [a, b] = [left ?? [], right ?? []];
  return a.length === b.length && a.every((word, index) => word === b[index]);
}

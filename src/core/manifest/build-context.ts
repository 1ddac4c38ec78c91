import type { V1PodSpec, V1VolumeMount } from '@kubernetes/client-node';
import type { ControllerConfig, Interposer } from '../config/config.js';
import type { BuildkiteJob } from '../job/job.js';
import type { KubernetesPlugin } from '../job/kubernetes-plugin.js';
import type { AgentConfigParts } from './agent-config.js';
import { workspaceMount, type PodUser } from './workspace.js';

/** All that the parts of a pod are made from. */
export interface BuildContext {
  readonly job: BuildkiteJob;
  readonly config: ControllerConfig;
  readonly version: string;
  readonly plugin: KubernetesPlugin;
  /** The pod the job asks for: the plugin's podSpec, else the PodTemplate's, else empty. */
  readonly base: V1PodSpec;
  readonly agentConfig: AgentConfigParts;
  readonly skipCheckout: boolean;
  /** Taken from the final pod, patches included: scripts and variables depend on them. */
  readonly user: PodUser;
  readonly graceSeconds: number;
}

/** Mounts of every container the builder makes or rewrites: the workspace, then the plugin's `extraVolumeMounts`. */
export function sharedMounts({ config, plugin }: BuildContext): V1VolumeMount[] {
  return [workspaceMount(config), ...(plugin.extraVolumeMounts ?? [])];
}

/** The interposer in force: plugin, else configuration, else `buildkite`. */
export function effectiveInterposer({ plugin, config }: Pick<BuildContext, 'plugin' | 'config'>): Interposer {
  return plugin.commandParams?.interposer || config.defaultCommandParams?.interposer || 'buildkite';
}

/** Number of command containers of the base pod; one is made when there is none. */
export function commandContainerCount(base: V1PodSpec): number {
  return Math.max(1, base.containers.length);
}

import type { V1Container } from '@kubernetes/client-node';
import { sharedMounts, type BuildContext } from './build-context.js';

/** The plugin's sidecars as native sidecars: init containers that keep running, so that they end with the job. */
export function sidecarContainers(context: BuildContext): V1Container[] {
  const { config, plugin } = context;
  return (plugin.sidecars ?? []).map((sidecar, index) => ({
    ...sidecar,
    name: sidecar.name || `sidecar-${index}`,
    restartPolicy: 'Always',
    envFrom: [
      ...(sidecar.envFrom ?? []),
      ...(config.defaultSidecarParams?.envFrom ?? []),
      ...(plugin.sidecarParams?.envFrom ?? []),
      ...(plugin.gitEnvFrom ?? []),
    ],
    volumeMounts: [
      ...(sidecar.volumeMounts ?? []),
      ...(config.defaultSidecarParams?.extraVolumeMounts ?? []),
      ...sharedMounts(context),
      ...(plugin.sidecarParams?.extraVolumeMounts ?? []),
    ],
  }));
}

import type { V1Container } from '@kubernetes/client-node';
import { sharedMounts, type BuildContext } from './build-context.js';

/** The plugin's sidecars as native sidecars: init containers that keep running, so that they end with the job. */
export function sidecarContainers(context: BuildContext): V1Container[] {
  const [defaults, own] = [context.config.defaultSidecarParams, context.plugin.sidecarParams];
  const envFrom = [defaults?.envFrom, own?.envFrom, context.plugin.gitEnvFrom].flatMap((list) => list ?? []);
  const mounts = [...(defaults?.extraVolumeMounts ?? []), ...sharedMounts(context), ...(own?.extraVolumeMounts ?? [])];
  return (context.plugin.sidecars ?? []).map((sidecar, index) => ({
    ...sidecar,
    name: sidecar.name || `sidecar-${index}`,
    restartPolicy: 'Always',
    envFrom: [...(sidecar.envFrom ?? []), ...envFrom],
    volumeMounts: [...(sidecar.volumeMounts ?? []), ...mounts],
  }));
}

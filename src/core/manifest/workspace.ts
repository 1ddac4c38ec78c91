import type { V1Container, V1SecurityContext, V1Volume, V1VolumeMount } from '@kubernetes/client-node';
import type { ControllerConfig } from '../config/config.js';
import { CONTAINERS } from '../job/identity.js';

/** User and group the pod's containers run as; 0 is root or "not said". */
export interface PodUser {
  readonly uid: number;
  readonly gid: number;
}

/** Root, whatever the pod says: for containers that hand files over to the pod's user. */
export const ROOT_SECURITY_CONTEXT: V1SecurityContext = { runAsUser: 0, runAsGroup: 0, runAsNonRoot: false };

/** The volume every container of the pod shares. */
export function workspaceVolume(config: ControllerConfig): V1Volume {
  return config.workspaceVolume ?? { name: 'workspace', emptyDir: {} };
}

/** Its mount at `/workspace`. */
export function workspaceMount(config: ControllerConfig): V1VolumeMount {
  const mount = { name: workspaceVolume(config).name, mountPath: '/workspace' };
  return config.workspaceMountSubPathExpr === '' ? mount : { ...mount, subPathExpr: config.workspaceMountSubPathExpr };
}

/** The first init container: puts the agent binary, an init process and the shared folders into the workspace. */
export function copyAgentContainer(config: ControllerConfig, user: PodUser): V1Container {
  const container: V1Container = {
    name: CONTAINERS.copyAgent,
    image: config.image,
    command: ['/bin/sh'],
    args: ['-cefx', copyAgentScript(user)],
    volumeMounts: [workspaceMount(config)],
  };
  return user.uid === 0 ? container : { ...container, securityContext: ROOT_SECURITY_CONTEXT };
}

/**
 * The shell script of `copy-agent`. It must work on a workspace that an earlier pod left behind: folders may exist, and a
 * binary there may be running (`cp -f` replaces it instead of writing into it).
 */
export function copyAgentScript(user: PodUser): string {
  const owner = user.gid === 0 ? String(user.uid) : `${user.uid}:${user.gid}`;
  return [
    ...(user.uid === 0 ? [] : [`chown -R ${owner} /workspace`]),
    'mkdir -p /workspace/build /workspace/plugins /workspace/sockets',
    'chmod 777 /workspace/build /workspace/plugins /workspace/sockets',
    'rm -f /workspace/buildkite.sock',
    'cp -f /usr/local/bin/buildkite-agent /workspace/buildkite-agent',
    'if [ -x /sbin/tini-static ]; then',
    '  cp -f /sbin/tini-static /workspace/tini-static',
    'elif [ -x /usr/bin/tini-static ]; then',
    '  cp -f /usr/bin/tini-static /workspace/tini-static',
    'else',
    '  echo "the agent image has no tini-static in /sbin or /usr/bin: use an official buildkite/agent image, or add it" >&2',
    '  exit 1',
    'fi',
  ].join('\n');
}

import type {
  V1AppArmorProfile,
  V1PodSecurityContext,
  V1PodSpec,
  V1SeccompProfile,
  V1SecurityContext,
} from '@kubernetes/client-node';
import { refused, type ApiPath, type Check } from './api-problem.js';
import { containersOf } from './names.js';

const RULE = 'buildable';

/** Rights that contradict each other. */
export const securityContext: Check<V1SecurityContext> = function* (context, path, { pod }) {
  const { allowPrivilegeEscalation, privileged, capabilities, procMount } = context;
  const at = { rule: RULE, path: [...path, 'allowPrivilegeEscalation'] };
  if (allowPrivilegeEscalation === false && privileged === true) {
    const what = '"privileged" includes what "allowPrivilegeEscalation: false" forbids';
    yield refused({ ...at, relatedPath: [...path, 'privileged'], what, remedy: 'keep one' });
  }
  // The API server compares with this spelling only; the usual SYS_ADMIN passes and wins.
  const admin = (capabilities?.add ?? []).indexOf('CAP_SYS_ADMIN');
  if (allowPrivilegeEscalation === false && admin !== -1) {
    const what = '"CAP_SYS_ADMIN" includes what "allowPrivilegeEscalation: false" forbids';
    yield refused({ ...at, relatedPath: [...path, 'capabilities', 'add', admin], what, remedy: 'keep one' });
  }
  if (procMount !== 'Unmasked' || pod.hostUsers === false) return;
  const what = '"Unmasked" needs a user namespace';
  yield refused({ rule: RULE, path: [...path, 'procMount'], what, remedy: 'set "hostUsers: false" on the pod' });
};

/** A profile of the node has a path, the others have none. */
export const seccompProfile: Check<V1SeccompProfile> = function* (profile, path) {
  yield* localhostProfile(profile, path);
};

/** The same for AppArmor, which wants a name. */
export const appArmorProfile: Check<V1AppArmorProfile> = function* (profile, path, { isUnknown }) {
  yield* localhostProfile(profile, path);
  const { localhostProfile: name = '' } = profile;
  if (profile.type !== 'Localhost' || isUnknown(name) || (name !== '' && name === name.trim())) return;
  if (profile.localhostProfile === undefined) return;
  const what = `"${name}" cannot be the name of a profile`;
  yield refused({ rule: RULE, path: [...path, 'localhostProfile'], what, remedy: 'write it without spaces around' });
};

function* localhostProfile({ type, localhostProfile: name }: V1SeccompProfile, path: ApiPath) {
  const at = { rule: RULE, path: [...path, 'localhostProfile'] };
  if (type === 'Localhost' && name === undefined) {
    yield refused({ ...at, what: 'type "Localhost" needs a "localhostProfile"', remedy: 'add it' });
  }
  if (type === 'Localhost' || name === undefined) return;
  yield refused({ ...at, what: '"localhostProfile" only goes with the type "Localhost"', remedy: 'remove it' });
}

/** Kernel settings of a namespace the pod shares with its node. */
export const podSecurity: Check<V1PodSecurityContext> = function* ({ sysctls = [] }, path, { pod }) {
  for (const [index, { name }] of sysctls.entries()) {
    const place = sharedNamespace(name.replaceAll('/', '.'), pod);
    if (place === undefined) continue;
    const what = `"${name}" would change the node's own setting with "${place}"`;
    yield refused({ rule: RULE, path: [...path, 'sysctls', index, 'name'], what, remedy: 'remove one of them' });
  }
};

function sharedNamespace(sysctl: string, { hostNetwork, hostIPC }: V1PodSpec): string | undefined {
  if (hostNetwork === true && sysctl.startsWith('net.')) return 'hostNetwork';
  const isIpc = /^(?:kernel\.(?:msg|shm)|kernel\.sem$|fs\.mqueue\.)/.test(sysctl);
  return hostIPC === true && isIpc ? 'hostIPC' : undefined;
}

/** Namespaces of the node that do not go with others. */
export const hostNamespaces: Check<V1PodSpec> = function* (pod) {
  if (pod.hostPID === true && pod.shareProcessNamespace === true) {
    const what = '"hostPID" and "shareProcessNamespace" exclude each other';
    yield refused({ rule: RULE, path: ['shareProcessNamespace'], relatedPath: ['hostPID'], what, remedy: 'keep one' });
  }
  if (pod.hostUsers !== false) return;
  for (const field of ['hostNetwork', 'hostPID', 'hostIPC'] as const) {
    if (pod[field] !== true) continue;
    const what = `"${field}" does not go with "hostUsers: false"`;
    yield refused({ rule: RULE, path: [field], relatedPath: ['hostUsers'], what, remedy: 'remove one of them' });
  }
};

/** Linux and Windows have their own settings; a pod that says what it runs on cannot have the other's. */
export const operatingSystem: Check<V1PodSpec> = function* (pod) {
  const os = pod.os?.name;
  if (os !== 'linux' && os !== 'windows') return;
  const places: (readonly [ApiPath, object | undefined])[] = [
    [[], pod],
    [['securityContext'], pod.securityContext],
    ...containersOf(pod).map(([path, container]) => [[...path, 'securityContext'], container.securityContext] as const),
  ];
  for (const [path, settings] of places) {
    for (const [field, value] of Object.entries(settings ?? {})) {
      const isWrong = os === 'linux' ? field === 'windowsOptions' : isLinuxOnly(field, value);
      const what = `"${field}" is not for a pod of "${os}"`;
      if (!isWrong) continue;
      yield refused({ rule: RULE, path: [...path, field], relatedPath: ['os', 'name'], what, remedy: 'remove it' });
    }
  }
};

function isLinuxOnly(field: string, value: unknown): boolean {
  return LINUX_ONLY.has(field) || (value === true && (field === 'hostPID' || field === 'hostIPC'));
}

const LINUX_ONLY: ReadonlySet<string> = new Set([
  'allowPrivilegeEscalation',
  'appArmorProfile',
  'capabilities',
  'fsGroup',
  'fsGroupChangePolicy',
  'hostUsers',
  'privileged',
  'procMount',
  'readOnlyRootFilesystem',
  'runAsGroup',
  'runAsUser',
  'seLinuxChangePolicy',
  'seLinuxOptions',
  'seccompProfile',
  'shareProcessNamespace',
  'supplementalGroups',
  'supplementalGroupsPolicy',
  'sysctls',
]);

/** A Windows pod on its node's own rights is that as a whole, and on the node's network. */
export const hostProcess: Check<V1PodSpec> = function* (pod) {
  const own = pod.securityContext?.windowsOptions?.hostProcess;
  const containers = containersOf(pod).map(
    ([, container]) => container.securityContext?.windowsOptions?.hostProcess ?? own,
  );
  if (!containers.includes(true)) return;
  if (containers.some((value) => value !== true)) {
    const what = 'some containers have "hostProcess" and others have not';
    const remedy = 'set it for all of them under "securityContext.windowsOptions"';
    yield refused({ rule: RULE, path: ['securityContext', 'windowsOptions', 'hostProcess'], what, remedy });
  }
  if (pod.hostNetwork === true) return;
  yield refused({
    rule: RULE,
    path: ['hostNetwork'],
    what: '"hostProcess" needs "hostNetwork"',
    remedy: 'set it to true',
  });
};

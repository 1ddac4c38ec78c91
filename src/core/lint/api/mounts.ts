import type { V1Container, V1Volume, V1VolumeDevice, V1VolumeMount } from '@kubernetes/client-node';
import { closestName } from '../../closest-name.js';
import { accepted, refused, stuck, type ApiPath, type ApiProblem, type Check, type Context } from './api-problem.js';

const MOUNT = 'volume/mount-without-volume';
const DUPLICATE = 'volume/duplicate-mount-path';
const SUB_PATH = 'volume/sub-path';

/** Mounts and devices of a container that lead nowhere or into each other. */
export const mounts: Check<V1Container> = function* (container, path, context) {
  const { volumeMounts = [], volumeDevices = [] } = container;
  const at = (list: string, index: number): ApiPath => [...path, list, index];
  for (const [index, mount] of volumeMounts.entries()) {
    yield* volumeOf(mount, container, at('volumeMounts', index), context);
    yield* mountPath(mount, at('volumeMounts', index), context);
    yield* subPaths(mount, at('volumeMounts', index));
    yield* propagation(mount, container, at('volumeMounts', index));
    yield* recursiveReadOnly(mount, at('volumeMounts', index));
  }
  for (const [index, device] of volumeDevices.entries()) {
    yield* volumeOf(device, container, at('volumeDevices', index), context);
    yield* deviceSource(device, at('volumeDevices', index), context);
  }
  yield* samePaths(volumeMounts, [...path, 'volumeMounts'], context);
  yield* samePlaceTwice(container, path, context);
};

function* volumeOf(
  { name }: V1VolumeMount | V1VolumeDevice,
  container: V1Container,
  path: ApiPath,
  { pod, isUnknown }: Context,
): Iterable<ApiProblem> {
  const names = (pod.volumes ?? []).map((volume) => volume.name);
  if (name === '' || names.includes(name) || [name, ...names].some(isUnknown)) return;
  const replacement = closestName(name, names);
  yield refused({
    rule: MOUNT,
    path: [...path, 'name'],
    what: `container "${container.name}" mounts "${name}", but the pod has no such volume`,
    remedy: replacement === undefined ? 'add it under "podSpec.volumes"' : `did you mean "${replacement}"?`,
    replacement,
  });
}

function* mountPath(
  { mountPath: target, name }: V1VolumeMount,
  path: ApiPath,
  { isUnknown }: Context,
): Iterable<ApiProblem> {
  const at = { rule: SUB_PATH, path: [...path, 'mountPath'] };
  if (target === '' || isUnknown(target)) return;
  if (target.includes(':')) {
    const what = `"${target}" contains ":", which separates paths`;
    yield stuck({ ...at, what, remedy: `mount "${name}" elsewhere` }, 'the container cannot start');
  } else if (!target.startsWith('/') && !/^[a-zA-Z]:/.test(target)) {
    const said = { ...at, what: `"${target}" is not an absolute path`, remedy: `write "/${target}"` };
    yield accepted({ ...said, replacement: `/${target}` }, `the volume appears at "/${target}"`);
  }
}

function* subPaths({ subPath = '', subPathExpr = '' }: V1VolumeMount, path: ApiPath): Iterable<ApiProblem> {
  if (subPath === '' || subPathExpr === '') return;
  const what = '"subPath" and "subPathExpr" exclude each other';
  const at = { path: [...path, 'subPathExpr'], relatedPath: [...path, 'subPath'] };
  yield refused({ rule: SUB_PATH, ...at, what, remedy: 'keep one' });
}

function* propagation(mount: V1VolumeMount, container: V1Container, path: ApiPath): Iterable<ApiProblem> {
  if (mount.mountPropagation !== 'Bidirectional' || container.securityContext?.privileged === true) return;
  const what = '"Bidirectional" is only for privileged containers';
  const remedy = 'set "securityContext.privileged", or write "HostToContainer"';
  yield refused({ rule: 'buildable', path: [...path, 'mountPropagation'], what, remedy });
}

function* recursiveReadOnly(mount: V1VolumeMount, path: ApiPath): Iterable<ApiProblem> {
  const { recursiveReadOnly: wanted = '', mountPropagation = 'None' } = mount;
  if (wanted !== 'Enabled' && wanted !== 'IfPossible') return;
  const at = { rule: 'buildable', path: [...path, 'recursiveReadOnly'] };
  if (mount.readOnly !== true) {
    yield refused({ ...at, what: `"${wanted}" needs a read-only mount`, remedy: 'add "readOnly: true"' });
  }
  if (mountPropagation === 'None') return;
  yield refused({ ...at, what: `"${wanted}" does not go with "mountPropagation"`, remedy: 'remove one of them' });
}

/** The builder keeps one of two mounts at a path; a patch can bring the second one back. */
function* samePaths(all: readonly V1VolumeMount[], path: ApiPath, { isUnknown }: Context): Iterable<ApiProblem> {
  for (const [index, { mountPath: target, name }] of all.entries()) {
    const first = all.findIndex((other) => other.mountPath === target);
    if (first === index || target === '' || isUnknown(target)) continue;
    yield refused({
      rule: DUPLICATE,
      path: [...path, index, 'mountPath'],
      relatedPath: [...path, first, 'mountPath'],
      what: `"${target}" has two mounts, of the volumes "${all[first]?.name ?? ''}" and "${name}"`,
      remedy: 'mount one elsewhere',
    });
  }
}

function* deviceSource(device: V1VolumeDevice, path: ApiPath, { pod, isUnknown }: Context): Iterable<ApiProblem> {
  const volume = (pod.volumes ?? []).find(({ name }) => name === device.name);
  if (volume === undefined || isUnknown(device.name) || isClaim(volume)) return;
  const what = `volume "${device.name}" is no PersistentVolumeClaim and cannot be a device`;
  yield refused({ rule: 'buildable', path: [...path, 'name'], what, remedy: 'use "volumeMounts"' });
}

function isClaim({ persistentVolumeClaim, ephemeral }: V1Volume): boolean {
  return persistentVolumeClaim !== undefined || ephemeral !== undefined;
}

/** A volume is either mounted or a device, once; so is a path. */
function* samePlaceTwice(container: V1Container, path: ApiPath, { isUnknown }: Context): Iterable<ApiProblem> {
  const { volumeMounts = [], volumeDevices = [] } = container;
  for (const [index, device] of volumeDevices.entries()) {
    const earlier = volumeDevices.slice(0, index);
    const pairs = [
      ['name', device.name, [...volumeMounts, ...earlier].map(({ name }) => name)],
      [
        'devicePath',
        device.devicePath,
        [...volumeMounts.map((mount) => mount.mountPath), ...earlier.map((other) => other.devicePath)],
      ],
    ] as const;
    for (const [field, value, others] of pairs) {
      if (value === '' || isUnknown(value) || !others.includes(value)) continue;
      const at = { rule: 'buildable', path: [...path, 'volumeDevices', index, field] };
      yield refused({ ...at, what: `"${value}" is used twice in container "${container.name}"`, remedy: 'remove one' });
    }
  }
}

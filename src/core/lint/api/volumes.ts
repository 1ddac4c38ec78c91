import type {
  V1CSIVolumeSource,
  V1DownwardAPIVolumeFile,
  V1EmptyDirVolumeSource,
  V1FCVolumeSource,
  V1PersistentVolumeClaimTemplate,
  V1ProjectedVolumeSource,
  V1TypedLocalObjectReference,
  V1TypedObjectReference,
  V1Volume,
  V1VolumeProjection,
} from '@kubernetes/client-node';
import { parseQuantity } from '../../quantity.js';
import { FORMATS, matches } from './formats.js';
import { refused, type ApiPath, type ApiProblem, type Check, type Context } from './api-problem.js';

const IMAGE_SINCE_MINOR = 35;

/** A volume has one source; none at all is an emptyDir. */
export const volumeSources: Check<V1Volume> = function* (volume, path, { minor }) {
  const sources = Object.keys(volume).filter((key) => key !== 'name');
  const [first = ''] = sources;
  for (const source of sources.slice(1)) {
    yield refused({
      rule: 'volume/two-sources',
      path: [...path, source],
      relatedPath: [...path, first],
      what: `volume "${volume.name}" has the sources "${first}" and "${source}", and a volume has one`,
      remedy: 'keep one, in a patch by listing it in "$retainKeys"',
    });
  }
  if (first !== 'image' || sources.length > 1 || minor >= IMAGE_SINCE_MINOR) return;
  const what = `"image" volumes need Kubernetes 1.${IMAGE_SINCE_MINOR}, and 1.${minor} finds no source here`;
  yield refused({ rule: 'buildable', path, what, remedy: 'copy the files in an init container' });
};

/** A size cannot be less than nothing. */
export const emptyDirSize: Check<V1EmptyDirVolumeSource> = function* ({ sizeLimit = '0' }, path, { isUnknown }) {
  const size = parseQuantity(sizeLimit);
  if (!size.ok || size.value.nanos >= 0n || isUnknown(sizeLimit)) return;
  const what = `"${sizeLimit}" is less than nothing`;
  yield refused({ rule: 'resources/quantity', path: [...path, 'sizeLimit'], what, remedy: 'write a positive amount' });
};

/** A file is made from one thing. */
export const downwardFile: Check<V1DownwardAPIVolumeFile> = function* ({ fieldRef, resourceFieldRef }, path) {
  const count = [fieldRef, resourceFieldRef].filter((source) => source !== undefined).length;
  if (count === 1) return;
  const what = count === 0 ? 'this file has no source' : 'this file has two sources';
  const remedy = count === 0 ? 'add "fieldRef" or "resourceFieldRef"' : 'keep one';
  yield refused({ rule: 'buildable', path, what, remedy });
};

const PROJECTIONS = ['secret', 'configMap', 'downwardAPI', 'serviceAccountToken'] as const;

/** Each source of a projected volume is one thing; no two files have the same path. */
export const projectedSources: Check<V1ProjectedVolumeSource> = function* ({ sources = [] }, path, { isUnknown }) {
  const first = new Map<string, ApiPath>();
  for (const [index, source] of sources.entries()) {
    const at = [...path, 'sources', index];
    const given = PROJECTIONS.filter((kind) => source[kind] !== undefined);
    if (given.length > 1) {
      const what = `this source is "${given.join('" and "')}", and a source is one of them`;
      yield refused({ rule: 'volume/two-sources', path: at, what, remedy: 'make it two sources' });
    }
    for (const [place, file] of filesOf(source, at)) {
      const relatedPath = first.get(file);
      first.set(file, relatedPath ?? place);
      if (relatedPath === undefined || isUnknown(file)) continue;
      const what = `"${file}" is written twice in this volume`;
      yield refused({ rule: 'buildable', path: place, relatedPath, what, remedy: 'give one another path' });
    }
  }
};

function filesOf(source: V1VolumeProjection, path: ApiPath): [ApiPath, string][] {
  return (['secret', 'configMap', 'downwardAPI'] as const).flatMap((kind) =>
    (source[kind]?.items ?? []).flatMap(({ path: file = '' }, index): [ApiPath, string][] =>
      file === '' ? [] : [[[...path, kind, 'items', index, 'path'], file]],
    ),
  );
}

/** The claim made for a pod's own volume. */
export const claimTemplate: Check<V1PersistentVolumeClaimTemplate> = function* (template, path, { isUnknown }) {
  const { accessModes = [], resources } = template.spec;
  const modes = new Set(accessModes);
  if (modes.has('ReadWriteOncePod') && modes.size > 1 && !accessModes.some(isUnknown)) {
    const what = '"ReadWriteOncePod" does not go with other access modes';
    yield refused({ rule: 'buildable', path: [...path, 'spec', 'accessModes'], what, remedy: 'keep one' });
  }
  const at = [...path, 'spec', 'resources', 'requests', 'storage'];
  yield* claimedStorage(resources?.requests?.['storage'], at, isUnknown);
};

function* claimedStorage(
  storage: string | undefined,
  path: ApiPath,
  isUnknown: Context['isUnknown'],
): Iterable<ApiProblem> {
  if (storage === undefined) {
    const what = 'the claim does not say how much storage it wants';
    yield refused({ rule: 'buildable', path, what, remedy: 'add it, e.g. "10Gi"' });
    return;
  }
  const size = parseQuantity(storage);
  if (!size.ok || size.value.nanos > 0n || isUnknown(storage)) return;
  yield refused({ rule: 'resources/quantity', path, what: `"${storage}" is no storage`, remedy: 'ask for some' });
}

/** What is copied into the claim: another claim, unless it says of which group it is. */
export const dataSource: Check<V1TypedLocalObjectReference | V1TypedObjectReference> = function* (
  source,
  path,
  context,
) {
  const { apiGroup = '', kind } = source;
  if (apiGroup !== '' || ['PersistentVolumeClaim', ''].includes(kind) || context.isUnknown(kind)) return;
  const what = `"${kind}" is not in the core group of Kubernetes, where claims are`;
  yield refused({ rule: 'buildable', path: [...path, 'kind'], what, remedy: 'add its "apiGroup"' });
};

/** The Secret a driver mounts with has a name, and a good one. */
export const csiSecret: Check<V1CSIVolumeSource> = function* ({ nodePublishSecretRef }, path, { isUnknown }) {
  if (nodePublishSecretRef === undefined) return;
  const { name = '' } = nodePublishSecretRef;
  if (matches(FORMATS.dnsSubdomain, name, isUnknown(name))) return;
  const what = `"${name}" cannot be the name of a Secret (${FORMATS.dnsSubdomain.rule})`;
  const at = { rule: 'reference/name-format', path: [...path, 'nodePublishSecretRef', 'name'] };
  yield refused({ ...at, what, remedy: 'change it' });
};

/** Fibre channel targets are named in one of two ways. */
export const fibreChannel: Check<V1FCVolumeSource> = function* ({ targetWWNs = [], wwids = [], lun }, path) {
  const count = [targetWWNs, wwids].filter((list) => list.length > 0).length;
  if (count !== 1) {
    const what = 'a fibre channel volume has either "targetWWNs" or "wwids"';
    yield refused({ rule: 'buildable', path: [...path, 'targetWWNs'], what, remedy: 'give one of them' });
  }
  if (targetWWNs.length === 0 || lun !== undefined) return;
  yield refused({ rule: 'buildable', path: [...path, 'lun'], what: '"targetWWNs" need a "lun"', remedy: 'add it' });
};

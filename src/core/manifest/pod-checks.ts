import type { V1Container, V1PodSpec, V1Volume } from '@kubernetes/client-node';
import { closestName } from '../closest-name.js';
import { formatPath, type PathSegment } from '../schema/decode.js';
import { findMissingField } from '../schema/missing-field.js';
import { kubernetesDefinitions } from '../schema/kubernetes-definitions.generated.js';
import { compareQuantities, parseQuantity } from '../quantity.js';
import { isCommandContainer } from './command-containers.js';
import { CONTAINERS, isReservedContainerName } from '../job/identity.js';
import type { JobFailure, JobWarning } from '../job/job.js';

type Check = (pod: V1PodSpec) => JobFailure | undefined;

/** Refuses what a user's pod must not call its parts: names that the builder gives away itself, and none at all. */
export function checkGivenNames(
  base: V1PodSpec,
  sidecars: readonly V1Container[],
  reservedVolumes: readonly string[],
): JobFailure | undefined {
  const unnamed = (base.initContainers ?? []).findIndex((container) => container.name === '');
  if (unnamed !== -1) {
    const path = `initContainers[${unnamed}]`;
    return invalid(`${path} has no name, and only containers and sidecars get one by themselves: add it`, path);
  }
  const containers = [...base.containers, ...(base.initContainers ?? []), ...sidecars];
  const name = containers.map((container) => container.name).find(isReservedContainerName);
  if (name !== undefined) {
    return reserved(
      `container name "${name}" is reserved for the controller's own container: the job cannot tell the two apart; rename yours`,
      `containers[${name}]`,
    );
  }
  const volume = base.volumes?.find((candidate) => reservedVolumes.includes(candidate.name));
  if (volume === undefined) return undefined;
  return reserved(
    `volume name "${volume.name}" is used by the controller for a volume of its own: Kubernetes refuses two volumes of one name; ` +
      'rename yours, or set workspace-volume in the controller configuration to choose the workspace',
    `volumes[${volume.name}]`,
  );
}

function reserved(text: string, path: string): JobFailure {
  return { reason: 'reserved-name', text, path };
}

/** The first reason why the API server would surely refuse the final pod, in words the job's owner understands. */
export function checkPod(pod: V1PodSpec): JobFailure | undefined {
  const checks: Check[] = [
    requiredParts,
    names,
    missingFields,
    ephemeralContainers,
    duplicateContainers,
    duplicateVolumes,
    volumeSources,
    danglingMounts,
    doubleValues,
    requestsAboveLimits,
  ];
  for (const check of checks) {
    const failure = check(pod);
    if (failure !== undefined) return failure;
  }
  return undefined;
}

function allContainers(pod: V1PodSpec): V1Container[] {
  return [...(pod.initContainers ?? []), ...pod.containers];
}

/** A patch can delete elements; without these the job would never run nor end. */
function requiredParts(pod: V1PodSpec): JobFailure | undefined {
  const names = new Set(allContainers(pod).map((container) => container.name));
  if (!pod.containers.some(isCommandContainer)) {
    return invalid(
      'no container is left whose command the agent could run: a patch deleted them or replaced their env ("$patch: delete" or "replace"); take that out',
      'containers',
    );
  }
  const missing = [CONTAINERS.copyAgent, CONTAINERS.agent].find((name) => !names.has(name));
  return missing === undefined
    ? undefined
    : invalid(
        `the "${missing}" container is missing: a patch deleted it, and without it the job never starts; remove that "$patch: delete"`,
        `containers[${missing}]`,
      );
}

const DNS_LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const NAME_RULE = 'Kubernetes wants at most 63 lower-case letters, digits and "-", at both ends a letter or digit';

function names(pod: V1PodSpec): JobFailure | undefined {
  for (const list of ['initContainers', 'containers', 'volumes'] as const) {
    for (const [index, { name }] of (pod[list] ?? []).entries()) {
      const what = list === 'volumes' ? 'volume' : 'container';
      // A volume of the configuration may lack what the type promises.
      if (!name) return invalid(`${list}[${index}] has no name: give the ${what} one`, `${list}[${index}].name`);
      if (!DNS_LABEL.test(name)) {
        return invalid(`"${name}" is no name for a ${what}: ${NAME_RULE}; rename it`, `${list}[${name}].name`);
      }
    }
  }
  return undefined;
}

function missingFields(pod: V1PodSpec): JobFailure | undefined {
  const missing = findMissingField(pod, { $ref: '#/definitions/PodSpec' }, kubernetesDefinitions);
  if (missing === undefined) return undefined;
  const path = placeOf(pod, missing.path);
  return invalid(`"${missing.name}" is required in ${path}: Kubernetes has no default for it; add it`, path);
}

/** A place in the user's own words: the final pod counts its containers otherwise than the pipeline does. */
function placeOf(pod: V1PodSpec, path: readonly PathSegment[]): string {
  const [list, index, ...rest] = path;
  const isNamed = list === 'containers' || list === 'initContainers' || list === 'volumes';
  const name = isNamed && typeof index === 'number' ? pod[list]?.[index]?.name : undefined;
  if (name === undefined) return formatPath(path);
  return [`${list}[${name}]`, ...(rest.length === 0 ? [] : [formatPath(rest)])].join('.');
}

function ephemeralContainers(pod: V1PodSpec): JobFailure | undefined {
  return pod.ephemeralContainers === undefined || pod.ephemeralContainers.length === 0
    ? undefined
    : invalid(
        'ephemeralContainers can only be added to a pod that runs: remove them, or make them sidecars',
        'ephemeralContainers',
      );
}

function requestsAboveLimits(pod: V1PodSpec): JobFailure | undefined {
  for (const container of allContainers(pod)) {
    const { requests = {}, limits = {} } = container.resources ?? {};
    const resource = Object.keys(requests).find((key) => isAbove(requests[key], limits[key]));
    if (resource === undefined) continue;
    return invalid(
      `container "${container.name}" requests ${requests[resource]} of "${resource}", more than its limit of ${limits[resource]}: raise the limit or request less (a resource class or a patch may have set one of the two)`,
      `containers[${container.name}].resources.requests`,
    );
  }
  return undefined;
}

function isAbove(request: string | undefined, limit: string | undefined): boolean {
  if (request === undefined || limit === undefined) return false;
  const [asked, allowed] = [parseQuantity(request), parseQuantity(limit)];
  return asked.ok && allowed.ok && compareQuantities(asked.value, allowed.value) > 0;
}

function duplicateContainers(pod: V1PodSpec): JobFailure | undefined {
  const name = firstDuplicate(allContainers(pod).map((container) => container.name));
  return name === undefined
    ? undefined
    : invalid(
        `two containers are called "${name}": Kubernetes wants every name once among containers, initContainers and sidecars; rename one`,
        `containers[${name}]`,
      );
}

function duplicateVolumes(pod: V1PodSpec): JobFailure | undefined {
  const name = firstDuplicate((pod.volumes ?? []).map((volume) => volume.name));
  return name === undefined
    ? undefined
    : invalid(
        `two different volumes are called "${name}": Kubernetes wants every name once; rename one`,
        `volumes[${name}]`,
      );
}

function firstDuplicate(names: readonly string[]): string | undefined {
  return names.find((name, index) => names.indexOf(name) !== index);
}

function volumeSources(pod: V1PodSpec): JobFailure | undefined {
  for (const volume of pod.volumes ?? []) {
    const sources = sourcesOf(volume);
    if (sources.length > 1) {
      const list = sources.map((source) => `"${source}"`).join(' and ');
      return invalid(
        `volume "${volume.name}" has the sources ${list}: a volume has one; in a patch, list the one to keep in "$retainKeys"`,
        `volumes[${volume.name}]`,
      );
    }
  }
  return undefined;
}

function sourcesOf(volume: V1Volume): string[] {
  return Object.entries(volume)
    .filter(([key, value]) => key !== 'name' && value !== undefined && value !== null)
    .map(([key]) => key);
}

function danglingMounts(pod: V1PodSpec): JobFailure | undefined {
  const volumes = (pod.volumes ?? []).map((volume) => volume.name);
  for (const container of allContainers(pod)) {
    const mount = container.volumeMounts?.find(({ name }) => !volumes.includes(name));
    if (mount === undefined) continue;
    const guess = closestName(mount.name, volumes);
    const hint = guess === undefined ? 'add it to podSpec.volumes' : `did you mean "${guess}"?`;
    return invalid(
      `container "${container.name}" mounts volume "${mount.name}" at "${mount.mountPath}", but the pod has no such volume; ${hint}`,
      `containers[${container.name}].volumeMounts[${mount.mountPath}]`,
    );
  }
  return undefined;
}

function doubleValues(pod: V1PodSpec): JobFailure | undefined {
  for (const container of allContainers(pod)) {
    const variable = container.env?.find(({ value, valueFrom }) => (value ?? '') !== '' && valueFrom !== undefined);
    if (variable === undefined) continue;
    return invalid(
      `variable "${variable.name}" of container "${container.name}" has both value and valueFrom: Kubernetes allows one of them`,
      `containers[${container.name}].env[${variable.name}]`,
    );
  }
  return undefined;
}

function invalid(text: string, path: string): JobFailure {
  return { reason: 'pod-invalid', text, path };
}

/** Things that are allowed and yet surely not what was meant. */
export function podWarnings(pod: V1PodSpec): JobWarning[] {
  const context = pod.securityContext;
  if (context?.runAsNonRoot !== true || (context.runAsUser ?? 0) !== 0) return [];
  return [
    {
      code: 'non-root-without-uid',
      text: "securityContext.runAsNonRoot is true without runAsUser: the agent image runs as root, so Kubernetes will refuse to start agent, checkout and copy-agent; set runAsUser to the id of your image's user",
      path: 'securityContext.runAsNonRoot',
    },
  ];
}

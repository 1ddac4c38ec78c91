import type { V1Job, V1PodSpec } from '@kubernetes/client-node';
import { kubernetesDefinitions } from '../../schema/kubernetes-definitions.generated.js';
import { definitionOf, fieldSchema, type JsonSchema } from '../../schema/json-schema.js';
import type { ApiPath, ApiProblem, Check, Context } from './api-problem.js';
import { emptyDirMedium, wrongWords } from './enums.js';
import { envFrom, envVar, fieldRef, fileKey, resourceFieldRef } from './env.js';
import { hostPorts, initContainerHandlers, lifecycleHandler, portNames, probe } from './handlers.js';
import { jobProblems } from './metadata.js';
import { mounts } from './mounts.js';
import { duplicateNames, ephemeralContainers } from './names.js';
import * as podFields from './pod-fields.js';
import { podResources } from './pod-resources.js';
import { outOfRange } from './ranges.js';
import { missingFields } from './required-fields.js';
import { containerResources, overhead } from './resources.js';
import * as scheduling from './scheduling.js';
import * as security from './security.js';
import { isRecord } from '../../is-record.js';
import { shaped } from './shape.js';
import { malformedTexts } from './text-formats.js';
import * as volumes from './volumes.js';

export type { ApiProblem } from './api-problem.js';

const POD: JsonSchema = { $ref: '#/definitions/PodSpec' };

/**
 * The checks of single objects, by the definition they are of; what needs only one field is in the tables of
 * `required-fields`, `enums`, `ranges` and `text-formats`.
 */
const CHECKS: Readonly<Record<string, readonly Check<never>[]>> = {
  AppArmorProfile: [security.appArmorProfile],
  CSIVolumeSource: [volumes.csiSecret],
  Container: [portNames, mounts, containerResources, podFields.containerRestarts, podFields.podOnly],
  ContainerResizePolicy: [podFields.resizePolicy],
  DownwardAPIVolumeFile: [volumes.downwardFile],
  EmptyDirVolumeSource: [emptyDirMedium, volumes.emptyDirSize],
  EnvFromSource: [envFrom],
  EnvVar: [envVar],
  FCVolumeSource: [volumes.fibreChannel],
  FileKeySelector: [fileKey],
  LabelSelector: [scheduling.labelSelector],
  LabelSelectorRequirement: [scheduling.labelExpression],
  LifecycleHandler: [lifecycleHandler],
  NodeSelectorRequirement: [scheduling.nodeExpression],
  ObjectFieldSelector: [fieldRef],
  PersistentVolumeClaimTemplate: [volumes.claimTemplate],
  PodAffinityTerm: [scheduling.affinityTerm],
  PodDNSConfig: [podFields.dnsConfig],
  PodResourceClaim: [podFields.resourceClaim],
  PodSecurityContext: [security.podSecurity],
  PodSpec: [
    duplicateNames,
    ephemeralContainers,
    hostPorts,
    initContainerHandlers,
    overhead,
    podResources,
    podFields.restartPolicy,
    podFields.dns,
    podFields.hostName,
    podFields.gracePeriod,
    podFields.pullSecrets,
    podFields.gatedNode,
    scheduling.nodeSelector,
    scheduling.spreadConstraints,
    security.hostNamespaces,
    security.hostProcess,
    security.operatingSystem,
  ],
  Probe: [probe],
  ProjectedVolumeSource: [volumes.projectedSources],
  ResourceFieldSelector: [resourceFieldRef],
  SeccompProfile: [security.seccompProfile],
  SecurityContext: [security.securityContext],
  Toleration: [scheduling.toleration],
  TopologySpreadConstraint: [scheduling.spreadKeys],
  TypedLocalObjectReference: [volumes.dataSource],
  TypedObjectReference: [volumes.dataSource],
  Volume: [volumes.volumeSources],
};

const FIELD_CHECKS = [missingFields, wrongWords, outOfRange, malformedTexts];

export interface ValidateOptions {
  /** For example `1.30`. @default the newest known, 1.36 */
  readonly kubernetesVersion?: string | undefined;
  /** Whether a text contains what stands for a variable nobody knows before the upload. */
  readonly isUnknown: (text: string) => boolean;
}

/**
 * Everything for which a Kubernetes API server would refuse this Job, and some things the kubelet would stumble over; a port
 * of the validation of Kubernetes 1.36 with its default feature gates. Never throws, whatever the manifest is.
 */
export function validateJob(job: V1Job, options: ValidateOptions): readonly ApiProblem[] {
  const pod = podOf(job);
  const context: Context = {
    pod,
    minor: minorOf(options.kubernetesVersion),
    isUnknown: (value) => options.isUnknown(String(value)),
  };
  const found = [...jobProblems(job, context)];
  collect(pod, POD, [], { context, found });
  return found;
}

/** With at least the list every pod has, in the types of the schema: the checks may rely on them. */
function podOf(job: unknown): V1PodSpec {
  let value: unknown = job;
  for (const key of ['spec', 'template', 'spec']) value = isRecord(value) ? value[key] : undefined;
  return { containers: [], ...(shaped(value, POD) as Partial<V1PodSpec> | undefined) };
}

function minorOf(version: string | undefined): number {
  const [, minor] = /^v?1\.(\d+)/.exec(version ?? '') ?? [];
  return minor === undefined ? Number.POSITIVE_INFINITY : Number(minor);
}

interface Walk {
  readonly context: Context;
  readonly found: ApiProblem[];
}

/** No generator and no path for a scalar: a pod has hundreds of variables, and most of them are fine. */
function collect(value: object, schema: JsonSchema, path: ApiPath, walk: Walk): void {
  const definition = definitionOf(schema);
  if (Array.isArray(value)) collectEntries(value, () => schema.items, path, walk);
  else if (isRecord(value) && definition !== undefined) {
    walk.found.push(...problemsOf(definition, value, path, walk.context));
    collectEntries(value, (key) => fieldSchema(kubernetesDefinitions[definition] ?? {}, key), path, walk);
  }
}

function collectEntries(
  value: object,
  schemaAt: (key: string) => JsonSchema | undefined,
  path: ApiPath,
  walk: Walk,
): void {
  for (const [key, field] of Object.entries(value) as [string, unknown][]) {
    const schema = isObject(field) ? schemaAt(key) : undefined;
    if (isObject(field) && schema !== undefined)
      collect(field, schema, [...path, Array.isArray(value) ? Number(key) : key], walk);
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function* problemsOf(
  definition: string,
  value: Readonly<Record<string, unknown>>,
  path: ApiPath,
  context: Context,
): Iterable<ApiProblem> {
  for (const check of FIELD_CHECKS) yield* check(definition, value, path, context);
  // `shaped` has made the value what its definition says, and CHECKS is filled by definition.
  for (const check of CHECKS[definition] ?? []) yield* (check as Check<unknown>)(value, path, context);
}

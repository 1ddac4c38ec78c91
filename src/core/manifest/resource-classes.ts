import type { V1PodSpec, V1ResourceRequirements } from '@kubernetes/client-node';
import type { ControllerConfig, ResourceClass } from '../config/config.js';
import type { BuildkiteJob, JobFailure } from '../job/job.js';
import { parseTags } from '../job/agent-tags.js';
import { fail, ok, type Result } from '../result.js';
import { isCommandContainer } from './command-containers.js';

/** The resource class a job asks for with its `resource_class` tag, else the default one, else none. */
export function resourceClassFor(
  job: BuildkiteJob,
  config: ControllerConfig,
): Result<ResourceClass | undefined, JobFailure> {
  const tag = parseTags(job.agentQueryRules).get('resource_class');
  const name = tag ?? (config.defaultResourceClassName || undefined);
  if (name === undefined) return ok(undefined);
  const classes = config.resourceClasses;
  if (classes === undefined || Object.keys(classes).length === 0) {
    return fail(
      unknownClass(
        'resource classes not configured but resource_class tag specified: set resource-classes in the controller configuration or drop the tag',
      ),
    );
  }
  const found = Object.hasOwn(classes, name) ? classes[name] : undefined;
  if (found !== undefined) return ok(found);
  const names = Object.keys(classes)
    .map((key) => `"${key}"`)
    .join(', ');
  return fail(unknownClass(`resource class not found: ${name}; the controller offers ${names}`));
}

function unknownClass(text: string): JobFailure {
  return { reason: 'resource-class-unknown', text, path: 'agents.resource_class' };
}

/** Lays a resource class over the pod's command containers, pod-level resources and node selector; the class wins name by name. */
export function applyResourceClass(pod: V1PodSpec, resourceClass: ResourceClass | undefined): V1PodSpec {
  if (resourceClass === undefined) return pod;
  const { resource, podResource, nodeSelector } = resourceClass;
  return {
    ...pod,
    ...(nodeSelector === undefined ? {} : { nodeSelector: { ...pod.nodeSelector, ...nodeSelector } }),
    ...(podResource === undefined ? {} : { resources: overlayResources(pod.resources, podResource) }),
    containers: pod.containers.map((container) =>
      resource === undefined || !isCommandContainer(container)
        ? container
        : { ...container, resources: overlayResources(container.resources, resource) },
    ),
  };
}

function overlayResources(
  own: V1ResourceRequirements | undefined,
  over: V1ResourceRequirements,
): V1ResourceRequirements {
  return {
    ...own,
    requests: { ...own?.requests, ...over.requests },
    limits: { ...own?.limits, ...over.limits },
  };
}

import type { ResourceClass } from '../../config/config.js';
import { closestName } from '../../closest-name.js';
import type { MapEntry } from '../../pipeline/source-tree.js';
import { sameQuantity } from '../../quantity.js';
import { entriesOf, knownText, nodeAt } from '../nodes.js';
import type { LintCommandStep } from '../document.js';
import type { LintJob } from '../lint-job.js';
import type { Found, RuleSet, StepContext } from '../rule.js';
import { type AgentRule, agentsOf } from '../step-agents.js';
import { fillTokens } from '../text-in-job.js';
import { isForUs, runsOnKubernetes } from '../where-it-runs.js';
import { writtenContainers } from '../written-containers.js';

/** What the configuration of the controller makes of a step. */
export const controllerConfigRules: RuleSet = {
  rules: [
    {
      id: 'agents/resource-class',
      severity: 'error',
      needs: 'config',
      summary: 'A step asks for a resource class that the controller does not have.',
      why: 'The controller cannot make the pod, so it fails the job as soon as it sees it.',
      remedy: 'Name one of the classes in "resource-classes" of the configuration, or add the class there.',
    },
    {
      id: 'resources/class-overrides',
      severity: 'warning',
      needs: 'config',
      summary: 'A container writes requests or limits that the resource class of its step replaces.',
      why: 'A resource class is laid over the command containers name by name, so what it says of cpu or memory wins over what the container says.',
      remedy:
        'Remove the values from the container, choose another class, or set them in a podSpecPatch, which comes after the class.',
    },
    {
      id: 'kubernetes/prohibited',
      severity: 'error',
      needs: 'config',
      summary: 'A step uses the kubernetes plugin, which the controller does not allow.',
      why: 'With prohibit-kubernetes-plugin the controller fails every job that configures the plugin.',
      remedy:
        'Remove the plugin, or ask whoever runs the controller for a resource class or a pod-spec-patch that does the same.',
    },
    {
      id: 'plugin/needs-docker',
      severity: 'info',
      summary: 'A plugin needs a Docker daemon, and there is none in the pod of a job.',
      why: 'Containers of a pod run without a Docker socket: the plugin fails with "Cannot connect to the Docker daemon".',
      remedy: 'Name the image in "image" of the step, or add a daemon as a sidecar and set DOCKER_HOST.',
    },
  ],
  checks: [
    { scope: 'step', check: prohibited },
    { scope: 'job', check: resourceClass },
    { scope: 'job', check: needsDocker },
  ],
};

function* prohibited(step: LintCommandStep, { world: { config, configName } }: StepContext): Iterable<Found> {
  if (configName === undefined || !config.prohibitKubernetesPlugin || !isForUs(step, config)) return;
  for (const { name } of step.kubernetes) {
    yield {
      rule: 'kubernetes/prohibited',
      at: name,
      message: `the controller of "${configName}" prohibits the kubernetes plugin ("prohibit-kubernetes-plugin"), so it fails this job; remove the plugin`,
    };
  }
}

function* resourceClass(job: LintJob, { world: { config, configName } }: StepContext): Iterable<Found> {
  const { step, variant } = job;
  if (configName === undefined || !isForUs(step, config)) return;
  const asked = agentsOf(step).rules.find(({ key }) => key === 'resource_class');
  const name = asked === undefined ? config.defaultResourceClassName : fillTokens(asked.value, variant);
  if (name === undefined) return;
  const classes = config.resourceClasses ?? {};
  if (Object.hasOwn(classes, name)) yield* overridden(step, name, classes[name]);
  else if (asked !== undefined) yield unknownClass({ ...asked, value: name }, Object.keys(classes));
}

function unknownClass({ value, at }: AgentRule, names: readonly string[]): Found {
  const rule = 'agents/resource-class';
  if (names.length === 0) {
    const message = `the step asks for resource class "${value}", but the controller has none ("resource-classes"), so it fails the job; remove the tag`;
    return { rule, at, message };
  }
  const meant = closestName(value, names);
  const hint = meant === undefined ? '' : `; did you mean "${meant}"?`;
  return {
    rule,
    at,
    message: `the controller has no resource class "${value}", so it fails the job; it has: ${names.join(', ')}${hint}`,
  };
}

function* overridden(step: LintCommandStep, name: string, found: ResourceClass | undefined): Iterable<Found> {
  for (const { node, role, within } of writtenContainers(step)) {
    if (role !== 'command' || within !== 'podSpec') continue;
    for (const kind of ['requests', 'limits'] as const) {
      const given = new Map(Object.entries(found?.resource?.[kind] ?? {}));
      yield* replaced(entriesOf(nodeAt(node, ['resources', kind])), { name, kind, given });
    }
  }
}

interface Given {
  readonly name: string;
  readonly kind: 'requests' | 'limits';
  /** What the class says, by resource. */
  readonly given: ReadonlyMap<string, string>;
}

function* replaced(entries: readonly MapEntry[], { name, kind, given }: Given): Iterable<Found> {
  for (const { key, value } of entries) {
    const own = knownText(value);
    const other = given.get(key);
    if (own === undefined || other === undefined || sameQuantity(own, other)) continue;
    yield {
      rule: 'resources/class-overrides',
      at: value,
      message: `resource class "${name}" sets the ${key} ${kind.slice(0, -1)} to ${other}, so "${own}" has no effect; remove it or choose another class`,
    };
  }
}

const DOCKER_PLUGINS =
  /^(?:github\.com\/buildkite-plugins\/)?(docker|docker-compose|docker-login|ecr)(?:-buildkite-plugin)?(?:#.*)?$/;

function* needsDocker(job: LintJob, context: StepContext): Iterable<Found> {
  const docker = job.step.plugins.flatMap(({ use, name }) => {
    const [, plugin] = DOCKER_PLUGINS.exec(use.source) ?? [];
    return plugin === undefined ? [] : [{ plugin, name }];
  });
  if (docker.length === 0 || job.baseUnknown || !runsOnKubernetes(job.step, context) || hasDocker(job)) return;
  for (const { plugin, name } of docker) {
    yield {
      rule: 'plugin/needs-docker',
      at: name,
      message: `the ${plugin} plugin needs a Docker daemon, which the pod of a job does not have, so the job fails; on Kubernetes use the step's "image", or add a daemon as a sidecar`,
    };
  }
}

/** A daemon in a sidecar, the node's socket, or one elsewhere. */
function hasDocker({ pod, variant }: LintJob): boolean {
  if (pod === undefined) return true;
  const containers = [...pod.containers, ...(pod.initContainers ?? [])];
  const hosts = [...Object.keys(variant.step.env), ...Object.keys(variant.step.defaults.env)];
  return (
    hosts.includes('DOCKER_HOST') ||
    containers.some(
      ({ image = '', env = [] }) => /dind|docker/.test(image) || env.some(({ name }) => name === 'DOCKER_HOST'),
    ) ||
    (pod.volumes ?? []).some(({ hostPath }) => hostPath?.path.includes('docker') === true)
  );
}

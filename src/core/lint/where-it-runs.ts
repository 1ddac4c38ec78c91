import type { ControllerConfig } from '../config/config.js';
import { effectiveQueue } from '../config/config.js';
import { servesDefaultQueue } from '../job/agent-tags.js';
import type { LintCommandStep } from './document.js';
import type { StepContext } from './rule.js';
import { agentsOf, queueOf } from './step-agents.js';

/** Whether this controller takes the step, as far as its queue tells: the default queue of a cluster may have any name. */
export function isForUs(step: LintCommandStep, config: ControllerConfig): boolean {
  const queue = knownQueue(step);
  return queue === undefined || servesDefaultQueue(config) || queue === effectiveQueue(config);
}

/** Whether the step surely runs in a pod: by its plugin, the controller's configuration, or its queue. */
export function runsOnKubernetes(step: LintCommandStep, context: StepContext): boolean {
  if (step.kubernetes.length > 0) return true;
  const queue = knownQueue(step);
  if (queue === undefined) return false;
  const { config, configName } = context.world;
  return configName === undefined ? isPodQueue(queue, context) : isForUs(step, config);
}

/** Agents that are no pods of Linux. */
const MACHINES = /(?:^|[^a-z])(?:mac|macos|osx|darwin|ios|windows|win|vm|metal)(?:[^a-z]|$)/i;

/** Whether the step surely runs elsewhere: in the queue of machines, or in another one than the steps with the plugin. */
export function runsElsewhere(step: LintCommandStep, context: StepContext): boolean {
  const queue = knownQueue(step);
  if (step.kubernetes.length > 0 || queue === undefined) return false;
  const { config, configName } = context.world;
  if (configName !== undefined) return !isForUs(step, config);
  if (isPodQueue(queue, context)) return false;
  return MACHINES.test(queue) || context.document.commandSteps.some((other) => other.kubernetes.length > 0);
}

function isPodQueue(queue: string, { document }: StepContext): boolean {
  return (
    /(?:^|[^a-z])(?:k8s|kubernetes|kube)(?:[^a-z]|$)/.test(queue) ||
    document.commandSteps.some((other) => other.kubernetes.length > 0 && knownQueue(other) === queue)
  );
}

function knownQueue(step: LintCommandStep): string | undefined {
  const queue = queueOf(agentsOf(step));
  return queue?.known === true ? queue.value : undefined;
}

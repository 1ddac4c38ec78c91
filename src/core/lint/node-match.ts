import type {
  V1NodeSelectorRequirement,
  V1NodeSelectorTerm,
  V1PodSpec,
  V1Taint,
  V1Toleration,
} from '@kubernetes/client-node';
import type { NodeFacts } from './cluster-facts.js';

/**
 * Why the scheduler would not put a pod on a node, sizes aside; undefined = it may. Only what must hold counts: preferences do not.
 * What cannot be judged (fields of nodes, unknown operators) is taken to hold.
 */
export function whyNotOn(node: NodeFacts, pod: V1PodSpec): 'labels' | 'taints' | undefined {
  const labels = node.labels ?? {};
  const selected = Object.entries(pod.nodeSelector ?? {}).every(([key, value]) => labels[key] === value);
  if (!selected || !affinityHolds(labels, pod)) return 'labels';
  const kept = (node.taints ?? []).filter(({ effect }) => effect === 'NoSchedule' || effect === 'NoExecute');
  return kept.every((taint) => (pod.tolerations ?? []).some((toleration) => tolerates(toleration, taint)))
    ? undefined
    : 'taints';
}

type Labels = Readonly<Record<string, string>>;

function affinityHolds(labels: Labels, { affinity }: V1PodSpec): boolean {
  const required = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return required === undefined || required.nodeSelectorTerms.some((term) => termHolds(labels, term));
}

function termHolds(labels: Labels, { matchExpressions = [] }: V1NodeSelectorTerm): boolean {
  return matchExpressions.every((requirement) => requirementHolds(labels, requirement));
}

/** What each operator asks of a label; an unknown operator asks nothing. */
const OPERATORS: Readonly<Record<string, (value: string | undefined, values: readonly string[]) => boolean>> = {
  In: (value, values) => value !== undefined && values.includes(value),
  NotIn: (value, values) => value === undefined || !values.includes(value),
  Exists: (value) => value !== undefined,
  DoesNotExist: (value) => value === undefined,
  Gt: (value, [bound]) => value !== undefined && Number(value) > Number(bound),
  Lt: (value, [bound]) => value !== undefined && Number(value) < Number(bound),
};

function requirementHolds(labels: Labels, { key, operator, values = [] }: V1NodeSelectorRequirement): boolean {
  return OPERATORS[operator]?.(labels[key], values) ?? true;
}

function tolerates({ key, operator, value, effect }: V1Toleration, taint: V1Taint): boolean {
  if (effect !== undefined && effect !== '' && effect !== taint.effect) return false;
  if (operator === 'Exists') return key === undefined || key === '' || key === taint.key;
  return key === taint.key && (value ?? '') === (taint.value ?? '');
}

import type { V1PodSpec } from '@kubernetes/client-node';
import { formatQuantity } from '../../quantity.js';
import type { ClusterFacts, NodeFacts } from '../cluster-facts.js';
import type { Span } from '../finding.js';
import type { LintJob } from '../lint-job.js';
import { entryAt } from '../nodes.js';
import { whyNotOn } from '../node-match.js';
import { type Amounts, amountsOf, containerCeiling, podRequest } from '../pod-request.js';
import type { Found, RuleSet, StepContext } from '../rule.js';
import { writtenContainers } from '../written-containers.js';

/** Whether there is room for the pod of a step. */
export const neverFitsRules: RuleSet = {
  rules: [
    {
      id: 'cluster/never-fits',
      severity: 'warning',
      needs: 'facts',
      summary: 'No node of the cluster could ever run the pod of a step, or a limit of the namespace forbids it.',
      why: 'The scheduler counts the requests of all containers of the pod, also those that the controller adds. A pod larger than every node that it may run on stays pending until the limit for that, unless an autoscaler brings larger nodes: hence a warning. Above a quota or a LimitRange the pod is refused: an error.',
      remedy: 'Ask for less, for other nodes (nodeSelector, tolerations), or have the quota raised.',
    },
  ],
  checks: [{ scope: 'job', check: neverFits }],
};

const RULE = 'cluster/never-fits';

function* neverFits(job: LintJob, { world: { facts } }: StepContext): Iterable<Found> {
  if (facts === undefined || job.baseUnknown || job.step.kubernetes.length === 0) return;
  const { pod } = job;
  if (pod === undefined) return;
  const refusals = [...overLimits(pod, facts), ...overQuota(podRequest(pod), facts)];
  const [first] = refusals;
  if (first !== undefined)
    yield { rule: RULE, severity: 'error', at: placeOf(job, first.resource), message: first.said };
  else yield* nowhere(job, pod, facts);
}

interface Refusal {
  readonly resource: string;
  readonly said: string;
}

function* overLimits(pod: V1PodSpec, { limitRanges = [] }: ClusterFacts): Iterable<Refusal> {
  for (const { type, max } of limitRanges.flatMap(({ limits }) => limits)) {
    const asked = type === 'Pod' ? [podRequest(pod)] : type === 'Container' ? pod.containers.map(containerCeiling) : [];
    for (const [resource, most] of amountsOf(max)) {
      const over = asked.map((amounts) => amounts.get(resource) ?? 0n).find((amount) => amount > most);
      if (over === undefined) continue;
      const what = type === 'Pod' ? 'the pod' : 'a container';
      const said = `${what} asks for ${show(resource, over)} of ${resource}, but a LimitRange of the namespace allows ${show(resource, most)}; the pod is refused. ask for less`;
      yield { resource, said };
    }
  }
}

function* overQuota(request: Amounts, { resourceQuotas = [] }: ClusterFacts): Iterable<Refusal> {
  for (const { hard } of resourceQuotas) {
    for (const [name, most] of amountsOf(hard)) {
      const resource = name.replace(/^requests\./, '');
      const asked = request.get(resource) ?? 0n;
      if (asked <= most || name.startsWith('limits.')) continue;
      const said = `the pod asks for ${show(resource, asked)} of ${resource} in all, but the quota of the namespace is ${show(resource, most)}; the pod is refused even when nothing else runs`;
      yield { resource, said };
    }
  }
}

function* nowhere(job: LintJob, pod: V1PodSpec, { nodes }: ClusterFacts): Iterable<Found> {
  if (nodes === undefined || nodes.length === 0) return;
  const reasons = nodes.map((node) => whyNotOn(node, pod));
  const open = nodes.filter((_node, index) => reasons[index] === undefined);
  if (open.length === 0) {
    const by = reasons.includes('taints') ? 'whose taints it tolerates' : 'with the labels it asks for';
    yield {
      rule: RULE,
      at: placeOf(job, 'nodeSelector'),
      message: `none of the ${nodes.length} nodes in the facts is one ${by}, so the pod stays pending unless an autoscaler adds one; check nodeSelector, affinity and tolerations`,
    };
    return;
  }
  const request = podRequest(pod);
  if (open.some((node) => shortOf(node, request) === undefined)) return;
  const tightest = open.map((node) => shortOf(node, request)).find((resource) => resource !== undefined) ?? 'cpu';
  const largest = open.map(({ allocatable }) => amountsOf(allocatable).get(tightest) ?? 0n).reduce(larger);
  const asked = request.get(tightest) ?? 0n;
  yield {
    rule: RULE,
    at: placeOf(job, tightest),
    message: `the pod asks for ${show(tightest, asked)} of ${tightest} in all, with the containers of the controller, but ${open.length === 1 ? 'the only node' : `the largest of the ${open.length} nodes`} it may run on has ${show(tightest, largest)}; it stays pending unless an autoscaler adds a larger one`,
  };
}

/** A resource of which a node has too little; unknown sizes are enough. */
function shortOf({ allocatable }: NodeFacts, request: Amounts): string | undefined {
  if (allocatable === undefined) return undefined;
  const has = amountsOf(allocatable);
  return [...request].find(([resource, amount]) => amount > (has.get(resource) ?? 0n))?.[0];
}

function larger(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

function show(resource: string, nanos: bigint): string {
  const family = /memory|storage|hugepages/.test(resource) ? 'binary' : 'decimal';
  return formatQuantity({ nanos, family });
}

/** Where the author asks for the most of a resource; the plugin when the controller does. */
function placeOf(job: LintJob, resource: string): Span {
  const { step } = job;
  const written = writtenContainers(step).flatMap(({ node }) =>
    ['requests', 'limits'].flatMap((kind) => {
      const entry = entryAt(node, ['resources', kind, resource]);
      const amount = entry?.value.kind === 'scalar' ? amountsOf({ it: entry.value.text }).get('it') : undefined;
      return entry === undefined ? [] : [{ at: entry.value, amount: amount ?? 0n }];
    }),
  );
  const most = written.reduce<(typeof written)[number] | undefined>(
    (best, each) => (best === undefined || each.amount > best.amount ? each : best),
    undefined,
  );
  const selectors = step.kubernetes.flatMap(({ config }) =>
    ['podSpec', 'podSpecPatch'].flatMap((spec) => entryAt(config, [spec, resource])?.keySpan ?? []),
  );
  return most?.at ?? selectors[0] ?? step.kubernetes.at(-1)?.name ?? step.step.source;
}

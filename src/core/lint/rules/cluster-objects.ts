import { closestName } from '../../closest-name.js';
import { entryOf, type MapEntry, type ScalarNode, type SourceNode } from '../../pipeline/source-tree.js';
import type { ClusterFacts } from '../cluster-facts.js';
import { itemsOf, knownText } from '../nodes.js';
import type { LintJob } from '../lint-job.js';
import type { Found, RuleSet, StepContext } from '../rule.js';
import { textInJob } from '../text-in-job.js';
import { type ObjectKind, REFERENCES, type Reference } from './cluster-references.js';

/** Objects of the cluster that a step names. */
export const clusterObjectRules: RuleSet = {
  rules: [
    {
      id: 'cluster/missing-object',
      severity: 'error',
      needs: 'facts',
      summary: 'A step names an object that the cluster does not have, or a key that the object does not have.',
      why: 'Without the service account or the class no pod is made, and the job fails after half a minute; without the Secret or ConfigMap of a variable the container cannot start; without that of a volume, or its claim, the pod hangs until the pending limit.',
      remedy:
        'Correct the name, or create the object in the namespace of the controller. "agent-stack-k8s facts" takes a new snapshot.',
    },
  ],
  checks: [{ scope: 'job', check: missingObjects }],
};

const RULE = 'cluster/missing-object';

/** What every cluster or namespace has, though a list written by hand may leave it out. */
const ALWAYS_THERE: ReadonlySet<string> = new Set([
  'ConfigMap kube-root-ca.crt',
  'PriorityClass system-cluster-critical',
  'PriorityClass system-node-critical',
  'ServiceAccount default',
]);

/** What the cluster has of a kind: names, with their keys where they have some; undefined = not known. */
function objectsOf(facts: ClusterFacts, kind: ObjectKind): ReadonlyMap<string, readonly string[]> | undefined {
  const named = (names: readonly string[] | undefined): ReadonlyMap<string, readonly string[]> | undefined =>
    names && new Map(names.map((name) => [name, []]));
  switch (kind) {
    case 'Secret':
      return facts.secrets && new Map(Object.entries(facts.secrets));
    case 'ConfigMap':
      return facts.configMaps && new Map(Object.entries(facts.configMaps));
    case 'ServiceAccount':
      return named(facts.serviceAccounts);
    case 'PersistentVolumeClaim':
      return named(facts.persistentVolumeClaims);
    case 'PodTemplate':
      return named(facts.podTemplates);
    case 'PriorityClass':
      return named(facts.priorityClasses);
    case 'RuntimeClass':
      return named(facts.runtimeClasses);
  }
}

function* missingObjects(job: LintJob, { world: { facts } }: StepContext): Iterable<Found> {
  if (facts === undefined) return;
  for (const { config } of job.step.kubernetes) {
    for (const named of namedObjects(config, job)) yield* judge(named, facts);
  }
}

/** An object that the plugin's configuration names. */
interface NamedObject {
  readonly reference: Reference;
  readonly node: ScalarNode;
  readonly name: string;
  /** Keys of it that must be there. */
  readonly keys: readonly { readonly node: ScalarNode; readonly text: string }[];
}

function* namedObjects(node: SourceNode | undefined, job: LintJob): Iterable<NamedObject> {
  for (const item of itemsOf(node)) yield* namedObjects(item, job);
  if (node?.kind !== 'map') return;
  for (const entry of node.entries) {
    const found = REFERENCES[entry.key]?.flatMap((reference) => read(entry, reference, job)) ?? [];
    yield* found;
    yield* namedObjects(entry.value, job);
  }
}

function read({ value }: MapEntry, reference: Reference, job: LintJob): readonly NamedObject[] {
  const holders = reference.list === true ? itemsOf(value) : [value];
  return holders.flatMap((holder) => readHolder(holder, reference, job) ?? []);
}

function readHolder(holder: SourceNode, reference: Reference, job: LintJob): NamedObject | undefined {
  const node = reference.name === undefined ? holder : entryOf(holder, reference.name)?.value;
  const name = textInJob(node, job) ?? '';
  const isOptional = knownText(entryOf(holder, 'optional')?.value) === 'true';
  if (node?.kind !== 'scalar' || name === '' || isOptional) return undefined;
  return { reference, node, name, keys: reference.hasKeys === true ? keysOf(holder, job) : [] };
}

function keysOf(holder: SourceNode, job: LintJob): NamedObject['keys'] {
  const items = itemsOf(entryOf(holder, 'items')?.value);
  return [holder, ...items].flatMap((each) => keyOf(entryOf(each, 'key')?.value, job));
}

function keyOf(node: SourceNode | undefined, job: LintJob): readonly { node: ScalarNode; text: string }[] {
  const text = textInJob(node, job);
  return node?.kind === 'scalar' && text !== undefined ? [{ node, text }] : [];
}

function* judge({ reference, node, name, keys }: NamedObject, facts: ClusterFacts): Iterable<Found> {
  const { kind, severity, then } = reference;
  const objects = objectsOf(facts, kind);
  if (objects === undefined || ALWAYS_THERE.has(`${kind} ${name}`)) return;
  const found = objects.get(name);
  const has = reference.clusterWide === true ? 'the cluster has' : `${namespaceOf(facts)} has`;
  const shared = { rule: RULE, ...(severity === undefined ? {} : { severity }) };
  if (found === undefined) {
    const hint = meant(name, objects.keys());
    yield { ...shared, at: node, message: `${has} no ${kind} "${name}"${since(facts)}, so ${then}${hint}` };
    return;
  }
  for (const key of keys) {
    if (found.includes(key.text)) continue;
    const hint = meant(key.text, found);
    yield {
      ...shared,
      at: key.node,
      message: `${kind} "${name}" has no key "${key.text}"${since(facts)}, so ${then}${hint}`,
    };
  }
}

function namespaceOf({ namespace }: ClusterFacts): string {
  return namespace === undefined ? 'the namespace of the facts' : `namespace "${namespace}"`;
}

function meant(name: string, names: Iterable<string>): string {
  const near = closestName(name, names);
  return near === undefined ? '' : `; did you mean "${near}"?`;
}

function since({ generatedAt }: ClusterFacts): string {
  return generatedAt === undefined ? '' : ` (facts of ${generatedAt.slice(0, 10)})`;
}

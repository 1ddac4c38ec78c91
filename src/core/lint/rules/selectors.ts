import type { SourceNode } from '../../pipeline/source-tree.js';
import type { LintDocument } from '../document.js';
import type { Span } from '../finding.js';
import type { LintJob } from '../lint-job.js';
import { entriesOf, entryAt, itemsOf, knownText, mapsIn, nodeAt } from '../nodes.js';
import { isUnknown } from '../placeholder.js';
import type { Found, StepContext } from '../rule.js';

const RULE = 'scheduling/selector-matches-nothing';
const POD_PARTS = ['podSpec', 'podSpecPatch'] as const;

/** Labels of which the value is known; undefined = there is such a label, but nobody knows its value. */
type Labels = ReadonlyMap<string, string | undefined>;

/** Rules about other pods that no pod of this pipeline can meet. */
export function* selectors(job: LintJob, { document }: StepContext): Iterable<Found> {
  const config = job.step.kubernetes.at(-1)?.config;
  const terms = POD_PARTS.flatMap((part) => termsOf(nodeAt(config, [part])));
  if (terms.length === 0) return;
  const pods = [labelsOf(job), ...labelsOfSteps(document, job)];
  for (const { selector, isAdvice } of terms) {
    const failed = requirementsOf(selector).find((requirement) => !pods.some((labels) => meets(requirement, labels)));
    if (failed === undefined) continue;
    yield {
      rule: RULE,
      at: failed.at,
      message: `no pod of this pipeline has the label ${failed.shown}, so this rule has no effect on its jobs; write the label under "metadata.labels" of the kubernetes plugin`,
      ...(isAdvice && { severity: 'info' as const }),
    };
  }
}

interface Term {
  readonly selector: SourceNode | undefined;
  /** It may well be about other pods than those of jobs. */
  readonly isAdvice: boolean;
}

function termsOf(pod: SourceNode | undefined): readonly Term[] {
  const affinity = (['podAffinity', 'podAntiAffinity'] as const).flatMap((kind) =>
    affinityTerms(nodeAt(pod, ['affinity', kind])).map((term) => ({ term, isAdvice: kind === 'podAffinity' })),
  );
  const spread = mapsIn(nodeAt(pod, ['topologySpreadConstraints'])).map((term) => ({ term, isAdvice: false }));
  return [...affinity, ...spread]
    .filter(
      ({ term }) => entryAt(term, ['namespaces']) === undefined && entryAt(term, ['namespaceSelector']) === undefined,
    )
    .map(({ term, isAdvice }) => ({ selector: nodeAt(term, ['labelSelector']), isAdvice }));
}

function affinityTerms(node: SourceNode | undefined): readonly SourceNode[] {
  const required = mapsIn(nodeAt(node, ['requiredDuringSchedulingIgnoredDuringExecution']));
  const preferred = mapsIn(nodeAt(node, ['preferredDuringSchedulingIgnoredDuringExecution']));
  return [...required, ...preferred.flatMap((each) => nodeAt(each, ['podAffinityTerm']) ?? [])];
}

interface Requirement {
  readonly key: string;
  /** Any of these; undefined = any value at all. */
  readonly values: readonly string[] | undefined;
  readonly at: Span;
  /** For the message, e.g. `"app=runner"`. */
  readonly shown: string;
}

/** What a selector demands of a pod's labels, as far as it is known. */
function requirementsOf(selector: SourceNode | undefined): readonly Requirement[] {
  const labels = entriesOf(nodeAt(selector, ['matchLabels'])).flatMap(({ key, keySpan, value }) => {
    const text = knownText(value);
    if (text === undefined || isUnknown(key)) return [];
    return [{ key, values: [text], at: keySpan, shown: `"${key}=${text}"` }];
  });
  return [...labels, ...mapsIn(nodeAt(selector, ['matchExpressions'])).flatMap(expression)];
}

function expression(node: SourceNode): readonly Requirement[] {
  const [keyNode, operator] = [nodeAt(node, ['key']), knownText(nodeAt(node, ['operator']))];
  const key = knownText(keyNode);
  if (keyNode === undefined || key === undefined) return [];
  if (operator === 'Exists') return [{ key, values: undefined, at: keyNode, shown: `"${key}"` }];
  const values = itemsOf(nodeAt(node, ['values'])).map(knownText);
  if (operator !== 'In' || values.length === 0 || values.includes(undefined)) return [];
  const known = values.filter((value) => value !== undefined);
  return [
    {
      key,
      values: known,
      at: keyNode,
      shown: `"${key}" with the value ${known.map((value) => `"${value}"`).join(' or ')}`,
    },
  ];
}

/** Keys that the controller and Kubernetes set on the pods of jobs, with values that nobody knows here. */
const GIVEN =
  /^(?:(?:tag\.)?buildkite\.com\/|batch\.kubernetes\.io\/|(?:job-name|controller-uid)$|topology\.kubernetes\.io\/)/;

function meets({ key, values }: Requirement, labels: Labels): boolean {
  if (GIVEN.test(key)) return true;
  if (!labels.has(key)) return false;
  const value = labels.get(key);
  return values === undefined || value === undefined || values.includes(value);
}

function labelsOf({ manifest }: LintJob): Labels {
  const labels = Object.entries(manifest?.spec?.template.metadata?.labels ?? {});
  return new Map(labels.map(([key, value]) => [key, isUnknown(value) ? undefined : value]));
}

/** Labels of the pods of the other steps: what their authors wrote. */
function labelsOfSteps({ commandSteps }: LintDocument, job: LintJob): readonly Labels[] {
  return commandSteps
    .filter((step) => step !== job.step)
    .flatMap(({ kubernetes }) => nodeAt(kubernetes.at(-1)?.config, ['metadata', 'labels']) ?? [])
    .map((node) => new Map(entriesOf(node).map(({ key, value }) => [key, knownText(value)])));
}

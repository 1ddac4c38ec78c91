import { closestName } from '../../closest-name.js';
import { SIGNAL_REASONS } from '../../pipeline/step-attributes.js';
import { entryOf, type MapNode, type SourceNode } from '../../pipeline/source-tree.js';
import type { LintCommandStep } from '../document.js';
import type { Span } from '../finding.js';
import { knownText, nodeAt } from '../nodes.js';
import { isUnknown } from '../placeholder.js';
import type { Found, RuleSet, StepContext } from '../rule.js';
import { runsElsewhere } from '../where-it-runs.js';

/** Whether automatic retries would come when they are meant to. */
export const retryRules: RuleSet = {
  rules: [
    {
      id: 'retry/never-fires',
      severity: 'warning',
      summary: 'A rule for automatic retries does not match the failures that it was written for.',
      why: 'When a pod is lost (evicted, its node gone, a spot instance taken back, a container of it killed for its memory) nobody is left to report an exit status: Buildkite sees exit -1, and a failure that the controller reports has the signal_reason "stack_error". A rule for 137 or 143 only matches when the command itself was killed and the agent lived on to tell. Of several rules the first that matches decides.',
      remedy: 'Add rules for a lost pod: {exit_status: -1, limit: 2} and {signal_reason: stack_error, limit: 2}.',
    },
  ],
  checks: [{ scope: 'step', check: retries }],
};

const RULE = 'retry/never-fires';
const MAX_LIMIT = 10;
/** Reasons of jobs whose process never ended by itself: their exit status is -1. */
const NEVER_RAN: ReadonlySet<string> = new Set([
  'stack_error',
  'agent_refused',
  'agent_incompatible',
  'signature_rejected',
]);
/** Exit statuses of a process that SIGKILL or SIGTERM ended: what people expect of a lost pod. */
const KILLED: ReadonlySet<number> = new Set([137, 143]);
const LOST = -1;

/** `*` is any; undefined = not known. */
type Values<T> = '*' | readonly T[] | undefined;

function isList<T>(values: Values<T>): values is readonly T[] {
  return values !== undefined && values !== '*';
}

/** A retry rule as far as it is known. */
interface RetryRule {
  readonly node: MapNode;
  /** `*` is 1 to 255; undefined = not known. */
  readonly statuses: Values<number>;
  readonly signals: Values<string>;
  readonly reasons: Values<string>;
  readonly limit: number | undefined;
}

function* retries(step: LintCommandStep, context: StepContext): Iterable<Found> {
  const { source } = step.step;
  const { lines } = context.document;
  const automatic = nodeAt(source, ['retry', 'automatic']);
  const nodes = automatic?.kind === 'list' ? automatic.items : automatic === undefined ? [] : [automatic];
  const rules = nodes.flatMap((node) => (node.kind === 'map' ? [readRule(node)] : []));
  const mistaken = new Set<RetryRule>();
  for (const rule of rules) {
    for (const found of values(rule)) {
      mistaken.add(rule);
      yield found;
    }
  }
  if (!runsElsewhere(step, context)) yield* expectsLostPods(rules);
  for (const [index, rule] of rules.entries()) {
    const earlier = rules.slice(0, index).find((other) => covers(other, rule));
    if (earlier === undefined || mistaken.has(rule)) continue;
    const at = startOf(rule.node);
    const { line } = lines.rangeOf(startOf(earlier.node));
    yield {
      rule: RULE,
      at,
      message: `this retry rule is never reached: the rule at line ${line} matches all that it matches, and the first match decides; put it before that one or remove it`,
      related: [{ at: startOf(earlier.node), message: 'this rule comes first' }],
    };
  }
}

/** Rules are told by their first key: they are seldom on one line. */
function startOf({ entries, start }: MapNode): Span {
  return entries[0]?.keySpan ?? { start, end: start + 1 };
}

function readRule(node: MapNode): RetryRule {
  const texts = (name: string): Values<string> => {
    const value = entryOf(node, name)?.value;
    if (value === undefined || (value.kind === 'scalar' && value.value === null)) return '*';
    const each = (value.kind === 'list' ? value.items : [value]).map(knownText);
    if (each.includes('*')) return '*';
    const known = each.flatMap((text) => (text === undefined || text.includes('$') ? [] : [text]));
    return known.length === each.length ? known : undefined;
  };
  const statuses = texts('exit_status');
  const limit = texts('limit');
  return {
    node,
    statuses: isList(statuses) ? statuses.map(Number) : statuses,
    signals: texts('signal'),
    reasons: texts('signal_reason'),
    limit: isList(limit) ? Number(limit[0]) : undefined,
  };
}

function* values(rule: RetryRule): Iterable<Found> {
  yield* limits(rule);
  yield* reasons(rule.node);
  yield* statuses(rule.node);
  yield* contradiction(rule);
}

function* limits({ node, limit }: RetryRule): Iterable<Found> {
  const at = entryOf(node, 'limit')?.value;
  if (at === undefined || limit === undefined || (limit <= MAX_LIMIT && limit >= 0)) return;
  const message = `a retry "limit" must be between 0 and ${MAX_LIMIT}; with ${limit} the upload is refused`;
  yield { rule: RULE, severity: 'error', at, message };
}

function* reasons(node: MapNode): Iterable<Found> {
  for (const reason of scalars(node, 'signal_reason')) {
    if (isUnknown(reason.text) || reason.text.includes('$') || SIGNAL_REASONS.includes(reason.text)) continue;
    const meant = closestName(reason.text, SIGNAL_REASONS);
    const hint = meant === undefined ? `known are ${SIGNAL_REASONS.join(', ')}` : `did you mean "${meant}"?`;
    const message = `no job ends with signal_reason "${reason.text}", so this rule never matches; ${hint}`;
    yield { rule: RULE, at: reason, message };
  }
}

function* statuses(node: MapNode): Iterable<Found> {
  for (const status of scalars(node, 'exit_status')) {
    const number = Number(status.text);
    if (isUnknown(status.text) || !Number.isInteger(number) || (number >= LOST && number <= 255)) continue;
    const message = `no job ends with exit status ${status.text}; it is between 0 and 255, or -1 for a lost agent`;
    yield { rule: RULE, at: status, message };
  }
}

function* contradiction({
  node,
  statuses,
  reasons,
}: Pick<RetryRule, 'node' | 'statuses' | 'reasons'>): Iterable<Found> {
  const status = entryOf(node, 'exit_status');
  if (!isList(statuses) || !isList(reasons) || status === undefined) return;
  const never = reasons.length > 0 && reasons.every((reason) => NEVER_RAN.has(reason)) && !statuses.includes(LOST);
  if (!never) return;
  yield {
    rule: RULE,
    at: status.value.kind === 'scalar' ? status.value : status.keySpan,
    message: `a job with signal_reason "${reasons.join('", "')}" has exit status -1, never ${statuses.join(' or ')}; remove "exit_status" from this rule`,
  };
}

function scalars(node: MapNode, name: string): readonly (SourceNode & { readonly kind: 'scalar' })[] {
  const value = entryOf(node, name)?.value;
  const each = value?.kind === 'list' ? value.items : value === undefined ? [] : [value];
  return each.flatMap((item) => (item.kind === 'scalar' && item.value !== null ? [item] : []));
}

/** Somebody who retries 137 or 143 has a killed pod in mind. */
function* expectsLostPods(rules: readonly RetryRule[]): Iterable<Found> {
  if (rules.some(mayCoverLostPods)) return;
  for (const { node, limit, reasons } of rules) {
    const status = scalars(node, 'exit_status').find(({ text }) => KILLED.has(Number(text)));
    if (status === undefined || limit === 0 || reasons !== '*') continue;
    yield {
      rule: RULE,
      at: status,
      message: `exit status ${status.text} is not how Kubernetes loses a pod: that ends with exit -1, or with signal_reason "stack_error", so no rule here retries it; add "- {exit_status: -1, limit: 2}" and "- {signal_reason: stack_error, limit: 2}"`,
    };
    return;
  }
}

function mayCoverLostPods({ statuses, signals, reasons, limit }: RetryRule): boolean {
  if (limit === 0) return false;
  const byStatus = statuses === undefined || statuses === '*' || statuses.includes(LOST);
  const bySignal = !isList(signals) || signals.includes('none');
  const byReason = !isList(reasons) || reasons.some((reason) => ['stack_error', 'agent_stop', 'none'].includes(reason));
  return byStatus && bySignal && byReason;
}

function covers(first: RetryRule, second: RetryRule): boolean {
  return (
    coversStatuses(first.statuses, second.statuses) &&
    coversAll(first.signals, second.signals) &&
    coversAll(first.reasons, second.reasons)
  );
}

function coversStatuses(first: RetryRule['statuses'], second: RetryRule['statuses']): boolean {
  if (first === '*' && isList(second)) return second.every((status) => status >= 1);
  return coversAll(first, second);
}

function coversAll<T>(first: Values<T>, second: Values<T>): boolean {
  if (first === undefined || second === undefined) return false;
  if (first === '*') return true;
  return isList(second) && second.length > 0 && second.every((value) => first.includes(value));
}

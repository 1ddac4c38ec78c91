import { closestName } from '../../closest-name.js';
import { entryOf, type PipelineProblem } from '../../pipeline/source-tree.js';
import type { LintDocument, LintStep } from '../document.js';
import { entriesOf, knownText } from '../nodes.js';
import { isUnknown } from '../placeholder.js';
import type { Found, RuleSet } from '../rule.js';
import { PlaceIndex, type Standing } from '../spans.js';
import { hasMistypedKind } from './step-keys.js';

/** Values of steps that Buildkite does not take. */
export const stepValueRules: RuleSet = {
  rules: [
    {
      id: 'step/value',
      severity: 'error',
      summary: 'An attribute of a step has a value that Buildkite does not take.',
      why: 'Buildkite checks the types of all attributes when the pipeline is uploaded: the step that uploads it fails, and nothing of the pipeline runs.',
      remedy: 'Write the value as the message says.',
    },
    {
      id: 'step/type',
      severity: 'error',
      summary: 'An item of "steps" is no step.',
      why: 'Buildkite tells the kind of a step by its keys. Without one that says what to do the upload is refused.',
      remedy: 'Give the step "command", "plugins", "wait", "block", "input", "trigger" or "group".',
    },
    {
      id: 'step/command-and-commands',
      severity: 'error',
      summary: 'A step says the same thing twice, under two names of one attribute.',
      why: 'Only one of the two counts and the other is dropped without a word: of "command" and "commands" the latter is run.',
      remedy: 'Join the two, or remove one.',
    },
  ],
  checks: [
    { scope: 'file', check: problems },
    { scope: 'file', check: limits },
  ],
};

const OURS: ReadonlySet<string> = new Set(['step/value', 'step/type', 'step/command-and-commands']);

/** What reading the steps has found: `render` prints the same. */
function* problems(document: LintDocument): Iterable<Found> {
  const index = new PlaceIndex(document);
  for (const problem of document.problems) {
    const rule = problem.rule ?? (problem.severity === 'note' ? '' : 'step/value');
    if (!OURS.has(rule)) continue;
    const standing = index.at(problem.at);
    if (standing !== undefined && !isExcused(rule, standing)) yield found(rule, problem, standing);
  }
}

function isExcused(rule: string, { node, holder }: Standing): boolean {
  if (rule === 'step/type') return hasMistypedKind(holder ?? node);
  // A dependency without its "step" has it mistyped: that is told already.
  if (entriesOf(holder ?? node).some(({ key }) => key !== 'step' && closestName(key, ['step']) !== undefined))
    return true;
  return node.kind === 'scalar' && (isUnknown(node.text) || node.text.includes('{{'));
}

function found(rule: string, { message, severity }: PipelineProblem, { span }: Standing): Found {
  const isDoubled = rule === 'step/command-and-commands';
  return {
    rule,
    at: span,
    message: isDoubled ? `${message}; remove one of them` : message,
    ...(severity === 'warning' && !isDoubled ? { severity } : {}),
  };
}

interface Limit {
  readonly attribute: string;
  /** Whether a value will do. */
  readonly fits: (text: string) => boolean;
  readonly said: string;
  readonly severity?: 'warning';
}

const isWhole = (text: string): boolean => /^[-+]?\d+$/.test(text);

/** Values of the right type that make no sense; what is no number is told where the step is read. */
const LIMITS: readonly Limit[] = [
  {
    attribute: 'concurrency_method',
    fits: (text) => text === 'ordered' || text === 'eager',
    said: 'must be "ordered" or "eager"; the upload fails',
  },
  {
    attribute: 'timeout_in_minutes',
    fits: (text) => !isWhole(text) || Number(text) >= 1,
    said: 'must be at least 1; leave it out for no limit of its own',
    severity: 'warning',
  },
  {
    attribute: 'parallelism',
    fits: (text) => !isWhole(text) || Number(text) >= 0,
    said: 'cannot be negative; the upload fails',
  },
  {
    attribute: 'concurrency',
    fits: (text) => !isWhole(text) || Number(text) >= 0,
    said: 'cannot be negative; the upload fails',
  },
  {
    attribute: 'blocked_state',
    fits: (text) => ['passed', 'failed', 'running'].includes(text),
    said: 'must be "passed", "failed" or "running"; the upload fails',
  },
];

function* limits({ steps }: LintDocument): Iterable<Found> {
  for (const { step } of steps) {
    for (const limit of LIMITS) yield* exceeded(step.source, limit);
  }
}

function* exceeded(source: LintStep['step']['source'], { attribute, fits, said, severity }: Limit): Iterable<Found> {
  const node = entryOf(source, attribute)?.value;
  const text = knownText(node);
  if (node === undefined || text === undefined || text.includes('{{') || text.includes('$') || fits(text)) return;
  yield {
    rule: 'step/value',
    at: node,
    message: `"${attribute}" is "${text}", but it ${said}`,
    ...(severity === undefined ? {} : { severity }),
  };
}

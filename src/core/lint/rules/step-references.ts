import { entryOf, type MapEntry, type ScalarNode, type SourceNode } from '../../pipeline/source-tree.js';
import type { LintDocument, LintStep } from '../document.js';
import type { Span } from '../finding.js';
import { knownText, writtenText } from '../nodes.js';
import { isUnknown, PLACEHOLDER } from '../placeholder.js';
import type { Found, RuleSet } from '../rule.js';
import { dependencies, dependencyCycles } from './step-dependencies.js';
import { typoOf } from '../typo.js';
import type { LintWorld } from '../world.js';

/** How steps are named and how they wait for each other. */
export const stepReferenceRules: RuleSet = {
  rules: [
    {
      id: 'step/key',
      severity: 'error',
      summary: 'The key of a step is one that Buildkite does not take, or two steps have the same.',
      why: 'Keys must be unique in a build, at most 100 characters of letters, digits and "_", "-", ":" long, and not look like a UUID. Otherwise the upload is refused.',
      remedy: 'Choose another key, and change the "depends_on" that name it.',
    },
    {
      id: 'step/depends-on',
      severity: 'warning',
      fixable: true,
      summary: 'A step depends on a key that no step of the file has, on itself, or on a step that waits for it.',
      why: 'The build fails when no step has the key, and steps that wait for each other never start. A key may also belong to a step that another file uploads: that cannot be seen here, so this is an error only for a circle and a warning for a near miss.',
      remedy: 'Name the key of the step to wait for; a label is not a key.',
    },
    {
      id: 'step/concurrency',
      severity: 'error',
      summary: 'A step has "concurrency" without "concurrency_group", or the other way round.',
      why: 'A limit needs a group that it counts in, and a group needs a limit: Buildkite refuses the upload.',
      remedy: 'Add the one that is missing.',
    },
  ],
  checks: [
    { scope: 'file', check: keys },
    { scope: 'file', check: dependsOn },
    { scope: 'file', check: concurrency },
  ],
};

const KEY = 'step/key';
const MAX_KEY_LENGTH = 100;
/** `$`, `{` and `}` are what is left of a variable that only the upload knows. */
const KEY_CHARACTERS = /^[a-zA-Z0-9_\-:.,${}?]*$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

interface KeyedStep {
  readonly lintStep: LintStep;
  readonly entry: MapEntry;
  readonly node: ScalarNode;
}

function keyed(document: LintDocument): readonly KeyedStep[] {
  return document.steps.flatMap((lintStep) => {
    const { source } = lintStep.step;
    const entry = entryOf(source, 'key') ?? entryOf(source, 'id') ?? entryOf(source, 'identifier');
    const node = entry?.value;
    return entry === undefined || node?.kind !== 'scalar' || node.value === null ? [] : [{ lintStep, entry, node }];
  });
}

function* keys(document: LintDocument): Iterable<Found> {
  const seen = new Map<string, KeyedStep>();
  for (const step of keyed(document)) {
    const { node } = step;
    const complaint = node.text.includes('{{') ? undefined : malformed(node.text);
    if (complaint !== undefined) yield { rule: KEY, at: node, message: `step key "${writtenText(node)}" ${complaint}` };
    const name = comparable(node);
    if (name === undefined) continue;
    const first = seen.get(name);
    if (first === undefined) seen.set(name, step);
    else if (!areExclusive(first, step)) yield twice(first, step, document);
  }
}

/** What two keys are compared by; undefined when there is no telling. The same variables give the same key. */
function comparable(node: ScalarNode): string | undefined {
  const { text } = node;
  if (text === '' || text.includes('{{')) return undefined;
  if (isUnknown(text)) return writtenText(node);
  return text.includes('$') ? undefined : text;
}

function malformed(key: string): string | undefined {
  if (!KEY_CHARACTERS.test(key))
    return 'has characters other than letters, digits, "_", "-" and ":"; the upload is refused';
  if (UUID.test(key)) return 'looks like a UUID, which only Buildkite may give; the upload is refused';
  const length = key.replaceAll(PLACEHOLDER, '').length;
  if (length > MAX_KEY_LENGTH)
    return `is ${length} characters long, but ${MAX_KEY_LENGTH} are the most; the upload is refused`;
  return undefined;
}

/** Steps with conditions may stand for each other: only one of them is in a build. */
function areExclusive(first: KeyedStep, second: KeyedStep): boolean {
  const conditional = ({ lintStep: { step, group } }: KeyedStep): boolean =>
    [step, group?.step].some(
      (each) =>
        each !== undefined &&
        (each.if !== undefined ||
          each.branches.length > 0 ||
          each.skip !== undefined ||
          'if_changed' in each.otherFields),
    );
  return conditional(first) && conditional(second);
}

function twice(first: KeyedStep, second: KeyedStep, { lines }: LintDocument): Found {
  const at: Span = second.node.alias ?? second.entry.merge ?? second.node;
  const { line } = lines.rangeOf(first.node);
  const sameText = first.node.start === second.node.start;
  const name = writtenText(second.node);
  return {
    rule: KEY,
    // Nobody knows how Buildkite compares an "id" with an "identifier".
    ...(first.entry.key !== second.entry.key && ![first.entry.key, second.entry.key].includes('key')
      ? { severity: 'warning' as const }
      : {}),
    at,
    message: sameText
      ? `this brings the step key "${name}" a second time (from line ${line}); keys must be unique, so the upload is refused. give each step a key of its own`
      : `step key "${name}" is used twice (also line ${line}); keys must be unique, so the upload is refused`,
    related: [{ at: first.node, message: 'the first step with this key' }],
  };
}

const DEPENDS_ON = 'step/depends-on';

function* dependsOn(document: LintDocument, { neighbours }: LintWorld): Iterable<Found> {
  const own = keyed(document).map(({ node }) => node.text);
  const patterns = own.filter(isUnknown).map(patternOf);
  const labels = new Set(document.steps.flatMap(({ step }) => (step.key === undefined ? (step.label ?? []) : [])));
  for (const { lintStep, node } of document.steps.flatMap((step) => dependencies(step))) {
    const key = knownText(node);
    if (key === undefined || key === '' || key.includes('{{') || key.includes('$') || own.includes(key)) continue;
    if (neighbours.stepKeys.has(key) || patterns.some((pattern) => pattern.test(key))) continue;
    yield missing(node, { own: own.filter((name) => name !== lintStep.step.key), labels });
  }
  yield* dependencyCycles(document);
}

/** Matches all keys that a key with unknown parts may become. */
function patternOf(key: string): RegExp {
  const parts = key.split(PLACEHOLDER).map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`));
  return new RegExp(`^${parts.join('.*')}$`);
}

function missing(
  node: ScalarNode,
  { own, labels }: { readonly own: readonly string[]; readonly labels: ReadonlySet<string> },
): Found {
  const key = node.text;
  if (labels.has(key)) {
    const message = `"${key}" is the label of a step, but "depends_on" needs its key; give that step a "key", otherwise the build fails`;
    return { rule: DEPENDS_ON, severity: 'warning', at: node, message };
  }
  const meant = typoOf(key, own);
  if (meant !== undefined) {
    const message = `no step "${key}" in this file; did you mean "${meant}"? if no other upload brings it, the build fails`;
    return { rule: DEPENDS_ON, severity: 'warning', at: node, message };
  }
  return {
    rule: DEPENDS_ON,
    severity: 'info',
    at: node,
    message: `no step "${key}" in this file; unless another upload of the build brings it, the build fails`,
  };
}

const PARTNERS: readonly [attribute: string, needs: string][] = [
  ['concurrency', 'concurrency_group'],
  ['concurrency_group', 'concurrency'],
  ['concurrency_method', 'concurrency_group'],
];

function* concurrency({ commandSteps }: LintDocument): Iterable<Found> {
  for (const { step } of commandSteps) {
    const { source } = step;
    const lonely = PARTNERS.find(([attribute, needs]) => isGiven(source, attribute) && !isGiven(source, needs));
    const entry = lonely === undefined ? undefined : entryOf(source, lonely[0]);
    if (lonely === undefined || entry === undefined || hasTypoOf(source, lonely[1])) continue;
    yield {
      rule: 'step/concurrency',
      at: entry.keySpan,
      message: `"${lonely[0]}" needs "${lonely[1]}"; without it the upload is refused`,
    };
  }
}

function isGiven(source: SourceNode, attribute: string): boolean {
  const node = entryOf(source, attribute)?.value;
  return node !== undefined && !(node.kind === 'scalar' && node.value === null);
}

/** The partner may be there, but mistyped: that is told already. */
function hasTypoOf(source: SourceNode, attribute: string): boolean {
  return (
    source.kind === 'map' &&
    source.entries.some(({ key }) => key !== attribute && typoOf(key, [attribute]) !== undefined)
  );
}

import { Lexer } from 'yaml';
import { expandStep } from '../../pipeline/matrix.js';
import { entryOf, type PipelineProblem, type SourceNode } from '../../pipeline/source-tree.js';
import { isUnknown } from '../placeholder.js';
import type { LintCommandStep, LintDocument } from '../document.js';
import type { Span } from '../finding.js';
import { entriesOf } from '../nodes.js';
import { isRayciGroup } from '../rayci.js';
import type { Found, RuleSet } from '../rule.js';
import { isOlder } from '../versions.js';
import type { LintWorld } from '../world.js';
import { fileKind, templateKind } from './file-kinds.js';
import { unquotedMatrixTokens } from './yaml.js';

/** Whether the file is a pipeline at all. */
export const pipelineShapeRules: RuleSet = {
  rules: [
    {
      id: 'pipeline/shape',
      severity: 'error',
      fixable: true,
      summary: 'The file is not valid YAML, or no pipeline.',
      why: 'The agent cannot read the file, or Buildkite does not take it, so the step that uploads it fails and no other step runs.',
      remedy:
        'Correct the place that the message names; what the parser says of later lines is often a consequence of it.',
    },
  ],
  checks: [
    { scope: 'file', check: shape },
    { scope: 'file', check: emptySteps },
    { scope: 'file', check: tooManyJobs },
    { scope: 'file', check: documents },
    { scope: 'file', check: rayciGroups },
  ],
};

const RULE = 'pipeline/shape';

function* shape(document: LintDocument): Iterable<Found> {
  for (const problem of document.problems) {
    if (!isOfShape(problem) || isOfMatrixToken(document, problem)) continue;
    const root = document.roots.find((candidate) => isAt(candidate, problem));
    if (root?.kind === 'map' && entryOf(root, 'steps') === undefined) yield withoutSteps(root);
    else yield misshapen(document, problem);
  }
}

/** The parser files every `{{` under the matrix; a token of another template language is a file of another shape. */
function isOfShape({ rule }: PipelineProblem): boolean {
  return rule === RULE || rule === 'yaml/unquoted-matrix';
}

/** What the parser says of `{{matrix}}` without quotes, and of the lines after it, is told by `yaml/unquoted-matrix`. */
function isOfMatrixToken({ tree, text, lines }: LintDocument, { at }: PipelineProblem): boolean {
  if (tree.documents.length > 0) return false;
  const [token] = unquotedMatrixTokens(text);
  return token !== undefined && lines.rangeOf(token).line <= at.line;
}

/** An empty list may be what a generator means; nothing at all is not. */
function* emptySteps({ roots }: LintDocument): Iterable<Found> {
  for (const root of roots) {
    const steps = entryOf(root, 'steps');
    if (steps?.value.kind !== 'scalar' || steps.value.value !== null) continue;
    const message = 'no steps are under "steps", so this uploads nothing; add steps, or indent those that follow';
    yield { rule: RULE, severity: 'warning', at: steps.keySpan, message };
  }
}

function isAt({ at }: SourceNode, { at: place }: PipelineProblem): boolean {
  return at.line === place.line && at.column === place.column;
}

/** What to do about complaints of the parser that do not say it. */
const REMEDIES: readonly [complaint: RegExp, remedy: string][] = [
  [/^tabs are not allowed/, 'indent with spaces'],
  [/^invalid escape sequence/, 'remove the backslash, or use single quotes, in which it means itself'],
  [/^nested mappings are not allowed/, 'put quotes around a value with ": " in it, or check the indentation'],
  [/^implicit keys need to be on a single line/, 'check the line above and its indentation'],
  [/^missing closing/, 'close the quote'],
  [
    /^flow (?:map|sequence) in block collection/,
    'close the bracket on the line where it opens, or indent what is in it',
  ],
];

function misshapen(document: LintDocument, { at, message }: PipelineProblem): Found {
  const { text, tree } = document;
  const start = culprit(document, { offset: document.lines.startOf(at.line) + at.column - 1, message });
  const template = tree.documents.length === 0 ? templateKind(text) : undefined;
  const remedy = REMEDIES.find(([complaint]) => complaint.test(message))?.[1];
  const advice = template === undefined ? remedy : `this looks like ${template}; fill it in first and lint the result`;
  const said = advice === undefined ? message : `${message}. ${advice}`;
  return { rule: RULE, at: { start, end: start + 1 }, message: said };
}

interface Complaint {
  readonly offset: number;
  readonly message: string;
}

/** Where a reviewer would point at, for complaints that the parser makes somewhere else. */
function culprit({ text, roots }: LintDocument, { offset, message }: Complaint): number {
  if (message.startsWith('"steps" must be a list')) {
    const steps = roots.flatMap((root) => entryOf(root, 'steps') ?? []).find(({ value }) => value.start === offset);
    return steps?.keySpan.start ?? offset;
  }
  // A value goes on in the next line: the key there is indented too far.
  if (message.startsWith('nested mappings')) {
    const colon = /:(?=\s|$)/g;
    colon.lastIndex = offset;
    const line = text.lastIndexOf('\n', colon.exec(text)?.index) + 1;
    return line > offset ? line + text.slice(line).search(/\S/) : offset;
  }
  return message.startsWith('missing closing') ? openingQuote(text, offset) : offset;
}

/** A quote that nobody closes takes in the rest of the file, so it is the last one that opens anything. */
function openingQuote(text: string, end: number): number {
  let at = 0;
  let last = end;
  for (const token of new Lexer().lex(text)) {
    if (text.slice(at, at + token.length) !== token) continue;
    if (/^["']/.test(token) && at < end) last = at;
    at += token.length;
  }
  return last;
}

function withoutSteps(root: SourceNode): Found {
  const step = entryOf(root, 'step') ?? entryOf(root, 'Steps') ?? entryOf(root, 'stages');
  if (step?.value.kind === 'list') {
    return {
      rule: RULE,
      at: step.keySpan,
      message: `no "steps" found, so this uploads nothing; did you mean "steps" where it says "${step.key}"?`,
      fix: { description: 'rename it to "steps"', edits: [{ ...step.keySpan, text: 'steps' }] },
    };
  }
  const at = entriesOf(root)[0]?.keySpan ?? root;
  const kind = fileKind(root);
  if (kind !== undefined)
    return { rule: RULE, at, message: `this is ${kind}, not a pipeline: it has no "steps"; leave it out of the run` };
  const nothing = 'no "steps" found, so this uploads nothing';
  const outer = entriesOf(root).find(({ value }) => entryOf(value, 'steps')?.value.kind === 'list');
  if (outer !== undefined)
    return { rule: RULE, at: outer.keySpan, message: `${nothing}; move what is under "${outer.key}" to the top` };
  return { rule: RULE, at, message: `${nothing}; a pipeline is a mapping with "steps", or a list of steps` };
}

function* rayciGroups({ roots }: LintDocument): Iterable<Found> {
  for (const root of roots.filter(isRayciGroup)) {
    const at = entryOf(root, 'group')?.keySpan ?? root;
    const message = 'this is a group of steps for rayci, which makes a pipeline of it; lint what it makes';
    yield { rule: RULE, at, message };
  }
}

/** More jobs than this Buildkite does not take from one upload. */
const MAX_JOBS = 500;

function* tooManyJobs(document: LintDocument): Iterable<Found> {
  for (const root of document.roots) {
    const steps = document.commandSteps.filter((step) => step.root === root);
    const counts = steps.map(jobsOf);
    const sum = counts.reduce((total, count) => total + count, 0);
    if (sum <= MAX_JOBS) continue;
    const largest = steps[counts.indexOf(Math.max(...counts))];
    yield {
      rule: RULE,
      at: multiplier(largest) ?? entryOf(root, 'steps')?.keySpan ?? { start: root.start, end: root.start + 1 },
      message: `this pipeline makes ${sum} jobs, but one upload may bring no more than ${MAX_JOBS}; the upload fails. split it into several uploads`,
    };
  }
}

function jobsOf({ step }: LintCommandStep): number {
  const { parallelism } = step;
  if (parallelism !== undefined && (isUnknown(String(parallelism)) || parallelism < 1)) return 1;
  return expandStep(step).variants.length;
}

function multiplier(step: LintCommandStep | undefined): Span | undefined {
  return (entryOf(step?.step.source, 'parallelism') ?? entryOf(step?.step.source, 'matrix'))?.keySpan;
}

/** The first agent that uploads all documents of a file. */
const SEVERAL_DOCUMENTS = '3.99.0';

function* documents({ tree }: LintDocument, { versions }: LintWorld): Iterable<Found> {
  const [, second] = tree.documents;
  if (second === undefined || versions.agent === undefined || !isOlder(versions.agent, SEVERAL_DOCUMENTS)) return;
  yield {
    rule: RULE,
    severity: 'info',
    at: { start: second.start, end: second.start + 1 },
    message: `this is a second YAML document; agent ${versions.agent} uploads only the first one and leaves this out without a word. agents from ${SEVERAL_DOCUMENTS} on upload all`,
  };
}

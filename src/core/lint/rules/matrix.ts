import { closestName } from '../../closest-name.js';
import { entryOf, type MapNode, type ScalarNode, type SourceNode } from '../../pipeline/source-tree.js';
import type { LintCommandStep } from '../document.js';
import type { Span } from '../finding.js';
import { entriesOf, itemsOf, knownText, nodeAt } from '../nodes.js';
import { isUnknown, PLACEHOLDER } from '../placeholder.js';
import type { Found, RuleSet, StepContext } from '../rule.js';
import { firstLineOf } from '../spans.js';

/** The matrix of a step and the tokens that stand for its elements. */
export const matrixRules: RuleSet = {
  rules: [
    {
      id: 'matrix/token',
      severity: 'error',
      summary: 'A matrix is not one that Buildkite takes, or a token names none of its dimensions.',
      why: 'The upload is refused, or the token stays in the command as it is. Tokens are replaced in label, command, env, plugins, agents and image only.',
      remedy: 'Name a dimension of the matrix: {{matrix.os}}, or {{matrix}} for a plain list.',
    },
  ],
  checks: [
    { scope: 'step', check: setup },
    { scope: 'step', check: tokens },
  ],
};

const RULE = 'matrix/token';

/** Attributes in which Buildkite replaces tokens. */
const EXPANDED: ReadonlySet<string> = new Set([
  'label',
  'name',
  'command',
  'commands',
  'script',
  'env',
  'plugins',
  'agents',
  'agent_query_rules',
  'image',
]);
/** Attributes whose text is nobody's business. */
const NOT_LOOKED_AT: ReadonlySet<string> = new Set(['matrix', 'signature']);
const BRACES = /\{\{\s*(matrix\b[^{}]*?|[\w.-]+)\s*\}\}/gi;

interface Token {
  readonly at: Span;
  readonly written: string;
  /** What stands between the braces. */
  readonly inner: string;
  readonly attribute: string;
}

function* tokens(step: LintCommandStep, { document: { text } }: StepContext): Iterable<Found> {
  const { source } = step.step;
  if (source.kind !== 'map') return;
  const dimensions = dimensionsOf(source);
  const used = new Set<string>();
  for (const token of tokensOf(source, text)) {
    const dimension = /^matrix(?:\.([\w.-]+))?$/.exec(token.inner);
    if (dimension !== null) used.add(dimension[1] ?? '');
    const message = complaint(token, dimensions);
    if (message !== undefined) yield { rule: RULE, at: token.at, message };
  }
  yield* unused(source, used);
}

/** The dimensions of a step's matrix, `''` for the unnamed one; undefined when it has none, or none that can be read. */
function dimensionsOf(source: MapNode): readonly string[] | undefined {
  const matrix = entryOf(source, 'matrix')?.value;
  const given = matrix?.kind === 'map' ? entryOf(matrix, 'setup')?.value : matrix;
  if (given === undefined || (given.kind === 'scalar' && given.value === null)) return undefined;
  return given.kind === 'map' ? given.entries.map(({ key }) => key) : [''];
}

function complaint(
  { written, inner, attribute }: Token,
  dimensions: readonly string[] | undefined,
): string | undefined {
  const [, dimension = ''] = /^matrix(?:\.([\w.-]+))?$/.exec(inner) ?? [];
  const isToken = inner === 'matrix' || dimension !== '';
  if (dimensions === undefined) {
    return isToken && EXPANDED.has(attribute)
      ? `this step has no "matrix", so ${written} stays as it is; add the matrix or remove the token`
      : undefined;
  }
  if (!isToken) return lookalike(written, inner, dimensions);
  if (!EXPANDED.has(attribute))
    return `${written} is not replaced in "${attribute}", so all jobs of the matrix have it literally; tokens work in label, command, env, plugins, agents and image`;
  if (dimensions.includes(dimension)) return undefined;
  return unknownDimension({ written, dimension, dimensions });
}

function unknownDimension(of: {
  readonly written: string;
  readonly dimension: string;
  readonly dimensions: readonly string[];
}): string {
  const { written, dimension, dimensions } = of;
  const names = dimensions.map((name) => `"${name}"`).join(', ');
  if (dimension === '')
    return `${written} needs the name of a dimension, because this matrix has named ones; write {{matrix.${dimensions[0] ?? 'name'}}} (it has ${names})`;
  if (dimensions.includes(''))
    return `the matrix has no dimension "${dimension}", it is a plain list; write {{matrix}}, otherwise the upload is refused`;
  const meant = closestName(dimension, dimensions);
  const hint = meant === undefined ? `it has ${names}` : `did you mean "${meant}"?`;
  return `the matrix has no dimension "${dimension}", so the upload is refused; ${hint}`;
}

/** What was meant as a token and is none: `{{Matrix.os}}`, `{{matrix[0]}}`, `{{os}}`. */
function lookalike(written: string, inner: string, dimensions: readonly string[]): string | undefined {
  if (/^matrix\b/i.test(inner))
    return `${written} is no matrix token, so it stays as it is; write {{matrix}} or {{matrix.name}}`;
  return dimensions.includes(inner) ? `${written} stays as it is; write {{matrix.${inner}}}` : undefined;
}

function* unused(source: MapNode, used: ReadonlySet<string>): Iterable<Found> {
  const setupNode = nodeAt(source, ['matrix', 'setup']);
  for (const { key, keySpan } of entriesOf(setupNode)) {
    if (used.has(key) || isUnknown(key)) continue;
    const message = `no token uses the dimension "${key}", so its jobs differ in nothing; use {{matrix.${key}}} or remove it`;
    yield { rule: RULE, severity: 'info', at: keySpan, message };
  }
}

function tokensOf(source: MapNode, text: string): readonly Token[] {
  return source.entries.flatMap(({ key, keySpan, value }) =>
    NOT_LOOKED_AT.has(key)
      ? []
      : [...braces(value, text)].map(({ at, written, inner }) => ({
          at: at ?? keySpan,
          written,
          inner,
          attribute: key,
        })),
  );
}

interface Braces {
  readonly at: Span | undefined;
  readonly written: string;
  readonly inner: string;
}

function* braces(node: SourceNode, text: string): Iterable<Braces> {
  if (node.kind === 'list') for (const item of node.items) yield* braces(item, text);
  if (node.kind === 'map') {
    for (const { key, keySpan, value } of node.entries) {
      for (const [written, inner = ''] of key.matchAll(BRACES)) yield { at: keySpan, written, inner };
      yield* braces(value, text);
    }
  }
  if (node.kind === 'scalar' && node.text.includes('{{')) yield* bracesIn(node, text);
}

function* bracesIn(node: ScalarNode, text: string): Iterable<Braces> {
  let from = node.start;
  for (const [written, inner = ''] of node.text.matchAll(BRACES)) {
    const start = text.indexOf(written, from);
    const isHere = start >= 0 && start + written.length <= node.end;
    if (isHere) from = start + written.length;
    yield { at: isHere ? { start, end: from } : undefined, written, inner };
  }
}

const MAX_DIMENSIONS = 6;
const MAX_ELEMENT_BYTES = 128;
const DIMENSION_NAME = /^[a-zA-Z0-9_]+$/;

function* setup({ step }: LintCommandStep, { document }: StepContext): Iterable<Found> {
  const entry = entryOf(step.source, 'matrix');
  if (entry === undefined) return;
  const setupNode = nodeAt(entry.value, ['setup']);
  if (entry.value.kind === 'list' || setupNode !== undefined) yield* together(step.source);
  yield* dimensionNames(setupNode);
  for (const element of elementsOf(entry.value, setupNode)) {
    const bytes = new TextEncoder().encode((knownText(element) ?? '').replaceAll(PLACEHOLDER, '')).length;
    if (bytes <= MAX_ELEMENT_BYTES) continue;
    const message = `this matrix element is ${bytes} bytes long, but ${MAX_ELEMENT_BYTES} are the most; the upload is refused`;
    yield { rule: RULE, at: firstLineOf(document.lines, element), message };
  }
  const dimensions = dimensionsOf(step.source as MapNode) ?? [];
  for (const node of itemsOf(nodeAt(entry.value, ['adjustments']))) yield* adjustment(node, dimensions);
}

function* together(source: SourceNode): Iterable<Found> {
  const parallelism = entryOf(source, 'parallelism');
  if (parallelism === undefined || (parallelism.value.kind === 'scalar' && parallelism.value.value === null)) return;
  yield {
    rule: RULE,
    at: parallelism.keySpan,
    message:
      '"parallelism" cannot stand beside "matrix"; the upload is refused. make the number a dimension of the matrix',
  };
}

function* dimensionNames(setupNode: SourceNode | undefined): Iterable<Found> {
  const entries = entriesOf(setupNode);
  const seventh = entries[MAX_DIMENSIONS];
  if (seventh !== undefined) {
    const message = `this matrix has ${entries.length} dimensions, but ${MAX_DIMENSIONS} are the most; the upload is refused`;
    yield { rule: RULE, at: seventh.keySpan, message };
  }
  for (const { key, keySpan } of entries) {
    if (DIMENSION_NAME.test(key)) continue;
    const message = `"${key}" cannot name a dimension of a matrix; use letters, digits and "_" only`;
    yield { rule: RULE, severity: 'warning', at: keySpan, message };
  }
}

function elementsOf(matrix: SourceNode, setupNode: SourceNode | undefined): readonly SourceNode[] {
  const given = setupNode ?? matrix;
  return given.kind === 'map' ? given.entries.flatMap(({ value }) => itemsOf(value)) : itemsOf(given);
}

function* adjustment(node: SourceNode, dimensions: readonly string[]): Iterable<Found> {
  const chosen = entryOf(node, 'with');
  if (chosen === undefined || dimensions.some(isUnknown)) return;
  const unknown =
    chosen.value.kind === 'map' ? chosen.value.entries.filter(({ key }) => !dimensions.includes(key)) : [];
  const names = dimensions.map((name) => (name === '' ? 'none (it is a plain list)' : `"${name}"`)).join(', ');
  for (const { key, keySpan } of unknown) {
    const message = `the matrix has no dimension "${key}" that an adjustment could name; its dimensions are ${names}. the upload is refused`;
    yield { rule: RULE, at: keySpan, message };
  }
}

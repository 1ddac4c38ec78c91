import { Lexer } from 'yaml';
import type { MapEntry, SourceNode } from '../../pipeline/source-tree.js';
import type { LintDocument } from '../document.js';
import type { Fix, Span } from '../finding.js';
import type { Found, RuleSet } from '../rule.js';

/** Valid YAML, or nearly, that is something else than it looks. */
export const yamlRules: RuleSet = {
  rules: [
    {
      id: 'yaml/duplicate-key',
      severity: 'error',
      summary: 'A mapping has the same key twice.',
      why: 'The agent takes the last one without a word; the value of the first is lost.',
      remedy: 'Join the two values or remove one of them.',
    },
    {
      id: 'yaml/unquoted-matrix',
      severity: 'error',
      fixable: true,
      summary: 'A value begins with a matrix token and has no quotes.',
      why: 'YAML reads "{{" as a mapping whose key is a mapping. The agent cannot read the file, so the upload fails and no step runs.',
      remedy: 'Put quotes around the value: "{{matrix}}".',
    },
    {
      id: 'yaml/merge-loses-keys',
      severity: 'info',
      summary: 'A mapping replaces the one that "<<" brings, and keys of that are lost.',
      why: '"<<" looks at the keys of one level only. A nested mapping that is written again replaces the merged one as a whole: what it does not repeat is gone, and no tool says so. A "<<" that brings no mapping, an alias without an anchor before it and an anchor that holds itself make the upload fail.',
      remedy: 'Give the nested mapping an anchor of its own and merge that, too, or repeat the keys.',
    },
  ],
  checks: [
    { scope: 'file', check: duplicateKeys },
    { scope: 'file', check: unquotedMatrix },
    { scope: 'file', check: brokenAliases },
    { scope: 'file', check: lostKeys },
  ],
};

function* duplicateKeys({ tree, lines }: LintDocument): Iterable<Found> {
  for (const { key, first, start, end } of tree.duplicates) {
    yield {
      rule: 'yaml/duplicate-key',
      at: { start, end },
      message: `duplicate key "${key}"; this value silently replaces the one at line ${lines.rangeOf(first).line}; join them or remove one`,
      related: [{ at: first, message: `the value of this "${key}" is lost` }],
    };
  }
}

const MATRIX_BRACES = /\{\{\s*matrix\b[^{}\n]*\}\}/y;

/**
 * Matrix tokens that YAML takes for mappings, in a text that could not be read. Offsets of the tokens with what belongs to the same value.
 */
export function unquotedMatrixTokens(text: string): readonly Span[] {
  if (!/\{\{\s*matrix\b/.test(text)) return [];
  const spans: Span[] = [];
  let offset = 0;
  let depth = 0;
  for (const token of new Lexer().lex(text)) {
    if (isControl(token)) continue;
    MATRIX_BRACES.lastIndex = offset;
    const braces = token === '{' ? MATRIX_BRACES.exec(text)?.[0] : undefined;
    if (braces !== undefined) spans.push({ start: offset, end: endOfValue(text, offset + braces.length, depth > 0) });
    depth = Math.max(0, depth + (DEPTHS.get(token) ?? 0));
    offset += token.length;
  }
  return spans;
}

/** What a token does to the depth of flow collections. */
const DEPTHS: ReadonlyMap<string, number> = new Map([
  ['{', 1],
  ['[', 1],
  ['}', -1],
  [']', -1],
]);

/** Marks of the lexer that are not in the text. */
function isControl(token: string): boolean {
  return token === '\x02' || token === '\x18' || token === '\x1f';
}

function endOfValue(text: string, end: number, inFlow: boolean): number {
  const rest = inFlow ? /[^,\]}\n]*/y : /(?:(?!\s#)[^\n])*/y;
  rest.lastIndex = end;
  return end + (rest.exec(text)?.[0].trimEnd().length ?? 0);
}

function* unquotedMatrix({ tree, text }: LintDocument): Iterable<Found> {
  if (tree.problems.length === 0) return;
  for (const at of unquotedMatrixTokens(text)) {
    const value = text.slice(at.start, at.end);
    yield {
      rule: 'yaml/unquoted-matrix',
      at,
      message: `"${value}" begins with "{", which YAML reads as a mapping, so the agent refuses the file and the upload fails; put quotes around ${value}`,
      fix: quotes(value, at),
    };
  }
}

function quotes(value: string, at: Span): Fix | undefined {
  // A token in front of a colon may be a key.
  if (/["'\\]|:(?:\s|$)/.test(value)) return undefined;
  return { description: 'put quotes around it', edits: [{ ...at, text: `"${value}"` }] };
}

function* brokenAliases({ tree, lines, text }: LintDocument): Iterable<Found> {
  for (const { rule, at, message } of tree.problems) {
    if (rule !== 'yaml/merge-loses-keys') continue;
    const start = lines.startOf(at.line) + at.column - 1;
    const [word = ''] = /^[^\s,\]}]*/.exec(text.slice(start, start + 80)) ?? [];
    yield { rule, severity: 'error', at: { start, end: start + Math.max(1, word.length) }, message };
  }
}

function* lostKeys({ tree, lines, text }: LintDocument): Iterable<Found> {
  if (!text.includes('<<')) return;
  const seen = new Set<number>();
  for (const root of tree.documents) {
    for (const entry of overridingEntries(root, seen)) {
      const lost = lostFrom(entry);
      if (lost.length === 0 || entry.overrides === undefined) continue;
      const { keySpan } = entry.overrides;
      yield {
        rule: 'yaml/merge-loses-keys',
        at: entry.keySpan,
        message: `this "${entry.key}" replaces the one that "<<" brings from line ${lines.rangeOf(keySpan).line} and loses ${listed(lost)}; "<<" does not merge nested mappings`,
        related: [{ at: keySpan, message: `the "${entry.key}" that is replaced` }],
      };
    }
  }
}

function* overridingEntries(node: SourceNode, seen: Set<number>): Iterable<MapEntry> {
  if (node.kind === 'scalar') return;
  if (node.kind === 'map' && seen.has(node.start)) return;
  seen.add(node.start);
  if (node.kind === 'list') {
    for (const item of node.items) yield* overridingEntries(item, seen);
    return;
  }
  for (const entry of node.entries) {
    if (entry.overrides !== undefined) yield entry;
    yield* overridingEntries(entry.value, seen);
  }
}

/** Keys of the merged mapping that are gone; none when its author merges it again inside. */
function lostFrom({ value, overrides }: MapEntry): readonly string[] {
  if (value.kind !== 'map' || overrides?.value.kind !== 'map') return [];
  if (value.alias !== undefined || value.entries.some(({ merge, overrides: inner }) => merge ?? inner)) return [];
  const kept = new Set(value.entries.map(({ key }) => key));
  return overrides.value.entries.map(({ key }) => key).filter((key) => !kept.has(key));
}

const MAX_LISTED = 3;

function listed(keys: readonly string[]): string {
  const shown = keys.slice(0, MAX_LISTED).map((key) => `"${key}"`);
  const more = keys.length - shown.length;
  return more > 0 ? `${shown.join(', ')} and ${more} more` : shown.join(' and ');
}

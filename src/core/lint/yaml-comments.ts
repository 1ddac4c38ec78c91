import { Lexer } from 'yaml';
import type { Span } from './finding.js';
import { TextLines } from './text-lines.js';

/** A comment of YAML; what looks like one inside a scalar is not in here. */
export interface YamlComment extends Span {
  /** With its `#`. */
  readonly text: string;
  readonly line: number;
  /** Whether nothing else stands on its line. */
  readonly isAlone: boolean;
}

export interface YamlComments {
  readonly comments: readonly YamlComment[];
  /** Last line of the scalar that begins on a line and ends on a later one. */
  readonly scalarEnds: ReadonlyMap<number, number>;
}

/** Marks of the lexer that stand for no text. */
const MARKS = new Set(['\u0002', '\u0018', '\u001F']);
const SCALAR_FOLLOWS = '\u001F';

/** Finds the comments of a text, also of one that is not valid YAML. */
export function yamlComments(text: string): YamlComments {
  const lines = new TextLines(text);
  const lineOf = (offset: number): number => lines.rangeOf({ start: offset, end: offset }).line;
  const comments: YamlComment[] = [];
  const scalarEnds = new Map<number, number>();
  let headerLine = 0;
  for (const { token, start, isScalar } of tokensOf(text)) {
    if (isScalar) {
      // The text of a block scalar begins on the line after its `|`.
      const first = headerLine > 0 ? headerLine : lineOf(start);
      const last = lineOf(start + token.trimEnd().length);
      if (last > first) scalarEnds.set(first, Math.max(last, scalarEnds.get(first) ?? 0));
      headerLine = 0;
    } else if (/^[|>]/.test(token)) headerLine = lineOf(start);
    else if (token.startsWith('#')) {
      const line = lineOf(start);
      const before = text.slice(lines.startOf(line), start).replace(/^\uFEFF/, '');
      comments.push({ start, end: start + token.length, text: token.trimEnd(), line, isAlone: before.trim() === '' });
    }
  }
  return { comments, scalarEnds };
}

function* tokensOf(text: string): Iterable<{ token: string; start: number; isScalar: boolean }> {
  let start = 0;
  let before = '';
  for (const token of new Lexer().lex(text)) {
    const isScalar = before === SCALAR_FOLLOWS || token.startsWith('"') || token.startsWith("'");
    before = token;
    if (MARKS.has(token)) continue;
    yield { token, start, isScalar };
    start += token.length;
  }
}

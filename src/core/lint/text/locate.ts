import type { Span } from '../finding.js';

/** Where each character of a scalar's value stands in the text the scalar was written as. */
export interface ScalarMap {
  /**
   * The source of a piece of the value; offsets from the start of the scalar's source. An empty piece is the place where text must be put
   * in to appear there in the value.
   */
  readonly locate: (start: number, end: number) => Span;
}

/**
 * Maps a scalar's value back to its source: plain, quoted with escapes, literal and folded, with LF or CRLF.
 * @param source the scalar as written, from its quote or block indicator on, without tag and anchor (the `yaml` node's range)
 * @param value what the parser read from it; undefined is returned when this module reads something else
 */
export function mapScalar(source: string, value: string): ScalarMap | undefined {
  for (const units of readings(source)) {
    if (units.map((unit) => unit.text).join('') === value) return toMap(units, source);
  }
  return undefined;
}

/** A piece of the value with the piece of the source that it came from. */
interface Unit extends Span {
  readonly text: string;
}

/** What the source can mean; only a block scalar with an indentation indicator has more than one reading without its parent. */
function readings(source: string): Iterable<readonly Unit[]> {
  switch (source.charAt(0)) {
    case "'":
      return [singleQuoted(source)];
    case '"':
      return [doubleQuoted(source)];
    case '|':
    case '>':
      return blockReadings(source);
    default:
      return [folded(source, 0, source.length)];
  }
}

function toMap(units: readonly Unit[], source: string): ScalarMap {
  const starts: number[] = [];
  const ends: number[] = [];
  for (const unit of units) {
    for (let index = 0; index < unit.text.length; index++) {
      starts.push(unit.start);
      ends.push(unit.end);
    }
  }
  const empty = source.startsWith('"') || source.startsWith("'") ? 1 : source.length;
  const place = (offset: number): number => starts[offset] ?? ends.at(-1) ?? empty;
  return {
    locate: (start, end) => {
      const from = place(start);
      return { start: from, end: end > start ? Math.max(from, ends[end - 1] ?? place(end)) : from };
    },
  };
}

function verbatim(source: string, start: number, end: number): Unit[] {
  return Array.from({ length: end - start }, (_, index) => ({
    text: source.charAt(start + index),
    start: start + index,
    end: start + index + 1,
  }));
}

/** Where a line's end stands: before and after its `\n` or `\r\n`. */
type Break = Span;

/** Breaks between two lines of a text that folds: one is a space, the first of several is dropped. */
function foldedBreaks(breaks: readonly Break[]): Unit[] {
  const [first, ...more] = breaks;
  if (first === undefined) return [];
  return more.length === 0 ? [{ ...first, text: ' ' }] : more.map((line) => ({ ...line, text: '\n' }));
}

/** A plain scalar's text, or what stands between single quotes: line breaks fold, spaces around them vanish. */
function folded(source: string, start: number, end: number): Unit[] {
  const units: Unit[] = [];
  let position = start;
  for (const gap of source.slice(start, end).matchAll(/(?<![ \t])[ \t]*(?:\r?\n[ \t]*)+/g)) {
    const from = start + gap.index;
    units.push(...verbatim(source, position, from), ...foldedBreaks(breaksOf(gap[0], from)));
    position = from + gap[0].length;
  }
  return [...units, ...verbatim(source, position, end)];
}

function breaksOf(gap: string, start: number): readonly Break[] {
  return [...gap.matchAll(/\r?\n/g)].map((line) => ({
    start: start + line.index,
    end: start + line.index + line[0].length,
  }));
}

function singleQuoted(source: string): Unit[] {
  const units: Unit[] = [];
  for (const unit of folded(source, 1, source.length - 1)) {
    const last = units.at(-1);
    // Of two quotes the second only says that the first is meant.
    if (unit.text === "'" && last?.text === "'" && last.end - last.start === 1) {
      units[units.length - 1] = { ...last, end: unit.end };
    } else units.push(unit);
  }
  return units;
}

const ESCAPES: Readonly<Record<string, string>> = {
  '0': '\0',
  a: '\x07',
  b: '\b',
  e: '\x1b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  N: '\u0085',
  _: '\u00a0',
  L: '\u2028',
  P: '\u2029',
  ' ': ' ',
  '"': '"',
  '/': '/',
  '\\': '\\',
  '\t': '\t',
};

/** An escaped line end, an escape, a folding gap, or any other character. */
const DOUBLE_QUOTED =
  /\\\r?\n[ \t]*|\\x[\da-fA-F]{2}|\\u[\da-fA-F]{4}|\\U[\da-fA-F]{8}|\\[^]|[ \t]*\r?\n(?:[ \t]|\r?\n)*|[ \t]+|[^]/gu;

function doubleQuoted(source: string): Unit[] {
  return [...source.slice(1, -1).matchAll(DOUBLE_QUOTED)].flatMap((token) => {
    const text = token[0];
    const start = token.index + 1;
    const end = start + text.length;
    if (/^[ \t]*\r?\n/.test(text)) return foldedBreaks(breaksOf(text, start));
    if (!text.startsWith('\\')) return verbatim(source, start, end);
    if (/^\\\r?\n/.test(text)) return [];
    // What is no escape stays as it is.
    const character = unescaped(text);
    return character === undefined ? verbatim(source, start, end) : [{ text: character, start, end }];
  });
}

function unescaped(escape: string): string | undefined {
  const code = escape.charAt(1);
  if (escape.length > 2 && /[xuU]/.test(code)) return codePoint(parseInt(escape.slice(2), 16));
  return ESCAPES[code];
}

/** Nothing for a number that is no character: the value then differs, and there is no map. */
function codePoint(code: number): string {
  return code > 0x10ffff ? '' : String.fromCodePoint(code);
}

/** A line of a block scalar: its spaces, its text, its end. */
interface Line {
  readonly indent: number;
  readonly start: number;
  readonly text: string;
  readonly textEnd: number;
  readonly break: Break;
}

const HEADER = /^[|>]([-+\d]*)[^\n]*(?:\n|$)/;

function* blockReadings(source: string): Generator<readonly Unit[]> {
  const [header = '', indicators = ''] = HEADER.exec(source) ?? [];
  const lines = linesOf(source, header.length);
  const block = { folds: header.startsWith('>'), chomp: chompOf(indicators) };
  const indent = lines.find((line) => line.text !== '')?.indent ?? 0;
  yield readBlock(lines, { ...block, indent });
  if (!/\d/.test(indicators)) return;
  for (let less = indent - 1; less >= 0; less--) yield readBlock(lines, { ...block, indent: less });
}

function chompOf(indicators: string): BlockStyle['chomp'] {
  if (indicators.includes('-')) return 'strip';
  return indicators.includes('+') ? 'keep' : 'clip';
}

function linesOf(source: string, from: number): Line[] {
  const lines: Line[] = [];
  for (const match of source.slice(from).matchAll(/( *)([^\n]*?)(\r?\n|\r?$)/g)) {
    const [all, spaces = '', text = '', end = ''] = match;
    const start = from + match.index;
    const textEnd = start + spaces.length + text.length;
    if (all === '' && start > from && !source.endsWith('\n')) break;
    lines.push({ indent: spaces.length, start, text, textEnd, break: { start: textEnd, end: textEnd + end.length } });
  }
  return lines;
}

interface BlockStyle {
  readonly folds: boolean;
  readonly chomp: 'strip' | 'clip' | 'keep';
  readonly indent: number;
}

function readBlock(lines: readonly Line[], style: BlockStyle): Unit[] {
  const hasText = (line: Line): boolean => line.text !== '' || line.indent > style.indent;
  const count = lines.some((line) => line.text !== '') ? lines.findLastIndex(hasText) + 1 : 0;
  const body = readLines(lines.slice(0, count), style);
  return [...body, ...trailingBreaks(lines, count, style)];
}

function readLines(lines: readonly Line[], style: BlockStyle): Unit[] {
  const units: Unit[] = [];
  let breaks: Break[] = [];
  let previous: Line | undefined;
  for (const line of lines) {
    if (line.text !== '' || line.indent > style.indent) {
      const folds = style.folds && previous !== undefined && !isIndented(previous, style) && !isIndented(line, style);
      units.push(...(folds ? foldedBreaks(breaks) : breaks.map((end) => ({ ...end, text: '\n' }))));
      units.push(...contentOf(line, style));
      breaks = [];
      previous = line;
    }
    breaks.push(line.break);
  }
  return units;
}

/** Lines that begin with a space or tab of their own keep the line ends around them. */
function isIndented(line: Line, style: BlockStyle): boolean {
  return line.indent > style.indent || line.text.startsWith('\t');
}

function contentOf(line: Line, style: BlockStyle): Unit[] {
  const content = ' '.repeat(Math.max(0, line.indent - style.indent)) + line.text;
  const start = line.textEnd - content.length;
  return Array.from(content.split(''), (text, index) => ({ text, start: start + index, end: start + index + 1 }));
}

/** The line ends after the last line with text: none, one or all. */
function trailingBreaks(lines: readonly Line[], count: number, { chomp }: BlockStyle): Unit[] {
  const ends = lines.slice(Math.max(0, count - 1)).map((line) => ({ ...line.break, text: '\n' }));
  if (chomp === 'strip' || (chomp === 'clip' && count === 0)) return [];
  if (chomp === 'clip') return ends.slice(0, 1);
  return ends.length > 1 ? ends.slice(0, -1) : ends;
}

import { type MapEntry, parseSourceTree, type ScalarNode, type SourceNode } from '../pipeline/source-tree.js';
import type { Fix, Span, TextEdit } from './finding.js';

/** The text that a node or key was written as. */
export function sourceOf(text: string, { start, end }: Span): string {
  return text.slice(start, end).trimEnd();
}

/** Gives a key another name and keeps its quotes. */
export function renameKey(text: string, { keySpan, key }: Pick<MapEntry, 'keySpan' | 'key'>, name: string): Fix {
  const [quote = ''] = /^["']/.exec(text.slice(keySpan.start, keySpan.end)) ?? [];
  return {
    description: `write ${name} instead of ${key}`,
    edits: [{ start: keySpan.start, end: keySpan.end, text: `${quote}${name}${quote}` }],
  };
}

/** Replaces a value that stands in one line; undefined for values that an alias brought, because others use them too. */
export function replaceValue(text: string, node: SourceNode | undefined, written: string): Fix | undefined {
  if (node === undefined || node.alias !== undefined) return undefined;
  const old = sourceOf(text, node);
  if (old === '' || old.includes('\n') || /^[&!|>]/.test(old)) return undefined;
  return {
    description: `write ${written} instead of ${old}`,
    edits: [{ start: node.start, end: node.start + old.length, text: written }],
  };
}

/** Puts quotes around a plain value, which stays as it was written: `1.10` becomes `"1.10"`. */
export function quote(text: string, node: ScalarNode): Fix | undefined {
  const old = sourceOf(text, node);
  return node.style === 'plain' && !/["\\]/.test(old) ? replaceValue(text, node, `"${old}"`) : undefined;
}

/** A scalar as it must be written inside `{…}` or `[…]`: with quotes where YAML would read it in another way. */
export function flowScalar(value: string): string {
  return /^[A-Za-z_/.][\w./-]*$/.test(value) &&
    !/^(?:true|false|null|yes|no|on|off|y|n)$/i.test(value) &&
    !value.startsWith('.')
    ? value
    : JSON.stringify(value);
}

/** The whole lines of an entry that begins its line: what a move takes along. */
export interface EntryLines extends Span {
  /** Column of the key, 0-based. */
  readonly indent: number;
  readonly text: string;
}

/** Undefined when the entry shares a line with anything else: in flow style, after a dash, behind an alias. */
export function linesOf(text: string, entry: MapEntry): EntryLines | undefined {
  const { keySpan, value } = entry;
  const start = text.lastIndexOf('\n', keySpan.start - 1) + 1;
  if (!/^ *$/.test(text.slice(start, keySpan.start)) || entry.merge !== undefined) return undefined;
  const valueEnd = value.alias?.end ?? value.end;
  const end = lineEnd(
    text,
    Math.max(keySpan.end, keySpan.start + text.slice(keySpan.start, valueEnd).trimEnd().length),
  );
  return { start, end, indent: keySpan.start - start, text: text.slice(start, end) };
}

/** The end of the line in which an offset lies, behind its line break; undefined cannot happen at the end of the text. */
function lineEnd(text: string, offset: number): number {
  const at = text.indexOf('\n', offset);
  return at < 0 ? text.length : at + 1;
}

/** Moves every line by some columns; lines without text stay empty. */
export function shift(block: string, columns: number): string {
  return block
    .split('\n')
    .map((line) => {
      if (line.trim() === '') return line;
      return columns >= 0 ? ' '.repeat(columns) + line : line.replace(new RegExp(`^ {0,${-columns}}`), '');
    })
    .join('\n');
}

/** Puts a header line over neighbouring entries and moves them below it. */
export function nestUnder(text: string, entries: readonly MapEntry[], header: string): TextEdit[] | undefined {
  const blocks = entries.map((entry) => linesOf(text, entry));
  const edits: TextEdit[] = [];
  for (const [index, block] of blocks.entries()) {
    if (block === undefined) return undefined;
    const before = blocks[index - 1];
    if (before !== undefined && text.slice(before.end, block.start).trim() !== '') return undefined;
    const head = index === 0 ? `${' '.repeat(block.indent)}${header}\n` : '';
    edits.push({ start: block.start, end: block.end, text: head + shift(block.text, 2) });
  }
  return edits;
}

/** The mapping that a block text (`key: |`) holds; undefined when it is none. */
export function mappingInText(value: string): SourceNode | undefined {
  const [root] = parseSourceTree(value, '').documents;
  return root?.kind === 'map' ? root : undefined;
}

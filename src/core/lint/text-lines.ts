import type { Range, Span } from './finding.js';

/** Translates offsets of a text to lines and columns and back. */
export class TextLines {
  readonly text: string;
  private readonly starts: readonly number[];

  constructor(text: string) {
    this.text = text;
    const starts = [0];
    for (let index = text.indexOf('\n'); index >= 0; index = text.indexOf('\n', index + 1)) starts.push(index + 1);
    this.starts = starts;
  }

  get count(): number {
    return this.starts.length;
  }

  /** Line and column of a span, without the white space at its end; a span is at least one character wide where the line has one. */
  rangeOf({ start, end }: Span): Range {
    const trimmed = start + this.text.slice(start, end).trimEnd().length;
    const from = this.placeOf(start);
    const to = this.placeOf(Math.max(trimmed, start));
    return { line: from.line, column: from.column, endLine: to.line, endColumn: to.column };
  }

  /** The text of a line, counted from 1, without its line break. */
  lineAt(line: number): string {
    const start = this.starts[line - 1];
    if (start === undefined) return '';
    return this.text.slice(start, (this.starts[line] ?? this.text.length + 1) - 1).replace(/\r$/, '');
  }

  /** Offset of the first character of a line, counted from 1. */
  startOf(line: number): number {
    return this.starts[line - 1] ?? this.text.length;
  }

  private placeOf(offset: number): { readonly line: number; readonly column: number } {
    let [low, high] = [0, this.starts.length - 1];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((this.starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - (this.starts[low] ?? 0) + 1 };
  }
}

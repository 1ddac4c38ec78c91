import type { Span } from '../finding.js';
import { PLACEHOLDER } from '../placeholder.js';
import type { UploadPart, UploadText, UploadVariable } from './upload-text.js';

/** A text after the upload's interpolation, with the way back. */
export interface UploadedText {
  readonly text: string;
  /** The piece of the value that a piece of `text` came from. */
  readonly locate: (start: number, end: number) => Span;
}

/**
 * What the shell (or Kubernetes) gets to see of a value: `$$` is one dollar sign, a variable is what `fill` makes of it, and an error stays
 * as it is written, for then the text was meant for the shell.
 * @param fill @default `PLACEHOLDER` for every variable
 */
export function asUploaded(
  text: UploadText,
  fill: (variable: UploadVariable) => string = () => PLACEHOLDER,
): UploadedText {
  const pieces: (Span & { readonly text: string; readonly at: number; readonly verbatim: boolean })[] = [];
  let length = 0;
  for (const part of text) {
    const piece = textOf(part, fill);
    const verbatim = piece.length === part.end - part.start;
    pieces.push({ text: piece, at: length, verbatim, start: part.start, end: part.end });
    length += piece.length;
  }
  const holding = (offset: number): (typeof pieces)[number] | undefined =>
    pieces.find((piece) => offset >= piece.at && offset < piece.at + piece.text.length);
  return {
    text: pieces.map((piece) => piece.text).join(''),
    locate: (start, end) => {
      const first = holding(start);
      const last = holding(Math.max(start, end - 1)) ?? pieces.at(-1);
      const from =
        first === undefined ? (pieces.at(-1)?.end ?? 0) : first.start + (first.verbatim ? start - first.at : 0);
      if (end <= start || last === undefined) return { start: from, end: from };
      return { start: from, end: last.verbatim ? Math.min(last.end, last.start + end - last.at) : last.end };
    },
  };
}

function textOf(part: UploadPart, fill: (variable: UploadVariable) => string): string {
  if (part.kind === 'variable') return fill(part);
  return part.kind === 'error' ? part.source : part.text;
}

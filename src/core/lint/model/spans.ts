import type { Place, SourceNode } from '../../pipeline/source-tree.js';
import type { LintDocument } from './document.js';
import type { Span } from '../finding.js';
import type { TextLines } from './text-lines.js';

/** What to underline of a value: all of it when it stands on one line, else its first line. */
export function firstLineOf(lines: TextLines, { start, end }: Span): Span {
  const lineBreak = lines.text.indexOf('\n', start);
  return lineBreak < 0 || lineBreak >= end ? { start, end } : { start, end: lineBreak };
}

/** The first words of a mapping or list: a finding never underlines a whole block. */
export function firstSpan(node: SourceNode): Span {
  if (node.kind === 'map') return node.entries[0]?.keySpan ?? node;
  const first = node.kind === 'list' ? node.items[0] : undefined;
  return first === undefined ? node : firstSpan(first);
}

/** Something that stands at an offset: a key, or a value. */
export interface Standing {
  readonly span: Span;
  /** The value itself, or the one behind the key. */
  readonly node: SourceNode;
  /** The mapping whose first key this is. */
  readonly holder?: SourceNode;
}

/** Finds what a line and a column point at; made when the first is looked up. */
export class PlaceIndex {
  private readonly document: LintDocument;
  private found: Map<number, Standing> | undefined;

  constructor(document: LintDocument) {
    this.document = document;
  }

  /** The key or value that begins at a place; keys first, scalars before collections. */
  at({ line, column }: Pick<Place, 'line' | 'column'>): Standing | undefined {
    this.found ??= this.index();
    return this.found.get(this.document.lines.startOf(line) + column - 1);
  }

  private index(): Map<number, Standing> {
    const found = new Map<number, Standing>();
    const visit = (node: SourceNode): void => {
      if (node.kind === 'list') node.items.forEach(visit);
      else if (node.kind === 'map') {
        for (const { keySpan, value } of node.entries) {
          visit(value);
          const holder = keySpan.start === node.start ? { holder: node } : {};
          found.set(keySpan.start, { span: keySpan, node: value, ...holder });
        }
      }
      if (!found.has(node.start)) found.set(node.start, { span: firstLineOf(this.document.lines, node), node });
    };
    this.document.roots.forEach(visit);
    return found;
  }
}

import type { ScalarNode, SourceNode, TextSpan } from '../../pipeline/source-tree.js';
import type { LintCommandStep, LintDocument } from '../document.js';
import type { Fix, Span } from '../finding.js';
import { mapScalar, type ScalarMap } from './locate.js';
import { parseUploadText, type UploadText, type UploadVariable } from './upload-text.js';

/** A string that the upload expands, taken apart. */
export interface UploadSite {
  /** From the value the walk began at; the keys and indexes on the way. */
  readonly path: readonly (string | number)[];
  /** The whole of it in the file. */
  readonly span: Span;
  /** As written. */
  readonly value: string;
  readonly text: UploadText;
  /** Where a piece of the value stands in the file. */
  readonly locate: (start: number, end: number) => Span;
  /** A fix that puts something in front of places of the value that hold a `$`; undefined when one of them is written in another way. */
  readonly insert: (description: string, offsets: readonly number[], put: string) => Fix | undefined;
}

/** Keys whose values are uploaded as they are. */
const UNTOUCHED: ReadonlySet<string> = new Set(['signature']);

/** All strings below a node that hold something to expand; keys only when asked for. */
export function uploadSites(
  root: SourceNode,
  text: string,
  options: { readonly keys?: boolean } = {},
): readonly UploadSite[] {
  if (!text.includes('$')) return [];
  const walk = new Walk(text, options.keys === true);
  walk.visit(root);
  return walk.sites;
}

class Walk {
  readonly sites: UploadSite[] = [];
  private readonly text: string;
  private readonly keys: boolean;
  private readonly path: (string | number)[] = [];
  private readonly seen = new Set<number>();

  constructor(text: string, keys: boolean) {
    this.text = text;
    this.keys = keys;
  }

  visit(node: SourceNode): void {
    if (node.kind === 'scalar') {
      this.add(writtenValue(node), node);
      return;
    }
    // An anchor is one text, however often it is used.
    if (this.seen.has(node.start)) return;
    this.seen.add(node.start);
    if (node.kind === 'list') {
      for (const [index, item] of node.items.entries()) this.below(index, item);
      return;
    }
    for (const { key, keySpan, value } of node.entries) {
      if (!UNTOUCHED.has(key)) this.below(key, value, keySpan);
    }
  }

  private below(segment: string | number, node: SourceNode, key?: TextSpan): void {
    this.path.push(segment);
    if (this.keys && key !== undefined) this.add(String(segment), key);
    this.visit(node);
    this.path.pop();
  }

  private add(value: string | undefined, node: TextSpan): void {
    if (value?.includes('$') === true) this.sites.push(siteOf([...this.path], value, { node, text: this.text }));
  }
}

const OF_STEP = new WeakMap<LintCommandStep, readonly UploadSite[]>();

/** The same for a step, read once; paths begin at the step. */
export function stepSites(step: LintCommandStep, { text }: LintDocument): readonly UploadSite[] {
  const known = OF_STEP.get(step);
  if (known !== undefined) return known;
  const sites = uploadSites(step.step.source, text);
  OF_STEP.set(step, sites);
  return sites;
}

/** The path of a text below the configuration of the step's Kubernetes plugin; undefined when it is not in there. */
export function pathInPlugin({ path }: UploadSite, { kubernetes }: LintCommandStep): UploadSite['path'] | undefined {
  const plugin = kubernetes.find(({ use }) => use.path.every((segment, index) => path[index] === segment));
  return plugin === undefined ? undefined : path.slice(plugin.use.path.length);
}

/** A scalar's value before anything was expanded; undefined for what is no string. */
export function writtenValue({ written, value }: ScalarNode): string | undefined {
  return written ?? (typeof value === 'string' ? value : undefined);
}

/** Whether the text is a command of the step: the shell expands what the upload leaves. */
export function isCommand({ path }: UploadSite): boolean {
  return path[0] === 'command' || path[0] === 'commands';
}

/** A fix that leaves a variable of a command to the shell. */
export function leaveToShell(site: UploadSite, variable: UploadVariable): Fix | undefined {
  // Inside of another expansion's default a second dollar sign would not do.
  if (!isCommand(site) || !site.text.includes(variable)) return undefined;
  return site.insert(`write $${variable.source}`, [variable.start], '$');
}

interface Written {
  readonly node: TextSpan;
  readonly text: string;
}

function siteOf(path: UploadSite['path'], value: string, { node, text }: Written): UploadSite {
  let map: ScalarMap | undefined;
  const mapped = (): ScalarMap => (map ??= mapScalar(text.slice(node.start, node.end), value) ?? firstLine(node, text));
  const locate = (start: number, end: number): Span => {
    const span = mapped().locate(start, end);
    return { start: node.start + span.start, end: node.start + span.end };
  };
  return {
    path,
    span: { start: node.start, end: node.end },
    value,
    text: parseUploadText(value),
    locate,
    insert: (description, offsets, put) => {
      const edits = offsets.map((offset) => ({ ...locate(offset, offset), text: put }));
      return edits.length > 0 && edits.every(({ start }) => text.charAt(start) === '$')
        ? { description, edits }
        : undefined;
    },
  };
}

/** For what cannot be mapped: the line where it begins, in which no fix finds its place. */
function firstLine(node: TextSpan, text: string): ScalarMap {
  const line = /^[^\r\n]*/.exec(text.slice(node.start, node.end))?.[0].length ?? 0;
  return { locate: (start, end) => (end > start ? { start: 0, end: line } : { start: line, end: line }) };
}

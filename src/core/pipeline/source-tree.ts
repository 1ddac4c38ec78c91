import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseAllDocuments,
  type Scalar,
  type YAMLMap,
} from 'yaml';
import { type JsonValue, resolveScalar, type ScalarValue } from './yaml-scalar.js';

/** Where something stands in a text: 1-based line and column. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** Offsets in a text, end exclusive. */
export interface TextSpan {
  readonly start: number;
  readonly end: number;
}

interface NodeBase extends TextSpan {
  readonly at: Place;
  /** Where the `*alias` stands that brought the node here; undefined for what is written in place. */
  readonly alias?: TextSpan;
}

/** How a scalar was written. */
export type ScalarStyle = 'plain' | 'single-quoted' | 'double-quoted' | 'literal' | 'folded';

export interface ScalarNode extends NodeBase {
  readonly kind: 'scalar';
  readonly value: ScalarValue;
  /** The value as text, the way the agent turns numbers and booleans into environment values. */
  readonly text: string;
  readonly style: ScalarStyle;
  /** The value before variables were expanded, when expanding changed it. */
  readonly written?: string;
}

export interface ListNode extends NodeBase {
  readonly kind: 'list';
  readonly items: readonly SourceNode[];
}

export interface MapEntry {
  readonly key: string;
  readonly keyAt: Place;
  readonly keySpan: TextSpan;
  readonly value: SourceNode;
  /** Where the `<<` stands that brought the entry here; undefined for what is written in place. */
  readonly merge?: TextSpan;
  /** What `<<` would have put here without this entry. */
  readonly overrides?: MapEntry;
}

export interface MapNode extends NodeBase {
  readonly kind: 'map';
  /** In file order; merge keys (`<<`) are already laid in, every key occurs once. */
  readonly entries: readonly MapEntry[];
}

/** A YAML or JSON value that remembers where it was written. Aliases point at the place of their anchor. */
export type SourceNode = ScalarNode | ListNode | MapNode;

/** Something a reader of the file should know; `error` means Buildkite (or the agent at upload) refuses it. */
export interface PipelineProblem {
  readonly severity: 'error' | 'warning' | 'note';
  readonly at: Place;
  /** Lower case; names the culprit, the consequence and, where there is one, the remedy. */
  readonly message: string;
  /** Id of the rule that a linter files it under; undefined = `step/value`, or a note that no rule is about. */
  readonly rule?: string;
}

/** A key that stands twice in one mapping. */
export interface DuplicateKey extends TextSpan {
  readonly key: string;
  /** The one whose value is lost. */
  readonly first: TextSpan;
}

export interface SourceTree {
  /** One root for each document that holds a value; empty when the text cannot be read. */
  readonly documents: readonly SourceNode[];
  readonly problems: readonly PipelineProblem[];
  /** Once for every place in the text. */
  readonly duplicates: readonly DuplicateKey[];
}

/** Beyond this many values that aliases repeat a file is a bomb, not a pipeline. */
const MAX_REPEATED = 100_000;

/**
 * Reads YAML (or JSON) the way the agent does: plain scalars by the rules of Go's yaml.v3, the last of two equal keys wins,
 * `<<` merges. Never throws: what cannot be read is a problem with its place.
 */
export function parseSourceTree(text: string, file: string): SourceTree {
  const lines = new LineCounter();
  const documents = [
    ...parseAllDocuments(text, { lineCounter: lines, schema: 'failsafe', uniqueKeys: false, logLevel: 'silent' }),
  ];
  const reader = new TreeReader(file, lines);
  for (const document of documents) {
    // One broken line makes the parser complain about all that follows: the first complaint is the cause.
    const [error] = document.errors;
    if (error !== undefined) reader.report('error', error.pos[0], complaint(error.message), 'pipeline/shape');
  }
  if (reader.problems.length > 0) return { documents: [], problems: reader.problems, duplicates: [] };
  const roots = documents.flatMap((document) => {
    const root = reader.readDocument(document);
    return root === undefined || (root.kind === 'scalar' && root.value === null) ? [] : [root];
  });
  const duplicates = [...reader.duplicates.values()];
  return { documents: reader.gaveUp ? [] : roots, problems: reader.problems, duplicates };
}

/** The entry of `key`, if the node is a map that has it. */
export function entryOf(node: SourceNode | undefined, key: string): MapEntry | undefined {
  return node?.kind === 'map' ? node.entries.find((entry) => entry.key === key) : undefined;
}

/** The plain JSON value of a node. */
export function valueOf(node: SourceNode): JsonValue {
  switch (node.kind) {
    case 'scalar':
      return node.value;
    case 'list':
      return node.items.map(valueOf);
    case 'map':
      return Object.fromEntries(node.entries.map((entry) => [entry.key, valueOf(entry.value)]));
  }
}

/** Where the value at `path` below `node` was written; the closest parent's place when it is not there. */
export function placeAt(node: SourceNode, path: readonly (string | number)[]): Place {
  let here: SourceNode = node;
  let at = node.at;
  for (const segment of path) {
    if (here.kind === 'list' && typeof segment === 'number') {
      const item: SourceNode | undefined = here.items[segment];
      if (item === undefined) return at;
      [here, at] = [item, item.at];
      continue;
    }
    const entry = entryOf(here, String(segment));
    if (entry === undefined) return at;
    [here, at] = [entry.value, entry.keyAt];
  }
  return at;
}

/** `file:line:column`, as editors and terminals understand it. */
export function formatPlace(place: Place): string {
  return `${place.file}:${place.line}:${place.column}`;
}

class TreeReader {
  readonly problems: PipelineProblem[] = [];
  /** By offset: an anchor that is used ten times is one mistake. */
  readonly duplicates = new Map<number, DuplicateKey>();
  gaveUp = false;
  private readonly file: string;
  private readonly lines: LineCounter;
  private readonly open = new Set<Node>();
  private anchors = new Map<string, Node>();
  /** What stands under an anchor is read once; its aliases share it. */
  private readonly anchored = new Map<Node, AnchoredNode>();
  private size = 0;
  private repeated = 0;

  constructor(file: string, lines: LineCounter) {
    this.file = file;
    this.lines = lines;
  }

  report(severity: PipelineProblem['severity'], offset: number, message: string, rule: string): void {
    this.problems.push({ severity, at: this.place(offset), message, rule });
  }

  readDocument(document: Document.Parsed | Document): SourceNode | undefined {
    this.anchors = new Map();
    return document.contents === null ? undefined : this.read(document.contents);
  }

  private place(offset: number): Place {
    const { line, col } = this.lines.linePos(offset);
    return { file: this.file, line: Math.max(1, line), column: Math.max(1, col) };
  }

  private base(node: Node): NodeBase {
    const start = node.range?.[0] ?? 0;
    return { at: this.place(start), start, end: node.range?.[1] ?? start };
  }

  private nothing(node: Node): SourceNode {
    return { ...this.base(node), kind: 'scalar', value: null, text: '', style: 'plain' };
  }

  private giveUp(node: Node, message: string, rule = 'pipeline/shape'): SourceNode {
    if (!this.gaveUp) this.report('error', node.range?.[0] ?? 0, message, rule);
    this.gaveUp = true;
    return this.nothing(node);
  }

  private read(node: Node): SourceNode {
    this.size += 1;
    if (this.gaveUp) return this.nothing(node);
    if (isAlias(node)) return this.readAlias(node);
    if (node.anchor === undefined) return this.readKind(node);
    this.anchors.set(node.anchor, node);
    this.open.add(node);
    const before = this.size;
    const read = this.readKind(node);
    this.open.delete(node);
    this.anchored.set(node, { read, size: this.size - before + 1 });
    return read;
  }

  private readKind(node: Node): SourceNode {
    if (isScalar(node)) return { ...this.base(node), kind: 'scalar', ...resolveScalar(node), style: styleOf(node) };
    if (isSeq(node)) {
      return { ...this.base(node), kind: 'list', items: node.items.map((item) => this.read(item as Node)) };
    }
    if (isMap(node)) return { ...this.base(node), kind: 'map', entries: this.readEntries(node) };
    return this.nothing(node);
  }

  private readAlias(node: Alias): SourceNode {
    const target = this.anchors.get(node.source);
    if (target === undefined)
      return this.giveUp(
        node,
        `alias "*${node.source}" has no anchor before it; the upload fails`,
        'yaml/merge-loses-keys',
      );
    const known = this.anchored.get(target);
    if (known === undefined || this.open.has(target))
      return this.giveUp(
        node,
        'this value contains itself through an alias; the upload fails',
        'yaml/merge-loses-keys',
      );
    this.size += known.size;
    this.repeated += known.size;
    if (this.repeated > MAX_REPEATED)
      return this.giveUp(
        node,
        `the aliases of this file expand to more than ${MAX_REPEATED} values; it cannot be a pipeline`,
      );
    const { start, end } = this.base(node);
    return { ...known.read, alias: { start, end } };
  }

  private readEntries(map: YAMLMap): MapEntry[] {
    const own = new Set<string>();
    for (const pair of map.items) {
      const key = this.keyOf(pair);
      if (key !== undefined && !isMerge(pair)) own.add(key);
    }
    const found: FoundEntries = { own, entries: new Map(), inherited: new Map() };
    for (const pair of map.items) {
      if (isMerge(pair)) this.addMerged(found, pair);
      else this.addOwn(found.entries, pair);
    }
    return [...found.entries.values()].map((entry) => {
      const overrides = found.inherited.get(entry.key);
      return overrides === undefined ? entry : { ...entry, overrides };
    });
  }

  private addMerged({ own, entries, inherited }: FoundEntries, pair: Pair): void {
    const merged = pair.value === null ? [] : this.mergedEntries(pair.value as Node);
    const { start, end } = this.base(pair.key as Node);
    for (const entry of merged) {
      if (own.has(entry.key)) inherited.set(entry.key, entry);
      else if (!entries.has(entry.key)) entries.set(entry.key, { ...entry, merge: { start, end } });
    }
  }

  private addOwn(entries: Map<string, MapEntry>, pair: Pair): void {
    const keyNode = pair.key as Node;
    const keySpan = { start: keyNode.range?.[0] ?? 0, end: keyNode.range?.[1] ?? 0 };
    // The key, too, may carry an anchor.
    if (!isAlias(keyNode) && keyNode.anchor !== undefined) this.read(keyNode);
    const key = this.keyOf(pair);
    if (key === undefined) {
      this.refuseKey(keyNode);
      return;
    }
    const keyAt = this.place(keySpan.start);
    const before = entries.get(key);
    if (before !== undefined) {
      this.report(
        'warning',
        keySpan.start,
        `duplicate key "${key}"; this value replaces the one at line ${before.keyAt.line}`,
        'yaml/duplicate-key',
      );
      this.duplicates.set(keySpan.start, { ...keySpan, key, first: before.keySpan });
    }
    const value = pair.value === null ? this.nothing(keyNode) : this.read(pair.value as Node);
    entries.set(key, { key, keyAt, keySpan, value });
  }

  private refuseKey(node: Node): void {
    if (isScalar(node)) {
      this.giveUp(node, 'null cannot be a key; the upload fails. put quotes around it');
      return;
    }
    const advice = 'put quotes around a value that begins with "{{", or fill the template in first';
    const rule = isMap(node) && node.flow === true ? 'yaml/unquoted-matrix' : 'pipeline/shape';
    this.giveUp(node, `a mapping or list cannot be a key; the upload fails. ${advice}`, rule);
  }

  private keyOf(pair: Pair): string | undefined {
    const node = pair.key as Node | null;
    const target = isAlias(node) ? this.anchors.get(node.source) : node;
    if (!isScalar(target)) return undefined;
    const scalar = resolveScalar(target);
    return scalar.value === null ? undefined : scalar.text;
  }

  private mergedEntries(value: Node): readonly MapEntry[] {
    const source = this.read(value);
    if (source.kind === 'map') return source.entries;
    const maps = source.kind === 'list' ? source.items : [source];
    const seen = new Map<string, MapEntry>();
    for (const item of maps) {
      if (item.kind !== 'map') {
        const { start } = item.alias ?? source.alias ?? item;
        this.report('error', start, '"<<" can merge mappings only; the upload fails', 'yaml/merge-loses-keys');
        continue;
      }
      for (const entry of item.entries) if (!seen.has(entry.key)) seen.set(entry.key, entry);
    }
    return [...seen.values()];
  }
}

interface AnchoredNode {
  readonly read: SourceNode;
  /** How many values it holds, itself and those of its aliases included. */
  readonly size: number;
}

interface FoundEntries {
  /** Keys written in the mapping itself: `<<` never replaces them. */
  readonly own: ReadonlySet<string>;
  readonly entries: Map<string, MapEntry>;
  /** What `<<` brought and an own key replaced. */
  readonly inherited: Map<string, MapEntry>;
}

const STYLES: Readonly<Record<string, ScalarStyle>> = {
  QUOTE_SINGLE: 'single-quoted',
  QUOTE_DOUBLE: 'double-quoted',
  BLOCK_LITERAL: 'literal',
  BLOCK_FOLDED: 'folded',
};

function styleOf({ type }: Scalar): ScalarStyle {
  return STYLES[type ?? ''] ?? 'plain';
}

const MERGE_TAG = 'tag:yaml.org,2002:merge';

/** A plain `<<`, or one that `yq` has tagged: `!!merge <<`. */
function isMerge({ key }: Pair): boolean {
  if (!isScalar(key) || key.source !== '<<') return false;
  return key.tag === MERGE_TAG || (key.tag === undefined && key.type === 'PLAIN');
}

function complaint(message: string): string {
  // The parser calls itself for each level; no pipeline has hundreds.
  if (/call stack/.test(message))
    return 'the values stand inside each other too deeply to be read; it cannot be a pipeline';
  return `${firstLine(message)}; the file is not valid YAML and the upload fails`;
}

function firstLine(message: string): string {
  const line = (message.split('\n')[0] ?? message).replace(/ at line \d+, column \d+:?$/, '');
  return line.charAt(0).toLowerCase() + line.slice(1);
}

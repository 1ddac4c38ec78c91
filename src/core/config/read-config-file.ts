import {
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
  visit,
} from 'yaml';
import { fail, ok, type Result } from '../result.js';
import type { PathSegment } from '../schema/decode.js';
import type { ConfigProblem } from './config-problem.js';
import { dialectTrap, goTags } from './yaml-dialect.js';

/** A place in a text; both count from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** A configuration file that was read but not yet understood. */
export interface ConfigDocument {
  /** The name as given, for messages. */
  readonly file: string;
  readonly value: Readonly<Record<string, unknown>>;
  /** What YAML 1.1 makes of the text and its author may not expect. */
  readonly warnings: readonly ConfigProblem[];
  /** Where the key at a path stands (a list element: the element); the closest ancestor when there is none. */
  keyPosition(path: readonly PathSegment[]): Position;
  /** Where the value at a path stands; the closest ancestor when there is none. */
  valuePosition(path: readonly PathSegment[]): Position;
  /** The warning about the value at a path, when it is one of the traps. */
  trapAt(path: readonly PathSegment[]): string | undefined;
}

/**
 * Reads a configuration file to the very values the Go controller sees: YAML 1.1 with merge keys, of repeated keys the
 * last one, of several documents the first. An empty file is a configuration without keys.
 */
export function readConfigFile(text: string, file: string): Result<ConfigDocument, readonly ConfigProblem[]> {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, {
    ...{ version: '1.1', merge: true, uniqueKeys: false, lineCounter: lines, prettyErrors: false },
    customTags: goTags,
  });
  const source = new SourceText(file, lines);
  const [document, second] = Array.isArray(documents) ? documents : [];
  if (document === undefined) return ok(configDocument(source, undefined, { value: {}, warnings: [] }));
  // One broken line makes the parser complain about all that follows: the first complaint is the cause.
  const [error] = document.errors;
  if (error !== undefined) return fail([source.problem(error.pos[0], '', `not valid YAML: ${lower(error.message)}`)]);
  const value = plainValue(document);
  if (!value.ok) return fail([source.problem(0, '', value.error)]);
  const warnings = [
    ...documentTraps(document, source),
    ...(second === undefined ? [] : [secondDocument(second, source)]),
  ];
  return ok(configDocument(source, document, { value: value.value, warnings }));
}

class SourceText {
  readonly file: string;
  private readonly lines: LineCounter;
  constructor(file: string, lines: LineCounter) {
    this.file = file;
    this.lines = lines;
  }
  position(offset: number): Position {
    const { line, col } = this.lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  }
  problem(offset: number, key: string, message: string): ConfigProblem {
    return { origin: { layer: 'file', file: this.file, ...this.position(offset) }, key, message };
  }
}

function plainValue(document: Document): Result<Readonly<Record<string, unknown>>, string> {
  try {
    const value: unknown = document.toJS();
    if (value === null || value === undefined) return ok({});
    if (typeof value === 'object' && !Array.isArray(value)) return ok({ ...value });
    return fail(
      `the file holds ${Array.isArray(value) ? 'a list' : 'a single value'}, not configuration keys; write "key: value"`,
    );
  } catch (error) {
    // Bombs of aliases and merge keys that point at anything but mappings are noticed only here.
    return fail(`not usable YAML: ${lower(error instanceof Error ? error.message : String(error))}`);
  }
}

/** Without the name of an alias: an unquoted secret may begin with `*`. */
function lower(message: string): string {
  return message.charAt(0).toLowerCase() + message.slice(1).replace(/(\balias\b[^:]*): .*$/s, '$1');
}

function configDocument(
  source: SourceText,
  document: Document | undefined,
  content: Pick<ConfigDocument, 'value' | 'warnings'>,
): ConfigDocument {
  const find = (path: readonly PathSegment[]): Found => findNode(document, path);
  return {
    ...content,
    file: source.file,
    keyPosition: (path) => source.position(offsetOf(find(path).key)),
    valuePosition: (path) => source.position(offsetOf(find(path).value)),
    trapAt: (path) => {
      const { value } = find(path);
      return isScalar(value) ? dialectTrap(value) : undefined;
    },
  };
}

interface Found {
  readonly key: unknown;
  readonly value: unknown;
}

function findNode(document: Document | undefined, path: readonly PathSegment[]): Found {
  let found: Found = { key: document?.contents, value: document?.contents };
  if (document === undefined) return found;
  for (const segment of path) {
    const next = step(document, found.value, segment);
    if (next === undefined) break;
    found = next;
  }
  return found;
}

function step(document: Document, parent: unknown, segment: PathSegment): Found | undefined {
  const node = isAlias(parent) ? parent.resolve(document) : parent;
  if (isSeq(node)) {
    const item = node.items[Number(segment)];
    return item === undefined ? undefined : { key: item, value: item };
  }
  if (!isMap(node)) return undefined;
  const pair = findPair(node.items, String(segment));
  if (pair !== undefined) return { key: pair.key, value: pair.value ?? pair.key };
  return node.items
    .filter(isMergePair)
    .map((merge) => stepIntoMerge(document, merge, segment))
    .find(Boolean);
}

/** The last of equal keys, as it is the one that counts; another case only when there is no exact one. */
function findPair(pairs: readonly Pair[], name: string): Pair | undefined {
  return (
    pairs.findLast((pair) => keyText(pair) === name) ??
    pairs.findLast((pair) => keyText(pair).toLowerCase() === name.toLowerCase())
  );
}

function stepIntoMerge(document: Document, merge: Pair, segment: PathSegment): Found | undefined {
  const target = isAlias(merge.value) ? merge.value.resolve(document) : merge.value;
  const sources: readonly unknown[] = isSeq(target) ? target.items : [target];
  return sources.map((source) => step(document, source, segment)).find(Boolean);
}

function isMergePair(pair: Pair): boolean {
  return isScalar(pair.key) && (pair.key.source === '<<' || pair.key.value === '<<');
}

function keyText(pair: Pair): string {
  return isScalar(pair.key) ? String(pair.key.value) : '';
}

function offsetOf(node: unknown): number {
  return (node as Node | null | undefined)?.range?.[0] ?? 0; // only nodes are ever handed in
}

function documentTraps(document: Document, source: SourceText): ConfigProblem[] {
  const warnings: ConfigProblem[] = [];
  const report = (scalar: Scalar, key?: unknown): void => {
    const trap = dialectTrap(scalar, key);
    if (trap !== undefined) warnings.push(source.problem(offsetOf(scalar), '', trap));
  };
  visit(document, {
    Map: (_, map) => void warnings.push(...repeatedKeys(map.items, source)),
    Pair: (_, pair) => {
      if (isScalar(pair.key)) report(pair.key);
      if (isScalar(pair.value)) report(pair.value, isScalar(pair.key) ? pair.key.value : undefined);
    },
    Seq: (_, list) => {
      for (const item of list.items) if (isScalar(item)) report(item);
    },
  });
  return warnings;
}

function repeatedKeys(pairs: readonly Pair[], source: SourceText): ConfigProblem[] {
  const seen = new Set<string>();
  const warnings: ConfigProblem[] = [];
  for (const pair of pairs) {
    const name = keyText(pair);
    if (seen.has(name) && !isMergePair(pair)) {
      warnings.push(
        source.problem(offsetOf(pair.key), name, `key "${name}" is repeated; the last one counts: delete the others`),
      );
    }
    seen.add(name);
  }
  return warnings;
}

function secondDocument(document: Document, source: SourceText): ConfigProblem {
  const message = 'a second document starts here; it and all that follow are ignored: delete them or the "---" between';
  return source.problem(document.range?.[0] ?? 0, '', message);
}

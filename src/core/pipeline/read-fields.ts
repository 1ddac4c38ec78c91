import type { JsonValue } from './pipeline.js';
import { entryOf, type MapNode, type PipelineProblem, type SourceNode, valueOf } from './source-tree.js';

/**
 * Takes typed fields out of one map and keeps account: what was asked for counts as known, what is left over can be listed, and a value of the
 * wrong type is a problem with its place instead of an exception.
 */
export class FieldReader {
  readonly node: MapNode;
  private readonly problems: PipelineProblem[];
  private readonly taken = new Set<string>();
  /** Begins the messages, e.g. `step`. */
  private readonly owner: string;

  constructor(node: MapNode, owner: string, problems: PipelineProblem[]) {
    this.node = node;
    this.owner = owner;
    this.problems = problems;
  }

  /** The value of the first of these names that is set, counting all of them as known. */
  take(...names: string[]): SourceNode | undefined {
    for (const name of names) this.taken.add(name);
    const present = names.flatMap((name) => entryOf(this.node, name) ?? []);
    const [first, ...ignored] = present;
    for (const entry of ignored) {
      this.problems.push({
        severity: 'warning',
        at: entry.keyAt,
        message: `"${entry.key}" is ignored because "${first?.key ?? ''}" is also set`,
        rule: 'step/command-and-commands',
      });
    }
    return first?.value;
  }

  has(name: string): boolean {
    return entryOf(this.node, name) !== undefined;
  }

  /** `rule` as in `PipelineProblem`. */
  error(node: SourceNode, message: string, rule?: string): void {
    this.problems.push({ severity: 'error', at: node.at, message, ...(rule === undefined ? {} : { rule }) });
  }

  string(...names: string[]): string | undefined {
    const node = this.take(...names);
    if (node === undefined || isNull(node)) return undefined;
    return this.scalarText(node, names[0] ?? '');
  }

  boolean(name: string, fallback: boolean): boolean {
    const node = this.take(name);
    if (node === undefined || isNull(node)) return fallback;
    const text = node.kind === 'scalar' ? node.text : '';
    if (text === 'true' || text === 'false') return text === 'true';
    this.mistyped(node, `"${name}" of this ${this.owner} must be true or false, not ${describe(node)}`);
    return fallback;
  }

  /** A whole number, also when interpolation made it a string of digits. */
  integer(name: string): number | undefined {
    const node = this.take(name);
    if (node === undefined || isNull(node)) return undefined;
    const value = node.kind === 'scalar' && /^[-+]?\d+$/.test(node.text) ? Number(node.text) : Number.NaN;
    if (Number.isSafeInteger(value)) return value;
    this.mistyped(node, `"${name}" of this ${this.owner} must be a whole number, not ${describe(node)}`);
    return undefined;
  }

  /** A value that still has a variable in it has its own problem, or was not to be interpolated: its type is not known. */
  private mistyped(node: SourceNode, message: string): void {
    if (!(node.kind === 'scalar' && node.text.includes('$'))) this.error(node, message);
  }

  /** A string or a list of strings. */
  strings(...names: string[]): readonly string[] {
    const node = this.take(...names);
    if (node === undefined || isNull(node)) return [];
    const items = node.kind === 'list' ? node.items : [node];
    return items.flatMap((item) => this.scalarText(item, names[0] ?? '') ?? []);
  }

  /** A map whose values are scalars, as text; null is the empty string. */
  stringMap(name: string): Readonly<Record<string, string>> {
    const node = this.take(name);
    if (node === undefined || isNull(node)) return {};
    if (node.kind !== 'map') {
      this.error(node, `"${name}" of this ${this.owner} must be a mapping, not ${describe(node)}`);
      return {};
    }
    const pairs = node.entries.flatMap((entry): [string, string][] => {
      if (isNull(entry.value)) return [[entry.key, '']];
      const text = this.scalarText(entry.value, `${name}.${entry.key}`);
      return text === undefined ? [] : [[entry.key, text]];
    });
    return Object.fromEntries(pairs);
  }

  /** Everything nobody asked for, as plain values. */
  rest(): Readonly<Record<string, JsonValue>> {
    const left = this.node.entries.filter((entry) => !this.taken.has(entry.key));
    return Object.fromEntries(left.map((entry) => [entry.key, valueOf(entry.value)]));
  }

  scalarText(node: SourceNode, name: string): string | undefined {
    if (node.kind === 'scalar') return node.text;
    this.error(node, `"${name}" of this ${this.owner} must be a string, not ${describe(node)}${colonAdvice(node)}`);
    return undefined;
  }
}

/** A sentence with a colon is a mapping in YAML, which nobody expects of a command. */
function colonAdvice(node: SourceNode): string {
  const [only, ...others] = node.kind === 'map' ? node.entries : [];
  const isSentence = others.length === 0 && only !== undefined && /\s/.test(only.key);
  return isSentence ? '; its ": " makes it one: put quotes around the whole text' : '';
}

/** Whether the node is an explicit or implicit null. */
export function isNull(node: SourceNode): boolean {
  return node.kind === 'scalar' && node.value === null;
}

/** What a value is, for messages: `a list`, `"abc"`, … */
export function describe(node: SourceNode): string {
  if (node.kind === 'list') return 'a list';
  if (node.kind === 'map') return 'a mapping';
  return node.value === null ? 'nothing' : `"${node.text.length > 60 ? `${node.text.slice(0, 60)}…` : node.text}"`;
}

import { type Env, interpolate } from './interpolate.js';
import { entryOf, type MapEntry, type PipelineProblem, type Place, type SourceNode } from './source-tree.js';

export interface InterpolatedTree {
  readonly root: SourceNode;
  readonly problems: readonly PipelineProblem[];
}

/** Signed content is uploaded as it is. */
const UNTOUCHED_KEYS = new Set(['signature']);

/**
 * Expands variables in every key and every string value of a pipeline, as the agent does between reading the file and uploading it.
 * The pipeline's own `env` is expanded first, from top to bottom, and its values serve all that follows; the environment of the upload wins
 * over it. A string that cannot be expanded is an error and stays as written.
 */
export function interpolateTree(root: SourceNode, text: string, env: Env): InterpolatedTree {
  const walk = new Walk(text, env);
  const envBlock = entryOf(root, 'env')?.value;
  if (root.kind !== 'map' || envBlock?.kind !== 'map') return { root: walk.node(root), problems: walk.problems };
  const expandedEnv: SourceNode = { ...envBlock, entries: envBlock.entries.map((entry) => walk.envEntry(entry)) };
  const entries = root.entries.map((entry) =>
    entry.key === 'env' ? { ...entry, value: expandedEnv } : walk.entry(entry),
  );
  return { root: { ...root, entries }, problems: walk.problems };
}

class Walk {
  readonly problems: PipelineProblem[] = [];
  private readonly text: string;
  private readonly env: Record<string, string>;
  private readonly expanded = new Map<readonly object[], readonly object[]>();

  constructor(text: string, env: Env) {
    this.text = text;
    this.env = { ...env };
  }

  envEntry(entry: MapEntry): MapEntry {
    const expanded = this.entry(entry);
    if (expanded.value.kind === 'scalar' && !Object.hasOwn(this.env, expanded.key))
      this.env[expanded.key] = expanded.value.text;
    return expanded;
  }

  entry(entry: MapEntry): MapEntry {
    if (UNTOUCHED_KEYS.has(entry.key)) return entry;
    const key = this.string(entry.key, entry.keyAt, entry.value.start - entry.key.length);
    const value = this.node(entry.value);
    return key === entry.key && value === entry.value ? entry : { ...entry, key, value };
  }

  node(node: SourceNode): SourceNode {
    switch (node.kind) {
      case 'list': {
        const items = this.once(node.items, (item) => this.node(item));
        return items === node.items ? node : { ...node, items };
      }
      case 'map': {
        const entries = this.once(node.entries, (entry) => this.entry(entry));
        return entries === node.entries ? node : { ...node, entries };
      }
      case 'scalar': {
        if (typeof node.value !== 'string') return node;
        const value = this.string(node.value, node.at, node.start, node.end);
        return value === node.value ? node : { ...node, value, text: value, written: node.value };
      }
    }
  }

  /** Aliases share the parts of their anchor, which are expanded once; parts without a variable stay the very same. */
  private once<T extends object>(parts: readonly T[], expand: (part: T) => T): readonly T[] {
    const known = this.expanded.get(parts);
    // Stored under the very parts it is made of, so it has their type.
    if (known !== undefined) return known as readonly T[];
    const expanded = parts.map(expand);
    const result = expanded.every((part, index) => part === parts[index]) ? parts : expanded;
    this.expanded.set(parts, result);
    return result;
  }

  private string(value: string, at: Place, start: number, end = start): string {
    const result = interpolate(value, this.env);
    if (!result.ok) {
      const place = this.find(result.error.snippet, at, start, end);
      this.problems.push({ severity: 'error', at: place, message: result.error.message, rule: 'interpolation/syntax' });
      return value;
    }
    for (const name of result.value.unset) {
      const place = this.find(`$${name}`, at, start, end);
      this.problems.push({
        severity: 'note',
        at: place,
        message: `"${name}" is not set, so it becomes empty here; give it with --env ${name}=…`,
      });
    }
    return result.value.value;
  }

  /** The place of a piece of a string: strings of several lines begin far above their culprit. */
  private find(snippet: string, at: Place, start: number, end: number): Place {
    const raw = this.text.slice(start, end);
    // A variable that is not set is looked for with and without braces; an expansion that is refused has them.
    const isBraced = snippet.startsWith('${');
    const bare = snippet.slice(1);
    for (let index = raw.indexOf('$'); index >= 0; index = raw.indexOf('$', index + 1)) {
      if (raw.charAt(index + 1) === '$' || raw.charAt(index - 1) === '\\') {
        index += 1;
        continue;
      }
      const written = raw.slice(index + 1);
      const after = isBraced ? written : written.replace(/^\{/, '');
      if (after.startsWith(bare)) return move(at, raw.slice(0, index));
    }
    return at;
  }
}

function move(at: Place, passed: string): Place {
  const lines = passed.split('\n');
  const last = lines.at(-1) ?? '';
  return lines.length === 1
    ? { ...at, column: at.column + last.length }
    : { ...at, line: at.line + lines.length - 1, column: last.length + 1 };
}

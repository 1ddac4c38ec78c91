import { entryOf, type MapEntry, type SourceNode } from '../../pipeline/source-tree.js';
import type { DecodeIssue } from '../../schema/decode.js';
import type { JsonSchema } from '../../schema/json-schema.js';
import type { JsonValue } from '../../pipeline/pipeline.js';
import type { Span } from '../finding.js';
import { entriesOf, nodeAt, type Path } from '../nodes.js';
import { type TypedPlace, typesAlong } from './plugin-schema.js';

/** An issue of the decoder together with what was written there and what the schema wants there. */
export interface PluginPlace {
  readonly issue: DecodeIssue;
  readonly path: Path;
  /** The last key of the path as written; empty for the plugin as a whole. */
  readonly key: string;
  /** The entry of that key, which holds the value or the list with it. */
  readonly entry: MapEntry | undefined;
  /** The mapping around that entry. */
  readonly around: SourceNode | undefined;
  /** Definition of that mapping; undefined for a free one, e.g. labels. */
  readonly owner: string | undefined;
  /** Types from the plugin down to the mapping. */
  readonly owners: readonly TypedPlace[];
  /** What the value should be. */
  readonly schema: JsonSchema | undefined;
  readonly type: string | undefined;
  /** What was written; undefined when the path leads nowhere, e.g. through a key of a matrix. */
  readonly node: SourceNode | undefined;
  /** The value with the matrix filled in. */
  readonly value: JsonValue | undefined;
  /** What to underline. */
  readonly at: Span;
  /** Configuration of the plugin and the whole file, for fixes. */
  readonly config: SourceNode;
  readonly text: string;
}

export interface PlaceContext {
  readonly config: SourceNode;
  /** The configuration with the matrix filled in. */
  readonly value: JsonValue;
  readonly text: string;
  /** Where the plugin is named, when nothing closer is known. */
  readonly name: Span;
}

/** Finds what an issue is about. */
export function placeIssue(issue: DecodeIssue, context: PlaceContext): PluginPlace {
  const { path } = issue;
  const { config, text, value, name } = context;
  const types = typesAlong(path);
  const last = types.at(-1);
  // Below 0 for the plugin as a whole: nothing is around it.
  const depth = path.findLastIndex((segment) => typeof segment === 'string');
  const key = String(path[depth] ?? '');
  const around = depth < 0 ? undefined : nodeAt(config, path.slice(0, depth));
  const entry = entryOf(around, key);
  const node = nodeAt(config, path);
  const owners = types.slice(0, depth + 1);
  return {
    issue,
    path,
    key,
    entry,
    around,
    owner: owners.at(-1)?.type,
    owners,
    schema: last?.schema,
    type: last?.type,
    node,
    value: valueAt(value, path),
    at: spanOf(issue, { node, entry }) ?? name,
    config,
    text,
  };
}

/** Wrong keys are underlined themselves; values only when they are short. */
function spanOf(
  { kind, path }: DecodeIssue,
  { node, entry }: { readonly node: SourceNode | undefined; readonly entry: MapEntry | undefined },
): Span | undefined {
  if (kind === 'unknown-field' || kind === 'wrong-case') return entry?.keySpan;
  if (node !== undefined && isShort(node)) return node;
  const first = typeof path.at(-1) === 'number' ? entriesOf(node)[0] : undefined;
  return (first ?? entry)?.keySpan;
}

function isShort(node: SourceNode | undefined): boolean {
  if (node?.kind !== 'scalar' || node.value === null) return false;
  return node.style !== 'literal' && node.style !== 'folded';
}

function valueAt(value: JsonValue | undefined, path: Path): JsonValue | undefined {
  return path.reduce<JsonValue | undefined>((here, segment) => {
    if (typeof here !== 'object' || here === null) return undefined;
    return Reflect.get(here, segment) as JsonValue | undefined;
  }, value);
}

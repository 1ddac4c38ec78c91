import { entryOf, type MapEntry, type MapNode, type ScalarNode, type SourceNode } from '../pipeline/source-tree.js';
import { isUnknown } from './placeholder.js';

export type Path = readonly (string | number)[];

/** The node at a path below another; undefined when there is none. */
export function nodeAt(node: SourceNode | undefined, path: Path): SourceNode | undefined {
  return path.reduce<SourceNode | undefined>(childOf, node);
}

/** The entry at a path whose last segment is a key. */
export function entryAt(node: SourceNode | undefined, path: Path): MapEntry | undefined {
  const key = path.at(-1);
  return typeof key === 'string' ? entryOf(nodeAt(node, path.slice(0, -1)), key) : undefined;
}

function childOf(node: SourceNode | undefined, segment: string | number): SourceNode | undefined {
  if (typeof segment === 'string') return entryOf(node, segment)?.value;
  return node?.kind === 'list' ? node.items[segment] : undefined;
}

/** The items of a list; none for anything else. */
export function itemsOf(node: SourceNode | undefined): readonly SourceNode[] {
  return node?.kind === 'list' ? node.items : [];
}

/** The mappings in a list. */
export function mapsIn(node: SourceNode | undefined): readonly MapNode[] {
  return itemsOf(node).filter((item) => item.kind === 'map');
}

/** The entries of a mapping; none for anything else. */
export function entriesOf(node: SourceNode | undefined): readonly MapEntry[] {
  return node?.kind === 'map' ? node.entries : [];
}

/** The text of a scalar of which everything is known: no list, no mapping, no null, nothing that only the upload knows. */
export function knownText(node: SourceNode | undefined): string | undefined {
  if (node?.kind !== 'scalar' || node.value === null || isUnknown(node.text)) return undefined;
  return node.text;
}

/** A scalar as its author wrote it, for messages: `$TAG` rather than what stands in for it. */
export function writtenText(node: ScalarNode): string {
  return node.written ?? node.text;
}

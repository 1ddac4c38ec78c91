import { formatPath, type PathSegment } from '../schema/path.js';
import { SCALARS, type MergeKey } from './merge-keys.js';

export type JsonObject = Readonly<Record<string, unknown>>;

/** A patch that cannot be applied, or an original whose lists cannot be matched to it. */
export class StrategicMergeError extends Error {
  /** From the patched object, e.g. `['containers', 0, 'env']`. */
  readonly path: readonly PathSegment[];
  constructor(message: string, path: readonly PathSegment[]) {
    const place = formatPath(path);
    super(place === '' ? message : `${place}: ${message}`);
    this.name = new.target.name;
    this.path = path;
  }
}

/** A list that merges, and the place to name in an error. */
export interface KeyedList<Key extends MergeKey = MergeKey> {
  readonly mergeKey: Key;
  readonly path: readonly PathSegment[];
}

/**
 * An entry of a list that merges by a field, with the value of that field.
 *
 * @throws {StrategicMergeError} when the entry is no map or lacks the field.
 */
export function keyedEntry(entry: unknown, list: KeyedList<string>): { key: unknown; entry: JsonObject } {
  if (!isMap(entry)) throw new StrategicMergeError('every entry must be a map', list.path);
  const key = entry[list.mergeKey];
  if (typeof key === 'string' || typeof key === 'number') return { key, entry };
  throw new StrategicMergeError(
    `an entry has no "${list.mergeKey}", by which the entries of this list merge`,
    list.path,
  );
}

/** What identifies an entry: itself among scalars, else its key field. Throws as {@link keyedEntry}. */
export function entryKey(entry: unknown, { mergeKey, path }: KeyedList): unknown {
  if (mergeKey !== SCALARS) return keyedEntry(entry, { mergeKey, path }).key;
  if (typeof entry !== 'object') return entry;
  throw new StrategicMergeError('only lists of scalars and lists that merge by a key have an order to set', path);
}

/** The orders that decide where an entry goes. */
export interface Orders {
  /** Entries named here keep this order. */
  readonly patch: readonly unknown[];
  /** All others keep this one. */
  readonly original: readonly unknown[];
}

/**
 * Puts merged entries in order as the API server does. Entries of the patch keep the order of the patch, the others the
 * order of the original; an entry of the original comes before the next entry of the patch only when it did so
 * before. So what the patch adds lands in front of what remains of the original.
 */
export function orderEntries(merged: readonly unknown[], orders: Orders, list: KeyedList): unknown[] {
  const patchRank = ranks(orders.patch, list);
  const originalRank = ranks(orders.original, list);
  const keyed = merged.map((entry) => ({ entry, key: entryKey(entry, list) }));
  const patched = byRank(
    keyed.filter(({ key }) => patchRank.has(key)),
    patchRank,
  );
  const others = byRank(
    keyed.filter(({ key }) => !patchRank.has(key)),
    originalRank,
  );
  const ordered: unknown[] = [];
  for (const { entry, key } of patched) {
    const position = originalRank.get(key) ?? -1;
    // Only the next one in line is looked at: one that has to wait holds up those behind it.
    while (others[0] !== undefined && rankOf(others[0].key, originalRank) < position)
      ordered.push(others.shift()?.entry);
    ordered.push(entry);
  }
  return [...ordered, ...others.map(({ entry }) => entry)];
}

/** Of equal keys the first counts. */
function ranks(entries: readonly unknown[], list: KeyedList): Map<unknown, number> {
  const result = new Map<unknown, number>();
  for (const entry of entries) {
    const key = entryKey(entry, list);
    if (!result.has(key)) result.set(key, result.size);
  }
  return result;
}

function byRank<T extends { readonly key: unknown }>(entries: readonly T[], rank: ReadonlyMap<unknown, number>): T[] {
  return [...entries].sort((a, b) => rankOf(a.key, rank) - rankOf(b.key, rank));
}

/** Unknown keys go last: a large number and not infinity, because those of two are subtracted. */
function rankOf(key: unknown, rank: ReadonlyMap<unknown, number>): number {
  return rank.get(key) ?? Number.MAX_SAFE_INTEGER;
}

/** Whether a JSON value is an object that is no list. */
export function isMap(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

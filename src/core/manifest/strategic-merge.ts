import type { PathSegment } from '../schema/path.js';
import { fieldType, SCALARS, type MergeKey } from './merge-keys.js';
import {
  entryKey,
  isMap,
  keyedEntry,
  orderEntries,
  StrategicMergeError,
  type JsonObject,
  type KeyedList,
} from './merge-order.js';

export { StrategicMergeError, type JsonObject };

/** What can be patched: the name of one of our Kubernetes definitions. */
export type PatchableKind =
  | 'PodSpec'
  | 'Container'
  | 'ObjectMeta'
  | 'Job'
  | 'Pod'
  | 'PodTemplate'
  | 'ConfigMap'
  | 'Secret'
  | 'Event'
  | 'EventsV1Event'
  | 'Lease'
  | 'ServiceAccount'
  | 'Namespace';

/**
 * Applies a Kubernetes strategic merge patch as the API server does: maps merge, null deletes, lists merge by their key
 * or are replaced, and `$patch`, `$retainKeys`, `$setElementOrder/…` and `$deleteFromPrimitiveList/…` are obeyed and leave
 * no trace. Three things the API server does silently are different: `$patch: merge` is what would happen anyway,
 * `$patch: replace` also sets a map that was not there, and a list entry with `$patch: replace` may hold nothing else,
 * because it replaces the list and not the entry. Neither argument is changed.
 *
 * @throws {StrategicMergeError} when a directive is not understood or an entry lacks the key of its list.
 */
export function strategicMerge(original: JsonObject, patch: JsonObject, kind: PatchableKind): JsonObject {
  return mergeMaps(original, patch, { definition: kind, path: [] });
}

/** Where the merge is: the definition that describes the map at `path`. */
interface Place {
  readonly definition: string | undefined;
  readonly path: readonly PathSegment[];
}

type Action = 'delete' | 'replace' | 'merge';

const ORDER = '$setElementOrder/';
const REMOVAL = '$deleteFromPrimitiveList/';

function mergeMaps(original: JsonObject, patch: JsonObject, place: Place): JsonObject {
  const action = actionOf(patch, place.path);
  if (action === 'delete') return {};
  if (action === 'replace') return settledMap(patch, place.path);
  const result = new Map(Object.entries(retained(original, patch, place.path)));
  for (const [key, value] of Object.entries(patch)) {
    if (!key.startsWith(REMOVAL)) continue;
    const field = key.slice(REMOVAL.length);
    result.set(field, withoutScalars(result.get(field), value, [...place.path, key]));
  }
  for (const field of patchedFields(patch)) {
    result.set(field, mergeField(result.get(field), patch, field, place));
  }
  return fromEntries(result);
}

/** The fields a patch touches by value or by ordering their list. */
function patchedFields(patch: JsonObject): Set<string> {
  const fields = Object.keys(patch).filter((key) => !isDirective(key));
  const ordered = Object.keys(patch).filter((key) => key.startsWith(ORDER));
  return new Set([...fields, ...ordered.map((key) => key.slice(ORDER.length))]);
}

/** Undefined when the field is to go. */
function mergeField(original: unknown, patch: JsonObject, field: string, place: Place): unknown {
  const value = Object.hasOwn(patch, field) ? patch[field] : undefined;
  const order = listAt(patch[ORDER + field], [...place.path, ORDER + field]);
  const path = [...place.path, field];
  const { definition, mergeKey } = fieldType(place.definition, field);
  if (value === null) return undefined;
  if (Array.isArray(value ?? original)) {
    const list: PatchedList = { definition, mergeKey, path, order };
    return mergeLists(Array.isArray(original) ? original : undefined, listAt(value, path), list);
  }
  if (isMap(value) && isMap(original)) return mergeMaps(original, value, { definition, path });
  return value === undefined ? original : settled(value, path);
}

interface PatchedList {
  readonly definition: string | undefined;
  readonly mergeKey: MergeKey | undefined;
  readonly path: readonly PathSegment[];
  /** The list of `$setElementOrder`. */
  readonly order: readonly unknown[] | undefined;
}

function mergeLists(
  original: readonly unknown[] | undefined,
  patch: readonly unknown[] | undefined,
  list: PatchedList,
): unknown {
  const { path, order } = list;
  const mergeKey = list.mergeKey ?? (order === undefined ? undefined : SCALARS);
  const merged = patch === undefined ? (original ?? []) : combine(original, patch, list);
  if (mergeKey === undefined || order === undefined || order.length === 0) return merged;
  const keyed: KeyedList = { mergeKey, path };
  checkOrder(patch ?? [], order, keyed);
  return orderEntries(merged, { patch: order, original: original ?? [] }, keyed);
}

function combine(original: readonly unknown[] | undefined, patch: readonly unknown[], list: PatchedList): unknown[] {
  if (original === undefined || list.mergeKey === undefined) return settledList(patch, list.path);
  return list.mergeKey === SCALARS
    ? mergeScalars(original, patch, list)
    : mergeByKey(original, patch, { ...list, mergeKey: list.mergeKey });
}

function mergeScalars(original: readonly unknown[], patch: readonly unknown[], list: PatchedList): unknown[] {
  const all = [...new Set([...original, ...patch])];
  return orderEntries(all, { patch, original }, { mergeKey: SCALARS, path: list.path });
}

function mergeByKey(
  original: readonly unknown[],
  patch: readonly unknown[],
  list: PatchedList & { readonly mergeKey: string },
): unknown[] {
  const { changes, deleted, replaces } = sortOut(patch, list);
  const kept = replaces ? [] : original.filter((entry) => !deleted.has(keyedEntry(entry, list).key));
  const merged = [...kept];
  for (const [index, change] of changes) {
    const path = [...list.path, index];
    const { key, entry } = keyedEntry(change, { ...list, path });
    const place = merged.findIndex((candidate) => keyedEntry(candidate, list).key === key);
    if (place < 0) merged.push(settledMap(entry, path));
    else merged[place] = mergeMaps(keyedEntry(merged[place], list).entry, entry, { ...list, path });
  }
  return orderEntries(merged, { patch: changes.map(([, change]) => change), original: kept }, list);
}

interface SortedPatch {
  /** Entries to merge or add, with their position in the patch. */
  readonly changes: readonly (readonly [index: number, entry: unknown])[];
  /** Keys of the entries to delete. */
  readonly deleted: ReadonlySet<unknown>;
  readonly replaces: boolean;
}

function sortOut(patch: readonly unknown[], list: PatchedList & { readonly mergeKey: string }): SortedPatch {
  const changes: [number, unknown][] = [];
  const deleted = new Set<unknown>();
  let replaces = false;
  for (const [index, entry] of patch.entries()) {
    const path = [...list.path, index];
    const action = isMap(entry) ? entryAction(entry, path) : 'merge';
    if (action === 'replace') replaces = true;
    else if (action === 'merge') changes.push([index, entry]);
    else deleted.add(keyedEntry(entry, { ...list, path }).key);
  }
  return { changes, deleted, replaces };
}

/** The entries of the patch must come in the order the patch itself asks for, and the order must name them all. */
function checkOrder(patch: readonly unknown[], order: readonly unknown[], keyed: KeyedList): void {
  const wanted = order.map((entry) => entryKey(entry, keyed));
  let position = 0;
  for (const entry of patch) {
    if (isMap(entry) && entry.$patch !== undefined) continue;
    const key = entryKey(entry, keyed);
    position = wanted.indexOf(key, position) + 1;
    if (position > 0) continue;
    throw new StrategicMergeError(
      `entry ${JSON.stringify(key)} is missing or out of order in its "${ORDER}…"`,
      keyed.path,
    );
  }
}

function withoutScalars(original: unknown, removal: unknown, path: readonly PathSegment[]): unknown {
  const unwanted = listAt(removal, path) ?? [];
  return Array.isArray(original) ? original.filter((entry) => !unwanted.includes(entry)) : original;
}

/** The original without the keys that `$retainKeys` does not name. */
function retained(original: JsonObject, patch: JsonObject, path: readonly PathSegment[]): JsonObject {
  const keys = listAt(patch.$retainKeys, [...path, '$retainKeys']);
  if (keys === undefined) return original;
  const stray = Object.keys(patch).find((key) => !isDirective(key) && patch[key] !== null && !keys.includes(key));
  if (stray !== undefined) {
    throw new StrategicMergeError(
      `"${stray}" is set, but not named in "$retainKeys": name it there or set it to null`,
      path,
    );
  }
  return Object.fromEntries(Object.entries(original).filter(([key]) => keys.includes(key)));
}

/** What a value of the patch becomes where there is nothing to merge it with; undefined when it asks to be deleted. */
function settled(value: unknown, path: readonly PathSegment[]): unknown {
  if (Array.isArray(value)) return settledList(value, path);
  if (!isMap(value)) return value ?? undefined;
  return actionOf(value, path) === 'delete' ? undefined : settledMap(value, path);
}

function settledMap(patch: JsonObject, path: readonly PathSegment[]): JsonObject {
  const fields = Object.entries(patch).filter(([key]) => !isDirective(key));
  return fromEntries(fields.map(([key, value]) => [key, settled(value, [...path, key])]));
}

function settledList(patch: readonly unknown[], path: readonly PathSegment[]): unknown[] {
  const kept = patch.map((entry, index) => {
    const entryPath = [...path, index];
    if (isMap(entry) && entryAction(entry, entryPath) !== 'merge') return undefined;
    return settled(entry, entryPath);
  });
  return kept.filter((entry) => entry !== undefined);
}

function entryAction(entry: JsonObject, path: readonly PathSegment[]): Action {
  const action = actionOf(entry, path);
  if (action === 'replace' && Object.keys(entry).length > 1) {
    const advice = 'write {"$patch": "replace"} as an entry of its own, or delete this entry and add it again';
    throw new StrategicMergeError(`"$patch: replace" replaces the whole list, not this entry: ${advice}`, path);
  }
  return action;
}

function actionOf(patch: JsonObject, path: readonly PathSegment[]): Action {
  const action = patch.$patch ?? 'merge';
  if (action === 'delete' || action === 'replace' || action === 'merge') return action;
  throw new StrategicMergeError(
    `"$patch" must be "delete", "replace" or "merge", but is ${JSON.stringify(action)}`,
    path,
  );
}

function listAt(value: unknown, path: readonly PathSegment[]): readonly unknown[] | undefined {
  if (value === undefined || Array.isArray(value)) return value;
  throw new StrategicMergeError('must be a list', path);
}

function isDirective(key: string): boolean {
  return key === '$patch' || key === '$retainKeys' || key.startsWith(ORDER) || key.startsWith(REMOVAL);
}

/** Leaves out undefined values; unlike an assignment, keeps a key "__proto__" an ordinary field. */
function fromEntries(entries: Iterable<readonly [string, unknown]>): JsonObject {
  return Object.fromEntries([...entries].filter(([, value]) => value !== undefined));
}

import { expired } from './api-error.js';
import type { KubeObject } from './objects.js';
import type { ResourceName } from './resources.js';

/** One write: what was there before and after. */
export interface Change {
  readonly revision: number;
  readonly before: KubeObject | undefined;
  readonly after: KubeObject | undefined;
}

export type ChangeListener = (change: Change) => void;

interface Table {
  /** Namespace (or `''`) to name to object. */
  readonly objects: Map<string, Map<string, KubeObject>>;
  readonly history: Change[];
  readonly listeners: Set<ChangeListener>;
  /** Changes up to this revision are forgotten. */
  floor: number;
}

export interface RevisionStoreOptions {
  /** How many changes of each resource are remembered for watches and exact lists. */
  readonly historyLimit: number;
}

/**
 * Versioned storage, the part etcd plays: one counter for all writes, a bounded history, ordered notifications.
 * A write made while listeners are told of an earlier one is delivered after it, so all listeners see one order.
 */
export class RevisionStore {
  readonly #tables = new Map<ResourceName, Table>();
  readonly #historyLimit: number;
  readonly #undelivered: { readonly table: Table; readonly change: Change }[] = [];
  #delivering = false;
  #revision = 1;

  constructor(options: RevisionStoreOptions) {
    this.#historyLimit = options.historyLimit;
  }

  /** Revision of the latest write. */
  get revision(): number {
    return this.#revision;
  }

  get(resource: ResourceName, namespace: string, name: string): KubeObject | undefined {
    return this.#table(resource).objects.get(namespace)?.get(name);
  }

  /** Objects of one namespace, or of all (`''`), ordered by namespace and name. */
  values(resource: ResourceName, namespace: string): readonly KubeObject[] {
    const { objects } = this.#table(resource);
    const groups = namespace === '' ? [...objects.values()] : [objects.get(namespace) ?? new Map<string, KubeObject>()];
    return groups.flatMap((group) => [...group.values()]).sort(byKey);
  }

  /** Stores an object under a new revision, which becomes its resourceVersion. */
  put(resource: ResourceName, object: KubeObject): KubeObject {
    const table = this.#table(resource);
    const { namespace = '', name } = object.metadata;
    const revision = ++this.#revision;
    const after = stamped(object, revision);
    const group = table.objects.get(namespace) ?? new Map<string, KubeObject>();
    const before = group.get(name);
    table.objects.set(namespace, group.set(name, after));
    this.#record(table, { revision, before, after });
    return after;
  }

  /** Removes an object; returns its last state under the revision of the removal. */
  remove(resource: ResourceName, object: KubeObject): KubeObject {
    const table = this.#table(resource);
    const { namespace = '', name } = object.metadata;
    const revision = ++this.#revision;
    const group = table.objects.get(namespace);
    group?.delete(name);
    if (group?.size === 0) table.objects.delete(namespace);
    this.#record(table, { revision, before: object, after: undefined });
    return stamped(object, revision);
  }

  /** The changes after a revision, oldest first. Throws a 410 when some of them are forgotten. */
  changesSince(resource: ResourceName, revision: number): readonly Change[] {
    const { history, floor } = this.#table(resource);
    if (revision < floor) throw expired(`too old resource version: ${revision} (${floor})`);
    return history.slice(firstAfter(history, revision));
  }

  /** The objects as they were at a revision. Throws a 410 when that is forgotten. */
  valuesAt(resource: ResourceName, namespace: string, revision: number): readonly KubeObject[] {
    const changes = this.changesSince(resource, revision);
    if (changes.length === 0) return this.values(resource, namespace);
    const objects = new Map(this.values(resource, '').map((object) => [keyOf(object), object]));
    for (const { before, after } of changes.toReversed()) {
      if (after !== undefined) objects.delete(keyOf(after));
      if (before !== undefined) objects.set(keyOf(before), before);
    }
    const all = [...objects.values()].sort(byKey);
    return namespace === '' ? all : all.filter((object) => object.metadata.namespace === namespace);
  }

  /** Calls `listener` for every later change, in order; returns the way to stop it. */
  subscribe(resource: ResourceName, listener: ChangeListener): () => void {
    const { listeners } = this.#table(resource);
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  /** Forgets all history, as etcd does every five minutes. */
  compact(): void {
    for (const table of this.#tables.values()) {
      table.history.length = 0;
      table.floor = this.#revision;
    }
  }

  #table(resource: ResourceName): Table {
    const known = this.#tables.get(resource);
    if (known) return known;
    const table: Table = { objects: new Map(), history: [], listeners: new Set(), floor: 0 };
    this.#tables.set(resource, table);
    return table;
  }

  #record(table: Table, change: Change): void {
    table.history.push(change);
    // Trimming in slabs keeps the cost of a write constant.
    if (table.history.length > this.#historyLimit * 1.25) {
      const dropped = table.history.splice(0, table.history.length - this.#historyLimit);
      table.floor = dropped.at(-1)?.revision ?? table.floor;
    }
    this.#undelivered.push({ table, change });
    if (!this.#delivering) this.#deliver();
  }

  #deliver(): void {
    this.#delivering = true;
    try {
      for (let next = this.#undelivered.shift(); next !== undefined; next = this.#undelivered.shift()) {
        for (const listener of [...next.table.listeners]) listener(next.change);
      }
    } finally {
      this.#delivering = false;
    }
  }
}

/** `namespace/name`: the order of lists, and what continue tokens point to. */
export function keyOf(object: KubeObject): string {
  return `${object.metadata.namespace ?? ''}/${object.metadata.name}`;
}

function byKey(left: KubeObject, right: KubeObject): number {
  const [a, b] = [keyOf(left), keyOf(right)];
  return a < b ? -1 : Number(a > b);
}

function firstAfter(history: readonly Change[], revision: number): number {
  let low = 0;
  let high = history.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((history[middle]?.revision ?? 0) > revision) high = middle;
    else low = middle + 1;
  }
  return low;
}

function stamped(object: KubeObject, revision: number): KubeObject {
  return { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } };
}

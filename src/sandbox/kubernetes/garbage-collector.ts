import { ApiError } from './api-error.js';
import { without, type KubeObject, type OwnerReference } from './objects.js';
import type { ObjectStore } from './object-store.js';
import { RESOURCES, type ResourceName } from './resources.js';
import type { Change } from './revision-store.js';

interface Reference {
  readonly resource: ResourceName;
  readonly namespace: string;
  readonly name: string;
}

const WATCHED = Object.keys(RESOURCES) as readonly ResourceName[];

/** Follows owner references: deletes or frees dependents, empties namespaces. Returns the way to stop it. */
export function startGarbageCollector(store: ObjectStore): () => void {
  const collector = new GarbageCollector(store);
  const stops = WATCHED.map((resource) =>
    store.revisions.subscribe(resource, (change) => collector.onChange(resource, change)),
  );
  return () => {
    for (const stop of stops) stop();
  };
}

class GarbageCollector {
  readonly #store: ObjectStore;
  /** Owner UID to its dependents by `resource/namespace/name`. */
  readonly #dependents = new Map<string, Map<string, Reference>>();

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  onChange(resource: ResourceName, change: Change): void {
    const { before, after } = change;
    const object = after ?? before;
    if (object === undefined) return;
    this.#index(resource, before, after);
    if (resource === 'namespaces') this.#onNamespace(object, after === undefined);
    else if (after === undefined) this.#onRemoved(object);
    else if (after.metadata.deletionTimestamp !== undefined) this.#onDeleting(resource, after);
  }

  #index(resource: ResourceName, before: KubeObject | undefined, after: KubeObject | undefined): void {
    if (before !== undefined && after?.metadata.ownerReferences !== before.metadata.ownerReferences) {
      for (const { uid } of ownersOf(before)) this.#dependents.get(uid)?.delete(keyOf(resource, before));
    }
    if (after !== undefined) {
      for (const { uid } of ownersOf(after))
        this.#dependent(uid).set(keyOf(resource, after), referenceTo(resource, after));
    }
    // A foreground deletion of the owner waits for exactly this.
    else if (before !== undefined) this.#releaseOwners(before);
  }

  #dependent(owner: string): Map<string, Reference> {
    const known = this.#dependents.get(owner) ?? new Map<string, Reference>();
    this.#dependents.set(owner, known);
    return known;
  }

  #dependentsOf(uid: string): readonly Reference[] {
    return [...(this.#dependents.get(uid)?.values() ?? [])];
  }

  #onRemoved(object: KubeObject): void {
    const { uid } = object.metadata;
    for (const dependent of this.#dependentsOf(uid)) {
      const owners = this.#find(dependent)?.metadata.ownerReferences ?? [];
      if (owners.some((owner) => owner.uid !== uid && this.#dependents.has(owner.uid))) this.#disown(dependent, uid);
      else this.#delete(dependent);
    }
    this.#dependents.delete(uid);
  }

  #onDeleting(resource: ResourceName, object: KubeObject): void {
    const { uid, finalizers = [] } = object.metadata;
    if (finalizers.includes('orphan')) {
      for (const dependent of this.#dependentsOf(uid)) this.#disown(dependent, uid);
      this.#removeFinalizer(referenceTo(resource, object), 'orphan');
    } else if (finalizers.includes('foregroundDeletion')) {
      const dependents = this.#dependentsOf(uid);
      for (const dependent of dependents) this.#delete(dependent);
      if (dependents.length === 0) this.#removeFinalizer(referenceTo(resource, object), 'foregroundDeletion');
    }
  }

  #releaseOwners(object: KubeObject): void {
    for (const { uid, name, kind } of ownersOf(object)) {
      const resource = WATCHED.find((candidate) => RESOURCES[candidate].kind === kind);
      if (resource === undefined || this.#dependentsOf(uid).length > 0) continue;
      const owner = { resource, namespace: object.metadata.namespace ?? '', name };
      const found = this.#find(owner);
      if (found?.metadata.uid === uid) this.#removeFinalizer(owner, 'foregroundDeletion');
    }
  }

  #onNamespace(namespace: KubeObject, gone: boolean): void {
    const { name } = namespace.metadata;
    if (gone) {
      for (const resource of WATCHED) {
        if (RESOURCES[resource].namespaced) this.#empty(resource, name);
      }
      return;
    }
    if (this.#store.find('serviceaccounts', name, 'default') !== undefined) return;
    this.#store.create('serviceaccounts', { metadata: { name: 'default', namespace: name } });
  }

  #empty(resource: ResourceName, namespace: string): void {
    for (const object of this.#store.list(resource, namespace)) {
      this.#attempt(() =>
        this.#store.delete(resource, namespace, object.metadata.name, {
          gracePeriodSeconds: 0,
          propagationPolicy: 'Background',
        }),
      );
    }
  }

  #find({ resource, namespace, name }: Reference): KubeObject | undefined {
    return this.#store.find(resource, namespace, name);
  }

  #delete({ resource, namespace, name }: Reference): void {
    this.#attempt(() => this.#store.delete(resource, namespace, name, { propagationPolicy: 'Background' }));
  }

  #disown({ resource, namespace, name }: Reference, uid: string): void {
    const object = this.#find({ resource, namespace, name });
    if (object === undefined) return;
    const ownerReferences = ownersOf(object).filter((owner) => owner.uid !== uid);
    const metadata = without({ ...object.metadata }, 'ownerReferences');
    const kept = ownerReferences.length === 0 ? metadata : { ...metadata, ownerReferences };
    this.#attempt(() => this.#store.update(resource, { namespace, name }, () => ({ ...object, metadata: kept })));
  }

  #removeFinalizer({ resource, namespace, name }: Reference, finalizer: string): void {
    const object = this.#find({ resource, namespace, name });
    if (!object?.metadata.finalizers?.includes(finalizer)) return;
    const { finalizers, ...metadata } = object.metadata;
    const rest = finalizers.filter((known) => known !== finalizer);
    const next = { ...object, metadata: rest.length === 0 ? metadata : { ...metadata, finalizers: rest } };
    this.#attempt(() => this.#store.update(resource, { namespace, name }, () => next));
  }

  /** What somebody else deleted meanwhile is fine: that is what was wanted. */
  #attempt(action: () => unknown): void {
    try {
      action();
    } catch (error) {
      if (!(error instanceof ApiError) || error.code !== 404) throw error;
    }
  }
}

function ownersOf(object: KubeObject): readonly OwnerReference[] {
  return object.metadata.ownerReferences ?? [];
}

function referenceTo(resource: ResourceName, object: KubeObject): Reference {
  return { resource, namespace: object.metadata.namespace ?? '', name: object.metadata.name };
}

function keyOf(resource: ResourceName, object: KubeObject): string {
  return `${resource}/${object.metadata.namespace ?? ''}/${object.metadata.name}`;
}

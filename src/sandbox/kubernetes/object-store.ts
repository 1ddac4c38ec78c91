import { randomInt, randomUUID } from 'node:crypto';
import {
  alreadyExists,
  ApiError,
  badRequest,
  conflict,
  forbidden,
  invalid,
  notFound,
  type Subject,
} from './api-error.js';
import {
  isRecord,
  kubeTime,
  recordAt,
  sameJson,
  textAt,
  without,
  type JsonRecord,
  type KubeObject,
} from './objects.js';
import { apiVersionOf, RESOURCES, type ResourceName, type ResourceType } from './resources.js';
import { RevisionStore, type Change } from './revision-store.js';
import { selects, type Selection } from './selectors.js';
import { strategyOf } from './strategies.js';
import { problemsOf } from './strategy.js';
import { invalidValue } from './validation/field-errors.js';

export interface WriteOptions {
  /** Go through all checks, change nothing. @default false */
  readonly dryRun?: boolean | undefined;
  /** Called for each warning the API server would send along. */
  readonly onWarning?: ((text: string) => void) | undefined;
}

export interface UpdateOptions extends WriteOptions {
  /** Which half is written: `status` changes the status only, otherwise the status is kept. */
  readonly subresource?: 'status' | undefined;
  /** Create the object when it is missing, for kinds that allow it. @default false */
  readonly allowCreate?: boolean | undefined;
}

export interface DeleteOptions extends WriteOptions {
  readonly uid?: string | undefined;
  readonly resourceVersion?: string | undefined;
  readonly gracePeriodSeconds?: number | undefined;
  readonly propagationPolicy?: 'Background' | 'Foreground' | 'Orphan' | undefined;
}

export interface Deletion {
  /** The object as it is now, or was last. */
  readonly object: KubeObject;
  /** False while it lives on: a grace period runs or finalizers remain. */
  readonly removed: boolean;
}

export interface WatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: KubeObject;
}

export interface WatchOptions extends Selection {
  /** One namespace; all when absent. */
  readonly namespace?: string | undefined;
  /** Events after this revision; without it the existing objects come first, as ADDED. */
  readonly since?: number | undefined;
}

export interface ObjectStoreOptions {
  /** Milliseconds since the epoch. @default Date.now */
  readonly now?: () => number;
  /** Remembered changes per resource. @default 10000 */
  readonly historyLimit?: number;
}

/** Looks at a new object before it is stored, like an admission controller: a quota, a policy. Returns why it is refused. */
export type Admission = (resource: ResourceName, object: KubeObject) => string | undefined;

const NAME_LETTERS = 'bcdfghjklmnpqrstvwxz2456789';
const STALE = 'the object has been modified; please apply your changes to the latest version and try again';

/** `prefix` and five random letters, as the API server and the Job controller make names. */
export function randomName(prefix: string): string {
  const letters = Array.from({ length: 5 }, () => NAME_LETTERS.charAt(randomInt(NAME_LETTERS.length)));
  return prefix.slice(0, 58) + letters.join('');
}

/**
 * The API server without HTTP: defaulting, validation, conflicts, graceful deletion, watches.
 * Errors are `ApiError`s with the status and text the real server answers.
 * Controllers and the kubelet of the sandbox work on it directly.
 */
export class ObjectStore {
  readonly revisions: RevisionStore;
  readonly now: () => number;
  readonly #admissions = new Set<Admission>();

  constructor(options: ObjectStoreOptions = {}) {
    this.revisions = new RevisionStore({ historyLimit: options.historyLimit ?? 10_000 });
    this.now = options.now ?? Date.now;
  }

  /** Lets `admission` see every new object; returns the way to stop that. A refusal is a 403, as with quotas. */
  addAdmission(admission: Admission): () => void {
    this.#admissions.add(admission);
    return () => this.#admissions.delete(admission);
  }

  /** Throws a 404 when there is no such object. */
  get(resource: ResourceName, namespace: string, name: string): KubeObject {
    const object = this.find(resource, namespace, name);
    if (object === undefined) throw notFound(subjectOf(RESOURCES[resource], name));
    return object;
  }

  find(resource: ResourceName, namespace: string, name: string): KubeObject | undefined {
    return this.revisions.get(resource, namespace, name);
  }

  /** The selected objects of one namespace, or of all (`''`), ordered by namespace and name. */
  list(resource: ResourceName, namespace = '', selection: Selection = {}): readonly KubeObject[] {
    const { fieldsOf } = strategyOf(resource);
    return this.revisions.values(resource, namespace).filter((object) => selects(selection, object, fieldsOf));
  }

  /** Creates an object; `metadata.namespace` must be set for namespaced kinds. */
  create(resource: ResourceName, input: JsonRecord, options: WriteOptions = {}): KubeObject {
    const type: ResourceType = RESOURCES[resource];
    const strategy = strategyOf(resource);
    if (textAt(input, 'metadata', 'resourceVersion') !== '') {
      const message = 'resourceVersion should not be set on objects to be created';
      throw new ApiError({ code: 500, reason: '', message });
    }
    const named = this.#withSystemFields(type, strategy.withDefaults(input));
    this.#requireNamespace(type, named);
    this.#askAdmission(resource, named);
    const object = strategy.prepareForCreate(named);
    const { name, namespace = '' } = object.metadata;
    const problems = problemsOf(type, strategy, object);
    if (problems.length > 0) throw invalid({ group: type.group, kind: type.kind, name }, problems);
    for (const warning of strategy.warnings(object)) options.onWarning?.(warning);
    if (this.find(resource, namespace, name) !== undefined) throw alreadyExists(subjectOf(type, name));
    // What is read back from storage is defaulted again: a Job without labels shows those of its pods then.
    const stored = { ...object, ...strategy.withDefaults(object) };
    return options.dryRun === true ? stored : this.revisions.put(resource, stored);
  }

  /**
   * Replaces an object by what `change` makes of its current state.
   * Throws a 409 when the result carries another UID or an older resourceVersion.
   */
  update(
    resource: ResourceName,
    key: { readonly namespace: string; readonly name: string },
    change: (current: KubeObject | undefined) => JsonRecord,
    options: UpdateOptions = {},
  ): KubeObject {
    const type: ResourceType = RESOURCES[resource];
    const current = this.find(resource, key.namespace, key.name);
    if (current === undefined) return this.#createByUpdate(resource, key.name, change, options);
    const strategy = strategyOf(resource);
    const proposed = strategy.withDefaults(change(current));
    checkFresh(type, current, recordAt(proposed, 'metadata'));
    const next = carriedOver(type, current, proposed, options.subresource);
    if (options.subresource !== 'status') {
      const problems = [...problemsOf(type, strategy, next), ...strategy.validateUpdate(next, current)];
      if (problems.length > 0) throw invalid({ group: type.group, kind: type.kind, name: key.name }, problems);
    }
    if (options.dryRun === true || sameJson(next, current)) return next;
    return this.#keepOrRemove(resource, next);
  }

  /** Changes only the status of an object. */
  updateStatus(
    resource: ResourceName,
    key: { readonly namespace: string; readonly name: string },
    change: (current: KubeObject) => JsonRecord,
  ): KubeObject {
    const withStatus = (current: KubeObject | undefined): JsonRecord =>
      current === undefined ? {} : { ...current, status: change(current) };
    return this.update(resource, key, withStatus, { subresource: 'status' });
  }

  /** Says that a pod runs on a node, as a scheduler does; status and rest stay. */
  bindPod(namespace: string, name: string, nodeName: string): KubeObject {
    const pod = this.get('pods', namespace, name);
    if (textAt(pod, 'spec', 'nodeName') !== '') {
      throw conflict({ group: '', kind: 'pods/binding', name }, `pod ${name} is already assigned to node`);
    }
    return this.revisions.put('pods', { ...pod, spec: { ...recordAt(pod, 'spec'), nodeName } });
  }

  /** Deletes one object, at once or after its grace period and finalizers. */
  delete(resource: ResourceName, namespace: string, name: string, options: DeleteOptions = {}): Deletion {
    const type: ResourceType = RESOURCES[resource];
    const strategy = strategyOf(resource);
    const object = this.get(resource, namespace, name);
    checkPreconditions(type, object, options);
    const grace = strategy.gracePeriod(object, options.gracePeriodSeconds);
    const finalizers = finalizersOf(object, options.propagationPolicy ?? strategy.defaultPropagation);
    const removed = grace === 0 && finalizers.length === 0;
    const marked = removed ? object : this.#markedForDeletion(object, grace, finalizers);
    if (options.dryRun === true || (!removed && sameJson(marked, object))) return { object: marked, removed };
    if (!removed) return { object: this.revisions.put(resource, marked), removed };
    const last = this.revisions.remove(resource, object);
    return { object: resource === 'pods' ? this.#markedForDeletion(last, 0, []) : last, removed };
  }

  /** Deletes every selected object of a namespace; returns them. */
  deleteCollection(
    resource: ResourceName,
    namespace: string,
    selection: Selection,
    options: DeleteOptions = {},
  ): readonly KubeObject[] {
    const names = this.list(resource, namespace, selection).map((object) => object.metadata);
    return names.map((metadata) => this.delete(resource, metadata.namespace ?? '', metadata.name, options).object);
  }

  /**
   * Tells `onEvent` of the selected objects, in order, until the returned function is called. An object that leaves
   * the selection is DELETED. `onEvent` runs inside of the write: keep it short. Throws a 410 for a forgotten `since`.
   */
  watch(resource: ResourceName, options: WatchOptions, onEvent: (event: WatchEvent) => void): () => void {
    const tell = (change: Change): void => {
      const event = this.eventFor(resource, options, change);
      if (event !== undefined) onEvent(event);
    };
    if (options.since === undefined) {
      for (const object of this.list(resource, options.namespace, options)) onEvent({ type: 'ADDED', object });
    } else {
      for (const change of this.revisions.changesSince(resource, options.since)) tell(change);
    }
    return this.revisions.subscribe(resource, tell);
  }

  /** What a change is to a watcher with this selection; undefined when it concerns none of its objects. */
  eventFor(resource: ResourceName, options: WatchOptions, change: Change): WatchEvent | undefined {
    const { fieldsOf } = strategyOf(resource);
    const concerns = (object: KubeObject | undefined): object is KubeObject =>
      object !== undefined &&
      (options.namespace === undefined ||
        options.namespace === '' ||
        options.namespace === object.metadata.namespace) &&
      selects(options, object, fieldsOf);
    const { before, after } = change;
    if (concerns(after)) return { type: concerns(before) ? 'MODIFIED' : 'ADDED', object: after };
    return concerns(before) ? { type: 'DELETED', object: lastState(change, before) } : undefined;
  }

  /** PUT of a missing object: some kinds are created by it. */
  #createByUpdate(
    resource: ResourceName,
    name: string,
    change: (current: undefined) => JsonRecord,
    options: UpdateOptions,
  ): KubeObject {
    const type: ResourceType = RESOURCES[resource];
    if (!type.createsOnUpdate || options.allowCreate !== true) throw notFound(subjectOf(type, name));
    const object = change(undefined);
    const metadata = recordAt(object, 'metadata');
    if (textAt(metadata, 'resourceVersion') !== '') throw notFound(subjectOf(type, name));
    return this.create(resource, { ...object, metadata: without(metadata, 'resourceVersion') }, options);
  }

  #withSystemFields(type: ResourceType, input: JsonRecord): KubeObject {
    const given = recordAt(input, 'metadata');
    const generateName = textAt(given, 'generateName');
    const name = textAt(given, 'name') || (generateName === '' ? '' : randomName(generateName));
    return {
      apiVersion: apiVersionOf(type),
      kind: type.kind,
      metadata: {
        ...without(given, 'deletionTimestamp', 'deletionGracePeriodSeconds'),
        name,
        uid: randomUUID(),
        resourceVersion: '',
        creationTimestamp: kubeTime(this.now()),
        ...(type.countsGenerations ? { generation: 1 } : {}),
      },
      ...without(input, 'apiVersion', 'kind', 'metadata'),
    };
  }

  #askAdmission(resource: ResourceName, object: KubeObject): void {
    for (const admission of this.#admissions) {
      const refusal = admission(resource, object);
      if (refusal !== undefined) throw forbidden(subjectOf(RESOURCES[resource], object.metadata.name), refusal);
    }
  }

  #requireNamespace(type: ResourceType, object: KubeObject): void {
    const { namespace = '' } = object.metadata;
    if (!type.namespaced || namespace === '' || this.find('namespaces', '', namespace) !== undefined) return;
    throw notFound(subjectOf(RESOURCES.namespaces, namespace));
  }

  #markedForDeletion(object: KubeObject, grace: number, finalizers: readonly string[]): KubeObject {
    const { deletionTimestamp, deletionGracePeriodSeconds: earlier = 0, generation } = object.metadata;
    const keeps = deletionTimestamp !== undefined && grace >= earlier;
    const withFinalizers = finalizers.length === 0 ? {} : { finalizers };
    if (keeps) return { ...object, metadata: { ...object.metadata, ...withFinalizers } };
    return {
      ...object,
      metadata: {
        ...object.metadata,
        ...withFinalizers,
        ...(generation === undefined ? {} : { generation: generation + 1 }),
        deletionTimestamp: kubeTime(this.now() + grace * 1000),
        deletionGracePeriodSeconds: grace,
      },
    };
  }

  /** An object whose deletion only waited for its last finalizer goes with the update that removes it. */
  #keepOrRemove(resource: ResourceName, next: KubeObject): KubeObject {
    const { deletionTimestamp, deletionGracePeriodSeconds = 0, finalizers = [] } = next.metadata;
    const ends = deletionTimestamp !== undefined && deletionGracePeriodSeconds === 0 && finalizers.length === 0;
    return ends ? this.revisions.remove(resource, next) : this.revisions.put(resource, next);
  }
}

const FINALIZERS = { Background: [], Orphan: ['orphan'], Foreground: ['foregroundDeletion'] } as const;

/** What must be done before an object may go: its own finalizers and that of the way it is deleted. */
function finalizersOf(object: KubeObject, propagation: keyof typeof FINALIZERS): readonly string[] {
  return [...new Set([...(object.metadata.finalizers ?? []), ...FINALIZERS[propagation]])];
}

/** The subject of messages about an object of this type. */
export function subjectOf(type: ResourceType, name: string): Subject {
  return { group: type.group, kind: type.plural, name };
}

const lastStates = new WeakMap<Change, KubeObject>();

/** The state before a change under the change's revision; made once for all watchers. */
function lastState(change: Change, before: KubeObject): KubeObject {
  const known = lastStates.get(change);
  if (known) return known;
  const resourceVersion = String(change.revision);
  const object = { ...before, metadata: { ...before.metadata, resourceVersion } };
  lastStates.set(change, object);
  return object;
}

function checkPreconditions(type: ResourceType, current: KubeObject, options: DeleteOptions): void {
  const { name, uid, resourceVersion } = current.metadata;
  const subject = { group: type.group, kind: type.kind, name };
  if (options.uid !== undefined && options.uid !== uid) {
    const what = `the UID in the precondition (${options.uid}) does not match the UID in record (${uid})`;
    throw conflict(subject, `${what}. The object might have been deleted and then recreated`);
  }
  if (options.resourceVersion !== undefined && options.resourceVersion !== resourceVersion) {
    const what = `the ResourceVersion in the precondition (${options.resourceVersion}) does not match the ResourceVersion`;
    throw conflict(subject, `${what} in record (${resourceVersion}). The object might have been modified`);
  }
}

function checkFresh(type: ResourceType, current: KubeObject, wanted: JsonRecord): void {
  const { namespace, name, uid, resourceVersion } = current.metadata;
  const [wantedUid, wantedVersion] = [textAt(wanted, 'uid'), textAt(wanted, 'resourceVersion')];
  if (wantedUid !== '' && wantedUid !== uid) {
    const key = ['/registry', type.plural, ...(namespace === undefined ? [] : [namespace]), name].join('/');
    const what = `Precondition failed: UID in precondition: ${wantedUid}, UID in object meta: ${uid}`;
    const why = `StorageError: invalid object, Code: 4, Key: ${key}, ResourceVersion: 0, AdditionalErrorMsg: ${what}`;
    throw conflict(subjectOf(type, name), why);
  }
  if (wantedVersion !== '' && wantedVersion !== resourceVersion) throw conflict(subjectOf(type, name), STALE);
}

/** The proposed object with everything a client cannot change taken from the current one. */
function carriedOver(
  type: ResourceType,
  current: KubeObject,
  proposed: JsonRecord,
  subresource: 'status' | undefined,
): KubeObject {
  const given = recordAt(proposed, 'metadata');
  if (!type.unconditionalUpdate && textAt(given, 'resourceVersion') === '') {
    const problem = invalidValue('metadata.resourceVersion', 0, 'must be specified for an update');
    throw invalid(subjectOf(type, current.metadata.name), [problem]);
  }
  const name = textAt(given, 'name');
  if (name !== '' && name !== current.metadata.name) {
    const message = `the name of the object (${name}) does not match the name on the URL (${current.metadata.name})`;
    throw badRequest(message);
  }
  const allowed = without(given, 'deletionTimestamp', 'deletionGracePeriodSeconds');
  const { generation, ...system } = systemFields(current);
  const body =
    subresource === 'status'
      ? { ...current, status: proposed.status }
      : { ...without(proposed, 'status'), ...statusOf(current) };
  const specChanged = subresource !== 'status' && !sameJson(proposed.spec, current.spec);
  const counted = generation === undefined ? {} : { generation: generation + Number(specChanged) };
  return {
    ...body,
    apiVersion: current.apiVersion,
    kind: current.kind,
    metadata: { ...allowed, ...system, ...counted },
  };
}

function statusOf(object: KubeObject): JsonRecord {
  return isRecord(object.status) ? { status: object.status } : {};
}

function systemFields(object: KubeObject) {
  const { name, namespace, uid, resourceVersion, creationTimestamp, generation } = object.metadata;
  const { deletionTimestamp, deletionGracePeriodSeconds } = object.metadata;
  return {
    name,
    ...(namespace === undefined ? {} : { namespace }),
    uid,
    resourceVersion,
    creationTimestamp,
    ...(generation === undefined ? {} : { generation }),
    ...(deletionTimestamp === undefined ? {} : { deletionTimestamp, deletionGracePeriodSeconds }),
  };
}

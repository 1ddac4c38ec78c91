import { ApiError, badRequest, expired, invalid, tooLargeResourceVersion } from './api-error.js';
import { isTrue, type ApiRequest } from './api-request.js';
import { isRecord, type KubeObject } from './objects.js';
import type { ObjectStore } from './object-store.js';
import { keyOf } from './revision-store.js';
import { parseFieldSelector, parseLabelSelector, selects, type Selection } from './selectors.js';
import { strategyOf } from './strategies.js';
import { forbiddenField, notSupported, type FieldError } from './validation/field-errors.js';

/** One page of a list. */
export interface Page {
  readonly items: readonly KubeObject[];
  readonly resourceVersion: string;
  readonly continueToken?: string;
  readonly remainingItemCount?: number;
}

const TOKEN_VERSION = 'meta.k8s.io/v1';
const INCONSISTENT =
  'The provided continue parameter is too old to display a consistent list result. You can start a new list without ' +
  'the continue parameter, or use the continue token in this response to retrieve the remainder of the results. ' +
  'Continuing with the provided token results in an inconsistent list - objects that were created, modified, or ' +
  'deleted between the time the first chunk was returned and now may show up in the list.';

/** The label and field selector of a request. */
export function selectionOf(request: ApiRequest): Selection {
  const { selectable } = strategyOf(request.store);
  const named = request.name === '' ? undefined : request.name;
  const fields = parseFieldSelector(request.query.get('fieldSelector') ?? '', selectable);
  return {
    labels: parseLabelSelector(request.query.get('labelSelector') ?? ''),
    fields: named === undefined ? fields : (values) => values['metadata.name'] === named && (fields?.(values) ?? true),
  };
}

/** The `resourceVersion` parameter as a number; undefined when absent. */
export function resourceVersionOf(query: URLSearchParams): number | undefined {
  const text = query.get('resourceVersion') ?? '';
  if (text === '') return undefined;
  if (/^\d+$/.test(text)) return Number(text);
  const why = `strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`;
  throw badRequest(`invalid resource version: resourceVersion: Invalid value: ${JSON.stringify(text)}: ${why}`);
}

/** Throws a 422 when the version parameters of a list or watch contradict each other. */
export function checkListOptions(request: ApiRequest): void {
  const problems = request.verb === 'watch' ? watchProblems(request.query) : listProblems(request.query);
  if (problems.length > 0) throw invalid({ group: 'meta.k8s.io', kind: 'ListOptions' }, problems);
}

function listProblems(query: URLSearchParams): readonly FieldError[] {
  const initial = query.get('sendInitialEvents') !== null;
  return [
    ...matchProblems(query),
    ...(initial ? [forbiddenField('sendInitialEvents', 'sendInitialEvents is forbidden for list')] : []),
  ];
}

function matchProblems(query: URLSearchParams): readonly FieldError[] {
  const field = 'resourceVersionMatch';
  const match = query.get(field) ?? '';
  const version = query.get('resourceVersion') ?? '';
  if (match === '') return [];
  const zeroExact = 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"';
  const known = ['Exact', 'NotOlderThan', ''];
  return [
    ...(version === '' ? [forbiddenField(field, `${field} is forbidden unless resourceVersion is provided`)] : []),
    ...(query.get('continue') ? [forbiddenField(field, `${field} is forbidden when continue is provided`)] : []),
    ...(known.includes(match) ? [] : [notSupported(field, match, known)]),
    ...(match === 'Exact' && version === '0' ? [forbiddenField(field, zeroExact)] : []),
  ];
}

function watchProblems(query: URLSearchParams): readonly FieldError[] {
  const field = 'resourceVersionMatch';
  const match = query.get(field) ?? '';
  const initial = query.get('sendInitialEvents') !== null;
  const needed = 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan';
  const unless = 'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided';
  return [
    ...(initial && match !== 'NotOlderThan' ? [forbiddenField(field, needed)] : []),
    ...(match !== '' && !initial ? [forbiddenField(field, unless)] : []),
    ...(match !== '' && match !== 'NotOlderThan' ? [notSupported(field, match, ['NotOlderThan'])] : []),
  ];
}

/** Throws a 504 when a version is asked for that does not exist yet. */
export function checkNotInFuture(store: ObjectStore, query: URLSearchParams): void {
  const version = resourceVersionOf(query) ?? 0;
  const { revision } = store.revisions;
  if (version > revision) throw tooLargeResourceVersion(version, revision);
}

interface Start {
  readonly revision: number;
  /** Objects before this key were on earlier pages. */
  readonly from: string;
  /** Read the objects as they were at `revision`; otherwise as they are. */
  readonly exact: boolean;
}

/** Lists one page with the semantics of `resourceVersion`, `resourceVersionMatch`, `limit` and `continue`. */
export function listPage(store: ObjectStore, request: ApiRequest): Page {
  checkListOptions(request);
  const selection = selectionOf(request);
  const limit = limitOf(request.query);
  const start = startOf(store, request.query, limit);
  const all = start.exact ? objectsAt(store, request, start) : store.revisions.values(request.store, request.namespace);
  const { fieldsOf } = strategyOf(request.store);
  const rest = all.filter((object) => keyOf(object) >= start.from && selects(selection, object, fieldsOf));
  const items = limit === 0 ? rest : rest.slice(0, limit);
  const next = rest[items.length];
  const resourceVersion = String(start.revision);
  if (next === undefined) return { items, resourceVersion };
  const selective = selection.labels !== undefined || selection.fields !== undefined;
  return {
    items,
    resourceVersion,
    continueToken: encodeToken(start.revision, keyOf(next)),
    // With a selector the API server does not know how many are left.
    ...(selective ? {} : { remainingItemCount: rest.length - items.length }),
  };
}

function limitOf(query: URLSearchParams): number {
  const text = query.get('limit') ?? '';
  if (text === '') return 0;
  if (!/^-?\d+$/.test(text)) throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  return Math.max(0, Number(text));
}

function startOf(store: ObjectStore, query: URLSearchParams, limit: number): Start {
  const token = query.get('continue') ?? '';
  const { revision } = store.revisions;
  if (token !== '') return decodeToken(token, revision, query);
  const version = resourceVersionOf(query);
  if (version === undefined || version === 0) return { revision, from: '', exact: false };
  checkNotInFuture(store, query);
  const match = query.get('resourceVersionMatch') ?? '';
  const exact = match === 'Exact' || (match === '' && limit > 0);
  return { revision: exact ? version : revision, from: '', exact };
}

function objectsAt(store: ObjectStore, request: ApiRequest, start: Start): readonly KubeObject[] {
  try {
    return store.revisions.valuesAt(request.store, request.namespace, start.revision);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (start.from === '') throw expired('The resourceVersion for the provided list is too old.');
    throw expired(INCONSISTENT, encodeToken(-1, start.from));
  }
}

function encodeToken(revision: number, from: string): string {
  return Buffer.from(JSON.stringify({ v: TOKEN_VERSION, rv: revision, start: from })).toString('base64url');
}

function decodeToken(token: string, revision: number, query: URLSearchParams): Start {
  const version = query.get('resourceVersion') ?? '';
  if (version !== '' && version !== '0') {
    throw badRequest('specifying resource version is not allowed when using continue');
  }
  const parsed = parseToken(token);
  if (parsed === undefined) throw badRequest('invalid continue token: continue key is not valid');
  // A token from an expired list says -1: go on with the present state.
  if (parsed.rv < 0) return { revision, from: parsed.start, exact: false };
  return { revision: parsed.rv, from: parsed.start, exact: true };
}

function parseToken(token: string): { readonly rv: number; readonly start: string } | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(token, 'base64url').toString('utf8'));
    if (!isRecord(value) || value.v !== TOKEN_VERSION) return undefined;
    const { rv, start } = value;
    return typeof rv === 'number' && typeof start === 'string' ? { rv, start } : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a watch asked for a BOOKMARK now and then. */
export function wantsBookmarks(query: URLSearchParams): boolean {
  return isTrue(query.get('allowWatchBookmarks'));
}

import { methodNotAllowed, unknownPath } from './api-error.js';
import type { Account } from './auth.js';
import { SERVED, type ResourceName, type ResourceType } from './resources.js';

export type Verb = 'create' | 'get' | 'list' | 'watch' | 'update' | 'patch' | 'delete' | 'deletecollection';

/** A request for a resource, understood from method and path. */
export interface ApiRequest {
  readonly verb: Verb;
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly type: ResourceType;
  /** Name of the store that holds the objects. */
  readonly store: ResourceName;
  readonly subresource: string;
  /** `''` for all namespaces and for the cluster scope. */
  readonly namespace: string;
  /** `''` for a collection. */
  readonly name: string;
  readonly account: Account;
}

type Served = (typeof SERVED)[number];

interface Target {
  readonly type: ResourceType;
  readonly store: ResourceName;
  readonly namespace: string;
  readonly name: string;
  readonly subresource: string;
}

/** Reads `/api/v1/…` and `/apis/<group>/<version>/…`; undefined for any other path or resource. */
export function parseResourcePath(path: string): Target | undefined {
  const [, root, ...parts] = path.replace(/\/$/, '').split('/').map(decodeURIComponent);
  if (root === 'api') return parseInGroup('', parts);
  return root === 'apis' ? parseInGroup(parts[0] ?? '', parts.slice(1)) : undefined;
}

function parseInGroup(group: string, [version, ...rest]: readonly string[]): Target | undefined {
  const find = (plural: string | undefined): Served | undefined =>
    SERVED.find(({ type }) => type.group === group && type.version === version && type.plural === plural);
  const [first, namespace = '', plural, ...more] = rest;
  const scoped = first === 'namespaces' ? find(plural) : undefined;
  if (scoped?.type.namespaced === true) return target(scoped, namespace, more);
  const unscoped = find(first);
  if (unscoped === undefined || (unscoped.type.namespaced && rest.length > 1)) return undefined;
  return target(unscoped, '', rest.slice(1));
}

function target(served: Served, namespace: string, rest: readonly string[]): Target | undefined {
  const [name = '', subresource = '', ...more] = rest;
  if (more.length > 0 || (subresource !== '' && !served.type.subresources.includes(subresource))) return undefined;
  return { ...served, namespace, name, subresource };
}

const COLLECTION_VERBS: Readonly<Record<string, Verb>> = { GET: 'list', POST: 'create', DELETE: 'deletecollection' };
const OBJECT_VERBS: Readonly<Record<string, Verb>> = { GET: 'get', PUT: 'update', PATCH: 'patch', DELETE: 'delete' };

/** Understands a request. Throws a 404 for an unknown resource and a 405 for a verb it does not have. */
export function parseApiRequest(method: string, url: URL, account: Account): ApiRequest {
  const found = parseResourcePath(url.pathname);
  if (found === undefined) throw unknownPath();
  const verb = (found.name === '' ? COLLECTION_VERBS : OBJECT_VERBS)[method];
  if (verb === undefined || !servesVerb(found, verb)) throw methodNotAllowed();
  const watching = verb === 'list' && isTrue(url.searchParams.get('watch'));
  return {
    ...found,
    verb: watching ? 'watch' : verb,
    method,
    path: url.pathname,
    query: url.searchParams,
    account,
  };
}

function servesVerb(found: Target, verb: Verb): boolean {
  if (found.subresource === 'log') return verb === 'get';
  if (found.subresource === 'status') return verb !== 'delete';
  return !(verb === 'create' && found.type.namespaced && found.namespace === '');
}

/** How the API server reads a boolean parameter: present, and neither `0` nor `false`. */
export function isTrue(value: string | null): boolean {
  return value !== null && value !== '0' && value.toLowerCase() !== 'false';
}

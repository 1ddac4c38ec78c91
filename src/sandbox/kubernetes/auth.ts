import { randomBytes } from 'node:crypto';
import { forbidden, unauthorized } from './api-error.js';

/** What a subject may do; `*` in a list means everything. */
export interface AccessRule {
  readonly verbs: readonly string[];
  /** Plural names, `jobs/status` for a subresource. */
  readonly resources: readonly string[];
  /** @default any group */
  readonly apiGroups?: readonly string[];
  /** @default every namespace and the cluster scope */
  readonly namespaces?: readonly string[];
}

export interface Account {
  /** e.g. `system:serviceaccount:buildkite:controller`. */
  readonly name: string;
  readonly rules: readonly AccessRule[];
}

/** What a request wants to do, as an authorizer sees it. */
export interface AccessRequest {
  readonly verb: string;
  readonly group: string;
  /** With its subresource: `pods/log`; empty for a path that is no resource. */
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
  readonly path: string;
}

const ANONYMOUS: Account = { name: 'system:anonymous', rules: [] };
const ADMIN: Account = { name: 'sandbox-admin', rules: [{ verbs: ['*'], resources: ['*'] }] };
const PUBLIC_PATHS = ['/healthz', '/livez', '/readyz', '/version'];
const DISCOVERY_PATHS = ['/api', '/apis', '/openapi'];

/** Knows bearer tokens and decides what their holders may do. */
export class Authorizer {
  /** The token that may do everything. */
  readonly adminToken = randomBytes(24).toString('base64url');
  readonly #accounts = new Map<string, Account>([[this.adminToken, ADMIN]]);

  /** Makes a token known; a random one unless given. Returns it. */
  addToken(account: Account, token = randomBytes(24).toString('base64url')): string {
    this.#accounts.set(token, account);
    return token;
  }

  /** Makes a token unknown: requests with it are answered 401 from now on. */
  removeToken(token: string): void {
    this.#accounts.delete(token);
  }

  /** The account of an `Authorization` header. Throws a 401 for a token nobody knows. */
  authenticate(header: string | undefined): Account {
    if (header === undefined) return ANONYMOUS;
    const token = /^Bearer\s+(\S+)$/i.exec(header)?.[1] ?? passwordOf(header);
    const account = token === undefined ? undefined : this.#accounts.get(token);
    if (account === undefined) throw unauthorized();
    return account;
  }

  /** Throws a 403, worded like RBAC's, when the account may not do this. */
  authorize(account: Account, request: AccessRequest): void {
    if (request.resource === '' && mayRead(account, request.path)) return;
    if (request.resource !== '' && account.rules.some((rule) => allows(rule, request))) return;
    throw refusal(account, request);
  }
}

/** kubectl sends no bearer tokens over http; it sends the password in the server URL as basic authentication. */
function passwordOf(header: string): string | undefined {
  const encoded = /^Basic\s+(\S+)$/i.exec(header)?.[1] ?? '';
  return /^token:(.+)$/s.exec(Buffer.from(encoded, 'base64').toString('utf8'))?.[1];
}

function mayRead(account: Account, path: string): boolean {
  const open = account === ANONYMOUS ? PUBLIC_PATHS : [...PUBLIC_PATHS, ...DISCOVERY_PATHS];
  return account === ADMIN || open.some((prefix) => path === prefix || path.startsWith(`${prefix}/`));
}

function allows(rule: AccessRule, request: AccessRequest): boolean {
  const listed = (list: readonly string[] | undefined, value: string): boolean =>
    list === undefined || list.includes('*') || list.includes(value);
  return (
    listed(rule.verbs, request.verb) &&
    listed(rule.resources, request.resource) &&
    listed(rule.apiGroups, request.group) &&
    listed(rule.namespaces, request.namespace)
  );
}

function refusal(account: Account, request: AccessRequest): Error {
  const who = `User ${JSON.stringify(account.name)} cannot ${request.verb}`;
  if (request.resource === '') {
    return forbidden({ group: '', kind: '' }, `${who} path ${JSON.stringify(request.path)}`);
  }
  const where =
    request.namespace === '' ? 'at the cluster scope' : `in the namespace ${JSON.stringify(request.namespace)}`;
  const what = `resource ${JSON.stringify(request.resource)} in API group ${JSON.stringify(request.group)}`;
  const subject = { group: request.group, kind: request.resource.replace(/\/.*/, ''), name: request.name };
  return forbidden(subject, `${who} ${what} ${where}`);
}

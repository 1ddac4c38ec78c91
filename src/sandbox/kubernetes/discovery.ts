import type { JsonRecord } from './objects.js';
import { apiVersionOf, SERVED, type ResourceType } from './resources.js';

/** Kubernetes version this server behaves like. */
const KUBERNETES_VERSION = 'v1.36.3';

const OBJECT_VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];
const QUERY_PARAMETERS = ['dryRun', 'fieldManager', 'fieldValidation', 'force'];

function groupVersions(): readonly { readonly group: string; readonly apiVersion: string }[] {
  const versions = new Map(SERVED.map(({ type }) => [apiVersionOf(type), type.group]));
  return [...versions].map(([apiVersion, group]) => ({ apiVersion, group }));
}

function resourceEntries(type: ResourceType): readonly JsonRecord[] {
  const { plural, singular, namespaced, kind, shortNames } = type;
  const main = {
    name: plural,
    singularName: singular,
    namespaced,
    kind,
    verbs: OBJECT_VERBS,
    ...(shortNames.length === 0 ? {} : { shortNames }),
    ...(plural === 'pods' || plural === 'jobs' ? { categories: ['all'] } : {}),
  };
  const subresources = type.subresources.map((subresource) => ({
    name: `${plural}/${subresource}`,
    singularName: '',
    namespaced,
    kind,
    verbs: subresource === 'log' ? ['get'] : ['get', 'patch', 'update'],
  }));
  return [main, ...subresources];
}

function group(name: string): JsonRecord {
  const versions = groupVersions()
    .filter((entry) => entry.group === name)
    .map(({ apiVersion }) => ({ groupVersion: apiVersion, version: apiVersion.replace(/.*\//, '') }));
  return { name, versions, preferredVersion: versions[0] };
}

function groupNames(): readonly string[] {
  return [...new Set(groupVersions().map((entry) => entry.group))].filter((name) => name !== '');
}

function rootPathOf(apiVersion: string): string {
  return apiVersion.includes('/') ? `apis/${apiVersion}` : `api/${apiVersion}`;
}

/** The document a discovery path is answered with; undefined for any other path. */
export function discoveryDocument(path: string): JsonRecord | undefined {
  const trimmed = path.replace(/\/$/, '');
  if (trimmed === '/version') return versionInfo();
  if (trimmed === '/api') {
    return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] };
  }
  if (trimmed === '/apis') {
    return { kind: 'APIGroupList', apiVersion: 'v1', groups: groupNames().map(group) };
  }
  const groupOnly = /^\/apis\/([^/]+)$/.exec(trimmed)?.[1];
  if (groupOnly !== undefined && groupNames().includes(groupOnly)) {
    return { kind: 'APIGroup', apiVersion: 'v1', ...group(groupOnly) };
  }
  const found = groupVersions().find(({ apiVersion }) => `/${rootPathOf(apiVersion)}` === trimmed);
  return found === undefined ? openApiDocument(trimmed) : resourceList(found.apiVersion);
}

function versionInfo(): JsonRecord {
  const [major, minor] = KUBERNETES_VERSION.slice(1).split('.');
  return { major, minor, gitVersion: KUBERNETES_VERSION, platform: 'linux/amd64' };
}

function resourceList(apiVersion: string): JsonRecord {
  const types = SERVED.map(({ type }) => type).filter((type) => apiVersionOf(type) === apiVersion);
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: apiVersion,
    resources: types.flatMap(resourceEntries),
  };
}

/** kubectl asks the OpenAPI document which query parameters a PATCH understands; nothing more is served. */
function openApiDocument(path: string): JsonRecord | undefined {
  if (path === '/openapi/v3') {
    const paths = groupVersions().map(({ apiVersion }) => [
      rootPathOf(apiVersion),
      { serverRelativeURL: `/openapi/v3/${rootPathOf(apiVersion)}?hash=sandbox` },
    ]);
    return { paths: Object.fromEntries(paths) as JsonRecord };
  }
  const found = groupVersions().find(({ apiVersion }) => `/openapi/v3/${rootPathOf(apiVersion)}` === path);
  if (found === undefined) return undefined;
  const types = SERVED.map(({ type }) => type).filter((type) => apiVersionOf(type) === found.apiVersion);
  const paths = types.map((type) => [openApiPathOf(type), { patch: patchOperation(type) }]);
  return {
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version: KUBERNETES_VERSION },
    paths: Object.fromEntries(paths) as JsonRecord,
  };
}

function openApiPathOf(type: ResourceType): string {
  const scope = type.namespaced ? 'namespaces/{namespace}/' : '';
  return `/${rootPathOf(apiVersionOf(type))}/${scope}${type.plural}/{name}`;
}

function patchOperation(type: ResourceType): JsonRecord {
  return {
    'x-kubernetes-action': 'patch',
    'x-kubernetes-group-version-kind': { group: type.group, version: type.version, kind: type.kind },
    parameters: QUERY_PARAMETERS.map((name) => ({ name, in: 'query', schema: { type: 'string' } })),
    responses: { '200': { description: 'OK' } },
  };
}

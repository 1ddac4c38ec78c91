/** The value of one leaf of a manifest; an empty map or list is a leaf, too. */
export type FieldValue = string | number | boolean | null | Readonly<Record<string, never>> | readonly never[];

/** Lists whose elements Kubernetes identifies by something other than `name`. */
const MERGE_KEYS: Readonly<Record<string, string>> = {
  hostAliases: 'ip',
  ports: 'containerPort',
  topologySpreadConstraints: 'topologyKey',
  volumeDevices: 'devicePath',
  volumeMounts: 'mountPath',
};

/**
 * Every leaf of an object by its path, in document order. List elements are named by their merge key, so that a path means the same in two
 * manifests: `spec.template.spec.containers[agent].env[NAME].value`. Keys with dots or slashes stand in brackets.
 */
export function flattenFields(root: unknown): ReadonlyMap<string, FieldValue> {
  const fields = new Map<string, FieldValue>();
  visit(root, '', '', fields);
  return fields;
}

/** The paths at or below `path`; the part `spec.template.spec.` may be left out. Empty when there is no such path. */
export function fieldsBelow(paths: Iterable<string>, path: string): readonly string[] {
  const all = [...paths];
  for (const start of [path, `spec.template.spec.${path}`]) {
    const found = all.filter(
      (candidate) => candidate === start || [`${start}.`, `${start}[`].some((prefix) => candidate.startsWith(prefix)),
    );
    if (found.length > 0) return found;
  }
  return [];
}

/** A path and all the paths above it, for suggestions. */
export function pathPrefixes(path: string): readonly string[] {
  return [...path.matchAll(/\.(?![^[]*\])|\[/g)].map((match) => path.slice(0, match.index)).concat(path);
}

function visit(value: unknown, path: string, listName: string, fields: Map<string, FieldValue>): void {
  if (Array.isArray(value)) visitList(value, path, listName, fields);
  else if (typeof value === 'object' && value !== null) visitMap(value, path, fields);
  else if (isScalar(value)) fields.set(path, value);
}

function visitList(list: readonly unknown[], path: string, name: string, fields: Map<string, FieldValue>): void {
  if (list.length === 0) fields.set(path, []);
  const seen = new Set<string>();
  for (const [index, item] of list.entries()) {
    const element = elementName(item, name);
    const unique = element === undefined || seen.has(element) ? String(index) : element;
    seen.add(unique);
    visit(item, `${path}[${unique}]`, '', fields);
  }
}

function visitMap(map: object, path: string, fields: Map<string, FieldValue>): void {
  const entries = Object.entries(map).filter(([, item]) => item !== undefined);
  if (entries.length === 0) fields.set(path, {});
  for (const [key, item] of entries) visit(item, childPath(path, key), key, fields);
}

function isScalar(value: unknown): value is string | number | boolean | null {
  return value === null || ['string', 'number', 'boolean'].includes(typeof value);
}

function elementName(item: unknown, listName: string): string | undefined {
  if (typeof item !== 'object' || item === null) return undefined;
  const name: unknown = Reflect.get(item, MERGE_KEYS[listName] ?? 'name');
  return typeof name === 'string' || typeof name === 'number' ? String(name) : undefined;
}

function childPath(path: string, key: string): string {
  if (/[./[\]]/.test(key)) return `${path}[${key}]`;
  return path === '' ? key : `${path}.${key}`;
}

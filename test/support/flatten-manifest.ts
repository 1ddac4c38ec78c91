import { parseQuantity, formatQuantity } from '../../src/core/quantity.js';

/** Lists whose elements Kubernetes tells apart by a key, and whether their order has a meaning. */
const KEYED: Readonly<Record<string, { key: string; ordered: boolean }>> = {
  containers: { key: 'name', ordered: true },
  initContainers: { key: 'name', ordered: true },
  env: { key: 'name', ordered: true },
  volumes: { key: 'name', ordered: false },
  volumeMounts: { key: 'mountPath', ordered: false },
  imagePullSecrets: { key: 'name', ordered: false },
  hostAliases: { key: 'ip', ordered: false },
};
const ABSENT_WHEN_EMPTY = new Set([
  'volumeMounts',
  'env',
  'envFrom',
  'volumes',
  'resources',
  'status',
  'initContainers',
]);
const QUANTITY_MAPS = new Set(['limits', 'requests']);

/**
 * A manifest as a flat map from path to value, so that two can be compared and parts of them left out.
 * List elements go by their key (`containers[agent].env[NAME].value`); the order of a list is an entry of its own (`….$order`).
 */
export function flattenManifest(manifest: unknown): Map<string, string> {
  const flat = new Map<string, string>();
  walk(manifest, '', flat, { name: '', parent: '' });
  return flat;
}

function walk(value: unknown, path: string, flat: Map<string, string>, at: { name: string; parent: string }): void {
  if (value === null || value === undefined || isEmpty(value, at)) return;
  if (Array.isArray(value)) walkList(value, path, flat, at);
  else if (typeof value === 'object') walkObject(value as Record<string, unknown>, path, flat, at);
  else flat.set(path, leaf(value, at));
}

function isEmpty(value: unknown, { name, parent }: { name: string; parent: string }): boolean {
  const empty = typeof value === 'object' && value !== null && Object.keys(value).length === 0;
  if (empty && (ABSENT_WHEN_EMPTY.has(name) || (name === 'metadata' && parent !== ''))) return true;
  return name === 'value' && value === '' && parent === 'env';
}

function walkObject(
  value: Record<string, unknown>,
  path: string,
  flat: Map<string, string>,
  at: { name: string },
): void {
  if (Object.keys(value).length === 0) flat.set(path, '{}');
  for (const [key, child] of Object.entries(value))
    walk(child, path === '' ? key : `${path}.${key}`, flat, { name: key, parent: at.name });
}

function walkList(list: unknown[], path: string, flat: Map<string, string>, { name }: { name: string }): void {
  const keyed = KEYED[name];
  if (list.length === 0) flat.set(path, '[]');
  const labels = list.map((element, index) =>
    keyed === undefined ? String(index) : String((element as Record<string, unknown>)[keyed.key]),
  );
  const unique = labels.map((label, index) => (labels.indexOf(label) === index ? label : `${label}#${index}`));
  if (name === 'tolerations') {
    flat.set(path, JSON.stringify(list.map((element) => JSON.stringify(element, sortedKeys)).sort()));
    return;
  }
  for (const [index, element] of list.entries())
    walk(element, `${path}[${unique[index]}]`, flat, { name, parent: name });
  if (keyed?.ordered === true) flat.set(`${path}.$order`, JSON.stringify(unique));
}

function sortedKeys(_: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1)));
}

function leaf(value: unknown, { name, parent }: { name: string; parent: string }): string {
  const isQuantity = QUANTITY_MAPS.has(parent) || name === 'sizeLimit' || name === 'divisor';
  if (!isQuantity) return JSON.stringify(value);
  const parsed = parseQuantity(value as string);
  return parsed.ok ? formatQuantity(parsed.value) : JSON.stringify(value);
}

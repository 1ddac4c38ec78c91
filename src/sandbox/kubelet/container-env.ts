import { fail, ok, type Result } from '../../core/result.js';
import { recordAt, recordsAt, stringsAt, textAt, type JsonRecord, type KubeObject } from '../kubernetes/objects.js';
import { expandVariables } from './expand.js';

export type Env = Readonly<Record<string, string>>;

/** The part of the cluster a container's environment is made from. */
export interface EnvSources {
  readonly pod: KubeObject;
  readonly nodeName: string;
  readonly find: (resource: 'secrets' | 'configmaps', name: string) => KubeObject | undefined;
}

const VARIABLE_NAME = /^[-._a-zA-Z][-._a-zA-Z0-9]*$/;

/**
 * The environment of a container, resolved as the kubelet does it.
 * @returns the message of a `CreateContainerConfigError` when a Secret, ConfigMap or key is missing.
 */
export function resolveContainerEnv(container: JsonRecord, sources: EnvSources): Result<Env, string> {
  const env: Record<string, string> = {};
  for (const source of recordsAt(container, 'envFrom')) {
    const values = valuesOfSource(source, sources);
    if (!values.ok) return values;
    Object.assign(env, values.value);
  }
  // Values of envFrom cannot be referred to: the kubelet expands with the entries of `env` alone.
  const expandable: Record<string, string> = {};
  for (const entry of recordsAt(container, 'env')) {
    const value = valueOfEntry(entry, expandable, sources);
    if (!value.ok) return value;
    if (value.value === undefined) continue;
    expandable[textAt(entry, 'name')] = value.value;
  }
  return ok({ ...env, ...expandable });
}

function valuesOfSource(source: JsonRecord, sources: EnvSources): Result<Env, string> {
  const prefix = textAt(source, 'prefix');
  for (const [field, resource] of [
    ['configMapRef', 'configmaps'],
    ['secretRef', 'secrets'],
  ] as const) {
    const reference = source[field];
    if (reference === undefined) continue;
    const name = textAt(reference, 'name');
    const object = sources.find(resource, name);
    if (!object && recordAt(reference)['optional'] !== true) return fail(missing(resource, name));
    const entries = Object.entries(object ? dataOf(resource, object) : {})
      .map(([key, value]) => [prefix + key, value] as const)
      .filter(([key]) => VARIABLE_NAME.test(key));
    return ok(Object.fromEntries(entries));
  }
  return ok({});
}

function valueOfEntry(entry: JsonRecord, earlier: Env, sources: EnvSources): Result<string | undefined, string> {
  const from = recordAt(entry, 'valueFrom');
  if (from['fieldRef'] !== undefined) return ok(fieldValue(textAt(from, 'fieldRef', 'fieldPath'), sources));
  if (from['secretKeyRef'] !== undefined) return keyValue('secrets', recordAt(from, 'secretKeyRef'), sources);
  if (from['configMapKeyRef'] !== undefined) return keyValue('configmaps', recordAt(from, 'configMapKeyRef'), sources);
  // Nothing is limited here, so there is no figure to tell.
  if (from['resourceFieldRef'] !== undefined) return ok('0');
  return ok(expandVariables(textAt(entry, 'value'), (name) => earlier[name]));
}

function keyValue(
  resource: 'secrets' | 'configmaps',
  reference: JsonRecord,
  sources: EnvSources,
): Result<string | undefined, string> {
  const name = textAt(reference, 'name');
  const key = textAt(reference, 'key');
  const object = sources.find(resource, name);
  const value = object ? dataOf(resource, object)[key] : undefined;
  if (value !== undefined || reference['optional'] === true) return ok(value);
  if (!object) return fail(missing(resource, name));
  const kind = resource === 'secrets' ? 'Secret' : 'ConfigMap';
  return fail(`couldn't find key ${key} in ${kind} ${sources.pod.metadata.namespace ?? ''}/${name}`);
}

function missing(resource: 'secrets' | 'configmaps', name: string): string {
  return `${resource === 'secrets' ? 'secret' : 'configmap'} "${name}" not found`;
}

/** The text values of a Secret or ConfigMap by key. */
export function dataOf(resource: 'secrets' | 'configmaps', object: KubeObject): Env {
  if (resource === 'configmaps') return stringsAt(object, 'data');
  const decoded: Record<string, string> = {};
  for (const [key, value] of Object.entries(stringsAt(object, 'data'))) {
    decoded[key] = Buffer.from(value, 'base64').toString('utf8');
  }
  return decoded;
}

function fieldValue(path: string, { pod, nodeName }: EnvSources): string {
  const subscript = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(path);
  if (subscript) return textAt(pod, 'metadata', subscript[1] ?? '', subscript[2] ?? '');
  if (path === 'spec.nodeName') return nodeName;
  if (path === 'status.podIP' || path === 'status.hostIP') return '127.0.0.1';
  return textAt(pod, ...path.split('.'));
}

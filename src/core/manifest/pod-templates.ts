import { parseAllDocuments } from 'yaml';
import type { V1PodSpec } from '../config/config.js';
import { fail, ok, type Result } from '../result.js';

/** Stands in for the PodTemplates of a cluster. */
export interface PodTemplates {
  /** `.template.spec` of the PodTemplate with this name in this namespace; undefined when there is none. */
  find(name: string, namespace: string): V1PodSpec | undefined;
}

/**
 * Reads PodTemplates from YAML, one document each. A document without a namespace is in whichever namespace is asked for, like with
 * `kubectl apply`. Fails with a sentence when a document is something else.
 */
export function parsePodTemplates(text: string): Result<PodTemplates, string> {
  const templates: { name: string; namespace: string | undefined; spec: V1PodSpec }[] = [];
  for (const document of parseAllDocuments(text, { logLevel: 'silent', version: '1.1', merge: true })) {
    const [error] = document.errors;
    if (error !== undefined) return fail(`is not valid YAML: ${error.message.split('\n')[0] ?? ''}`);
    const value: unknown = document.toJS({ maxAliasCount: 1000 });
    if (value === null || value === undefined) continue;
    const spec = at(value, 'template', 'spec');
    const name = at(value, 'metadata', 'name');
    const namespace = at(value, 'metadata', 'namespace');
    const kind = at(value, 'kind');
    if (kind === undefined) return fail('holds a document without "kind" where only PodTemplates are expected');
    if (kind !== 'PodTemplate') return fail(`holds a "${String(kind)}" where only PodTemplates are expected`);
    if (typeof name !== 'string') return fail('holds a PodTemplate without "metadata.name"');
    if (!isPodSpec(spec)) return fail(`holds PodTemplate "${name}" without "template.spec"`);
    templates.push({ name, namespace: typeof namespace === 'string' ? namespace : undefined, spec });
  }
  return ok({
    find: (name, namespace) =>
      templates.find((known) => known.name === name && (known.namespace ?? namespace) === namespace)?.spec,
  });
}

/** A cluster without PodTemplates. */
export const NO_POD_TEMPLATES: PodTemplates = { find: () => undefined };

/** Like the API server's answer, it is taken on trust beyond that. */
function isPodSpec(value: unknown): value is V1PodSpec {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function at(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (here, key) => (typeof here === 'object' && here !== null ? Reflect.get(here, key) : undefined),
    value,
  );
}

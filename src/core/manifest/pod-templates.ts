import { parseAllDocuments } from 'yaml';
import type { V1PodSpec } from '../config/config.js';
import { goTags } from '../config/yaml-dialect.js';
import { fail, ok, type Result } from '../result.js';

/** Stands in for the PodTemplates of a cluster. */
export interface PodTemplates {
  /** `.template.spec` of the PodTemplate with this name in this namespace; undefined when there is none. */
  find(name: string, namespace: string): V1PodSpec | undefined;
}

/** The scalars of kubectl, through which templates come into a cluster: `12:30` and a date are text. */
const KUBECTL_YAML = { logLevel: 'silent', version: '1.1', merge: true, customTags: goTags } as const;

/**
 * Reads PodTemplates from YAML, one document each. A document without a namespace is in whichever namespace is asked for, like with
 * `kubectl apply`. Fails with a sentence when a document is something else.
 */
export function parsePodTemplates(text: string): Result<PodTemplates, string> {
  const templates: PodTemplate[] = [];
  for (const document of parseAllDocuments(text, KUBECTL_YAML)) {
    const [error] = document.errors;
    if (error !== undefined) return fail(`is not valid YAML: ${error.message.split('\n')[0] ?? ''}`);
    const value: unknown = document.toJS({ maxAliasCount: 1000 });
    if (value === null || value === undefined) continue;
    const template = readTemplate(value);
    if (!template.ok) return template;
    templates.push(template.value);
  }
  return ok({
    find: (name, namespace) =>
      templates.find((known) => known.name === name && (known.namespace ?? namespace) === namespace)?.spec,
  });
}

interface PodTemplate {
  readonly name: string;
  readonly namespace: string | undefined;
  readonly spec: V1PodSpec;
}

function readTemplate(value: unknown): Result<PodTemplate, string> {
  const kind = at(value, 'kind');
  if (kind !== 'PodTemplate') {
    const found = typeof kind === 'string' ? `a "${kind}"` : 'a document without "kind"';
    return fail(`holds ${found} where only PodTemplates are expected`);
  }
  const name = at(value, 'metadata', 'name');
  if (typeof name !== 'string') return fail('holds a PodTemplate without "metadata.name"');
  const spec = at(value, 'template', 'spec');
  if (!isPodSpec(spec)) return fail(`holds PodTemplate "${name}" without "template.spec"`);
  const namespace = at(value, 'metadata', 'namespace');
  return ok({ name, namespace: typeof namespace === 'string' ? namespace : undefined, spec });
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

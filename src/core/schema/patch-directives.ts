import { describeValue, quoted } from './describe.js';
import type { JsonSchema } from './json-schema.js';

/** What `$patch` may say in a strategic merge patch. */
const PATCH_ACTIONS: readonly unknown[] = ['delete', 'replace', 'merge'];

const LIST_DIRECTIVE = /^\$(?:setElementOrder|deleteFromPrimitiveList)\/(.*)$/s;

/** Whether the key is a directive of a strategic merge patch that this map may have; list directives need a list of that name. */
export function isDirective(key: string, schema: JsonSchema): boolean {
  if (key === '$patch' || key === '$retainKeys') return true;
  const [, list] = LIST_DIRECTIVE.exec(key) ?? [];
  const fields = schema.properties ?? {};
  return list !== undefined && Object.hasOwn(fields, list) && fields[list]?.type === 'array';
}

/** Why the value does not fit the directive, as far as its shape goes; undefined when it does. */
export function directiveProblem(key: string, value: unknown): string | undefined {
  if (key === '$patch') {
    if (PATCH_ACTIONS.includes(value)) return undefined;
    const found = typeof value === 'string' ? quoted(value) : describeValue(value);
    return `must be "delete", "replace" or "merge", but is ${found}`;
  }
  if (!Array.isArray(value)) return `must be a list, but is ${describeValue(value)}`;
  const entries: readonly unknown[] = value;
  const stranger = key === '$retainKeys' ? entries.find((entry) => typeof entry !== 'string') : undefined;
  return stranger === undefined ? undefined : `must be a list of strings, but has ${describeValue(stranger)}`;
}

import { entryOf, type MapNode, type SourceNode } from '../../pipeline/source-tree.js';
import { isNull } from '../../pipeline/read-fields.js';
import { quote } from '../edits.js';
import { knownText, mapsIn } from '../nodes.js';
import type { Found } from '../rule.js';
import type { TypedMap } from './typed-nodes.js';

/** YAML's timestamps: what yaml.v3 makes a date of. */
const DATE = /^\d{4}-\d\d?-\d\d?(?:(?:[Tt]|[ \t]+)\d\d?:\d\d:\d\d(?:\.\d*)?(?:[ \t]*(?:Z|[-+]\d\d?(?::?\d\d)?))?)?$/;

/** What is wrong with the variables of containers, beyond types. */
export function* envEntries(maps: readonly TypedMap[], text: string): Iterable<Found> {
  for (const { type, node } of maps) {
    if (type === 'EnvVar') yield* oneEntry(node, text);
    if (type !== 'Container' && type !== 'EphemeralContainer') continue;
    yield* sameNames(mapsIn(entryOf(node, 'env')?.value));
  }
}

function* oneEntry(node: MapNode, text: string): Iterable<Found> {
  const value = entryOf(node, 'value');
  const from = entryOf(node, 'valueFrom');
  if (value?.value.kind === 'scalar' && value.value.style === 'plain' && DATE.test(value.value.text)) {
    yield {
      rule: 'pod/env-string',
      at: value.value,
      message: `an env value must be a string, but YAML reads ${value.value.text} as a date, and the container gets it as a time with "T00:00:00Z" or fails; write "${value.value.text}" in quotes`,
      fix: quote(text, value.value),
    };
  }
  if (value !== undefined && from !== undefined && !isNull(from.value) && !isEmpty(value.value)) {
    yield {
      rule: 'env/entry',
      at: from.keySpan,
      message: `"${nameOf(node)}" has both "value" and "valueFrom", and Kubernetes refuses the Job; keep one`,
      related: [{ at: value.keySpan, message: 'the other value' }],
    };
  }
  yield* badName(node);
}

function isEmpty(node: SourceNode): boolean {
  return isNull(node) || (node.kind === 'scalar' && node.text === '');
}

function nameOf(node: MapNode): string {
  return knownText(entryOf(node, 'name')?.value) ?? 'the variable';
}

function* badName(node: MapNode): Iterable<Found> {
  const name = entryOf(node, 'name')?.value;
  const text = knownText(name);
  if (name === undefined || text === undefined || text.includes('{{') || !/[=\s]/.test(text)) return;
  const [, first] = /^(\w+)=/.exec(text) ?? [];
  // What stands behind the "=" may be a secret.
  const why =
    first === undefined
      ? 'the name of a variable holds no blank and no "="'
      : `"${first}=…" cannot be the name of a variable, write {name: ${first}, value: …}`;
  yield { rule: 'env/entry', at: name, message: `${why}; Kubernetes refuses the Job` };
}

function* sameNames(entries: readonly MapNode[]): Iterable<Found> {
  const seen = new Map<string, SourceNode>();
  for (const entry of entries) {
    const name = entryOf(entry, 'name')?.value;
    const text = knownText(name);
    if (name === undefined || text === undefined) continue;
    const before = seen.get(text);
    seen.set(text, name);
    if (before === undefined || before.start === name.start) continue;
    yield {
      rule: 'env/entry',
      severity: 'warning',
      at: name,
      message: `the variable "${text}" is set twice in this container, and only this last value counts; remove one`,
      related: [{ at: before, message: 'this value is lost' }],
    };
  }
}

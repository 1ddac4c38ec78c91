import { parseQuantity } from '../../quantity.js';
import { entryOf, type MapNode } from '../../pipeline/source-tree.js';
import { entriesOf, knownText } from '../nodes.js';
import type { Found } from '../rule.js';
import type { TypedMap } from './typed-nodes.js';

/** Volumes that have nothing but a name. */
export function* bareVolumes(maps: readonly TypedMap[]): Iterable<Found> {
  for (const { type, node, patch } of maps) {
    if (type !== 'Volume' || patch) continue;
    yield* bareVolume(node);
  }
}

function* bareVolume(node: MapNode): Iterable<Found> {
  const name = entryOf(node, 'name');
  const others = node.entries.filter(
    ({ key, value }) => key !== 'name' && !(value.kind === 'scalar' && value.value === null),
  );
  const source = node.entries.find(({ key }) => key !== 'name');
  // An `emptyDir` without anything is what it says.
  if (name === undefined || others.length > 0 || source?.key === 'emptyDir') return;
  const why = source === undefined ? 'has nothing but a name' : `has nothing under "${source.key}"`;
  yield {
    rule: 'volume/no-source',
    severity: 'warning',
    at: source?.keySpan ?? name.value,
    message: `the volume "${knownText(name.value) ?? '…'}" ${why}, so it becomes an empty directory; name its type, or write "emptyDir: {}" if that is meant`,
  };
}

/** Amounts below nothing. */
export function* negativeQuantities(maps: readonly TypedMap[]): Iterable<Found> {
  for (const { type, node } of maps) {
    if (type !== 'ResourceRequirements' && type !== 'VolumeResourceRequirements') continue;
    const amounts = ['requests', 'limits'].flatMap((field) => entriesOf(entryOf(node, field)?.value));
    for (const { key, value } of amounts) {
      const text = knownText(value);
      if (text === undefined || !isNegative(text)) continue;
      const message = `the quantity "${text}" for "${key}" is negative and Kubernetes refuses the Job; write an amount of 0 or more`;
      yield { rule: 'resources/quantity', at: value, message };
    }
  }
}

function isNegative(text: string): boolean {
  const quantity = text.trim().startsWith('-') ? parseQuantity(text) : undefined;
  return quantity?.ok === true && quantity.value.nanos < 0n;
}

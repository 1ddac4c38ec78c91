import { parseQuantity } from '../../quantity.js';
import { entryOf, type MapNode } from '../../pipeline/source-tree.js';
import type { LintCommandStep } from '../document.js';
import { entriesOf, knownText } from '../nodes.js';
import type { Found } from '../rule.js';
import { typedMaps } from './typed-nodes.js';

/** Volumes that have nothing but a name. */
export function* bareVolumes(step: LintCommandStep): Iterable<Found> {
  for (const { type, node, patch } of typedMaps(step)) {
    if (type !== 'Volume' || patch) continue;
    yield* bareVolume(node);
  }
}

function* bareVolume(node: MapNode): Iterable<Found> {
  const name = entryOf(node, 'name');
  const others = node.entries.filter(
    ({ key, value }) => key !== 'name' && !(value.kind === 'scalar' && value.value === null),
  );
  if (name === undefined || others.length > 0) return;
  const source = node.entries.find(({ key }) => key !== 'name');
  const why = source === undefined ? 'has nothing but a name' : `has nothing under "${source.key}"`;
  yield {
    rule: 'volume/no-source',
    severity: 'warning',
    at: source?.keySpan ?? name.value,
    message: `the volume "${knownText(name.value) ?? '…'}" ${why}, so it becomes an empty directory; name its type, or write "emptyDir: {}" if that is meant`,
  };
}

/** Amounts below nothing. */
export function* negativeQuantities(step: LintCommandStep): Iterable<Found> {
  for (const { type, node } of typedMaps(step)) {
    if (type !== 'ResourceRequirements' && type !== 'VolumeResourceRequirements') continue;
    for (const entry of [
      ...entriesOf(entryOf(node, 'requests')?.value),
      ...entriesOf(entryOf(node, 'limits')?.value),
    ]) {
      const text = knownText(entry.value);
      const quantity = text?.trim().startsWith('-') === true ? parseQuantity(text) : undefined;
      if (text === undefined || quantity?.ok !== true || quantity.value.nanos >= 0n) continue;
      yield {
        rule: 'resources/quantity',
        at: entry.value,
        message: `the quantity "${text}" for "${entry.key}" is negative and Kubernetes refuses the Job; write an amount of 0 or more`,
      };
    }
  }
}

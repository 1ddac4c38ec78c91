import { isReservedContainerName } from '../../job/identity.js';
import { entryOf, type MapEntry, type MapNode, type ScalarNode, type SourceNode } from '../../pipeline/source-tree.js';
import type { LintCommandStep } from './document.js';
import type { Span } from '../finding.js';
import { itemsOf, nodeAt } from './nodes.js';
import { type WrittenContainer, writtenContainers } from './written-containers.js';

/** The containers in `podSpec.containers`: each runs a command of the job under the agent. */
export function commandContainers(step: LintCommandStep): readonly WrittenContainer[] {
  return writtenContainers(step).filter(({ role, within }) => role === 'command' && within === 'podSpec');
}

/** Those, and what `podSpecPatch` writes about containers that are not the controller's own. */
export function commandContainerTexts(step: LintCommandStep): readonly WrittenContainer[] {
  return writtenContainers(step).filter(
    ({ role, within, name }) =>
      role === 'command' && (within === 'podSpec' || (name !== undefined && !isReservedContainerName(name))),
  );
}

/** What `podSpecPatch` writes about the containers of a name; an unknown name might be any of them. */
export function patchesOf(step: LintCommandStep, name: string | undefined): readonly MapNode[] {
  return writtenContainers(step)
    .filter((written) => written.within === 'podSpecPatch')
    .filter((written) => written.name === undefined || name === undefined || written.name === name)
    .map(({ node }) => node);
}

/** Whether a key has something in it: neither null nor an empty text, list or mapping. */
export function hasValue(node: SourceNode | undefined, key: string): boolean {
  const value = nodeAt(node, [key]);
  if (value === undefined) return false;
  switch (value.kind) {
    case 'scalar':
      return value.text !== '';
    case 'list':
      return value.items.length > 0;
    case 'map':
      return value.entries.length > 0;
  }
}

/** Whether the container itself or a patch for it sets a key. */
export function hasEffective(step: LintCommandStep, { node, name }: WrittenContainer, key: string): boolean {
  return hasValue(node, key) || patchesOf(step, name).some((patch) => hasValue(patch, key));
}

/** Where to point for a container as a whole: its image, else its name, else its first key. */
export function containerSpan(node: MapNode): Span {
  const named = ['image', 'name'].map((key) => nodeAt(node, [key])).find((value) => value?.kind === 'scalar');
  return named ?? node.entries[0]?.keySpan ?? { start: node.start, end: node.start + 1 };
}

/** The scalars of a list. */
export function scalarsOf(node: SourceNode | undefined): readonly ScalarNode[] {
  return itemsOf(node).filter((item) => item.kind === 'scalar');
}

/** The entry with the step's own command lines. */
export function commandEntry(step: LintCommandStep): MapEntry | undefined {
  const { source } = step.step;
  return entryOf(source, 'commands') ?? entryOf(source, 'command');
}

/** The scalars that hold the step's command: one for each item of a list. */
export function commandScalars(step: LintCommandStep): readonly ScalarNode[] {
  const value = commandEntry(step)?.value;
  return value?.kind === 'scalar' ? [value] : scalarsOf(value);
}

/** The `image` that becomes the image of all command containers: the step's own, else the pipeline's. */
export function imageAttribute(
  step: LintCommandStep,
): { readonly node: ScalarNode; readonly own: boolean } | undefined {
  const own = nodeAt(step.step.source, ['image']);
  if (own?.kind === 'scalar' && own.text !== '') return { node: own, own: true };
  const shared = nodeAt(step.root, ['image']);
  return shared?.kind === 'scalar' && shared.text !== '' ? { node: shared, own: false } : undefined;
}

/** Where to point for a step as a whole: its command, label, or first key. */
export function stepSpan(step: LintCommandStep): Span {
  const { source } = step.step;
  const entries = source.kind === 'map' ? source.entries : [];
  const entry = commandEntry(step) ?? entryOf(source, 'label') ?? entries[0];
  return entry?.keySpan ?? { start: source.start, end: source.start + 1 };
}

/** Whether a matrix token keeps a text from being known; `isUnknown` tells of variables of the upload. */
export function isOpen(text: string): boolean {
  return text.includes('{{');
}

import type { MapNode, ScalarNode } from '../../pipeline/source-tree.js';
import { hasValue, imageAttribute, patchesOf } from '../command-containers.js';
import type { LintCommandStep } from '../document.js';
import type { Fix } from '../finding.js';
import { entryAt, writtenText } from '../nodes.js';
import type { Found, StepContext } from '../rule.js';
import { writtenContainers } from '../written-containers.js';

/** Containers that somebody wrote without an image. */
export function* missingImages(step: LintCommandStep, { document, world }: StepContext): Iterable<Found> {
  for (const { node, role, within, name } of writtenContainers(step)) {
    if (within === 'podSpecPatch' || hasImage(node)) continue;
    const isPatched = name !== undefined && patchesOf(step, name).some((patch) => hasValue(patch, 'image'));
    if (isPatched && (role !== 'command' || skipsChecks(world))) continue;
    const image = role === 'command' ? imageAttribute(step) : undefined;
    yield {
      rule: 'container/image-missing',
      at: entryAt(node, ['image'])?.keySpan ?? firstKey(node),
      message: messageOf(role, image?.node, isPatched),
      ...(isPatched && { severity: 'warning' as const }),
      fix: image === undefined ? undefined : addImage(node, image.node, document.text),
    };
  }
}

function skipsChecks({ configName, config }: StepContext['world']): boolean {
  return configName !== undefined && config.skipImageCheckContainers;
}

/** Go's decoder takes `Image` for `image`. */
function hasImage(node: MapNode): boolean {
  return node.entries.some(({ key }) => key.toLowerCase() === 'image' && hasValue(node, key));
}

function firstKey(node: MapNode) {
  return node.entries[0]?.keySpan ?? { start: node.start, end: node.start + 1 };
}

function messageOf(role: string, image: ScalarNode | undefined, isPatched: boolean): string {
  if (role !== 'command')
    return `this ${role === 'sidecar' ? 'sidecar' : 'init container'} has no "image"; Kubernetes refuses the Job`;
  if (isPatched)
    return 'this container has no "image" before it is patched; the Go controller checks the images first and fails the job; put the image here';
  return image === undefined
    ? 'this container has no "image", and only a podSpec without containers gets the default one; the job fails before it starts'
    : `this container has no "image": the Go controller checks the images before it applies the step's "${writtenText(image)}" and fails the job; put the image here`;
}

function addImage(container: MapNode, image: ScalarNode, text: string): Fix | undefined {
  const [first] = container.entries;
  const raw = text.slice(image.start, image.end);
  if (first === undefined || first.merge !== undefined || container.alias !== undefined) return undefined;
  if (entryAt(container, ['image']) !== undefined || !/^[\w./:@"'-]+$/.test(raw)) return undefined;
  const glue = text[container.start] === '{' ? ', ' : `\n${' '.repeat(first.keyAt.column - 1)}`;
  const { start } = first.keySpan;
  return { description: "copy the step's image", edits: [{ start, end: start, text: `image: ${raw}${glue}` }] };
}

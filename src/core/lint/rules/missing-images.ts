import type { MapNode, ScalarNode } from '../../pipeline/source-tree.js';
import { hasValue, imageAttribute, patchesOf } from '../command-containers.js';
import type { LintCommandStep } from '../document.js';
import type { Fix, Span } from '../finding.js';
import { entryAt, writtenText } from '../nodes.js';
import type { Found, StepContext } from '../rule.js';
import { type WrittenContainer, writtenContainers } from '../written-containers.js';

/** Containers that somebody wrote without an image. */
export function* missingImages(step: LintCommandStep, context: StepContext): Iterable<Found> {
  for (const container of writtenContainers(step)) {
    if (container.within === 'podSpecPatch' || hasImage(container.node)) continue;
    const isPatched = getsImage(step, container);
    const isCommand = container.role === 'command';
    if (isPatched && (!isCommand || skipsChecks(context.world))) continue;
    yield missingImage(container, isCommand ? imageAttribute(step)?.node : undefined, {
      isPatched,
      text: context.document.text,
    });
  }
}

function missingImage(
  { node, role }: WrittenContainer,
  image: ScalarNode | undefined,
  { isPatched, text }: { readonly isPatched: boolean; readonly text: string },
): Found {
  return {
    rule: 'container/image-missing',
    at: imageSpan(node),
    message: messageOf(role, image, isPatched),
    ...(isPatched && { severity: 'warning' as const }),
    fix: image && addImage(node, image, text),
  };
}

function getsImage(step: LintCommandStep, { name }: WrittenContainer): boolean {
  return name !== undefined && patchesOf(step, name).some((patch) => hasValue(patch, 'image'));
}

function skipsChecks({ configName, config }: StepContext['world']): boolean {
  return configName !== undefined && config.skipImageCheckContainers;
}

/** Go's decoder takes `Image` for `image`. */
function hasImage(node: MapNode): boolean {
  return node.entries.some(({ key }) => key.toLowerCase() === 'image' && hasValue(node, key));
}

/** The empty value, else its key, else the first key. */
function imageSpan(node: MapNode): Span {
  const image = entryAt(node, ['image']);
  if (image !== undefined) return image.value.end > image.value.start ? image.value : image.keySpan;
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

import type { ScalarNode, SourceNode } from '../../pipeline/source-tree.js';
import {
  commandContainers,
  commandContainerTexts,
  hasValue,
  imageAttribute,
  isOpen,
  patchesOf,
} from '../command-containers.js';
import type { LintCommandStep } from '../document.js';
import { splitImage } from '../image-names.js';
import { knownText, mapsIn, nodeAt } from '../nodes.js';
import type { Found, StepContext } from '../rule.js';
import type { LintVersions } from '../world.js';
import { type WrittenContainer, writtenContainers } from '../written-containers.js';

/** `repository` patterns of images without a shell; `unless` is what the tag of a variant with one has in it. */
const NO_SHELL: readonly { readonly repository: RegExp; readonly unless?: RegExp }[] = [
  { repository: /(?:^|\/)distroless\//, unless: /debug/ },
  { repository: /(?:^|\/)(?:scratch|pause|hello-world)$/ },
  { repository: /(?:^|\/)chainguard\/(?:static|glibc-dynamic|cc-dynamic)$/, unless: /dev|debug/ },
  { repository: /(?:^|\/)kaniko-project\/(?:executor|warmer)$/, unless: /debug/ },
  { repository: /(?:^|\/)koalaman\/shellcheck$/, unless: /alpine|^latest-alpine/ },
  { repository: /(?:^|\/)hadolint\/hadolint$/, unless: /alpine|debian/ },
];
const NO_SHELL_TAG = /(?:^|[-.])(?:distroless|chiseled)/;

/** Images in which no command can run. */
export function* imagesWithoutShell(step: LintCommandStep, { world }: StepContext): Iterable<Found> {
  for (const { node, container } of commandImages(step)) {
    const image = knownText(node);
    if (image === undefined || isOpen(image) || !lacksShell(image, world.imagesWithoutShell)) continue;
    if (container !== undefined && setsShell(container)) continue;
    yield {
      rule: 'image/no-shell',
      at: node,
      message: `image "${image}" has no /bin/sh, with which the agent runs the command; use a variant that has one, such as ":debug"`,
    };
  }
}

interface CommandImage {
  readonly node: ScalarNode;
  readonly container: SourceNode | undefined;
}

/** The images that commands run in, as far as the step says: a patch wins over the step's image, which wins over the podSpec's. */
function commandImages(step: LintCommandStep): readonly CommandImage[] {
  const attribute = imageAttribute(step);
  const images = commandContainerTexts(step)
    .filter(({ within }) => attribute === undefined || within === 'podSpecPatch')
    .flatMap(({ node }) => scalar(nodeAt(node, ['image'])).map((image) => ({ node: image, container: node })));
  const isReplaced = images.length > 0 && commandContainers(step).length < 2;
  if (attribute === undefined || isReplaced) return images;
  return [...images, { node: attribute.node, container: firstOf(step) }];
}

function firstOf(step: LintCommandStep): SourceNode | undefined {
  return commandContainerTexts(step)[0]?.node;
}

function scalar(node: SourceNode | undefined): readonly ScalarNode[] {
  return node?.kind === 'scalar' && node.text !== '' ? [node] : [];
}

function lacksShell(image: string, patterns: readonly string[]): boolean {
  const { repository, tag = '' } = splitImage(image);
  if (patterns.some((pattern) => globMatches(pattern, image) || globMatches(pattern, repository))) return true;
  return (
    NO_SHELL_TAG.test(tag) ||
    NO_SHELL.some((entry) => entry.repository.test(repository) && entry.unless?.test(tag) !== true)
  );
}

function globMatches(pattern: string, text: string): boolean {
  const source = pattern.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${source.join('.*')}$`).test(text);
}

function setsShell(container: SourceNode): boolean {
  return mapsIn(nodeAt(container, ['env'])).some((entry) => knownText(nodeAt(entry, ['name'])) === 'BUILDKITE_SHELL');
}

/** Tags that move. */
export function* floatingTags(step: LintCommandStep): Iterable<Found> {
  const attribute = imageAttribute(step)?.node;
  for (const node of scalar(attribute)) yield* floating(node);
  for (const { node, role, within } of writtenContainers(step)) {
    const isReplaced = attribute !== undefined && role === 'command' && within === 'podSpec';
    const [image] = isReplaced ? [] : scalar(nodeAt(node, ['image']));
    if (image === undefined || !isFloating(image)) continue;
    yield* stale(image, nodeAt(node, ['imagePullPolicy'])) ?? floating(image);
  }
}

/** Where the tag is never looked up again, the rule speaks also when it is off by itself. */
function stale(image: ScalarNode, policy: SourceNode | undefined): Found[] | undefined {
  const chosen = knownText(policy);
  if (policy === undefined || chosen === undefined || !/^(?:IfNotPresent|Never)$/.test(chosen)) return undefined;
  return [
    {
      rule: 'image/floating-tag',
      severity: 'warning',
      at: image,
      message: `with the pull policy "${chosen}" each node keeps the "${knownText(image)}" that it pulled first; pin a version or digest, or remove "imagePullPolicy"`,
      related: [{ at: policy, message: 'the policy' }],
    },
  ];
}

function* floating(image: ScalarNode): Iterable<Found> {
  if (!isFloating(image)) return;
  yield {
    rule: 'image/floating-tag',
    at: image,
    message: `"${knownText(image)}" can be another image tomorrow; pin a version or a digest`,
  };
}

function isFloating(node: ScalarNode): boolean {
  const image = knownText(node);
  if (image === undefined || isOpen(image)) return false;
  const { tag, digest } = splitImage(image);
  return digest === undefined && (tag === undefined || tag === 'latest');
}

/** Images of containers that the step's own image takes the place of. */
export function* overriddenImages(step: LintCommandStep, { world }: StepContext): Iterable<Found> {
  const attribute = imageAttribute(step);
  const image = attribute && knownText(attribute.node);
  if (attribute === undefined || image === undefined || isOpen(image)) return;
  const lost = commandContainers(step).flatMap((container) => replaced(step, container, image));
  const [first] = lost;
  if (first === undefined) return;
  const names = [...new Set(lost.map(({ text }) => `"${text}"`))].join(' and ');
  yield {
    rule: 'image/overrides-containers',
    at: attribute.own ? attribute.node : first,
    message: `the ${attribute.own ? "step's" : "pipeline's"} "image" ${effect(world.versions, names)}; keep one of the two`,
    related: lost.map((node) => ({ at: node, message: 'this image is replaced' })),
  };
}

function effect({ controller }: LintVersions, names: string): string {
  const [major = 0, minor = 0] = (controller ?? '').split('.').map(Number);
  const isOld = controller !== undefined && major === 0 && minor < 30;
  return isOld
    ? `is ignored by controllers before 0.30, and ${names} runs`
    : `replaces ${names}: it is meant for all command containers`;
}

function replaced(step: LintCommandStep, { node, name }: WrittenContainer, image: string): readonly ScalarNode[] {
  const [own] = scalar(nodeAt(node, ['image']));
  const text = knownText(own);
  const isPatched = patchesOf(step, name).some((patch) => hasValue(patch, 'image'));
  return own === undefined || text === undefined || text === image || isOpen(text) || isPatched ? [] : [own];
}

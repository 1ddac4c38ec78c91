import { closestName } from '../../closest-name.js';
import type { SourceNode } from '../../pipeline/source-tree.js';
import { isOpen } from '../command-containers.js';
import type { Fix } from '../finding.js';
import type { LintJob } from '../lint-job.js';
import { entriesOf, entryAt, knownText, mapsIn, nodeAt } from '../nodes.js';
import type { Found, RuleInfo, StepContext } from '../rule.js';
import { type ContainerNames, namesBeforePatch } from './patch-names.js';

export const PATCHED_CONTAINER_RULES: readonly RuleInfo[] = [
  {
    id: 'patch/protected-command',
    severity: 'error',
    summary: "A patch changes the command of one of the controller's own containers.",
    why: 'The commands of "agent", "checkout", "copy-agent" and the image checks are what makes the job run, so the controller refuses the patch and fails the job before any pod exists.',
    remedy:
      'Use a checkout hook, "checkout.cloneFlags" or "checkout.skip" for another way to check out; to run something before the commands, add an init container of your own.',
  },
  {
    id: 'patch/unknown-container',
    severity: 'error',
    summary: 'A patch names a container that the pod does not have.',
    why: 'A strategic merge patch finds containers by name and adds those it does not find. Without an image Kubernetes refuses the new container; with one it runs beside the job, out of sight of the agent.',
    remedy:
      'Write the name of an existing container: "container-0" for the command of a step without a podSpec, else the name given in the podSpec.',
  },
  {
    id: 'patch/missing-name',
    severity: 'error',
    fixable: true,
    summary: 'A container or volume in a patch has no name.',
    why: 'A patch finds the element it changes by its name. Without one it adds a nameless element, and Kubernetes refuses the Job.',
    remedy: 'Add the name of the container that the patch is meant for.',
  },
  {
    id: 'patch/sidecar-list',
    severity: 'error',
    summary: 'A patch speaks of a container in the wrong list.',
    why: 'Sidecars, "copy-agent" and the image checks are init containers; commands, "agent" and "checkout" are not. In the wrong list the patch adds a second container of the same name, and Kubernetes refuses the Job.',
    remedy:
      'Move the element to "podSpecPatch.initContainers" or "podSpecPatch.containers"; a sidecar can also be changed where it is written.',
  },
];

type List = 'containers' | 'initContainers';

/** Containers of a step's podSpecPatch that the pod does not have, has elsewhere, or whose command is not theirs to change. */
export function* patchedContainers(job: LintJob, context: StepContext): Iterable<Found> {
  const names = namesBeforePatch(job, context.world);
  for (const { config } of job.step.kubernetes) {
    for (const list of ['containers', 'initContainers'] as const) {
      for (const node of mapsIn(nodeAt(config, ['podSpecPatch', list]))) {
        yield* patchedContainer({ node, list, names }, context);
      }
    }
    for (const node of mapsIn(nodeAt(config, ['podSpecPatch', 'volumes']))) {
      if (isNameless(node)) yield missingName(node, 'volume', undefined);
    }
  }
}

interface PatchedContainer {
  readonly node: SourceNode;
  readonly list: List;
  readonly names: ContainerNames;
}

function* patchedContainer({ node, list, names }: PatchedContainer, { world, document }: StepContext): Iterable<Found> {
  if (isNameless(node)) {
    const only = list === 'containers' ? onlyOne(names.commands) : undefined;
    yield missingName(node, 'container', only === undefined ? undefined : nameFix(document.text, node, only));
    return;
  }
  const name = knownText(nodeAt(node, ['name']));
  if (name === undefined || isOpen(name)) return;
  if (PROTECTED.test(name) && !world.config.allowPodSpecPatchUnsafeCommandModification)
    yield* protectedCommand(node, name);
  // What is to be deleted need not be found where it is: `patch/lost-directive` says that it stays.
  if (!hasDirective(node, document.text)) yield* misplaced({ node, list, names }, name);
}

function hasDirective(node: SourceNode, text: string): boolean {
  return entriesOf(node).some(({ keySpan }) => /^["']?\$\$?patch\b/.test(text.slice(keySpan.start, keySpan.end)));
}

function isNameless(node: SourceNode): boolean {
  const name = nodeAt(node, ['name']);
  return name === undefined || (name.kind === 'scalar' && name.text === '');
}

function missingName(node: SourceNode, what: string, fix: Fix | undefined): Found {
  const empty = entryAt(node, ['name']);
  const at = (empty ?? (node.kind === 'map' ? node.entries[0] : undefined))?.keySpan ?? node;
  const advice = what === 'container' ? '; for the command of a step without a podSpec write "name: container-0"' : '';
  return {
    rule: 'patch/missing-name',
    at,
    message: `a patched ${what} needs "name": without it the patch adds a nameless ${what}, which Kubernetes refuses${advice}`,
    fix,
  };
}

/** Only where the layout is certain: the first key of a mapping that begins in place. */
function nameFix(text: string, node: SourceNode, name: string): Fix | undefined {
  const first = node.kind === 'map' ? node.entries[0] : undefined;
  if (first === undefined || first.merge !== undefined || node.alias !== undefined) return undefined;
  if (entryAt(node, ['name']) !== undefined) return undefined;
  const { start } = first.keySpan;
  const indent = start - (text.lastIndexOf('\n', start - 1) + 1);
  const inFlow = text.charAt(node.start) === '{';
  const separator = inFlow ? ', ' : `\n${' '.repeat(indent)}`;
  return {
    description: `name the container "${name}"`,
    edits: [{ start, end: start, text: `name: ${name}${separator}` }],
  };
}

const PROTECTED = /^(?:agent|checkout|copy-agent|imagecheck-\d+)$/;

function* protectedCommand(node: SourceNode, name: string): Iterable<Found> {
  for (const key of ['command', 'args']) {
    const entry = entryAt(node, [key]);
    if (entry?.value.kind !== 'list' || entry.value.items.length === 0) continue;
    const advice =
      name === 'checkout'
        ? 'use a checkout hook, "checkout.cloneFlags" or "checkout.skip"'
        : 'add a container of your own for what is to run';
    yield {
      rule: 'patch/protected-command',
      at: entry.keySpan,
      message: `the ${key === 'args' ? 'arguments' : 'command'} of container "${name}" belong${key === 'args' ? '' : 's'} to the controller, which refuses this patch and fails the job; ${advice}`,
    };
  }
}

function* misplaced({ node, list, names }: PatchedContainer, name: string): Iterable<Found> {
  const at = nodeAt(node, ['name']) ?? node;
  const [here, there] = list === 'containers' ? [names.regular, names.init] : [names.init, names.regular];
  if (here.includes(name)) return;
  if (there.includes(name) || (list === 'containers' && /^imagecheck-\d+$/.test(name))) {
    const other = list === 'containers' ? 'initContainers' : 'containers';
    const what = list === 'containers' ? 'an init container' : 'not an init container';
    yield {
      rule: 'patch/sidecar-list',
      at,
      message: `"${name}" is ${what}, so this patch adds a second container of that name and Kubernetes refuses the Job; patch it under "podSpecPatch.${other}"`,
    };
    return;
  }
  if (names.complete) yield* unknownContainer({ node, list, names }, name);
}

function* unknownContainer({ node, list, names }: PatchedContainer, name: string): Iterable<Found> {
  const hasImage = entryAt(node, ['image']) !== undefined;
  // An init container with an image is a common and sound addition.
  if (list === 'initContainers' && (hasImage || PROTECTED.test(name))) return;
  const known = list === 'containers' ? names.regular : names.init;
  const only = hasImage || PROTECTED.test(name) ? undefined : commandMeant({ list, names });
  yield {
    rule: 'patch/unknown-container',
    severity: hasImage ? 'warning' : 'error',
    at: nodeAt(node, ['name']) ?? node,
    message: `no container is called "${name}" in this step (there are: ${known.join(', ')}); ${consequenceOfAdding(hasImage)}${didYouMean(closestName(name, known) ?? only)}`,
  };
}

/** Without an image the one container that runs commands is surely meant. */
function commandMeant({ list, names }: Pick<PatchedContainer, 'list' | 'names'>): string | undefined {
  return list === 'containers' ? onlyOne(names.commands) : undefined;
}

function didYouMean(name: string | undefined): string {
  return name === undefined ? '' : `; did you mean "${name}"?`;
}

function onlyOne(names: readonly string[]): string | undefined {
  return names.length === 1 ? names[0] : undefined;
}

function consequenceOfAdding(hasImage: boolean): string {
  return hasImage
    ? 'the patch adds it beside the job, where the agent neither starts nor watches it'
    : 'the patch would add a container without an image, so the job fails';
}

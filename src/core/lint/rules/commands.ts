import type { MapNode, SourceNode } from '../../pipeline/source-tree.js';
import {
  commandContainers,
  commandContainerTexts,
  commandEntry,
  containerSpan,
  hasEffective,
  hasValue,
  isOpen,
  patchesOf,
  scalarsOf,
  stepSpan,
} from '../command-containers.js';
import type { LintCommandStep } from '../document.js';
import { isServiceImage } from '../image-names.js';
import { entriesOf, entryAt, knownText, nodeAt } from '../nodes.js';
import type { Found, RuleSet, StepContext } from '../rule.js';
import { type WrittenContainer } from '../written-containers.js';
import { COMMAND_RULES } from './command-texts.js';
import { probesOnCommands, readiness } from './sidecar-readiness.js';
import { shellLines } from './sidecar-lines.js';
import { shellVectors } from './shell-vectors.js';
import { missingImages } from './missing-images.js';
import { meantKind } from './step-kinds.js';

/** Which command runs, in which container. */
export const commandRules: RuleSet = {
  rules: COMMAND_RULES,
  checks: [
    { scope: 'step', check: argsWithoutCommand },
    { scope: 'step', check: shellVectors },
    { scope: 'step', check: whatRuns },
    { scope: 'step', check: shellLines },
    { scope: 'step', check: missingImages },
    { scope: 'step', check: workingDirs },
    { scope: 'step', check: probesOnCommands },
    { scope: 'step', check: readiness },
  ],
};

/** Keys that their authors take for `command`; a rule of its own says that they are unknown. */
const MISNAMED = /^(?:commands?|cmd|entrypoint|script|run|exec)$/i;

function isMisnamed(node: MapNode): boolean {
  return node.entries.some(({ key }) => key !== 'command' && MISNAMED.test(key));
}

function* argsWithoutCommand(step: LintCommandStep): Iterable<Found> {
  for (const { node, within } of commandContainerTexts(step)) {
    const args = entryAt(node, ['args']);
    if (args === undefined || !hasValue(node, 'args') || hasValue(node, 'command') || isMisnamed(node)) continue;
    yield {
      rule: 'command/args-without-command',
      at: args.keySpan,
      message:
        within === 'podSpec'
          ? `"args" without "command": the agent never uses the image's entrypoint, so the Go controller drops them and this one adds them to the step's command; write the whole line into "command"`
          : `"args" without "command" in a patch: the Go controller makes them the whole command, this one adds them to it; write the whole line into "command"`,
    };
  }
}

function* workingDirs(step: LintCommandStep): Iterable<Found> {
  for (const { node } of commandContainerTexts(step)) {
    const entry = entryAt(node, ['workingDir']);
    const path = knownText(entry?.value)?.replace(/\/+$/, '');
    if (entry === undefined || path === undefined || isOpen(path)) continue;
    if (path === '' || path === '/workspace' || path.startsWith('/workspace/build')) continue;
    yield {
      rule: 'container/working-dir',
      at: entry.keySpan,
      message: `"workingDir" does not change where commands run: the agent starts them in the checkout; use "cd ${path}" in the command`,
    };
  }
}

/** Everything that says which command runs where; silent about containers that are only in a PodTemplate, or not readable. */
function* whatRuns(step: LintCommandStep, context: StepContext): Iterable<Found> {
  const config = step.kubernetes.at(-1)?.config;
  // A trigger step with "plugins" is told as what it is.
  if (step.kubernetes.length > 1 || meantKind('command', step.step.source) !== 'command') return;
  if (nodeAt(config, ['podSpec']) === undefined) {
    if (!hasValue(config, 'podTemplate')) yield* defaultContainer(step, context);
    return;
  }
  const containers = commandContainers(step);
  if (containers.length === 0) return;
  const idle = containers.filter((container) => !hasEffective(step, container, 'command'));
  if (step.step.command === '') yield* nothingToRun(step, idle, context);
  else if (idle.length === 0) yield* stepCommandIgnored(step, containers);
  else yield* runsEverywhere(containers, idle);
}

function* defaultContainer(step: LintCommandStep, context: StepContext): Iterable<Found> {
  const hasPatch = patchesOf(step, 'container-0').some((patch) => hasValue(patch, 'command'));
  if (step.step.command === '') {
    if (!hasPatch) yield* nothingByDefault(step, context);
  } else if (hasPatch && !repeatsStep(step)) {
    yield ignored(step, 'podSpecPatch gives "container-0"');
  }
}

function* nothingByDefault(step: LintCommandStep, context: StepContext): Iterable<Found> {
  const config = step.kubernetes.at(-1)?.config;
  const others = step.plugins.length > step.kubernetes.length;
  if (hasStrayKey(config) || (others && config === undefined)) return;
  yield {
    rule: 'command/none',
    at: stepSpan(step),
    message: 'nothing to run: the step has no command, so the job fails in its command phase; add "command"',
    // A hook of the repository may be meant.
    severity: mayBeSupplied(step, context) || config === undefined ? 'info' : 'warning',
  };
}

/** A misplaced or misspelt key explains a missing command better. */
function hasStrayKey(config: SourceNode | undefined): boolean {
  return entriesOf(config).some(({ key }) => MISNAMED.test(key) || /containers|pod(?!SpecPatch)|args/i.test(key));
}

/** Whether a plugin or a hook that we cannot see may bring the command. */
function mayBeSupplied(step: LintCommandStep, { world }: StepContext): boolean {
  const { hooksVolume, 'additional-hooks': hooks } = world.config.agentConfig ?? {};
  const configured = world.configName !== undefined && (hooksVolume !== undefined || (hooks ?? []).length > 0);
  return configured || step.plugins.length > step.kubernetes.length;
}

function* nothingToRun(
  step: LintCommandStep,
  idle: readonly WrittenContainer[],
  context: StepContext,
): Iterable<Found> {
  const severity = mayBeSupplied(step, context) ? ('info' as const) : undefined;
  for (const { node } of idle) {
    if (isMisnamed(node) || hasValue(node, 'args')) continue;
    const image = knownText(nodeAt(node, ['image']));
    const isService = image !== undefined && isServiceImage(image);
    yield {
      rule: 'command/none',
      at: containerSpan(node),
      message: `nothing to run: neither the step nor this container has a command, and the image's entrypoint is not used, so the job fails in its command phase; ${isService ? `move "${image}" to "sidecars"` : 'add "command"'}`,
      ...(severity && { severity }),
    };
  }
}

function* stepCommandIgnored(step: LintCommandStep, containers: readonly WrittenContainer[]): Iterable<Found> {
  if (repeatsStep(step)) return;
  const [first] = containers;
  const owner = containers.length === 1 ? `container "${first?.name ?? 'container-0'}" has` : 'all containers have';
  yield ignored(step, owner);
}

/** Whether some container has the very command of the step. */
function repeatsStep(step: LintCommandStep): boolean {
  const scripts = commandContainerTexts(step).map(({ node }) => scalarsOf(nodeAt(node, ['command'])));
  return scripts.some(
    (lines) =>
      lines
        .map(({ text }) => text)
        .join('\n')
        .trim() === step.step.command.trim(),
  );
}

function ignored(step: LintCommandStep, owner: string): Found {
  const what = owner.startsWith('podSpecPatch') ? 'a command of its own' : 'its own "command"';
  return {
    rule: 'command/step-command-ignored',
    at: commandEntry(step)?.keySpan ?? stepSpan(step),
    message: `the step's command never runs: ${owner} ${owner.startsWith('all') ? 'their own "command"' : what}, which wins, while Buildkite still shows this one; keep one of the two`,
  };
}

function* runsEverywhere(containers: readonly WrittenContainer[], idle: readonly WrittenContainer[]): Iterable<Found> {
  const bare = idle.filter(({ node }) => !hasValue(node, 'args') && !isMisnamed(node));
  const services = bare.filter(({ node }) => isServiceImage(knownText(nodeAt(node, ['image'])) ?? ''));
  if (bare.length < 2 && (services.length === 0 || containers.length < 2)) return;
  const culprit = services[0] ?? bare.at(-1);
  if (culprit === undefined) return;
  const image = knownText(nodeAt(culprit.node, ['image'])) ?? culprit.name ?? '';
  const where = bare.length < 2 ? `in the container of "${image}"` : `in each of ${bare.length} containers without one`;
  const others = bare.filter((container) => container !== culprit);
  yield {
    rule: 'command/runs-in-every-container',
    at: containerSpan(culprit.node),
    message: `the step's command runs ${where}, and the image's entrypoint never starts; move "${image}" to "sidecars" if it is a service, else give it a "command"`,
    related: others.map(({ node }) => ({ at: containerSpan(node), message: 'has no command either' })),
  };
}

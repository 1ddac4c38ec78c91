import { isReservedContainerName } from '../../job/identity.js';
import type { MapEntry } from '../../pipeline/source-tree.js';
import type { LintCommandStep } from '../document.js';
import { entriesOf, entryAt, knownText, nodeAt } from '../nodes.js';
import type { Found, RuleSet } from '../rule.js';
import { writtenContainers } from '../written-containers.js';

/** Names that are the controller's to give. */
export const nameRules: RuleSet = {
  rules: [
    {
      id: 'container/reserved-name',
      severity: 'error',
      summary: "A container has the name of one of the controller's own.",
      why: 'The controller adds "agent", "checkout", "copy-agent" and "imagecheck-…" to every pod. Kubernetes refuses two containers of one name; with a skipped checkout a container called "checkout" is even removed, and the agent waits five minutes for it.',
      remedy: 'Rename the container.',
    },
    {
      id: 'metadata/reserved',
      severity: 'error',
      summary: "The metadata sets what is the controller's to choose.",
      why: 'The controller finds its Jobs by name and by its own labels. A name or namespace in the plugin is ignored, its labels are overwritten, and a foreign controller id could hide the Job from the controller that made it.',
      remedy: 'Use labels and annotations with a prefix of your own; the namespace is a setting of the controller.',
    },
  ],
  checks: [
    { scope: 'step', check: reservedContainers },
    { scope: 'step', check: reservedMetadata },
  ],
};

function* reservedContainers(step: LintCommandStep): Iterable<Found> {
  for (const { node, within, name, role } of writtenContainers(step)) {
    const at = nodeAt(node, ['name']);
    if (at === undefined || name === undefined || within === 'podSpecPatch') continue;
    if (isReservedContainerName(name)) {
      yield {
        rule: 'container/reserved-name',
        at,
        message: `container name "${name}" is reserved by the controller for its own, so the job cannot run; rename the container`,
      };
    } else if (within === 'podSpec' && /^sidecar-\d+$/.test(name)) {
      yield {
        rule: 'container/reserved-name',
        severity: 'warning',
        at,
        message: `"${name}" is what the controller calls a sidecar without a name, but this ${role === 'init' ? 'init container' : 'container'} is none; rename it, or move it to "sidecars"`,
      };
    }
  }
}

const CHOSEN = ['name', 'namespace', 'generateName'];
const OWN_PREFIX = /^(?:tag\.)?buildkite\.com\//;

function* reservedMetadata(step: LintCommandStep): Iterable<Found> {
  for (const { config } of step.kubernetes) {
    for (const key of CHOSEN) {
      const entry = entryAt(config, ['metadata', key]);
      if (entry !== undefined) yield chosenByController(entry);
    }
    for (const kind of ['labels', 'annotations']) {
      for (const entry of entriesOf(nodeAt(config, ['metadata', kind]))) yield* ownPrefix(entry, kind);
    }
  }
}

function chosenByController({ key, keySpan, value }: MapEntry): Found {
  const what = key === 'namespace' ? 'namespace' : 'name';
  return {
    rule: 'metadata/reserved',
    at: keySpan,
    message: `the controller chooses the Job's ${what}, so "${key}: ${knownText(value) ?? '…'}" is ignored; remove it${what === 'namespace' ? ' (the controller option "namespace" sets it)' : ''}`,
  };
}

function* ownPrefix({ key, keySpan }: MapEntry, kind: string): Iterable<Found> {
  if (!OWN_PREFIX.test(key)) return;
  yield {
    rule: 'metadata/reserved',
    severity: kind === 'labels' ? 'error' : 'warning',
    at: keySpan,
    message: `"buildkite.com/" ${kind} belong to the controller, which overwrites "${key}" or loses sight of the Job; use a prefix of your own`,
  };
}

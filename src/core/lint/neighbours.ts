import type { SourceNode } from '../pipeline/source-tree.js';
import type { LintDocument } from './document.js';
import { isRayciGroup } from './rayci.js';
import type { Neighbours } from './world.js';

/** What the files of one run have together. */
export function neighboursOf(documents: readonly LintDocument[]): Neighbours {
  const queues = new Map<string, number>();
  const stepKeys = new Set<string>();
  for (const { pipeline, steps } of documents) {
    if (pipeline === undefined) continue;
    for (const queue of new Set(
      steps.flatMap(({ step }) => (step.kind === 'command' ? queuesOf(step.agents ?? step.defaults.agents) : [])),
    )) {
      queues.set(queue, (queues.get(queue) ?? 0) + 1);
    }
    for (const { step } of steps) if (step.key !== undefined) stepKeys.add(step.key);
  }
  return { queues, stepKeys };
}

function queuesOf(agents: readonly string[]): readonly string[] {
  return agents.flatMap((rule) => (rule.startsWith('queue=') ? [rule.slice('queue='.length)] : []));
}

/** Keys that only a step of Buildkite has among what people keep in lists. */
const STEP_KEYS = new Set([
  ...['command', 'commands', 'plugins', 'wait', 'waiter', 'block', 'manual', 'input', 'trigger', 'group', 'steps'],
]);
const STEP_WORDS = new Set(['wait', 'waiter', 'block', 'manual', 'input']);

/**
 * Whether a file that nobody named is meant as a pipeline: a mapping with `steps`, or a list with a step in it. A file that cannot be parsed
 * counts when a line of it says `steps:`, since silence would hide the mistake.
 */
export function looksLikePipeline({ tree, text }: LintDocument): boolean {
  if (tree.documents.some(isPipelineRoot)) return true;
  return tree.problems.length > 0 && /^["']?steps["']?\s*:|^\s*\{\s*"steps"/m.test(text);
}

function isPipelineRoot(root: SourceNode): boolean {
  if (root.kind === 'map') return root.entries.some(({ key }) => key === 'steps') && !isRayciGroup(root);
  return root.kind === 'list' && root.items.some(isStep);
}

function isStep(item: SourceNode): boolean {
  if (item.kind === 'map') return item.entries.some(({ key }) => STEP_KEYS.has(key));
  return item.kind === 'scalar' && STEP_WORDS.has(item.text);
}

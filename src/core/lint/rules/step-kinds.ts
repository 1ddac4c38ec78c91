import type { Step } from '../../pipeline/pipeline.js';
import { entryOf, type SourceNode } from '../../pipeline/source-tree.js';

export type StepKind = Step['kind'];

/** Kinds of steps that do not run anything themselves, which are the keys that tell them, too. */
export const OTHER_KINDS = ['wait', 'block', 'input', 'trigger', 'group'] as const;

/** A step of another kind that has "plugins" is a command step to Buildkite, which nobody means. */
export function meantKind(kind: StepKind, source: SourceNode): StepKind {
  const saysSo = ['command', 'commands', 'type'].some((key) => entryOf(source, key) !== undefined);
  if (kind !== 'command' || saysSo) return kind;
  return OTHER_KINDS.find((other) => entryOf(source, other) !== undefined) ?? kind;
}

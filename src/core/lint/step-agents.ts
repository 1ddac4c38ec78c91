import { entryOf, type SourceNode } from '../pipeline/source-tree.js';
import type { LintCommandStep } from './document.js';
import type { Span } from './finding.js';
import { isUnknown } from './placeholder.js';

/** One tag that a step asks its agent for. */
export interface AgentRule {
  readonly key: string;
  readonly value: string;
  /** The value, or the whole `key=value`. */
  readonly at: Span;
  /** Whether all of the value is known. */
  readonly known: boolean;
  /** As it stands in the file. */
  readonly node: SourceNode;
}

export interface StepAgents {
  readonly rules: readonly AgentRule[];
  /** The attribute they come from: the step's own, else the pipeline's; undefined when there is none. */
  readonly attribute: Span | undefined;
  readonly own: boolean;
}

/** What a step asks its agent for: its own `agents` replace those of the pipeline as a whole. */
export function agentsOf({ step, root }: LintCommandStep): StepAgents {
  const own = given(step.source) ?? given(step.source, 'agent_query_rules');
  const entry = own ?? given(root);
  return {
    rules: entry === undefined ? [] : rulesOf(entry.value),
    attribute: entry?.keySpan,
    own: own !== undefined,
  };
}

/** The queue a step names; undefined when it names none. */
export function queueOf({ rules }: StepAgents): AgentRule | undefined {
  return rules.find(({ key }) => key === 'queue');
}

function given(node: SourceNode, name = 'agents'): ReturnType<typeof entryOf> {
  const entry = entryOf(node, name);
  return entry?.value.kind === 'scalar' && entry.value.value === null ? undefined : entry;
}

function rulesOf(node: SourceNode): readonly AgentRule[] {
  if (node.kind === 'list') return node.items.flatMap(rulesOf);
  if (node.kind === 'map') {
    return node.entries.flatMap(({ key, value }) => (value.kind === 'scalar' ? [rule(key, value.text, value)] : []));
  }
  const split = node.text.indexOf('=');
  return split < 0 ? [] : [rule(node.text.slice(0, split), node.text.slice(split + 1), node)];
}

function rule(key: string, value: string, node: SourceNode): AgentRule {
  const known = ![key, value].some((text) => isUnknown(text) || text.includes('{{') || text.includes('$'));
  return { key, value, at: node, known, node };
}

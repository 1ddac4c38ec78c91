import { itemsOf, nodeAt } from '../nodes.js';
import type { ScalarNode, SourceNode } from '../../pipeline/source-tree.js';
import type { LintDocument } from '../document.js';
import type { Found, RuleSet } from '../rule.js';

/** Values that people read in one way and YAML in another. */
export const yamlTrapRules: RuleSet = {
  rules: [
    {
      id: 'yaml/trap',
      severity: 'warning',
      fixable: true,
      summary: 'A value without quotes is read as something else than its author sees.',
      why: 'YAML takes 1.20 for the number 1.2 and 0755 for 493, and it is that number the job gets as text. "yes" and "no" were truth values once; the agent reads them as words, so "skip: no" skips the step, with "no" as the reason.',
      remedy:
        'Put quotes around versions and other texts that look like numbers; write true or false for truth values.',
    },
  ],
  checks: [{ scope: 'file', check: traps }],
};

function* traps({ roots, steps, text }: LintDocument): Iterable<Found> {
  for (const root of roots) {
    for (const key of ['env', 'agents']) yield* numbers(nodeAt(root, [key]), text);
  }
  for (const { step } of steps) {
    for (const path of TEXTS) yield* numbers(nodeAt(step.source, path), text);
    for (const element of itemsOf(nodeAt(step.source, ['matrix']))) yield* numbers(element, text);
    for (const path of FLAGS) yield* words(nodeAt(step.source, path));
    for (const adjustment of itemsOf(nodeAt(step.source, ['matrix', 'adjustments']))) {
      yield* numbers(nodeAt(adjustment, ['with']), text);
      yield* words(nodeAt(adjustment, ['skip']));
    }
  }
}

/** Where a number is used as text. */
const TEXTS = [['env'], ['agents'], ['matrix', 'setup'], ['build', 'env'], ['build', 'meta_data']];

/** True or false, or else a word that means something. What must be true or false and nothing else is refused by `pipeline/shape`. */
const FLAGS = [['skip'], ['cancel_on_build_failing'], ['retry', 'automatic']];

function* numbers(node: SourceNode | undefined, text: string): Iterable<Found> {
  if (node === undefined) return;
  if (node.kind === 'scalar') {
    yield* number(node, text);
    return;
  }
  const below = node.kind === 'list' ? node.items : node.entries.map(({ value }) => value);
  for (const each of below) yield* numbers(each, text);
}

function* number(node: ScalarNode, text: string): Iterable<Found> {
  if (typeof node.value !== 'number' || node.written !== undefined) return;
  const written = text.slice(node.start, node.end);
  if (written === node.text || !/^[-+.\w]+$/.test(written)) return;
  yield {
    rule: 'yaml/trap',
    at: node,
    message: `"${written}" is a number without quotes and becomes the text "${node.text}"; write "${written}" in quotes to keep it`,
    fix: {
      description: `put quotes around ${written}`,
      edits: [{ start: node.start, end: node.end, text: `"${written}"` }],
    },
  };
}

const WORDS: ReadonlyMap<string, boolean> = new Map([
  ['yes', true],
  ['on', true],
  ['y', true],
  ['no', false],
  ['off', false],
  ['n', false],
]);

function* words(node: SourceNode | undefined): Iterable<Found> {
  if (node?.kind !== 'scalar' || typeof node.value !== 'string') return;
  const meant = WORDS.get(node.value.toLowerCase());
  // Quotes say that a word is meant; without them "skip: yes" skips all the same.
  if (meant === undefined || node.style !== 'plain') return;
  yield {
    rule: 'yaml/trap',
    at: node,
    message: `"${node.value}" is a word and no truth value in YAML, and a word here counts as given; write ${meant}`,
    fix: { description: `write ${meant}`, edits: [{ start: node.start, end: node.end, text: String(meant) }] },
  };
}

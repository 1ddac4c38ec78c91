import type { LintDocument } from '../document.js';
import type { Found, RuleSet } from '../rule.js';

/** What YAML itself makes of a file. */
export const yamlRules: RuleSet = {
  rules: [
    {
      id: 'pipeline/shape',
      severity: 'error',
      summary: 'The file is not valid YAML, or no pipeline.',
      why: 'The agent cannot read the file, so the step that uploads it fails and no other step runs.',
      remedy:
        'Correct the place that the message names; what the parser says of later lines is often a consequence of it.',
    },
    {
      id: 'yaml/duplicate-key',
      severity: 'error',
      summary: 'A mapping has the same key twice.',
      why: 'The agent takes the last one without a word; the value of the first is lost.',
      remedy: 'Join the two values or remove one of them.',
    },
  ],
  checks: [
    { scope: 'file', check: syntax },
    { scope: 'file', check: duplicateKeys },
  ],
};

function* syntax({ problems, lines }: LintDocument): Iterable<Found> {
  for (const { rule, at, message } of problems) {
    if (rule !== 'pipeline/shape') continue;
    const start = lines.startOf(at.line) + at.column - 1;
    yield { rule, at: { start, end: start + 1 }, message };
  }
}

function* duplicateKeys({ tree, lines }: LintDocument): Iterable<Found> {
  for (const { key, first, start, end } of tree.duplicates) {
    yield {
      rule: 'yaml/duplicate-key',
      at: { start, end },
      message: `duplicate key "${key}"; this value silently replaces the one at line ${lines.rangeOf(first).line}; join them or remove one`,
      related: [{ at: first, message: `the value of this "${key}" is lost` }],
    };
  }
}

import type { LintDocument } from '../document.js';
import type { Found, RuleSet } from '../rule.js';

/** What YAML itself makes of a file. */
export const yamlRules: RuleSet = {
  rules: [
    {
      id: 'yaml/duplicate-key',
      severity: 'error',
      summary: 'A mapping has the same key twice.',
      why: 'The agent takes the last one without a word; the value of the first is lost.',
      remedy: 'Join the two values or remove one of them.',
    },
  ],
  checks: [{ scope: 'file', check: duplicateKeys }],
};

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

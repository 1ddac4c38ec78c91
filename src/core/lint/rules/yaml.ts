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
  ],
  checks: [{ scope: 'file', check: syntax }],
};

function* syntax({ problems, lines }: LintDocument): Iterable<Found> {
  for (const { rule, at, message } of problems) {
    if (rule !== 'pipeline/shape') continue;
    const start = lines.startOf(at.line) + at.column - 1;
    yield { rule, at: { start, end: start + 1 }, message };
  }
}

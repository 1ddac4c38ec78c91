import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from '../core/errors.js';
import type { RuleInfo } from '../core/lint/rule.js';
import { unknownRule } from '../core/lint/settings.js';
import { ALL_RULES } from './all-rules.js';

/** The page of a rule as the package holds it, for an empty id a list of all rules; without a page what the rule says about itself. Throws a `UsageError` for an unknown rule. */
export function explainRule(id: string, packageRoot: string): string {
  if (id === '') return listRules(ALL_RULES.rules);
  const { rules } = ALL_RULES;
  const rule = rules.find((candidate) => candidate.id === id);
  if (rule === undefined) {
    const ids = rules.map((known) => known.id);
    throw new UsageError(unknownRule(id, ids) ?? `"${id}" is an area, not a rule; lint --explain lists all rules`);
  }
  const page = join(packageRoot, 'docs', 'rules', `${id}.md`);
  if (existsSync(page)) return readFileSync(page, 'utf8');
  return `# ${id}\n\n${rule.summary}\n\n${rule.why}\n\n${rule.remedy}\n`;
}

/** All rules, one a line: id, severity, summary. */
function listRules(rules: readonly RuleInfo[]): string {
  const width = Math.max(...rules.map(({ id }) => id.length));
  const line = ({ id, severity, strict, summary }: RuleInfo): string => {
    const level = strict === undefined || strict === severity ? severity : `${severity} (strict: ${strict})`;
    return `${id.padEnd(width)}  ${level.padEnd(7)}  ${summary}\n`;
  };
  return [...rules]
    .sort((a, b) => (a.id < b.id ? -1 : 1))
    .map(line)
    .join('');
}

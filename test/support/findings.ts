import type { Finding } from '../../src/core/lint/finding.js';
import { type LintReport, summarise } from '../../src/core/lint/report.js';
import type { RuleInfo } from '../../src/core/lint/rule.js';

/** A finding of a rule at the first column of a line. */
export function findingAt(rule: string, line: number, more: Partial<Finding> = {}): Finding {
  return {
    ...{ rule, severity: 'error', message: `"x" breaks ${rule}; mend it`, file: 'p.yml' },
    ...{ line, column: 1, endLine: line, endColumn: 2, related: [], fix: undefined },
    ...{ span: { start: 0, end: 1 }, step: undefined, uses: 1 },
    ...more,
  };
}

/** A report of findings in texts by file. */
export function reportOf(
  findings: readonly Finding[],
  sources: Readonly<Record<string, string>> = {},
  more: Partial<LintReport> = {},
): LintReport {
  const { suppressed = [] } = more;
  const counted = { files: Object.keys(sources).length, suppressed: suppressed.length, baselined: 0 };
  const rules = [...new Set(findings.map(({ rule }) => rule))].map(ruleNamed);
  return {
    ...{ findings, suppressed, rules, sources: new Map(Object.entries(sources)) },
    summary: summarise(findings, counted),
    ...more,
  };
}

/** A rule that says little about itself. */
export function ruleNamed(id: string): RuleInfo {
  return { id, severity: 'error', summary: `Breaks ${id}.`, why: 'It hurts.', remedy: 'Mend it.' };
}

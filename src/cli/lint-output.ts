import type { ChalkInstance } from 'chalk';
import type { LintReport } from '../core/lint/report.js';
import { formatGithubSummary } from './format/lint/forges.js';
import { LINT_FORMATS, type LintOutput } from './format/lint/index.js';
import { paletteFor } from './colors.js';
import { packageVersion } from './package-version.js';
import { textTable } from './format/text-table.js';

/** A text and the file it goes to; undefined = standard output. */
export interface PrintedReport {
  readonly file: string | undefined;
  readonly text: string;
}

const COLOURLESS = paletteFor({ isTerminal: false, environment: {}, noColor: true });

/** The report in every format that was asked for; only what a terminal shows has colours. */
export function printReport(
  report: LintReport,
  outputs: readonly LintOutput[],
  palette: ChalkInstance,
): readonly PrintedReport[] {
  const version = packageVersion();
  return outputs.map(({ format, file }) => ({
    file,
    text: LINT_FORMATS[format](report, { version, palette: file === undefined ? palette : COLOURLESS }),
  }));
}

/** What belongs into the file of `$GITHUB_STEP_SUMMARY` beside the annotations; undefined when nothing does. */
export function stepSummary(report: LintReport, outputs: readonly LintOutput[]): string | undefined {
  if (!outputs.some(({ format }) => format === 'github')) return undefined;
  return formatGithubSummary(report, { version: packageVersion(), palette: COLOURLESS });
}

/** How many findings each rule has, the most first. */
export function ruleStatistics({ findings }: LintReport): string {
  const counts = new Map<string, number>();
  for (const { rule } of findings) counts.set(rule, (counts.get(rule) ?? 0) + 1);
  const rows = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)).map(([rule, n]) => [String(n), rule]);
  return textTable(['FINDINGS', 'RULE'], rows);
}

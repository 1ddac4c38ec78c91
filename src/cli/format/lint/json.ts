import type { Finding, Fix, Range, TextEdit } from '../../../core/lint/finding.js';
import type { LintReport } from '../../../core/lint/report.js';
import { TextLines } from '../../../core/lint/text-lines.js';
import type { LintFormatter } from './lint-format.js';

/** One object, as `schema/output/lint-findings.json` describes it. */
export const formatJson: LintFormatter = (report) =>
  `${JSON.stringify({ version: 1, findings: plainFindings(report), summary: report.summary }, undefined, 2)}\n`;

/** One finding a line; nothing for none. */
export const formatJsonLines: LintFormatter = (report) =>
  plainFindings(report)
    .map((finding) => `${JSON.stringify(finding)}\n`)
    .join('');

/** An edit with its place in lines and columns. */
export interface PlainEdit extends Range {
  readonly text: string;
}

function plainFindings(report: LintReport): readonly object[] {
  const linesOf = sourceLines(report);
  return report.findings.map((finding) => plainFinding(finding, linesOf(finding.file)));
}

function plainFinding(finding: Finding, lines: TextLines): object {
  const { rule, severity, message, file, line, column, endLine, endColumn, related, fix, step, uses } = finding;
  return {
    ...{ rule, severity, message, file, line, column, endLine, endColumn },
    related: related.map(({ file, line, column, endLine, endColumn, message }) => {
      return { file, line, column, endLine, endColumn, message };
    }),
    fix: fix === undefined ? null : plainFix(fix, lines),
    step: step ?? null,
    uses,
  };
}

function plainFix({ description, edits }: Fix, lines: TextLines): object {
  return { description, edits: edits.map((edit) => plainEdit(edit, lines)) };
}

/** Where an edit stands; unlike the range of a finding it may be empty. */
export function plainEdit({ start, end, text }: TextEdit, lines: TextLines): PlainEdit {
  const from = lines.rangeOf({ start, end: start });
  const to = lines.rangeOf({ start: end, end });
  return { line: from.line, column: from.column, endLine: to.line, endColumn: to.column, text };
}

/** Lines of the files of a report, each looked at once. */
export function sourceLines({ sources }: LintReport): (file: string) => TextLines {
  const known = new Map<string, TextLines>();
  return (file) => {
    const lines = known.get(file) ?? new TextLines(sources.get(file) ?? '');
    known.set(file, lines);
    return lines;
  };
}

import type { ChalkInstance } from 'chalk';
import type { Finding, Range, Severity } from '../../../core/lint/finding.js';
import type { LintSummary } from '../../../core/lint/report.js';
import type { TextLines } from '../../../core/lint/text-lines.js';
import { sourceLines } from './json.js';
import { type LintFormatter, plural } from './lint-format.js';

/** For people: each finding with the line it is about, related places, step, uses and fix, and a summary. */
export const formatPretty: LintFormatter = (report, { palette }) => {
  const linesOf = sourceLines(report);
  const blocks = report.findings.map((finding) => prettyFinding(finding, { palette, linesOf }));
  return [...blocks, `${prettySummary(report.summary, palette)}\n`].join('\n');
};

/** `file:line:column: severity: message [rule]`, one finding a line, as editors and grep like it. */
export const formatCompact: LintFormatter = ({ findings }) =>
  findings
    .map(({ file, line, column, severity, message, rule }) => {
      return `${oneLine(file)}:${line}:${column}: ${severity}: ${oneLine(message)} [${rule}]\n`;
    })
    .join('');

/** One line, whatever it held; keys of a file must not move the cursor of a terminal. */
export function oneLine(text: string): string {
  return visible(text.replaceAll(/\s*[\r\n]+\s*/g, ' '));
}

const COLOURS = { error: 'red', warning: 'yellow', info: 'blue' } as const satisfies Record<Severity, string>;

interface PrettyContext {
  readonly palette: ChalkInstance;
  readonly linesOf: (file: string) => TextLines;
}

function prettyFinding(finding: Finding, { palette, linesOf }: PrettyContext): string {
  const { file, line, column, severity, message, rule, related, step, uses, fix } = finding;
  const colour = palette[COLOURS[severity]];
  const shown = [finding, ...related];
  const width = Math.max(...shown.map((place) => String(place.line).length));
  const indent = ' '.repeat(width + 2);
  const facts = [
    ...(step === undefined
      ? []
      : [`in step "${oneLine(step)}"${uses > 1 ? `, and ${plural(uses - 1, 'other place')}` : ''}`]),
    ...(fix === undefined ? [] : [`--fix can ${oneLine(fix.description)}`]),
  ];
  return [
    `${palette.bold(`${oneLine(file)}:${line}:${column}:`)} ${colour(`${severity}:`)} ${oneLine(message)} ${palette.dim(`[${rule}]`)}`,
    ...snippet(finding, { lines: linesOf(file), width, mark: colour }),
    ...related.flatMap((place) => [
      `${indent}= ${place.file === file ? '' : `${place.file}:`}${place.line}:${place.column}: ${oneLine(place.message)}`,
      ...snippet(place, { lines: linesOf(place.file), width, mark: palette.dim }),
    ]),
    ...facts.map((fact) => `${indent}= ${fact}`),
    '',
  ].join('\n');
}

interface SnippetStyle {
  readonly lines: TextLines;
  /** Digits of the longest line number. */
  readonly width: number;
  readonly mark: (text: string) => string;
}

/** Room for text before a terminal wraps; longer lines are cut around the mark. */
const LONGEST_LINE = 140;

function snippet(place: Range, { lines, width, mark }: SnippetStyle): string[] {
  const text = lines.lineAt(place.line).replace(/^\uFEFF/, ' ');
  if (text.trim() === '') return [];
  const end = place.endLine > place.line ? text.length + 1 : Math.max(place.endColumn, place.column + 1);
  const from = Math.max(0, place.column - 1 - LONGEST_LINE / 2);
  const shown = visible(text.slice(from, from + LONGEST_LINE));
  const before = visible(text.slice(from, place.column - 1));
  const marked = visible(text.slice(place.column - 1, Math.min(end - 1, from + LONGEST_LINE)));
  const gutter = ' '.repeat(width + 2);
  const cut = from > 0 ? '…' : '';
  return [
    `${gutter}|`,
    ` ${String(place.line).padStart(width)} | ${cut}${shown}`,
    `${gutter}| ${' '.repeat(cellsOf(before) + cut.length)}${mark(`^${'~'.repeat(Math.max(cellsOf(marked) - 1, 0))}`)}`,
  ];
}

/** A tab is one column of the file, and control characters would move the terminal's cursor. */
function visible(text: string): string {
  return text.replaceAll(/[\u0000-\u001F\u007F-\u009F]/g, ' ');
}

/** Columns of a terminal: an emoji and an East Asian character take two. */
function cellsOf(text: string): number {
  let cells = 0;
  for (const character of text) {
    if (/\p{Mark}|\u200D|\uFE0F/u.test(character)) continue;
    cells += /\p{Emoji_Presentation}|[\u1100-\u115F\u2E80-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFF00-\uFF60]/u.test(
      character,
    )
      ? 2
      : 1;
  }
  return cells;
}

function prettySummary(summary: LintSummary, palette: ChalkInstance): string {
  const { files, errors, warnings, infos, fixable, suppressed, baselined } = summary;
  const counts = [
    ...(errors > 0 ? [palette.red(plural(errors, 'error'))] : []),
    ...(warnings > 0 ? [palette.yellow(plural(warnings, 'warning'))] : []),
    ...(infos > 0 ? [palette.blue(plural(infos, 'info'))] : []),
  ];
  const asides = [
    ...(fixable > 0 ? [`${fixable} can be fixed with --fix`] : []),
    ...(suppressed > 0 ? [`${suppressed} ignored by comments`] : []),
    ...(baselined > 0 ? [`${baselined} known by the baseline`] : []),
  ];
  const outcome = counts.length === 0 ? palette.green('no problems') : counts.join(', ');
  return `${outcome} in ${plural(files, 'file')}${asides.length === 0 ? '' : ` (${asides.join(', ')})`}`;
}

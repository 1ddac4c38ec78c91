import type { Finding, Severity } from '../../../core/lint/finding.js';
import { fingerprintAll } from '../../../core/lint/fingerprint.js';
import type { LintReport } from '../../../core/lint/report.js';
import { type LintFormatter, plural } from './lint-format.js';
import { oneLine } from './text.js';

const ORDER: readonly Severity[] = ['error', 'warning', 'info'];
const COMMANDS = { error: 'error', warning: 'warning', info: 'notice' } as const satisfies Record<Severity, string>;

/** Annotations of GitHub Actions; errors come first, because it shows ten of a kind. */
export const formatGithub: LintFormatter = (report) =>
  worstFirst(report)
    .map((finding) => {
      const { file, line, column, endLine, endColumn, severity, rule, message } = finding;
      // GitHub takes columns of a single line only.
      const end = endLine > line ? { endLine } : endColumn > column ? { endLine, endColumn } : {};
      const places = Object.entries({ file, line, col: column, ...end, title: rule });
      const properties = places.map(([name, value]) => `${name}=${escapeProperty(String(value))}`).join(',');
      return `::${COMMANDS[severity]} ${properties}::${escapeData(message)}\n`;
    })
    .join('');

/** All findings as a Markdown table, for `$GITHUB_STEP_SUMMARY`: there is no limit of ten. */
export const formatGithubSummary: LintFormatter = (report) => {
  const { findings, summary } = report;
  const title = `### agent-stack-k8s lint: ${counts(summary)}\n`;
  if (findings.length === 0) return title;
  const rows = worstFirst(report).map(
    ({ severity, file, line, message, rule }) =>
      `| ${severity} | \`${inCode(file)}:${line}\` | ${inCell(message)} | \`${rule}\` |\n`,
  );
  return cropRows(`${title}\n| | place | problem | rule |\n| --- | --- | --- | --- |\n`, rows);
};

const GITLAB_SEVERITIES = { error: 'critical', warning: 'minor', info: 'info' } as const satisfies Record<
  Severity,
  string
>;

/** Code quality report of GitLab. */
export const formatGitlab: LintFormatter = ({ findings, sources }) => {
  const issues = fingerprintAll(findings, sources).map(({ finding, fingerprint, occurrence }) => ({
    description: finding.message,
    check_name: finding.rule,
    fingerprint: `${fingerprint}-${occurrence}-${fileKey(finding.file)}`,
    severity: GITLAB_SEVERITIES[finding.severity],
    location: { path: finding.file.replace(/^(?:\.\/)+/, ''), lines: { begin: finding.line, end: finding.endLine } },
  }));
  return `${JSON.stringify(issues, undefined, 2)}\n`;
};

/** Markdown for `buildkite-agent annotate`, by step; nothing when there is nothing to say. */
export const formatBuildkite: LintFormatter = (report) => {
  const { findings, summary } = report;
  if (findings.length === 0) return '';
  const groups = new Map<string, Finding[]>();
  for (const finding of findings) {
    const title = `${finding.file}\n${finding.step ?? ''}`;
    const group = groups.get(title);
    if (group === undefined) groups.set(title, [finding]);
    else group.push(finding);
  }
  const rows = [...groups].flatMap(([title, group]) => {
    const [file = '', step = ''] = title.split('\n');
    const head = step === '' ? '' : `, step **${inCell(step)}**`;
    return [`\n\`${inCode(file)}\`${head}\n\n`, ...group.map(buildkiteItem)];
  });
  return cropRows(
    `#### agent-stack-k8s lint: ${counts(summary)}\n\n\`agent-stack-k8s lint --explain RULE\` tells what a rule is about.\n`,
    rows,
  );
};

function buildkiteItem({ severity, line, column, message, rule }: Finding): string {
  return `- **${severity}** at ${line}:${column}: ${inCell(message)} \`${rule}\`\n`;
}

/** The most that Buildkite and GitHub take, less room for the last line. */
const MOST_BYTES = 1024 * 1024 - 200;

/** Leaves out whole rows at the end rather than being refused. */
function cropRows(head: string, rows: readonly string[]): string {
  let bytes = Buffer.byteLength(head);
  const kept: string[] = [];
  for (const row of rows) {
    bytes += Buffer.byteLength(row);
    if (bytes > MOST_BYTES) break;
    kept.push(row);
  }
  const left = rows.length - kept.length;
  return [head, ...kept, ...(left === 0 ? [] : [`\n… and ${plural(left, 'more line')}\n`])].join('');
}

function counts({ errors, warnings, infos, files }: LintReport['summary']): string {
  const found = [
    ...(errors > 0 ? [plural(errors, 'error')] : []),
    ...(warnings > 0 ? [plural(warnings, 'warning')] : []),
    ...(infos > 0 ? [plural(infos, 'info')] : []),
  ];
  return `${found.length === 0 ? 'no problems' : found.join(', ')} in ${plural(files, 'file')}`;
}

function worstFirst({ findings }: LintReport): readonly Finding[] {
  return ORDER.flatMap((severity) => findings.filter((finding) => finding.severity === severity));
}

function escapeData(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}

function inCell(text: string): string {
  return oneLine(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll(/[\\`*_|[\]]/g, '\\$&');
}

function inCode(text: string): string {
  return text.replaceAll('`', "'");
}

/** GitLab wants fingerprints that differ between files. */
function fileKey(file: string): string {
  return file.replaceAll(/[^A-Za-z0-9]+/g, '-');
}

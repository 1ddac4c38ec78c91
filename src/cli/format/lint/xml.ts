import type { Finding } from '../../../core/lint/finding.js';
import type { LintReport } from '../../../core/lint/report.js';
import type { LintFormatter } from './lint-format.js';
import { oneLine } from './text.js';

/** JUnit: a test case for each finding and one that passes for each clean file. */
export const formatJunit: LintFormatter = (report) => {
  const suites = [...findingsByFile(report)].map(([file, findings]) => junitSuite(file, findings));
  const failures = report.findings.filter(isFailure).length;
  const head = attributes({
    name: 'agent-stack-k8s lint',
    tests: casesOf(report),
    failures,
  });
  return `${HEADER}<testsuites${head}>\n${suites.join('')}</testsuites>\n`;
};

/** Checkstyle 4.3: what Jenkins and reviewdog read. */
export const formatCheckstyle: LintFormatter = (report) => {
  const files = [...findingsByFile(report)].map(([name, findings]) => {
    const errors = findings.map(({ line, column, severity, message, rule }) => {
      return `    <error${attributes({ line, column, severity, message: oneLine(message), source: rule })}/>\n`;
    });
    return `  <file${attributes({ name })}>\n${errors.join('')}  </file>\n`;
  });
  return `${HEADER}<checkstyle version="4.3">\n${files.join('')}</checkstyle>\n`;
};

const HEADER = '<?xml version="1.0" encoding="UTF-8"?>\n';

/** Findings of every file that was looked at, also of clean ones. */
export function findingsByFile({ sources, findings }: LintReport): ReadonlyMap<string, readonly Finding[]> {
  const byFile = new Map<string, Finding[]>([...sources.keys()].map((file) => [file, []]));
  for (const finding of findings) {
    const known = byFile.get(finding.file);
    if (known === undefined) byFile.set(finding.file, [finding]);
    else known.push(finding);
  }
  return byFile;
}

function casesOf(report: LintReport): number {
  return [...findingsByFile(report).values()].reduce((count, { length }) => count + Math.max(length, 1), 0);
}

/** Advice does not make a test fail. */
function isFailure({ severity }: Finding): boolean {
  return severity !== 'info';
}

function junitSuite(file: string, findings: readonly Finding[]): string {
  const cases = findings.map((finding) => {
    const { rule, step, line, column, severity, message } = finding;
    const name = step === undefined ? rule : `${rule} @ ${step}`;
    const place = `${file}:${line}:${column}`;
    const text = escapeXml(`${place}: ${message} [${rule}]`);
    const head = attributes({ type: severity, message: oneLine(message) });
    const body = isFailure(finding) ? `<failure${head}>${text}</failure>` : `<system-out>${text}</system-out>`;
    return `    <testcase${attributes({ classname: file, name, file, line })}>${body}</testcase>\n`;
  });
  if (cases.length === 0) cases.push(`    <testcase${attributes({ classname: file, name: 'lint', file })}/>\n`);
  const head = attributes({ name: file, tests: cases.length, failures: findings.filter(isFailure).length });
  return `  <testsuite${head}>\n${cases.join('')}  </testsuite>\n`;
}

function attributes(values: Readonly<Record<string, string | number>>): string {
  return Object.entries(values)
    .map(([name, value]) => ` ${name}="${escapeXml(String(value))}"`)
    .join('');
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
  '\t': '&#9;',
  '\n': '&#10;',
  '\r': '&#13;',
};

/** Escaped for text and attributes; what XML 1.0 cannot hold at all is dropped. */
export function escapeXml(text: string): string {
  return text
    .replaceAll(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, '')
    .replaceAll(/[&<>"'\t\n\r]/g, (character) => ESCAPES[character] ?? '');
}

import type { LintFormatter } from './lint-format.js';
import { oneLine } from './text.js';
import { findingsByFile } from './xml.js';

/** TAP 13: a test for each file, with its findings as YAML below. */
export const formatTap: LintFormatter = (report) => {
  const files = [...findingsByFile(report)];
  const tests = files.map(([file, findings], index) => {
    const passed = findings.every(({ severity }) => severity === 'info');
    const title = `${passed ? 'ok' : 'not ok'} ${index + 1} - ${file.replaceAll('#', '\\#')}\n`;
    if (findings.length === 0) return title;
    const messages = findings.map(({ rule, severity, message, line, column }) => {
      const text = JSON.stringify(oneLine(message));
      return `    - rule: ${rule}\n      severity: ${severity}\n      line: ${line}\n      column: ${column}\n      message: ${text}\n`;
    });
    return `${title}  ---\n  findings:\n${messages.join('')}  ...\n`;
  });
  return `TAP version 13\n1..${files.length}\n${tests.join('')}`;
};

import { expect } from 'chai';
import { readLintDocument } from '../../../../src/core/lint/document.js';
import type { Finding } from '../../../../src/core/lint/finding.js';
import { keyOf, SHELLCHECK_RULE, shellcheckCheck } from '../../../../src/core/lint/rules/shellcheck.js';
import { shellScripts } from '../../../../src/core/lint/shell-scripts.js';
import { parseShellcheck, type ShellcheckComment } from '../../../../src/core/lint/shellcheck-comments.js';
import { lintText, lintWorld } from '../../../support/lint.js';

type Said = Partial<ShellcheckComment>;

/** A comment as shellcheck gives it: on `$A` in line 1 unless told. */
function comment(said: Said = {}): ShellcheckComment {
  const place = { line: 1, column: 6, endLine: said.line ?? 1, endColumn: (said.column ?? 6) + 2 };
  return { ...place, level: 'info', code: 2086, message: 'Double quote to prevent globbing.', ...said };
}

/** What is reported when shellcheck says this of every script. */
function findings(text: string, ...said: readonly Said[]): readonly Finding[] {
  const world = lintWorld();
  const document = readLintDocument('pipeline.yml', text, world);
  const scripts = document.commandSteps.flatMap((step) => shellScripts(step, { document, world }));
  const answers = new Map(scripts.map((script) => [keyOf(script), said.map(comment)]));
  return lintText(text, {}, { ruleSet: { rules: [SHELLCHECK_RULE], checks: [shellcheckCheck(answers)] } });
}

const ONE_LINE = "steps:\n  - command: 'echo $$A'\n";
const BLOCK = 'steps:\n  - command: |\n      echo $$A\n      if a; then\n      \tcd 🦀 $$B\n';

describe('shell/shellcheck', () => {
  it('stands where shellcheck points, in our grammar', () => {
    const [finding] = findings(ONE_LINE, {});

    expect(finding).to.deep.include({ line: 2, column: 20, endLine: 2, endColumn: 23, severity: 'info', related: [] });
    expect(finding?.message).to.equal('double quote to prevent globbing (SC2086)');
    expect(finding?.fix).to.equal(undefined);
  });

  for (const [level, severity] of [
    ['error', 'warning'],
    ['warning', 'warning'],
    ['info', 'info'],
    ['style', 'info'],
  ] as const) {
    it(`is ${severity} for shellcheck's ${level}`, () => {
      expect(findings(ONE_LINE, { level }).map((finding) => finding.severity)).to.deep.equal([severity]);
    });
  }

  for (const [message, expected] of [
    ['POSIX has no such thing.', 'POSIX has no such thing (SC2086)'],
    ["ShellCheck can't read this.\nSorry.", "ShellCheck can't read this. Sorry (SC2086)"],
    ['A word', 'a word (SC2086)'],
    ["'cd' may fail.", "'cd' may fail (SC2086)"],
  ] as const) {
    it(`says ${expected}`, () => {
      expect(findings(ONE_LINE, { message }).map((finding) => finding.message)).to.deep.equal([expected]);
    });
  }

  it('counts a tab and a sign outside of the BMP as one column', () => {
    const [finding] = findings(BLOCK, { line: 3, column: 7 });

    expect(BLOCK.slice(finding?.span.start, finding?.span.end)).to.equal('$$B');
    expect(finding?.line).to.equal(5);
  });

  it('marks something for an error at the end of the script, and one line of several', () => {
    const atEnd = findings(BLOCK, { line: 4, column: 1, endColumn: 1 });
    const several = findings(BLOCK, { line: 2, column: 1, endLine: 3, endColumn: 5 });

    expect(atEnd.map(({ line, column, endColumn }) => [line, column, endColumn])).to.deep.equal([[5, 16, 17]]);
    expect(several.map(({ line, endLine, endColumn }) => [line, endLine, endColumn])).to.deep.equal([[4, 4, 17]]);
  });

  it('is one finding for all that is said of a place, the worst first', () => {
    const [finding, ...more] = findings(ONE_LINE, { level: 'style' }, { level: 'warning', code: 2046, message: 'No.' });

    expect(more).to.deep.equal([]);
    expect(finding?.severity).to.equal('warning');
    expect(finding?.message).to.equal('no (SC2046); double quote to prevent globbing (SC2086)');
  });

  it('leaves out what is always so in a pipeline, and what is bash only', () => {
    const codes = [2148, 2154, 2034, 1090, 1091, 2164, 3010, 3057, 2039];

    expect(findings(ONE_LINE, ...codes.map((code) => ({ code })))).to.deep.equal([]);
  });

  it('does not take what the upload or the matrix puts in for a constant', () => {
    const said = { code: 2050, column: 1 };

    expect(findings("steps: [{command: '[ a = b ]'}]", said)).to.have.length(1);
    expect(findings("steps: [{command: '[ $A = b ]'}]", said)).to.have.length(0);
    expect(findings("steps: [{command: '[ {{matrix}} = b ]', matrix: [a]}]", said)).to.have.length(0);
  });

  it('tells a syntax error once', () => {
    const said = [{ code: 1073 }, { code: 1072, column: 1 }, { code: 1009, column: 2 }];

    expect(findings(ONE_LINE, ...said).map(({ message }) => message)).to.deep.equal([
      'double quote to prevent globbing (SC1073)',
    ]);
  });

  it('counts the uses of an anchor', () => {
    const text = "steps:\n  - &a {command: 'echo $$A'}\n  - *a\n";

    expect(findings(text, {}).map(({ uses }) => uses)).to.deep.equal([2]);
  });
});

describe('the answer of shellcheck', () => {
  const good = comment();

  it('is read', () => {
    expect(parseShellcheck('{"comments": []}')).to.deep.equal([]);
    expect(parseShellcheck(JSON.stringify({ comments: [good] }))).to.deep.equal([good]);
  });

  for (const bad of [
    '',
    'oops',
    'null',
    '[]',
    '{}',
    '{"comments": {}}',
    '{"comments": [1]}',
    JSON.stringify({ comments: [{ ...good, line: '1' }] }),
    JSON.stringify({ comments: [{ ...good, level: 'fatal' }] }),
    JSON.stringify({ comments: [{ ...good, message: undefined }] }),
  ]) {
    it(`is not ${bad}`, () => {
      expect(parseShellcheck(bad)).to.equal(undefined);
    });
  }
});

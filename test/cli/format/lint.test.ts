import { Ajv } from 'ajv';
import addFormatsModule from 'ajv-formats';
import { Chalk } from 'chalk';
import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { LINT_FORMATS, type LintFormatName, parseLintOutputs } from '../../../src/cli/format/lint/index.js';
import { formatGithubSummary } from '../../../src/cli/format/lint/forges.js';
import { escapeXml } from '../../../src/cli/format/lint/xml.js';
import type { LintReport } from '../../../src/core/lint/report.js';
import { findingAt, reportOf } from '../../support/findings.js';
import { SARIF_SCHEMA } from '../../support/sarif-schema.js';

const addFormats = addFormatsModule as unknown as (ajv: Ajv) => void;
const TEXT = 'steps:\n  - command: make\n    agents: {queue: 0}\n  - wait\n';

/** One of everything. */
function richReport(): LintReport {
  const start = TEXT.indexOf('0}');
  const first = findingAt('agents/queue', 3, {
    ...{ column: 21, endColumn: 22, span: { start, end: start + 1 }, step: 'make', uses: 3, severity: 'error' },
    message: '"queue" must be text,\n100% of it: quote <it> & "go"',
    related: [{ file: 'p.yml', line: 1, column: 1, endLine: 1, endColumn: 6, message: 'the steps begin here' }],
    fix: { description: 'put quotes around 0', edits: [{ start, end: start + 1, text: '"0"' }] },
  });
  const second = findingAt('step/key', 4, { severity: 'info', column: 3, endLine: 5, endColumn: 1 });
  const third = findingAt('env/entry', 2, { severity: 'warning', column: 5, endColumn: 12, step: 'make' });
  const ignored = findingAt('step/key', 2);
  return reportOf(
    [third, first, second],
    { 'p.yml': TEXT, 'clean.yml': 'steps: []\n' },
    {
      suppressed: [{ finding: ignored, justification: 'agreed in OPS-7' }],
    },
  );
}

function print(format: LintFormatName, report = richReport(), level: 0 | 1 = 0): string {
  return LINT_FORMATS[format](report, { palette: new Chalk({ level }), version: '1.2.3' });
}

const EMPTY = reportOf([], { 'clean.yml': 'steps: []\n' });

describe('lint formats', () => {
  it('pretty shows line, mark, related place, step, uses and fix', () => {
    expect(print('pretty').split('\n').slice(6, 17)).to.deep.equal([
      'p.yml:3:21: error: "queue" must be text, 100% of it: quote <it> & "go" [agents/queue]',
      '   |',
      ' 3 |     agents: {queue: 0}',
      '   |                     ^',
      '   = 1:1: the steps begin here',
      '   |',
      ' 1 | steps:',
      '   | ^~~~~',
      '   = in step "make", and 2 other places',
      '   = --fix can put quotes around 0',
      '',
    ]);
    expect(print('pretty')).to.match(
      /\n1 error, 1 warning, 1 info in 2 files \(1 can be fixed with --fix, 1 ignored by comments\)\n$/,
    );
  });

  it('pretty has colours only when asked', () => {
    expect(print('pretty')).not.to.include('\u001B');
    expect(print('pretty', richReport(), 1)).to.include('\u001B[31merror:');
  });

  it('pretty marks the right column after tabs, emoji and wide characters', () => {
    const report = reportOf([findingAt('a/b', 1, { column: 9, endColumn: 12 })], { 'p.yml': '\ta: 🚀漢 xyz\n' });

    const [, , line = '', mark = ''] = print('pretty', report).split('\n');

    expect([line, mark]).to.deep.equal([' 1 |  a: 🚀漢 xyz', '   |          ^~~']);
  });

  it('pretty cuts very long lines around the mark and disarms control characters', () => {
    const text = `k: ${'x'.repeat(500)}\u001B[2J!${'y'.repeat(500)}\n`;
    const report = reportOf([findingAt('a/b', 1, { column: 508, endColumn: 509 })], { 'p.yml': text });

    const lines = print('pretty', report).split('\n');

    expect(Math.max(...lines.map(({ length }) => length))).to.be.below(160);
    expect(lines.join('')).not.to.include('\u001B');
    expect(lines[2]?.charAt(lines[3]?.indexOf('^') ?? 0)).to.equal('!');
  });

  it('texts for people hold no control characters', () => {
    const odd = findingAt('a/b', 1, { message: 'key "\u001B[2J\u0007"', file: 'a\u001B.yml', step: '\u009B' });

    for (const format of ['pretty', 'compact'] as const) {
      expect(print(format, reportOf([odd]))).not.to.match(/[\u0000-\u0009\u000B-\u001F\u007F-\u009F]/);
    }
  });

  it('compact is one line for each finding', () => {
    expect(print('compact')).to.equal(
      [
        'p.yml:2:5: warning: "x" breaks env/entry; mend it [env/entry]\n',
        'p.yml:3:21: error: "queue" must be text, 100% of it: quote <it> & "go" [agents/queue]\n',
        'p.yml:4:3: info: "x" breaks step/key; mend it [step/key]\n',
      ].join(''),
    );
  });

  it('json is as its schema says', () => {
    const isFindings = new Ajv().compile(JSON.parse(readFileSync('schema/output/lint-findings.json', 'utf8')));

    for (const report of [richReport(), EMPTY]) {
      expect(isFindings(JSON.parse(print('json', report))), JSON.stringify(isFindings.errors)).to.equal(true);
    }
    const { findings, summary } = JSON.parse(print('json'));
    expect(findings[1].fix.edits).to.deep.equal([{ line: 3, column: 21, endLine: 3, endColumn: 22, text: '"0"' }]);
    expect(findings[0].fix).to.equal(null);
    expect(findings[2].step).to.equal(null);
    expect(summary).to.deep.equal({
      files: 2,
      errors: 1,
      warnings: 1,
      infos: 1,
      fixable: 1,
      suppressed: 1,
      baselined: 0,
    });
  });

  it('jsonl holds the findings of json', () => {
    const lines = print('jsonl')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));

    expect(lines).to.deep.equal(JSON.parse(print('json')).findings);
    expect(print('jsonl', EMPTY)).to.equal('');
  });

  it('sarif is as the standard says', () => {
    const ajv = new Ajv({ strict: false });
    addFormats(ajv);
    const isSarif = ajv.compile(SARIF_SCHEMA);

    for (const report of [richReport(), EMPTY]) {
      expect(isSarif(JSON.parse(print('sarif', report))), JSON.stringify(isSarif.errors)).to.equal(true);
    }
  });

  it('sarif keeps ignored findings with their reason, fixes and fingerprints', () => {
    const [run] = JSON.parse(print('sarif')).runs;

    expect(run.results.map((result: any) => [result.ruleId, result.level, result.suppressions])).to.deep.equal([
      ['env/entry', 'warning', undefined],
      ['agents/queue', 'error', undefined],
      ['step/key', 'note', undefined],
      ['step/key', 'error', [{ kind: 'inSource', status: 'accepted', justification: 'agreed in OPS-7' }]],
    ]);
    for (const { ruleId, ruleIndex } of run.results) expect(run.tool.driver.rules[ruleIndex].id).to.equal(ruleId);
    expect(run.results[1].fixes[0].artifactChanges[0].replacements).to.deep.equal([
      { deletedRegion: { startLine: 3, startColumn: 21, endLine: 3, endColumn: 22 }, insertedContent: { text: '"0"' } },
    ]);
    const hashes = run.results.map((result: any) => result.partialFingerprints.primaryLocationLineHash);
    expect(new Set(hashes).size).to.equal(4);
    expect(hashes[0]).to.match(/^[0-9a-f]{16}:1$/);
  });

  it('junit, checkstyle and tap count clean files, too', () => {
    expect(print('junit')).to.include('<testsuites name="agent-stack-k8s lint" tests="4" failures="2">');
    expect(print('junit')).to.include('<testcase classname="clean.yml" name="lint" file="clean.yml"/>');
    expect(print('junit')).to.include('name="agents/queue @ make"');
    expect(print('checkstyle')).to.include(
      '<error line="3" column="21" severity="error" message="&quot;queue&quot; must be text, 100% of it: quote &lt;it&gt; &amp; &quot;go&quot;" source="agents/queue"/>',
    );
    expect(print('checkstyle')).to.include('<file name="clean.yml">\n  </file>');
    expect(print('tap'))
      .to.match(/^TAP version 13\n1\.\.2\nnot ok 1 - p\.yml\n {2}---\n/)
      .and.to.match(/\nok 2 - clean\.yml\n$/);
  });

  it('XML drops what it cannot hold', () => {
    expect(escapeXml('a\u0000\u001B\uFFFE\uD800b<\t🚀>')).to.equal('ab&lt;&#9;🚀&gt;');
  });

  it('github escapes, begins with errors and gives only ends that are valid', () => {
    expect(print('github')).to.equal(
      [
        '::error file=p.yml,line=3,col=21,endLine=3,endColumn=22,title=agents/queue::"queue" must be text,%0A100%25 of it: quote <it> & "go"\n',
        '::warning file=p.yml,line=2,col=5,endLine=2,endColumn=12,title=env/entry::"x" breaks env/entry; mend it\n',
        '::notice file=p.yml,line=4,col=3,endLine=5,title=step/key::"x" breaks step/key; mend it\n',
      ].join(''),
    );
    const odd = reportOf([findingAt('a/b', 1, { file: 'a,b:c%.yml', column: 2, endColumn: 2 })]);
    expect(print('github', odd)).to.match(/^::error file=a%2Cb%3Ac%25\.yml,line=1,col=2,title=a\/b::/);
  });

  it('github has a summary with everything', () => {
    const summary = formatGithubSummary(richReport(), { palette: new Chalk({ level: 0 }), version: '1' });

    expect(summary).to.include('| error | `p.yml:3` | "queue" must be text, 100% of it: quote &lt;it> &amp; "go" |');
  });

  it('gitlab has fingerprints that differ', () => {
    const issues = JSON.parse(
      print(
        'gitlab',
        reportOf(
          [1, 1, 2].map((line) => findingAt('a/b', line)),
          { 'p.yml': 'x\nx\n' },
        ),
      ),
    );

    expect(new Set(issues.map((issue: any) => issue.fingerprint)).size).to.equal(3);
    expect(issues[0]).to.deep.include({
      check_name: 'a/b',
      severity: 'critical',
      location: { path: 'p.yml', lines: { begin: 1, end: 1 } },
    });
  });

  it('buildkite groups by step and stays under 1 MiB', () => {
    const many = Array.from({ length: 20_000 }, (_, index) =>
      findingAt('a/b', index + 1, { message: 'm'.repeat(100) }),
    );

    expect(print('buildkite')).to.match(
      /`p\.yml`, step \*\*make\*\*\n\n- \*\*warning\*\* at 2:5: .*`env\/entry`\n- \*\*error\*\* at 3:21/,
    );
    expect(Buffer.byteLength(print('buildkite', reportOf(many)))).to.be.within(900_000, 1024 * 1024);
    expect(print('buildkite', reportOf(many))).to.match(/… and \d+ more lines\n$/);
    expect(print('buildkite', EMPTY)).to.equal('');
  });

  it('know where they go', () => {
    expect(parseLintOutputs([])).to.deep.equal([{ format: 'pretty', file: undefined }]);
    expect(parseLintOutputs(['pretty', 'sarif=out=1.sarif'])).to.deep.equal([
      { format: 'pretty', file: undefined },
      { format: 'sarif', file: 'out=1.sarif' },
    ]);
  });

  for (const [texts, message] of [
    [['jsn'], /unknown format "jsn"; did you mean "json"\?/],
    [['wombat'], /choose one of pretty, compact/],
    [['json='], /names no file/],
    [['json', 'pretty'], /both go to standard output/],
    [['json=a', 'sarif=a'], /both go to "a"/],
    [['json=-', 'sarif'], /both go to standard output/],
  ] as const) {
    it(`refuse ${texts.join(' and ')}`, () => {
      expect(() => parseLintOutputs(texts)).to.throw(message);
    });
  }
});

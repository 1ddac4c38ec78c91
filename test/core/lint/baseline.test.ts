import { expect } from 'chai';
import { applyBaseline, formatBaseline, parseBaseline, updateBaseline } from '../../../src/core/lint/baseline.js';
import type { Finding } from '../../../src/core/lint/finding.js';
import { findingAt } from '../../support/findings.js';

const TEXT = 'steps:\n- image: a\n- image: a\n- image: b\n';
const nameOf = (file: string) => file;

function input(text: string, findings: readonly Finding[]) {
  return { findings, sources: new Map([['p.yml', text]]), nameOf };
}

describe('the baseline', () => {
  const known = updateBaseline(
    [],
    input(TEXT, [findingAt('pod/a', 2), findingAt('pod/a', 3), findingAt('pod/b', 4)]),
    () => true,
  );

  it('counts equal lines and is the same text every time', () => {
    expect(known.map(({ file, rule, count }) => [file, rule, count])).to.deep.equal([
      ['p.yml', 'pod/a', 2],
      ['p.yml', 'pod/b', 1],
    ]);
    expect(parseBaseline(formatBaseline(known))).to.deep.equal({ ok: true, value: known });
  });

  it('knows findings again when lines move or are indented', () => {
    const moved = `# one\n# two\n${TEXT.replaceAll('- image', '  -   image')}`;
    const findings = [findingAt('pod/a', 4), findingAt('pod/a', 5), findingAt('pod/b', 6)];

    const outcome = applyBaseline(known, input(moved, findings));

    expect(outcome).to.deep.equal({ findings: [], known: findings, stale: [] });
  });

  it('reports another finding on an equal line, another rule and another text', () => {
    const text = `${TEXT}- image: a\n`;
    const fresh = [findingAt('pod/a', 5), findingAt('pod/c', 2), findingAt('pod/a', 4)];

    const outcome = applyBaseline(known, input(text, [findingAt('pod/a', 2), findingAt('pod/a', 3), ...fresh]));

    expect(outcome.findings).to.deep.equal(fresh);
  });

  it('calls entries stale only for files that were linted', () => {
    const elsewhere = known.map((entry) => ({ ...entry, file: 'other.yml' }));

    const outcome = applyBaseline([...known, ...elsewhere], input(TEXT, [findingAt('pod/a', 2)]));

    expect(outcome.stale.map(({ file, rule, count }) => [file, rule, count])).to.deep.equal([
      ['p.yml', 'pod/a', 1],
      ['p.yml', 'pod/b', 1],
    ]);
  });

  it('drops on update what is gone', () => {
    const others = ['there.yml', 'gone.yml'].flatMap((file) => known.map((entry) => ({ ...entry, file })));

    const updated = updateBaseline(
      [...known, ...others],
      input(TEXT, [findingAt('pod/b', 4)]),
      (file) => file === 'there.yml',
    );

    expect(updated.map(({ file, rule }) => `${file} ${rule}`)).to.deep.equal([
      'p.yml pod/b',
      'there.yml pod/a',
      'there.yml pod/b',
    ]);
  });

  for (const [text, reason] of [
    ['{', 'is not JSON'],
    ['[]', 'is no baseline'],
    ['{"version": 2, "findings": []}', 'is no baseline'],
    ['{"version": 1, "findings": [{"file": 1}]}', 'holds an entry'],
  ] as const) {
    it(`refuses ${text}`, () => {
      const parsed = parseBaseline(text);

      expect(parsed.ok ? '' : parsed.error).to.match(new RegExp(`^${reason}.*--update-baseline$`));
    });
  }
});

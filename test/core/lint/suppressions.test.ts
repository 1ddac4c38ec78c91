import { expect } from 'chai';
import type { Finding } from '../../../src/core/lint/finding.js';
import { applySuppressions, type SuppressionInput } from '../../../src/core/lint/suppressions.js';
import { findingAt } from '../../support/findings.js';

const RULES = ['pod/a', 'pod/b', 'env/c', 'lint/unused-ignore'];

function suppress(text: string, findings: readonly Finding[], options: Partial<SuppressionInput> = {}) {
  const outcome = applySuppressions({
    ...{ file: 'p.yml', text, findings, ruleIds: RULES, today: '2026-06-15', ...options },
  });
  return {
    left: outcome.findings.map(({ rule, line }) => `${rule}@${line}`),
    suppressed: outcome.suppressed.map(({ finding, justification }) => `${finding.rule}: ${justification}`),
    messages: outcome.findings.map(({ message }) => message),
  };
}

describe('inline ignores', () => {
  const cases: readonly (readonly [string, string, readonly (readonly [string, number])[], readonly string[]])[] = [
    [
      'at the end of a line',
      'a: 1 # lint-ignore pod/a -- ok\nb: 2\n',
      [
        ['pod/a', 1],
        ['pod/a', 2],
      ],
      ['pod/a@2'],
    ],
    [
      'above a line',
      '# lint-ignore pod/a -- ok\na: 1\nb: 2\n',
      [
        ['pod/a', 2],
        ['pod/a', 3],
      ],
      ['pod/a@3'],
    ],
    ['above other comments and blank lines', '# lint-ignore pod/a -- ok\n# more\n\na: 1\n', [['pod/a', 4]], []],
    [
      'for several rules',
      '# lint-ignore pod/a, env/c -- ok\na: 1\n',
      [
        ['pod/a', 2],
        ['env/c', 2],
      ],
      [],
    ],
    [
      'for an area',
      '# lint-ignore pod/* -- ok\na: 1\n',
      [
        ['pod/a', 2],
        ['pod/b', 2],
        ['env/c', 2],
      ],
      ['env/c@2'],
    ],
    [
      'for the file',
      'a: 1\n# lint-ignore-file pod/a -- ok\nb: 2\n',
      [
        ['pod/a', 1],
        ['pod/a', 3],
      ],
      [],
    ],
    ['until a day to come', '# lint-ignore-until 2026-06-15 pod/a -- ok\na: 1\n', [['pod/a', 2]], []],
    [
      'for a mapping only where it begins',
      '# lint-ignore pod/a -- ok\na:\n  b: 1\n',
      [
        ['pod/a', 2],
        ['pod/a', 3],
      ],
      ['pod/a@3'],
    ],
    [
      'above a block scalar for its lines',
      '# lint-ignore pod/a -- ok\na: |\n  x\n  y\nb: 1\n',
      [
        ['pod/a', 4],
        ['pod/a', 5],
      ],
      ['pod/a@5'],
    ],
    [
      'at the | for the key only',
      'a: | # lint-ignore pod/a -- ok\n  x\n',
      [
        ['pod/a', 1],
        ['pod/a', 2],
      ],
      ['pod/a@2'],
    ],
    ['above a list item that is a script', '- x\n# lint-ignore pod/a -- ok\n- |\n  y\n', [['pod/a', 4]], []],
    ['in CRLF and behind a BOM', '\uFEFF# lint-ignore pod/a -- ok\r\na: 1\r\n', [['pod/a', 2]], []],
    ['with -- in the reason', '# lint-ignore pod/a -- see -- there\na: 1\n', [['pod/a', 2]], []],
  ];
  for (const [name, text, found, left] of cases) {
    it(`count ${name}`, () => {
      const findings = found.map(([rule, line]) => findingAt(rule, line));

      expect(suppress(text, findings).left).to.deep.equal(left);
    });
  }

  it('keep the reason', () => {
    const { suppressed } = suppress('a: 1 # lint-ignore pod/a -- tracked -- in OPS-7\n', [findingAt('pod/a', 1)]);

    expect(suppressed).to.deep.equal(['pod/a: tracked -- in OPS-7']);
  });

  for (const [name, text] of [
    ['a block scalar', 'a: |\n  # lint-ignore pod/a -- script\n  x\n'],
    ['quotes', 'a: "# lint-ignore pod/a -- text"\nb: 1\n'],
    ['a plain scalar', 'a: x#lint-ignore pod/a -- text\nb: 1\n'],
  ] as const) {
    it(`are not looked for in ${name}`, () => {
      const findings = [1, 2, 3].map((line) => findingAt('pod/a', line));

      expect(suppress(text, findings).left).to.deep.equal(['pod/a@1', 'pod/a@2', 'pod/a@3']);
    });
  }

  const wrong: readonly (readonly [string, string, readonly string[], RegExp])[] = [
    ['without a reason', 'lint-ignore pod/a', ['lint/ignore-without-reason@1', 'pod/a@2'], /gives no reason/],
    ['with an empty reason', 'lint-ignore pod/a -- ', ['lint/ignore-without-reason@1', 'pod/a@2'], /gives no reason/],
    ['without a rule', 'lint-ignore -- because', ['lint/malformed-ignore@1', 'pod/a@2'], /names no rule/],
    ['without a date', 'lint-ignore-until pod/a -- x', ['lint/malformed-ignore@1', 'pod/a@2'], /"pod\/a" is none/],
    [
      'with a day that is none',
      'lint-ignore-until 2027-02-30 pod/a -- x',
      ['lint/malformed-ignore@1', 'pod/a@2'],
      /2027-02-30/,
    ],
    ['of an unknown rule', 'lint-ignore pod/aa -- x', ['lint/unknown-rule@1', 'pod/a@2'], /did you mean "pod\/a"\?/],
    [
      'that ended',
      'lint-ignore-until 2026-06-14 pod/a -- x',
      ['lint/expired-ignore@1', 'pod/a@2'],
      /ended on 2026-06-14/,
    ],
    ['that ignore nothing', 'lint-ignore pod/a, env/c -- x', ['lint/unused-ignore@1'], /nothing here breaks "env\/c"/],
  ];
  for (const [name, comment, left, message] of wrong) {
    it(`${name} are reported`, () => {
      const outcome = suppress(`# ${comment}\na: 1\n`, [findingAt('pod/a', 2)]);

      expect(outcome.left).to.deep.equal(left);
      expect(outcome.messages[0]).to.match(message);
    });
  }

  it('need no reason when the settings say so', () => {
    const outcome = suppress('# lint-ignore pod/a\na: 1\n', [findingAt('pod/a', 2)], { requireReason: false });

    expect(outcome.left).to.deep.equal([]);
  });

  it('of a rule that could not speak are not called unused', () => {
    const outcome = suppress('# lint-ignore pod/a -- ok\na: 1\n', [], { couldSpeak: (rule) => rule !== 'pod/a' });

    expect(outcome.left).to.deep.equal([]);
  });

  it('leave findings above and below alone', () => {
    const outcome = suppress(
      'a: 1\n# lint-ignore pod/a -- ok\nb: 1\nc: 1\n',
      [1, 3, 4].map((line) => findingAt('pod/a', line)),
    );

    expect(outcome.left).to.deep.equal(['pod/a@1', 'pod/a@4']);
  });
});

import { expect } from 'chai';
import { formatProblem } from '../../../src/core/config/config-problem.js';
import { type ConfigDocument, readConfigFile } from '../../../src/core/config/read-config-file.js';

function read(text: string): ConfigDocument {
  const result = readConfigFile(text, 'c.yaml');
  if (!result.ok) throw new Error(result.error.map(formatProblem).join('\n'));
  return result.value;
}

describe('readConfigFile', () => {
  const values: readonly (readonly [text: string, value: unknown])[] = [
    ['0755', 493],
    ['0o755', 493],
    ['0x1ED', 493],
    ['0b101', 5],
    ['-010', -8],
    ['089', 89],
    ['10_800', 10_800],
    ['1.5', 1.5],
    ['1e3', 1000],
    ['.5', 0.5],
    ['e3', 'e3'],
    ['.', '.'],
    ['12:30', '12:30'],
    ['2025-01-31', '2025-01-31'],
    ['yes', true],
    ['Off', false],
    ['n', false],
    ['"yes"', 'yes'],
    ['~', null],
    ['1.2.3', '1.2.3'],
    ['5m', '5m'],
  ];
  for (const [text, value] of values) {
    it(`reads ${text} as the Go controller does`, () => {
      expect(read(`key: ${text}`).value).to.deep.equal({ key: value });
    });
  }

  it('lets the last of repeated keys win and says so', () => {
    const document = read('a: 1\nb: 2\na: 3');

    expect(document.value).to.deep.equal({ a: 3, b: 2 });
    expect(document.warnings.map(formatProblem)).to.deep.equal([
      'c.yaml:3:1: key "a" is repeated; the last one counts: delete the others',
    ]);
    expect(document.valuePosition(['a'])).to.deep.equal({ line: 3, column: 4 });
  });

  it('reads the first of several documents and says so', () => {
    const document = read('a: 1\n---\nb: [');

    expect(document.value).to.deep.equal({ a: 1 });
    expect(document.warnings.map(formatProblem)[0]).to.match(/^c\.yaml:\d:1: a second document starts here/);
  });

  it('follows anchors and merge keys, in values and positions', () => {
    const document = read('base: &base\n  x: 1\n  z: 2\nuse:\n  <<: *base\n  z: 3\nsame: *base');

    expect(document.value['use']).to.deep.equal({ x: 1, z: 3 });
    expect(document.valuePosition(['use', 'x']).line).to.equal(2);
    expect(document.valuePosition(['use', 'z']).line).to.equal(6);
    expect(document.keyPosition(['same', 'z']).line).to.equal(3);
    expect(document.warnings).to.deep.equal([]);
  });

  it('falls back to the closest ancestor for what is not there', () => {
    const document = read('a:\n  b: 1');

    expect(document.keyPosition(['a', 'c'])).to.deep.equal({ line: 1, column: 1 });
    expect(document.keyPosition(['x'])).to.deep.equal({ line: 1, column: 1 });
  });

  it('takes an empty file for a configuration without keys', () => {
    for (const text of ['', '# nothing', '---', 'null']) expect(read(text).value).to.deep.equal({});
  });

  const traps: readonly (readonly [text: string, place: string])[] = [
    ['country: no', '1:10'],
    ['list: [a, y]', '1:11'],
    ['on: true', '1:1'],
    ['port: 010', '1:7'],
    ['n: "x"', '1:1'],
    ['count: 1_000', '1:8'],
    ['at: 12:30', '1:5'],
  ];
  for (const [text, place] of traps) {
    it(`warns of the trap in "${text}"`, () => {
      const { warnings } = read(text);

      expect(warnings.map(formatProblem)).to.have.length(1);
      expect(formatProblem(warnings[0]!)).to.match(new RegExp(`^c\\.yaml:${place}: .*YAML 1\\.1`));
    });
  }

  it('does not warn of what is plain in every YAML, nor of octal file modes', () => {
    const { warnings } = read('a: true\nb: 10\nc: "no"\nd: 10:80\ndefaultMode: 0755\nmode: 0400\ne: 0o17');

    expect(warnings).to.deep.equal([]);
  });

  it('refuses what is no YAML with its place', () => {
    const result = readConfigFile('a: 1\n  b: 2', 'c.yaml');

    expect(result.ok ? [] : result.error.map(formatProblem)).to.satisfy((problems: string[]) =>
      problems.some((problem) => /^c\.yaml:\d+:\d+: not valid YAML: [a-z]/.test(problem)),
    );
  });

  it('refuses a bomb of aliases', () => {
    const bomb = ['a: &a [x, x, x, x, x, x, x, x, x, x]']
      .concat(
        ['b', 'c', 'd', 'e', 'f', 'g', 'h'].map(
          (name, index) => `${name}: &${name} [${`*${'abcdefgh'[index]}, `.repeat(10)}]`,
        ),
      )
      .join('\n');

    const result = readConfigFile(bomb, 'c.yaml');

    expect(result.ok).to.equal(false);
  });
});

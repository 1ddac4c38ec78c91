import { expect } from 'chai';
import fc from 'fast-check';
import { parse, parseAllDocuments } from 'yaml';
import { toSortedYaml, toYaml, toYamlStream } from '../../../src/cli/format/manifest-yaml.js';

describe('toYaml', () => {
  it('quotes what YAML 1.1 or 1.2 would take for something else than a string', () => {
    const tricky = [
      'yes',
      'off',
      'N',
      '010',
      '1e3',
      '12:30',
      '0o17',
      '0x1F',
      '1_000',
      '~',
      '',
      'null',
      '.5',
      '-',
      '=',
      '2026-01-02',
      '.inf',
    ];

    const text = toYaml(tricky);

    expect(parse(text, { version: '1.1' })).to.deep.equal(tricky);
    expect(parse(text, { version: '1.2' })).to.deep.equal(tricky);
    for (const word of tricky.filter((item) => item !== '-')) expect(text).to.include(`"${word}"`);
  });

  it('is read back alike by both versions, whatever the strings', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'binary' }).filter((text) => !/[\uD800-\uDFFF]/.test(text))),
        (strings) => {
          const text = toYaml({ strings });

          expect(parse(text, { version: '1.1' })).to.deep.equal({ strings });
          expect(parse(text)).to.deep.equal({ strings });
        },
      ),
      { numRuns: 200 },
    );
  });

  it('is read back alike by both versions, whatever the shape', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.jsonValue({ stringUnit: 'grapheme', depthSize: 'medium' })),
        (object) => {
          // YAML 1.1 knows no numbers like 1e21.
          const value = JSON.parse(JSON.stringify(object, (_, part: unknown) => (typeof part === 'number' ? 7 : part)));

          expect(parse(toYaml(value), { version: '1.1' })).to.deep.equal(value);
          expect(parse(toSortedYaml(value))).to.deep.equal(value);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('writes nested lists and empty collections', () => {
    expect(toYaml({ a: [[1, 2], [], {}, [{ b: 'x\ny', c: null }]], d: {} })).to.equal(
      'a:\n  - - 1\n    - 2\n  - []\n  - {}\n  - - b: |-\n        x\n        y\n      c: null\nd: {}\n',
    );
  });

  it('keeps order and long lines, and writes scripts as blocks', () => {
    expect(toYaml({ b: 'x '.repeat(100).trim(), a: 'set -e\nmake\n' })).to.equal(
      `b: ${'x '.repeat(100).trim()}\na: |\n  set -e\n  make\n`,
    );
    expect(toSortedYaml({ b: 1, a: { d: 1, c: 2 } })).to.equal('a:\n  c: 2\n  d: 1\nb: 1\n');
  });

  it('separates documents', () => {
    expect(
      parseAllDocuments(toYamlStream([{ a: 1 }, { b: 2 }])).map((document) => document.toJS() as unknown),
    ).to.deep.equal([{ a: 1 }, { b: 2 }]);
  });
});

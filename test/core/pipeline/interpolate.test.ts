import { expect } from 'chai';
import fc from 'fast-check';
import { interpolate } from '../../../src/core/pipeline/interpolate.js';

const env = { NAME: 'world', EMPTY: '', COMMIT: '0123456789', UNI: 'größe' };

describe('interpolate', () => {
  const good: [text: string, expected: string, unset?: string[]][] = [
    ['hello', 'hello'],
    ['hello $NAME!', 'hello world!'],
    ['${NAME}s', 'worlds'],
    ['$NAMEs', '', ['NAMEs']],
    ['a${MISSING}b', 'ab', ['MISSING']],
    ['${MISSING:-fallback}', 'fallback'],
    ['${EMPTY:-fallback}', 'fallback'],
    ['${EMPTY-fallback}', ''],
    ['${MISSING-fallback}', 'fallback'],
    ['${MISSING:-${ALSO:-deep $NAME}}', 'deep world'],
    ['${MISSING:-$OTHER}', '', ['OTHER']],
    ['${NAME:-$OTHER}', 'world'],
    ['${NAME?must be set}', 'world'],
    ['${COMMIT:0:7}', '0123456'],
    ['${COMMIT:7}', '789'],
    ['${COMMIT: -3}', '789'],
    ['${COMMIT:2:-3}', '23456'],
    ['${COMMIT:99}', ''],
    ['${COMMIT:-7}', '0123456789'],
    ['${UNI:0:2}', 'gr'],
    ['$$NAME costs $$5', '$NAME costs $5'],
    ['\\$NAME', '$NAME'],
    ['\\\\$NAME', '\\\\world'],
    ['$(date) and $((1+1))', '$(date) and $((1+1))'],
    ['ends with $', 'ends with $'],
    ["awk '{print $1}'", "awk '{print $1}'"],
    ['test $? -eq 0 $@ $_x "$"', 'test $? -eq 0 $@ $_x "$"'],
    ['/^v.$/', '/^v.$/'],
    ['$\\$NAME $1$NAME', '$$NAME $1world'],
    ['${MISSING:-$1}', '$1'],
    ['a \\n stays', 'a \\n stays'],
  ];
  for (const [text, expected, unset = []] of good) {
    it(`turns ${JSON.stringify(text)} into ${JSON.stringify(expected)}`, () => {
      const result = interpolate(text, env);

      expect(result).to.deep.equal({ ok: true, value: { value: expected, unset } });
    });
  }

  const bad: [text: string, snippet: string, message: RegExp][] = [
    ['${1}', '${1', /write "\$\$\{1"/],
    ['${PATHS##*/}', '${PATHS#', /operators/],
    ['${PATHS%.*}', '${PATHS%', /operators/],
    ['${FILES[@]}', '${FILES[', /operators/],
    ['${!NAME}', '${!', /begins with a letter/],
    ['${NAME^^}', '${NAME^', /operators/],
    ['${NAME:+x}', '${NAME:+x', /whole numbers/],
    ['${NAME:?}', '${NAME:?', /whole numbers/],
    ['${NAME', '${NAME', /operators|missing/],
    ['${NAME:-x', '${NAME:-x', /closing/],
    ['${MISSING?}', '${MISSING?', /"MISSING" is required but not set; .*--env MISSING=/],
    ['${MISSING?ask $NAME}', '${MISSING?ask $NAME', /not set: ask world/],
  ];
  for (const [text, snippet, message] of bad) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      const result = interpolate(text, env);

      if (result.ok) throw new Error('was accepted');
      expect(result.error.snippet.startsWith(snippet)).to.equal(true, result.error.snippet);
      expect(result.error.message).to.match(message);
    });
  }

  it('refuses defaults that nobody can have written, instead of running out of stack', () => {
    const result = interpolate('${A:-'.repeat(20_000), {});

    if (result.ok) throw new Error('was accepted');
    expect(result.error.message).to.match(/more than 200 expansions stand inside each other/);
  });

  it('gives back any text whose dollars and backslashes are escaped', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const plain = text.replaceAll('\\', '');

        const result = interpolate(plain.replaceAll('$', '$$$$'), env);

        expect(result).to.deep.equal({ ok: true, value: { value: plain, unset: [] } });
      }),
    );
  });
});

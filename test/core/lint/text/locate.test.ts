import { expect } from 'chai';
import fc from 'fast-check';
import { Document, isMap, isScalar, parseDocument, Scalar } from 'yaml';
import { mapScalar } from '../../../../src/core/lint/text/locate.js';

/** The value of key `k` in a document, with its source. */
function scalarOf(text: string): { source: string; value: string } {
  const document = parseDocument(text, { schema: 'failsafe' });
  expect(document.errors).to.deep.equal([]);
  const node = isMap(document.contents) ? document.contents.get('k', true) : undefined;
  if (!isScalar(node) || typeof node.value !== 'string' || !node.range) throw new Error(`no scalar in ${text}`);
  return { source: text.slice(node.range[0], node.range[1]), value: node.value };
}

/** What stands in the source for each character of the value. */
function pieces(text: string): [value: string, source: string][] {
  const { source, value } = scalarOf(text);
  const map = mapScalar(source, value);
  expect(map, 'map').not.to.equal(undefined);
  return value.split('').map((char, index) => {
    const span = map!.locate(index, index + 1);
    return [char, source.slice(span.start, span.end)];
  });
}

describe('mapScalar', () => {
  const cases: [name: string, text: string, found: string, source: string][] = [
    ['plain', 'k: a $X b', '$X', '$X'],
    ['plain over lines', 'k: a $X\n   b $Y\n\n   c\n', 'X b', 'X\n   b'],
    ['plain over lines with CRLF', 'k: a  \r\n   $X b\r\n', 'a $', 'a  \r\n   $'],
    ['single quotes', "k: 'it''s $X'", "'s $X", "''s $X"],
    ['many single quotes', "k: '''''$X'''", "''$X", "''''$X"],
    ['double quotes', 'k: "a \\"$X\\" b"', '"$X"', '\\"$X\\"'],
    ['an escaped dollar sign', 'k: "\\x24X\\u00e9\\U0001F600!"', '$Xé', '\\x24X\\u00e9'],
    ['an escaped line end', 'k: "a\\\n    $X"', 'a$X', 'a\\\n    $X'],
    ['double quotes over lines', 'k: "a \t\n\n  $X\n  b"', '\n$X b', '\n  $X\n  b'],
    ['a literal block', 'k: |\n  a\n    $X\n  b\n', '  $X\nb', '  $X\n  b'],
    ['a literal block with CRLF', 'k: |\r\n  a\r\n  $X\r\n', 'a\n$X\n', 'a\r\n  $X\r\n'],
    ['a block with an indicator', 'k: |2-\n    a\n   $X\n', '  a\n $X', '  a\n   $X'],
    ['a block with a comment', 'k: >- # why\n  a\n  $X\n\n', 'a $X', 'a\n  $X'],
    ['a folded block', 'k: >\n  a\n  $X\n\n  b\n    c\n  d\n', '$X\nb\n  c\nd\n', '$X\n\n  b\n    c\n  d\n'],
    ['a block that keeps its end', 'k: |+\n  a\n\n\n', 'a\n\n\n', 'a\n\n\n'],
    ['a block without an end', 'k: |\n  $X', '$X', '$X'],
  ];
  for (const [name, text, found, expected] of cases) {
    it(`finds a piece of ${name}`, () => {
      const { source, value } = scalarOf(text);
      const start = value.indexOf(found);
      expect(start, `in ${JSON.stringify(value)}`).to.be.at.least(0);

      const span = mapScalar(source, value)?.locate(start, start + found.length);

      expect(span && source.slice(span.start, span.end)).to.equal(expected);
    });
  }

  const insertions: [text: string, at: number, put: string, value: string][] = [
    ['k: $X', 0, '$', '$$X'],
    ['k: $X', 2, '!', '$X!'],
    ["k: '$X'", 0, '$', '$$X'],
    ["k: ''", 0, 'a', 'a'],
    ['k: "a\\x24X"', 1, '$', 'a$$X'],
    ['k: |\n  a\n  $X\n', 2, '$', 'a\n$$X\n'],
    ['k: >\n  a\n  $X\n', 2, '$', 'a $$X\n'],
  ];
  for (const [text, at, put, expected] of insertions) {
    it(`says where to put ${put} into ${JSON.stringify(text)}`, () => {
      const { source, value } = scalarOf(text);

      const span = mapScalar(source, value)!.locate(at, at);
      const base = text.indexOf(source) + span.start;

      expect(span.end).to.equal(span.start);
      expect(scalarOf(text.slice(0, base) + put + text.slice(base)).value).to.equal(expected);
    });
  }

  it('leaves what is no escape alone, as the parser does', () => {
    const map = mapScalar('"\\:a\\: $X"', '\\:a\\: $X');

    expect(map?.locate(6, 8)).to.deep.equal({ start: 7, end: 9 });
  });

  it('has no map for a value it does not read', () => {
    expect(mapScalar('0x10', '16')).to.equal(undefined);
  });

  const styles = [
    Scalar.PLAIN,
    Scalar.QUOTE_SINGLE,
    Scalar.QUOTE_DOUBLE,
    Scalar.BLOCK_LITERAL,
    Scalar.BLOCK_FOLDED,
  ] as const;
  const strings = fc
    .array(
      fc.constantFrom('a', 'word', '$X', ' ', '  ', '\n', '\n\n', '\t', "'", '"', '\\', ':', '#', 'é', '😀', '-'),
      {
        maxLength: 30,
      },
    )
    .map((words) => words.join(''));
  for (const style of styles) {
    it(`finds every character of any ${style} text`, () => {
      fc.assert(
        fc.property(strings, fc.integer({ min: 12, max: 80 }), fc.boolean(), (value, lineWidth, crlf) => {
          const document = new Document({});
          const scalar = new Scalar(value);
          scalar.type = style;
          document.set('k', scalar);
          const printed = document.toString({ lineWidth, minContentWidth: 4 });
          const text = crlf ? printed.replaceAll('\n', '\r\n') : printed;
          // The printer cannot write every text in every style.
          fc.pre(parseDocument(text).errors.length === 0);

          for (const [char, source] of pieces(text)) {
            if (/[a-zX$é:#-]/.test(char)) expect(source).to.equal(char);
            else if (char === '\n') expect(source).to.match(/^(?:\r?\n|\\n|)$/);
            else if (char === ' ') expect(source).to.match(/^(?: |\r?\n|\\ )$/);
            else if (char === "'") expect(source).to.match(/^''?$/);
            else expect(source).not.to.equal('');
          }
        }),
        { numRuns: 300 },
      );
    }).timeout(10_000);
  }
});

import { expect } from 'chai';
import fc from 'fast-check';
import {
  classOfUploadError,
  parseUploadText,
  uploadErrors,
  uploadVariables,
} from '../../../../src/core/lint/text/upload-text.js';
import { interpolate } from '../../../../src/core/pipeline/interpolate.js';

/** Texts full of what the grammar cares about; every name they can hold is made of A, B and é. */
const texts = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '$',
        '${',
        '}',
        '\\',
        ':',
        ':-',
        '-',
        '?',
        '#',
        '%',
        '(',
        '[@]',
        '!',
        '1',
        ' ',
        '/',
        '\n',
        '"',
        '|',
      ),
      fc.constantFrom('A', 'B', 'é', 'A', '${A}', '${B:-', '$A', '${A:1:', '${A#', '$$', '\\$'),
    ),
    { maxLength: 14 },
  )
  .map((pieces) => pieces.join(''));

/** Sets every name, whatever a text calls it. */
const everything = new Proxy<Record<string, string>>(
  {},
  {
    get: () => 'value',
    getOwnPropertyDescriptor: () => ({ configurable: true, enumerable: true, value: 'value', writable: true }),
  },
);

function double(text: string, offsets: readonly number[]): string {
  return [...new Set(offsets)].sort((a, b) => b - a).reduce((out, at) => `${out.slice(0, at)}$${out.slice(at)}`, text);
}

describe('parseUploadText', () => {
  it('tells apart text, escapes and variables', () => {
    const text = parseUploadText('a$$b\\$c${X:-d$Y}$(e)$');

    expect(text).to.deep.equal([
      { kind: 'literal', text: 'a', start: 0, end: 1 },
      { kind: 'escape', text: '$', start: 1, end: 3 },
      { kind: 'literal', text: 'b', start: 3, end: 4 },
      { kind: 'escape', text: '$', start: 4, end: 6 },
      { kind: 'literal', text: 'c', start: 6, end: 7 },
      {
        kind: 'variable',
        source: '${X:-d$Y}',
        name: 'X',
        operator: ':-',
        fallback: [
          { kind: 'literal', text: 'd', start: 12, end: 13 },
          {
            kind: 'variable',
            source: '$Y',
            name: 'Y',
            operator: undefined,
            fallback: undefined,
            argument: undefined,
            start: 13,
            end: 15,
          },
        ],
        argument: undefined,
        start: 7,
        end: 16,
      },
      { kind: 'literal', text: '$(e)$', start: 16, end: 21 },
    ]);
  });

  it('lists variables outermost first', () => {
    const names = uploadVariables(parseUploadText('${A:-${B-$C}} ${D?tell $E} ${F:0:7} ${G##*/}')).map(
      ({ name, operator, argument }) => [name, operator, argument],
    );

    expect(names).to.deep.equal([
      ['A', ':-', undefined],
      ['B', '-', undefined],
      ['C', undefined, undefined],
      ['D', '?', undefined],
      ['E', undefined, undefined],
      ['F', ':', '0:7'],
      ['G', '##', '*/'],
    ]);
  });

  const errors: [text: string, field: string, found: [source: string, snippet: string, is: string][]][] = [
    [
      "awk '{print $1}'; test $? = 0",
      'command',
      [
        ['$1', '$1', 'syntax'],
        ['$?', '$?', 'syntax'],
      ],
    ],
    [
      'build.tag =~ /^v$/ || build.branch =~ /(a$|b$)/i',
      'if',
      [
        ['$/', '$/', 'regex-dollar'],
        ['$|', '$|', 'regex-dollar'],
        ['$)', '$)', 'regex-dollar'],
      ],
    ],
    [
      'grep -E "a$|b" $/',
      'command',
      [
        ['$|', '$|', 'syntax'],
        ['$/', '$/', 'syntax'],
      ],
    ],
    ['build.message == "costs $5"', 'if', [['$5', '$5', 'syntax']]],
    [
      '${FILES[@]} ${!NAME} ${NAME^^} ${A/b/c} ${X:+y} ${#X}',
      'command',
      [
        ['${FILES[@]}', '${FILES[', 'bash-expansion'],
        ['${!NAME}', '${!', 'bash-expansion'],
        ['${NAME^^}', '${NAME^', 'bash-expansion'],
        ['${A/b/c}', '${A/', 'bash-expansion'],
        ['${X:+y}', '${X:+y', 'bash-expansion'],
        ['${#X}', '${#', 'bash-expansion'],
      ],
    ],
    [
      '${1} ${_x} ${} ${@}',
      'command',
      [
        ['${1}', '${1', 'syntax'],
        ['${_x}', '${_', 'syntax'],
        ['${}', '${}', 'syntax'],
        ['${@}', '${@', 'syntax'],
      ],
    ],
    [
      '${A[${i}]} ${B[$1]}',
      'command',
      [
        ['${A[${i}]}', '${A[', 'bash-expansion'],
        ['${B[$1]}', '${B[', 'bash-expansion'],
      ],
    ],
    [
      '${X:-${!Y}} ${X:-$1}',
      'command',
      [
        ['${!Y}', '${!', 'bash-expansion'],
        ['$1', '$1', 'syntax'],
      ],
    ],
    [
      '${X:-a $1\nb',
      'command',
      [
        ['${X:-', '${X:-a $1\nb', 'syntax'],
        ['$1', '$1', 'syntax'],
      ],
    ],
    ['${X', 'command', [['${X', '${X', 'syntax']]],
    [
      '${!X\n} $1',
      'command',
      [
        ['${', '${!', 'syntax'],
        ['$1', '$1', 'syntax'],
      ],
    ],
    ['$😀', 'command', [['$😀', '$😀', 'syntax']]],
    ['$(a) $((1)) $$1 \\$1 $', 'command', []],
  ];
  for (const [text, field, expected] of errors) {
    it(`finds ${expected.length} errors in ${JSON.stringify(text)}`, () => {
      const found = uploadErrors(parseUploadText(text));

      expect(found.map((error) => [error.source, error.snippet, classOfUploadError(error, field)])).to.deep.equal(
        expected,
      );
    });
  }

  it('offers to double every dollar sign of an expansion that is meant for the shell', () => {
    const text = 'echo ${A[$i]} $1 ${B[\\$i]}';

    const fixed = double(
      text,
      uploadErrors(parseUploadText(text)).flatMap((error) => error.fixAt),
    );

    expect(fixed).to.equal('echo $${A[$$i]} $$1 $${B[\\$i]}');
  });

  it('has no fix inside of a default', () => {
    const [error] = uploadErrors(parseUploadText('${X:-$1}'));

    expect(error?.fixAt).to.deep.equal([]);
  });

  for (const piece of ['${A:-', '${!', '$1', '${A[', '$', '\\', '${A#', '${A:1']) {
    it(`stands a very long run of ${piece}`, () => {
      expect(() => uploadErrors(parseUploadText(piece.repeat(5_000)))).not.to.throw();
    }).timeout(2_000);
  }

  it('agrees with interpolate about what the agent refuses, and why', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const errors = uploadErrors(parseUploadText(text));
        // Agents refuse what removes a prefix or suffix, but released libraries know it; a bare "$1" only those before v3.90 refuse.
        fc.pre(!/[#%]/.test(text) && errors.every(({ source }) => source.startsWith('${')));
        const result = interpolate(text, everything);

        expect(errors.length === 0, 'accepted').to.equal(result.ok);
        if (!result.ok) expect(errors.map((error) => error.snippet)).to.include(result.error.snippet);
      }),
      { numRuns: 1000 },
    );
  });

  it('leaves no gap and forgets no character', () => {
    fc.assert(
      fc.property(texts, (text) => {
        let position = 0;
        for (const part of parseUploadText(text)) {
          expect(part.start).to.equal(position);
          if (part.kind === 'literal') expect(part.text).to.equal(text.slice(part.start, part.end));
          if (part.kind === 'error' || part.kind === 'variable')
            expect(part.source).to.equal(text.slice(part.start, part.end));
          position = part.end;
        }
        expect(position).to.equal(text.length);
      }),
    );
  });

  it('mends a text whose errors all have a fix', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const errors = uploadErrors(parseUploadText(text));
        fc.pre(errors.length > 0 && errors.every((error) => error.fixAt.length > 0));

        const fixed = double(
          text,
          errors.flatMap((error) => error.fixAt),
        );

        expect(uploadErrors(parseUploadText(fixed))).to.deep.equal([]);
      }),
      { numRuns: 1000 },
    );
  });
});

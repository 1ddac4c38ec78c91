import { expect } from 'chai';
import { parseUploadText } from '../../../../src/core/lint/text/upload-text.js';
import { isUnknown } from '../../../../src/core/lint/model/placeholder.js';
import {
  completions,
  couldEqual,
  type Domain,
  domainOf,
  neverValid,
  placeholderText,
  whenUnset,
} from '../../../../src/core/lint/text/value-domain.js';

const known = new Map([
  ['SET', 'value'],
  ['COMMIT', '0123456789'],
  ['EMPTY', ''],
  ['AXIS', '{{matrix.os}}'],
]);

function domain(text: string): Domain {
  return domainOf(parseUploadText(text), known);
}

const label = (text: string): boolean => /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/.test(text);
const image = (text: string): boolean =>
  /^[a-z0-9][a-z0-9.-]*(?:\/[a-z0-9._-]+)*(?::[\w.-]+)?(?:@sha256:[0-9a-f]{64})?$/.test(text);

describe('domainOf', () => {
  const literals: [text: string, value: string][] = [
    ['', ''],
    ['plain', 'plain'],
    ['a$$b \\$c $(d)', 'a$b $c $(d)'],
    ['$SET-${SET}', 'value-value'],
    ['${COMMIT:0:7}', '0123456'],
    ['${SET:-x}${SET-x}${SET?}', 'valuevaluevalue'],
    ['${EMPTY:-x}|${EMPTY-x}', 'x|'],
    ['$${{matrix}', '${{matrix}'],
  ];
  for (const [text, value] of literals) {
    it(`knows that ${JSON.stringify(text)} is ${JSON.stringify(value)}`, () => {
      expect(domain(text)).to.deep.equal({ kind: 'literal', value });
    });
  }

  const holes: [text: string, kind: Domain['kind'], pieces: (string | [source: string])[]][] = [
    ['app:$TAG', 'partly-known', ['app:', ['$TAG']]],
    ['$SET/${A}-$$x', 'partly-known', ['value/', ['${A}'], '-$x']],
    ['a-{{ matrix.os }}', 'partly-known', ['a-', ['{{ matrix.os }}']]],
    ['{{matrix}}', 'unknown', [['{{matrix}}']]],
    ['${TAG:-latest}', 'unknown', [['${TAG:-latest}']]],
    ['${EMPTY:-a$B}', 'partly-known', ['a', ['$B']]],
    ['x$AXIS', 'partly-known', ['x', ['{{matrix.os}}']]],
    ['a $1 b', 'unknown', [['$1']]],
    ['${SET:-$1}', 'unknown', [['$1']]],
    ['v${COMMIT%789}', 'partly-known', ['v', ['${COMMIT%789}']]],
  ];
  for (const [text, kind, pieces] of holes) {
    it(`finds the unknown parts of ${JSON.stringify(text)}`, () => {
      const found = domain(text);

      expect(found.kind).to.equal(kind);
      expect(
        found.kind !== 'literal' && found.pieces.map((piece) => (typeof piece === 'string' ? piece : [piece.source])),
      ).to.deep.equal(pieces);
    });
  }
});

describe('completions', () => {
  it('is the value of a known text', () => {
    expect(completions(domain('a$$'))).to.deep.equal(['a$']);
  });

  it('tries the defaults the text holds', () => {
    expect(completions(domain('v${X:-Deep${Y-er}}'))).to.include('vDeeper');
  });

  it('combines unknown parts', () => {
    expect(completions(domain('$A:$B'))).to.include.members([':', 'example.com/a:1.0', 'a:']);
  });
});

describe('neverValid', () => {
  const cases: [text: string, isValid: (text: string) => boolean, expected: boolean][] = [
    ['Not a label', label, true],
    ['a-label', label, false],
    ['${X?}_a', label, true],
    ['${X?}-a', label, false],
    ['a b$X', image, true],
    ['registry.example.com/app:$TAG', image, false],
    ['$REGISTRY/${NAME}:${TAG}@${DIGEST}', image, false],
    ['app@sha256:$DIGEST', image, false],
    ['$REGISTRY/app :{{matrix}}', image, true],
    ['$X', () => false, false],
    ['$A-$B-$C-$D-$E', () => false, false],
    ['broken $1', () => false, false],
    ['Upper${X:-case}', (text) => text === 'Uppercase', false],
  ];
  for (const [text, isValid, expected] of cases) {
    it(`says ${expected} of ${JSON.stringify(text)}`, () => {
      expect(neverValid(domain(text), isValid)).to.equal(expected);
    });
  }
});

describe('couldEqual', () => {
  const cases: [text: string, other: string, expected: boolean][] = [
    ['abc', 'abc', true],
    ['abc', 'abcd', false],
    ['$X', 'anything', true],
    ['a-$X', 'a-', true],
    ['a-$X', 'b-1', false],
    ['$X-a', 'b-a', true],
    ['ab${X}ba', 'aba', false],
    ['ab${X}ba', 'abba', true],
    ['a${X}-${Y}z', 'a1-2z', true],
    ['a${X}-${Y}z', 'a12z', false],
    ['${X}b${Y}c${Z}', 'cb', false],
    ['{{matrix.a}}.{{matrix.b}}', '1.2', true],
  ];
  for (const [text, other, expected] of cases) {
    it(`${expected ? 'lets' : 'does not let'} ${text} become ${other}`, () => {
      expect(couldEqual(domain(text), other)).to.equal(expected);
    });
  }
});

describe('whenUnset', () => {
  const cases: [text: string, expected: string | undefined][] = [
    ['app', 'app'],
    ['app:$TAG', 'app:'],
    ['app:${TAG:-latest}', 'app:latest'],
    ['${A-${B-c}}$D', 'c'],
    ['app:${TAG?}', undefined],
    ['app:${TAG:-${OTHER?}}', undefined],
    ['app:{{matrix}}', undefined],
    ['app $1', undefined],
  ];
  for (const [text, expected] of cases) {
    it(`is ${expected ?? 'not known'} for ${text}`, () => {
      expect(whenUnset(domain(text))).to.equal(expected);
    });
  }
});

describe('placeholderText', () => {
  it('marks what is not known', () => {
    const text = placeholderText(domain('app-$X:{{matrix}}'));

    expect(text).to.equal('app-97531:97531');
    expect(isUnknown(text)).to.equal(true);
    expect(isUnknown(placeholderText(domain('app-1')))).to.equal(false);
  });
});

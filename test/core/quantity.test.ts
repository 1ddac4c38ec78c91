import { expect } from 'chai';
import fc from 'fast-check';
import { compareQuantities, formatQuantity, parseQuantity, sameQuantity } from '../../src/core/quantity.js';

function canonical(text: string | number): string {
  const parsed = parseQuantity(text);
  if (!parsed.ok) throw new Error(parsed.error);
  return formatQuantity(parsed.value);
}

describe('quantity', () => {
  const good: readonly (readonly [written: string | number, canonical: string])[] = [
    ['0', '0'],
    ['0Gi', '0'],
    ['-0m', '0'],
    ['1', '1'],
    ['+1', '1'],
    ['1000m', '1'],
    ['1500m', '1500m'],
    ['1.5', '1500m'],
    ['0.5', '500m'],
    ['.5', '500m'],
    ['2.', '2'],
    ['-250m', '-250m'],
    ['100k', '100k'],
    ['1000k', '1M'],
    ['1024', '1024'],
    ['1E', '1E'],
    ['1000E', '1000E'],
    ['12u', '12u'],
    ['5n', '5n'],
    ['0.1n', '1n'],
    ['-0.1n', '-1n'],
    ['1.0000000001', '1000000001n'],
    ['1Ki', '1Ki'],
    ['1024Ki', '1Mi'],
    ['1.5Gi', '1536Mi'],
    ['0.5Gi', '512Mi'],
    ['0.5Ki', '512'],
    ['1000Ki', '1000Ki'],
    ['512Mi', '512Mi'],
    ['1023.5Ki', '1048064'],
    ['0.5Mi', '512Ki'],
    ['8Ei', '9223372036854775807'],
    ['2e3', '2e3'],
    ['1e0', '1'],
    ['12e5', '1200e3'],
    ['1.5E3', '1500'],
    ['1e-3', '1e-3'],
    [0.5, '500m'],
    [4, '4'],
    [1e21, '1e21'],
    [' 64Mi\n', '64Mi'],
  ];
  for (const [written, expected] of good) {
    it(`prints ${JSON.stringify(written)} as ${expected}`, () => {
      expect(canonical(written)).to.equal(expected);
    });
  }

  const bad = ['', ' ', '.', '-', 'm', 'Gi', '2 GB', '2GB', '1gi', '1mi', '1K', '1i', '1.1.1', '1e', '1e1.5', '--1'];
  for (const text of [...bad, '1,5', '0x10', '1_000', 'Infinity', 'NaN', '1e999999999', '9'.repeat(1000)]) {
    it(`refuses ${JSON.stringify(text.slice(0, 20))} and says what is allowed`, () => {
      const parsed = parseQuantity(text);

      expect(parsed).to.have.property('ok', false);
      expect(parsed)
        .to.have.property('error')
        .that.matches(/is not a quantity.*such as "500m"/);
      expect(parsed).to.have.property('error').with.length.below(300);
    });
  }

  it('guesses what a unit of bytes was meant to be', () => {
    expect(parseQuantity('2 GB')).to.have.property('error').that.contains('did you mean "2Gi"?');
  });

  const comparisons: readonly (readonly [a: string, b: string, order: number])[] = [
    ['1', '1000m', 0],
    ['0.5Gi', '512Mi', 0],
    ['1G', '1Gi', -1],
    ['1e3', '1k', 0],
    ['-1', '1n', -1],
    ['2', '1999m', 1],
    ['9007199254740993', '9007199254740992', 1],
  ];
  for (const [a, b, order] of comparisons) {
    it(`orders ${a} and ${b} as ${order}`, () => {
      const [left, right] = [parseQuantity(a), parseQuantity(b)];

      expect(left.ok && right.ok && compareQuantities(left.value, right.value)).to.equal(order);
      expect(sameQuantity(a, b)).to.equal(order === 0);
    });
  }

  it('holds text that is no quantity equal to itself only', () => {
    expect(sameQuantity('lots', 'lots')).to.equal(true);
    expect(sameQuantity('lots', 'more')).to.equal(false);
  });

  it('prints what it reads back as the same amount, in a stable form', () => {
    const suffix = fc.constantFrom('', 'n', 'u', 'm', 'k', 'M', 'G', 'T', 'Ki', 'Mi', 'Gi', 'Ti', 'e3', 'E-2', 'e7');
    const number = fc
      .tuple(fc.integer({ min: -1e9, max: 1e9 }), fc.nat(999))
      .map(([whole, part]) => `${whole}.${part}`);
    const text = fc.tuple(number, suffix).map(([digits, ending]) => digits + ending);

    fc.assert(
      fc.property(text, (written) => {
        expect(sameQuantity(written, canonical(written))).to.equal(true);
        expect(canonical(canonical(written))).to.equal(canonical(written));
      }),
    );
  });
});

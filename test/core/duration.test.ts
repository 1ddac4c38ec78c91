import { expect } from 'chai';
import fc from 'fast-check';
import { formatDuration, formatDurationMs, parseDuration, parseDurationMs } from '../../src/core/duration.js';

describe('duration', () => {
  const good: readonly (readonly [text: string, nanoseconds: bigint, printed: string])[] = [
    ['0', 0n, '0s'],
    ['-0', 0n, '0s'],
    ['0s', 0n, '0s'],
    ['5m', 300_000_000_000n, '5m0s'],
    ['1h', 3_600_000_000_000n, '1h0m0s'],
    ['1h2m3s', 3_723_000_000_000n, '1h2m3s'],
    ['3s1h', 3_603_000_000_000n, '1h0m3s'],
    ['1.5h', 5_400_000_000_000n, '1h30m0s'],
    ['500ms', 500_000_000n, '500ms'],
    ['1500ms', 1_500_000_000n, '1.5s'],
    ['1us', 1_000n, '1µs'],
    ['1.5µs', 1_500n, '1.5µs'],
    ['1μs', 1_000n, '1µs'],
    ['7ns', 7n, '7ns'],
    ['0.9ns', 0n, '0s'],
    ['.5s', 500_000_000n, '500ms'],
    ['1.s', 1_000_000_000n, '1s'],
    ['-1m30s', -90_000_000_000n, '-1m30s'],
    ['+2s', 2_000_000_000n, '2s'],
    ['100h', 360_000_000_000_000n, '100h0m0s'],
    ['9223372036854775807ns', 9_223_372_036_854_775_807n, '2562047h47m16.854775807s'],
    ['-9223372036854775808ns', -9_223_372_036_854_775_808n, '-2562047h47m16.854775808s'],
  ];
  for (const [text, nanoseconds, printed] of good) {
    it(`reads ${text} and prints it as ${printed}`, () => {
      expect(parseDuration(text)).to.deep.equal({ ok: true, value: nanoseconds });
      expect(formatDuration(nanoseconds)).to.equal(printed);
    });
  }

  const bad = ['', '5', '1.5', '-', '+', '.', '.s', 's', '1d', '1w', '1h2', '1 hour', '1m-5s', '1m 5s', '--1s', '1,5s'];
  for (const text of [...bad, '5M', '1e3s', '5m;', '1'.repeat(5000) + 's']) {
    it(`refuses ${JSON.stringify(text.slice(0, 20))} and says what is allowed`, () => {
      const parsed = parseDuration(text);

      expect(parsed).to.have.property('ok', false);
      expect(parsed)
        .to.have.property('error')
        .that.matches(/is not a duration.*such as "30s"/);
      expect(parsed).to.have.property('error').with.length.below(250);
    });
  }

  it('offers seconds for a number without a unit', () => {
    expect(parseDuration('90')).to.have.property('error').that.contains('did you mean "90s"?');
  });

  it('refuses what does not fit 64 bits', () => {
    expect(parseDuration('9223372036854775808ns')).to.have.property('error').that.contains('too long');
  });

  it('gives milliseconds with a fraction for what is finer', () => {
    expect(parseDurationMs('1h')).to.deep.equal({ ok: true, value: 3_600_000 });
    expect(parseDurationMs('1500us')).to.deep.equal({ ok: true, value: 1.5 });
    expect(parseDurationMs('-1ms')).to.deep.equal({ ok: true, value: -1 });
    expect(parseDurationMs('soon')).to.have.property('ok', false);
    expect(formatDurationMs(90_000)).to.equal('1m30s');
    expect(formatDurationMs(1.5)).to.equal('1.5ms');
  });

  it('reads back what it prints', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (nanoseconds) => {
        expect(parseDuration(formatDuration(nanoseconds))).to.deep.equal({ ok: true, value: nanoseconds });
      }),
    );
  });
});

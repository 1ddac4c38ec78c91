import { expect } from 'chai';
import { ExternalError } from '../../../src/core/errors.js';
import { cropToBytes, cropToCharacters } from '../../../src/adapters/buildkite/crop.js';
import { backoffMs, withRetry } from '../../../src/adapters/buildkite/retry.js';
import { errorOf, quickClock, signal } from './support.js';

describe('withRetry', () => {
  it('waits a little longer each time', () => {
    const delays = [0, 1, 2, 3].map((attempt) => Math.round(backoffMs(attempt, () => 0)));

    expect(delays).to.deep.equal([1500, 2040, 2871, 4152]);
  });

  it('stops after the last attempt with the last error', async () => {
    const clock = quickClock();
    let tries = 0;
    const failing = (): Promise<never> => Promise.reject(new ExternalError(`no ${(tries += 1)}`, { retryable: true }));

    const error = await errorOf(withRetry(failing, { clock, random: () => 0, signal }));

    expect(error.message).to.equal('no 5');
    expect(clock.sleeps).to.have.lengthOf(4);
  });

  it('lets Retry-After win over its own delay', async () => {
    const clock = quickClock();
    const busy = new ExternalError('busy', { retryable: true, retryAfterMs: 42 });

    const value = await withRetry((attempt) => (attempt === 0 ? Promise.reject(busy) : Promise.resolve('ok')), {
      clock,
      random: () => 0,
      signal,
    });

    expect(value).to.equal('ok');
    expect(clock.sleeps).to.deep.equal([42]);
  });

  for (const [name, error] of [
    ['a final refusal', new ExternalError('no', { retryable: false })],
    ['a bug', new TypeError('undefined is not a function')],
  ] as const) {
    it(`does not retry after ${name}`, async () => {
      const clock = quickClock();

      const thrown = await errorOf(withRetry(() => Promise.reject(error), { clock, random: () => 0, signal }));

      expect(thrown).to.equal(error);
      expect(clock.sleeps).to.deep.equal([]);
    });
  }
});

describe('cropping', () => {
  for (const [text, bytes, expected] of [
    ['short', 10, 'short'],
    ['exactly ten', 11, 'exactly ten'],
    ['0123456789abc', 10, '01234567..'],
    ['aé€😀end-of-it', 9, 'aé€..'],
    ['😀😀😀', 9, '😀..'],
  ] as const) {
    it(`fits "${text}" into ${bytes} bytes`, () => {
      const cropped = cropToBytes(text, bytes, '..');

      expect(cropped).to.equal(expected);
      expect(Buffer.byteLength(cropped)).to.be.at.most(bytes);
    });
  }

  it('counts characters, not UTF-16 units', () => {
    expect(cropToCharacters('😀😀😀😀', 4, '…')).to.equal('😀😀😀😀');
    expect(cropToCharacters('😀😀😀😀', 3, '…')).to.equal('😀😀…');
  });
});

import { expect } from 'chai';
import { createTokenBucket } from '../../../src/adapters/kubernetes/token-bucket.js';
import type { Clock } from '../../../src/ports/runtime.js';
import { failureOf, never, virtualClock } from './helpers.js';

/** Sleepers wake when `passTime` reaches them. */
function steppedClock(): Clock & { passTime(ms: number): Promise<void> } {
  let now = 0;
  const sleepers: { at: number; wake: () => void }[] = [];
  return {
    now: () => now,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        sleepers.push({ at: now + ms, wake: resolve });
        signal.addEventListener('abort', () => reject(signal.reason as Error));
      }),
    async passTime(ms) {
      now += ms;
      for (const sleeper of sleepers) if (sleeper.at <= now + 1e-6) sleeper.wake();
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

describe('createTokenBucket', () => {
  it('lets the burst through at once and spaces the rest at the rate', async () => {
    const clock = virtualClock();
    const bucket = createTokenBucket({ qps: 10, burst: 20, clock });
    const startedAt = clock.now();

    for (let i = 0; i < 120; i++) await bucket.take(never);

    expect(clock.sleeps).to.have.length(100);
    expect(clock.now() - startedAt).to.be.closeTo(10_000, 1);
  });

  it('gives turns to callers that come together in the order they came', async () => {
    const clock = steppedClock();
    const bucket = createTokenBucket({ qps: 1, burst: 1, clock });
    const served: number[] = [];
    for (const id of [1, 2, 3]) void bucket.take(never).then(() => served.push(id));

    await clock.passTime(0);
    expect(served).to.deep.equal([1]);
    await clock.passTime(1000);
    expect(served).to.deep.equal([1, 2]);
    await clock.passTime(1000);

    expect(served).to.deep.equal([1, 2, 3]);
  });

  it('fills up to the burst in a quiet time, not beyond', async () => {
    const clock = virtualClock();
    const bucket = createTokenBucket({ qps: 100, burst: 2, clock });

    clock.advance(3_600_000);
    for (let i = 0; i < 3; i++) await bucket.take(never);

    expect(clock.sleeps).to.have.length(1);
  });

  it('gives the turn of a caller that aborts to the others', async () => {
    const clock = steppedClock();
    const bucket = createTokenBucket({ qps: 1, burst: 1, clock });
    await bucket.take(never);
    const controller = new AbortController();
    const leaving = failureOf(bucket.take(controller.signal));
    const reason = new Error('bye');

    controller.abort(reason);
    expect(await leaving).to.equal(reason);
    let served = false;
    void bucket.take(never).then(() => (served = true));
    await clock.passTime(1000);

    expect(served).to.equal(true);
  });

  it('takes no token for a caller that has aborted before', async () => {
    const clock = virtualClock();
    const bucket = createTokenBucket({ qps: 1, burst: 1, clock });

    await failureOf(bucket.take(AbortSignal.abort()));
    await bucket.take(never);

    expect(clock.sleeps).to.deep.equal([]);
  });

  it('does not lose tokens to a clock that is set back', async () => {
    const clock = virtualClock();
    const bucket = createTokenBucket({ qps: 1, burst: 2, clock });

    clock.advance(-3_600_000);
    await bucket.take(never);
    await bucket.take(never);

    expect(clock.sleeps).to.deep.equal([]);
  });
});

import { getEventListeners } from 'node:events';
import { expect } from 'chai';
import { systemClock } from '../../../src/adapters/system/clock.js';

describe('systemClock', () => {
  it('tells milliseconds since the epoch', () => {
    expect(Math.abs(systemClock.now() - Date.now())).to.be.below(1000);
  });

  it('wakes after the time and leaves no listener on the signal', async () => {
    const { signal } = new AbortController();
    const before = performance.now();

    await systemClock.sleep(20, signal);

    expect(performance.now() - before).to.be.at.least(18);
    expect(getEventListeners(signal, 'abort')).to.have.length(0);
  });

  it('rejects with the very reason of the signal when it aborts during the sleep', async () => {
    const controller = new AbortController();
    const reason = new Error('shutting down');
    const sleeping = systemClock.sleep(60_000, controller.signal).catch((error: unknown) => error);

    controller.abort(reason);

    expect(await sleeping).to.equal(reason);
  });

  it('rejects at once when the signal has aborted before', async () => {
    const reason = new Error('already over');

    const outcome = await systemClock.sleep(60_000, AbortSignal.abort(reason)).catch((error: unknown) => error);

    expect(outcome).to.equal(reason);
  });

  it('lets many sleep on one signal without a warning', async () => {
    const controller = new AbortController();
    const warnings: Error[] = [];
    const onWarning = (warning: Error) => warnings.push(warning);
    process.on('warning', onWarning);

    const sleepers = Array.from({ length: 30 }, () =>
      systemClock.sleep(60_000, controller.signal).catch(() => undefined),
    );
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', onWarning);
    controller.abort();
    await Promise.all(sleepers);

    expect(warnings).to.deep.equal([]);
  });

  it('does not wake at once from a sleep longer than a timer can hold', async () => {
    const controller = new AbortController();
    let woke = false;
    const sleeping = systemClock.sleep(2 ** 31 + 5, controller.signal).then(
      () => (woke = true),
      () => undefined,
    );

    await systemClock.sleep(20, new AbortController().signal);
    controller.abort();
    await sleeping;

    expect(woke).to.equal(false);
  });
});

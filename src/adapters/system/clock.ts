import type { Clock } from '../../ports/runtime.js';
import { onAbort } from './on-abort.js';

/** `setTimeout` fires at once for anything longer, so long sleeps are cut into pieces of this length. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The machine's own time. A sleeping caller that aborts is woken at once and leaves no timer behind. */
export const systemClock: Clock = {
  now: () => Date.now(),
  async sleep(ms, signal) {
    let left = ms;
    do {
      await sleepOnce(Math.min(left, LONGEST_TIMER_MS), signal);
      left -= LONGEST_TIMER_MS;
    } while (left > 0);
  },
};

function sleepOnce(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      forget();
      resolve();
    }, ms);
    const forget = onAbort(signal, () => {
      clearTimeout(timer);
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- the port promises the signal's own reason
      reject(signal.reason);
    });
  });
}

import { setMaxListeners } from 'node:events';

/**
 * Calls `listener` once when the signal aborts, at once when it already has.
 * One signal serves everything that waits in the process, so Node's warning at eleven listeners is switched off for it.
 * @returns a function that takes the listener away again.
 */
export function onAbort(signal: AbortSignal, listener: () => void): () => void {
  if (signal.aborted) {
    listener();
    return () => undefined;
  }
  setMaxListeners(0, signal);
  signal.addEventListener('abort', listener, { once: true });
  return () => signal.removeEventListener('abort', listener);
}

import { onAbort } from '../system/on-abort.js';

/**
 * The time of one call: over when the caller aborts it or its deadline passes. It does what a combined `AbortSignal` would, at a
 * fraction of the cost, and there is a call for every job.
 */
export class CallScope {
  readonly #listeners = new Set<() => void>();
  readonly #deadline: NodeJS.Timeout;
  readonly #forgetParent: () => void;
  #stopped: { readonly reason: unknown } | undefined;

  /** @param late makes the error that a passed deadline is */
  constructor(parent: AbortSignal, deadlineMs: number, late: () => Error) {
    this.#deadline = setTimeout(() => this.stop(late()), deadlineMs);
    this.#forgetParent = onAbort(parent, () => this.stop(parent.reason));
  }

  /** Throws why the call was stopped: the caller's own reason, or the passed deadline. */
  throwIfStopped(): void {
    if (this.#stopped !== undefined) throw this.#stopped.reason;
  }

  /** Calls `listener` when the call is stopped, at once when it already is. @returns a function that takes the listener away again. */
  onStop(listener: () => void): () => void {
    if (this.#stopped !== undefined) {
      listener();
      return () => undefined;
    }
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** From here on only the caller's signal stops the call. */
  disarm(): void {
    clearTimeout(this.#deadline);
  }

  /** The call has ended by itself. */
  end(): void {
    this.disarm();
    this.#forgetParent();
  }

  /** Stops the call, for a reason that `throwIfStopped` then throws; the first one counts. */
  stop(reason: unknown): void {
    if (this.#stopped !== undefined) return;
    this.#stopped = { reason };
    for (const listener of this.#listeners) listener();
  }
}

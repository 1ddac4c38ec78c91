import type { Clock } from '../ports/runtime.js';

interface Waiter<T> {
  readonly resolve: (item: T | undefined) => void;
}

/** Hands items to waiting workers, first come first served; an item can be put back for later. */
export class ReadyQueue<T> {
  readonly #clock: Clock;
  readonly #items: T[] = [];
  readonly #delayed = new Set<T>();
  readonly #waiters: Waiter<T>[] = [];
  readonly #timers = new AbortController();
  #closed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Items that no worker has taken yet, delayed ones included. */
  get size(): number {
    return this.#items.length + this.#delayed.size;
  }

  add(item: T): void {
    const waiter = this.#closed ? undefined : this.#waiters.shift();
    if (waiter === undefined) this.#items.push(item);
    else waiter.resolve(item);
  }

  /** Adds the item once `delayMs` have passed. */
  addLater(item: T, delayMs: number): void {
    this.#delayed.add(item);
    const due = () => {
      if (this.#delayed.delete(item)) this.add(item);
    };
    // Closing aborts the wait; the item is then among those that `close` returned.
    this.#clock.sleep(delayMs, this.#timers.signal).then(due, () => undefined);
  }

  /** The next item; undefined once the queue is closed. */
  take(): Promise<T | undefined> {
    if (this.#closed) return Promise.resolve(undefined);
    const item = this.#items.shift();
    if (item !== undefined) return Promise.resolve(item);
    return new Promise((resolve) => this.#waiters.push({ resolve }));
  }

  /** Sends the workers home and returns what they did not take. */
  close(): T[] {
    this.#closed = true;
    const left = [...this.#items, ...this.#delayed];
    this.#items.length = 0;
    this.#delayed.clear();
    this.#timers.abort();
    for (const waiter of this.#waiters.splice(0)) waiter.resolve(undefined);
    return left;
  }
}

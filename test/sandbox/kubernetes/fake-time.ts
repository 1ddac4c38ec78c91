/** Time that moves only when told to. */
export class FakeTime {
  #now = Date.UTC(2026, 0, 1);
  #timers: { readonly at: number; readonly action: () => void }[] = [];

  readonly now = (): number => this.#now;

  readonly after = (ms: number, action: () => void): (() => void) => {
    const timer = { at: this.#now + ms, action };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((known) => known !== timer);
    };
  };

  /** Moves on, runs what is due, and lets everything that follows at once happen. */
  async pass(ms: number): Promise<void> {
    await settled();
    this.#now += ms;
    const due = this.#timers.filter((timer) => timer.at <= this.#now);
    this.#timers = this.#timers.filter((timer) => !due.includes(timer));
    for (const timer of due) timer.action();
    await settled();
  }
}

/** Lets work that was put off by `setImmediate` run, and what it puts off in turn. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
}

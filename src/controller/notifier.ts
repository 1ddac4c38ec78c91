import type { JobNotification, JobSource } from '../ports/buildkite.js';
import type { Clock, Logger } from '../ports/runtime.js';

/** More than this is dropped (oldest first): notifications are a courtesy and must never hold memory or jobs up. */
const CAPACITY = 10_000;
const BATCH = 1000;

export interface NotifierOptions {
  readonly source: JobSource;
  readonly clock: Clock;
  readonly logger: Logger;
  /** How long lines are collected before they are sent together. @default 500 */
  readonly intervalMs?: number;
}

/** Collects lines for job timelines and sends them in batches, in the background. */
export class Notifier {
  readonly #options: NotifierOptions;
  #pending: JobNotification[] = [];

  constructor(options: NotifierOptions) {
    this.#options = options;
  }

  add(jobId: string, detail: string): void {
    this.#pending.push({ jobId, detail, at: this.#options.clock.now() });
    if (this.#pending.length > CAPACITY) this.#pending.shift();
  }

  /** Sends until the signal aborts; call `flush` afterwards for the rest. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, intervalMs = 500 } = this.#options;
    while (await slept(clock.sleep(intervalMs, signal))) await this.flush(signal);
  }

  /** Sends what is pending now, not what comes meanwhile; a failure is logged and the lines are given up. */
  async flush(signal: AbortSignal): Promise<void> {
    const batches = Math.ceil(this.#pending.length / BATCH);
    for (let sent = 0; sent < batches; sent += 1) {
      const batch = this.#pending.splice(0, BATCH);
      try {
        await this.#options.source.notify(batch, signal);
      } catch (error) {
        this.#options.logger.warn('sending job notifications failed, these lines are lost', {
          count: batch.length,
          error,
        });
      }
    }
  }
}

/** False when the wait was aborted. */
function slept(wait: Promise<void>): Promise<boolean> {
  return wait.then(
    () => true,
    () => false,
  );
}

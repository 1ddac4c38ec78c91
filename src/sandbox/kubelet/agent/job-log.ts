import { Redactor } from './redactor.js';

export interface LogChunk {
  readonly bytes: Buffer;
  /** From 1, without gaps. */
  readonly sequence: number;
  /** Bytes of the log before this chunk. */
  readonly offset: number;
}

export interface JobLogOptions {
  /** Uploads a chunk; false when it is lost for good. */
  readonly send: (chunk: LogChunk) => Promise<boolean>;
  /** Largest chunk in bytes. */
  readonly maxBytes: number;
  /** How long output may wait for more to travel with, in milliseconds. */
  readonly intervalMs: number;
  /** Values that must not be seen in the log. */
  readonly secrets: readonly string[];
}

/** The log of a job on its way to Buildkite: redacted, every line marked with its time, sent in order. */
export class JobLog {
  readonly #options: JobLogOptions;
  readonly #redactor: Redactor;
  #pending: Buffer[] = [];
  #lineStart = true;
  #sequence = 0;
  #offset = 0;
  #failed = 0;
  #sending: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: JobLogOptions) {
    this.#options = options;
    this.#redactor = new Redactor(options.secrets);
  }

  write(output: Buffer | string): void {
    const text = (typeof output === 'string' ? Buffer.from(output, 'utf8') : output).toString('latin1');
    this.#append(this.#redactor.push(text));
  }

  /** A line of our own, at the start of a line. */
  writeLine(line: string): void {
    this.#append(this.#redactor.flush());
    if (!this.#lineStart) this.write('\n');
    this.write(`${line}\n`);
  }

  /** Sends what is left. @returns how many chunks were lost. */
  async close(): Promise<number> {
    this.#append(this.#redactor.flush());
    clearTimeout(this.#timer);
    this.#flush();
    await this.#sending;
    return this.#failed;
  }

  #append(text: string): void {
    if (text === '') return;
    this.#pending.push(Buffer.from(this.#marked(text), 'latin1'));
    this.#timer ??= setTimeout(() => this.#flush(), this.#options.intervalMs);
  }

  /** Buildkite shows times by these invisible marks: ESC `_bk;t=<milliseconds>` BEL. */
  #marked(text: string): string {
    const mark = `\u001b_bk;t=${Date.now()}\u0007`;
    const lines = text.split(/(?<=\n)/);
    const first = this.#lineStart ? mark : '';
    this.#lineStart = text.endsWith('\n');
    return first + lines.join(mark);
  }

  #flush(): void {
    this.#timer = undefined;
    const bytes = Buffer.concat(this.#pending);
    this.#pending = [];
    for (let start = 0; start < bytes.length; start += this.#options.maxBytes) {
      const part = bytes.subarray(start, start + this.#options.maxBytes);
      this.#sequence += 1;
      const chunk = { bytes: part, sequence: this.#sequence, offset: this.#offset };
      this.#offset += part.length;
      this.#sending = this.#sending.then(async () => {
        if (!(await this.#options.send(chunk))) this.#failed += 1;
      });
    }
  }
}

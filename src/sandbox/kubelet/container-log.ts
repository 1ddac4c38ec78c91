import { EventEmitter, once } from 'node:events';

interface Entry {
  readonly at: number;
  readonly text: string;
}

export interface ReadLogOptions {
  /** Go on until the container ends. */
  readonly follow: boolean;
  readonly tailLines?: number | undefined;
  /** Put the time in front of every line. */
  readonly timestamps: boolean;
  readonly signal: AbortSignal;
}

const MAX_CHARACTERS = 1024 * 1024;

/** What one container wrote; the oldest part is dropped beyond a million characters. */
export class ContainerLog {
  readonly #entries: Entry[] = [];
  readonly #changes = new EventEmitter();
  #characters = 0;
  #dropped = 0;
  #ended = false;

  readonly #onText: (text: string) => void;

  /** @param onText told of everything that is added. */
  constructor(onText: (text: string) => void) {
    this.#onText = onText;
    this.#changes.setMaxListeners(0);
  }

  append(text: string): void {
    this.#entries.push({ at: Date.now(), text });
    this.#characters += text.length;
    while (this.#characters > MAX_CHARACTERS && this.#entries.length > 1) {
      this.#characters -= this.#entries.shift()?.text.length ?? 0;
      this.#dropped += 1;
    }
    this.#changes.emit('change');
    this.#onText(text);
  }

  /** Nothing more will come. */
  end(): void {
    this.#ended = true;
    this.#changes.emit('change');
  }

  text(): string {
    return this.#entries.map(({ text }) => text).join('');
  }

  async *read(options: ReadLogOptions): AsyncGenerator<string> {
    const tail = options.tailLines === undefined ? this.#entries : lastLines(this.#entries, options.tailLines);
    for (const entry of tail) yield shown(entry, options);
    let next = this.#dropped + this.#entries.length;
    while (options.follow && !options.signal.aborted) {
      const fresh = this.#entries.slice(Math.max(0, next - this.#dropped));
      next = this.#dropped + this.#entries.length;
      for (const entry of fresh) yield shown(entry, options);
      if (fresh.length > 0) continue;
      if (this.#ended) return;
      await once(this.#changes, 'change', { signal: options.signal }).catch(() => undefined);
    }
  }
}

function lastLines(entries: readonly Entry[], count: number): readonly Entry[] {
  const at = entries.at(-1)?.at ?? 0;
  const lines = entries
    .map(({ text }) => text)
    .join('')
    .split(/(?<=\n)/);
  return [{ at, text: count === 0 ? '' : lines.slice(-count).join('') }];
}

function shown({ at, text }: Entry, { timestamps }: ReadLogOptions): string {
  if (!timestamps) return text;
  const time = new Date(at).toISOString();
  return text.replace(/^(?=.)/gm, `${time} `);
}

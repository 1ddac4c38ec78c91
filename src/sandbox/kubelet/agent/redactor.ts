const REPLACEMENT = '[REDACTED]';
/** Shorter values would blank out ordinary words. */
const MIN_LENGTH = 6;

/** Replaces secrets in a stream of bytes, also when one is cut in two by the way the bytes arrive. */
export class Redactor {
  /** Bytes as Latin-1 text: one character each. The longest first, so that one secret inside another is no leak. */
  readonly #secrets: readonly string[];
  #held = '';

  constructor(secrets: readonly string[]) {
    const distinct = new Set(secrets.filter((secret) => secret.length >= MIN_LENGTH));
    this.#secrets = [...distinct]
      .map((secret) => Buffer.from(secret, 'utf8').toString('latin1'))
      .sort((a, b) => b.length - a.length);
  }

  /** Takes Latin-1 text and gives back what is safe to show; the rest is held until more comes. */
  push(text: string): string {
    const clean = this.#replace(this.#held + text);
    const hold = Math.max(0, ...this.#secrets.map((secret) => overlap(clean, secret)));
    this.#held = clean.slice(clean.length - hold);
    return clean.slice(0, clean.length - hold);
  }

  /** What was held: the stream has ended, so it is no secret. */
  flush(): string {
    const rest = this.#held;
    this.#held = '';
    return rest;
  }

  #replace(text: string): string {
    return this.#secrets.reduce((clean, secret) => clean.replaceAll(secret, REPLACEMENT), text);
  }
}

/** How many characters at the end of `text` may be the beginning of `secret`. */
function overlap(text: string, secret: string): number {
  for (let length = Math.min(secret.length - 1, text.length); length > 0; length -= 1) {
    if (text.endsWith(secret.slice(0, length))) return length;
  }
  return 0;
}

/**
 * The values to hide: those of variables whose name matches one of the comma-separated patterns (`*` = anything).
 */
export function secretsOf(env: Readonly<Record<string, string>>, patterns: string): readonly string[] {
  const matchers = patterns
    .split(',')
    .map((pattern) => pattern.trim())
    .filter((pattern) => pattern !== '')
    .map((pattern) => new RegExp(`^${pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')}$`, 'i'));
  return Object.entries(env)
    .filter(([name]) => matchers.some((matcher) => matcher.test(name)))
    .map(([, value]) => value);
}

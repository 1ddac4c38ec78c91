import { fail, ok, type Result } from '../result.js';

export type Env = Readonly<Record<string, string>>;

export interface Interpolated {
  readonly value: string;
  /** Variables that were used bare (`$NAME`, `${NAME}`) and are not set: they became the empty string. */
  readonly unset: readonly string[];
}

/** Why the agent would refuse to upload. */
export interface InterpolationError {
  /** Lower case; names the culprit, the consequence and the remedy. */
  readonly message: string;
  /** The piece of the text that cannot be expanded, e.g. `${1` or `${FILES[`. */
  readonly snippet: string;
}

/**
 * Expands variables in one string as `buildkite-agent pipeline upload` does from v3.90 on: `$NAME`, `${NAME}`, `${NAME:-text}`,
 * `${NAME-text}`, `${NAME?message}`, `${NAME:offset:length}`. `$$` and `\$` leave a dollar sign; one before anything but a letter or brace,
 * as in `$1`, stays as it is. An unset variable is the empty string.
 * Source of the grammar: github.com/buildkite/interpolate v0.1.5, and what the agent 3.136 makes of each case.
 */
export function interpolate(text: string, env: Env): Result<Interpolated, InterpolationError> {
  if (!text.includes('$') && !text.includes('\\')) return ok({ value: text, unset: [] });
  const reader = new Expander(text, env);
  try {
    const value = reader.expand('');
    return ok({ value, unset: [...reader.unset] });
  } catch (error) {
    if (error instanceof Refused) return fail({ message: error.message, snippet: error.snippet });
    throw error;
  }
}

class Refused extends Error {
  readonly snippet: string;
  constructor(message: string, snippet: string) {
    super(message);
    this.snippet = snippet;
  }
}

/** Nobody nests defaults this deep, and the stack has an end. */
const MAX_DEPTH = 200;

class Expander {
  readonly unset = new Set<string>();
  private readonly text: string;
  private readonly env: Env;
  private position = 0;
  /** Inside a default that is not used, missing variables do not matter. */
  private ignoring = 0;
  private depth = 0;

  constructor(text: string, env: Env) {
    this.text = text;
    this.env = env;
  }

  expand(stop: string): string {
    let out = '';
    while (this.position < this.text.length) {
      const rest = this.text.slice(this.position, this.position + 2);
      const char = rest.charAt(0);
      if (stop !== '' && char === stop) break;
      if (rest === '\\\\' || rest === '$(') out += this.take(2);
      else if (rest === '\\$' || rest === '$$') out += this.take(2).charAt(1);
      else if (char === '$' && this.beginsExpansion()) out += this.expansion();
      else out += this.take(1);
    }
    return out;
  }

  /** Whether a brace or a letter stands behind the dollar sign here. */
  private beginsExpansion(): boolean {
    return /^[{\p{L}]/u.test(this.text.slice(this.position + 1, this.position + 3));
  }

  private take(count: number): string {
    const taken = this.text.slice(this.position, this.position + count);
    this.position += count;
    return taken;
  }

  private expansion(): string {
    const start = this.position;
    this.take(1);
    if (this.text.charAt(this.position) !== '{') return this.plain(this.identifier(start));
    this.take(1);
    const name = this.identifier(start);
    if (this.text.charAt(this.position) === '}') {
      this.take(1);
      return this.plain(name);
    }
    const value = this.operation(name, start);
    if (this.take(1) !== '}') this.refuse(start, 'its closing "}" is missing');
    return value;
  }

  private identifier(start: number): string {
    const match = /^\p{L}[\p{L}\p{N}_]*/u.exec(this.text.slice(this.position));
    if (match === null) this.refuse(start, 'a variable name begins with a letter', 1);
    return this.take(match[0].length);
  }

  private plain(name: string): string {
    const value = this.lookup(name);
    if (value === undefined && this.ignoring === 0) this.unset.add(name);
    return value ?? '';
  }

  private lookup(name: string): string | undefined {
    return Object.hasOwn(this.env, name) ? this.env[name] : undefined;
  }

  private operation(name: string, start: number): string {
    const operator = /^(?::-|:|-|\?)/.exec(this.text.slice(this.position))?.[0];
    if (operator === undefined) this.refuse(start, 'Buildkite knows only the operators ":-", "-", "?" and ":"', 1);
    this.take(operator.length);
    const value = this.lookup(name);
    if (operator === '-') return this.otherwise(value, start);
    if (operator === ':-') return this.otherwise(value === '' ? undefined : value, start);
    if (operator === '?') return this.required(name, value, start);
    return this.substring(value ?? '', start);
  }

  private otherwise(value: string | undefined, start: number): string {
    if (this.depth >= MAX_DEPTH) this.refuse(start, `more than ${MAX_DEPTH} expansions stand inside each other`);
    this.depth += 1;
    if (value !== undefined) this.ignoring += 1;
    const text = this.expand('}');
    if (value !== undefined) this.ignoring -= 1;
    this.depth -= 1;
    return value ?? text;
  }

  private required(name: string, value: string | undefined, start: number): string {
    const message = this.otherwise(undefined, start);
    if (value !== undefined || this.ignoring > 0) return value ?? '';
    throw new Refused(
      `"${name}" is required but not set${message === '' ? '' : `: ${message}`}; the upload fails. set it, here with --env ${name}=…`,
      this.text.slice(start, this.position),
    );
  }

  private until(stop: string): string {
    const end = this.text.indexOf(stop, this.position);
    return this.take((end < 0 ? this.text.length : end) - this.position);
  }

  private substring(value: string, start: number): string {
    const [offset, length, extra] = this.until('}').split(':');
    const from = wholeNumber(offset);
    const count = length === undefined ? undefined : wholeNumber(length);
    if (from === undefined || (length !== undefined && count === undefined) || extra !== undefined) {
      this.refuse(start, 'offset and length after ":" must be whole numbers');
    }
    return slice(value, from, count);
  }

  private refuse(start: number, why: string, more = 0): never {
    const snippet = this.text.slice(start, this.position + more);
    throw new Refused(
      `"${snippet}" cannot be expanded (${why}); the upload fails. write "$${snippet}" to leave it to the shell`,
      snippet,
    );
  }
}

function wholeNumber(text: string | undefined): number | undefined {
  const trimmed = text?.trim() ?? '';
  return /^[-+]?\d+$/.test(trimmed) ? Number(trimmed) : undefined;
}

/** Byte offsets, negative ones from the end, everything clamped: as the agent's library. */
function slice(value: string, offset: number, length: number | undefined): string {
  const bytes = new TextEncoder().encode(value);
  const from = Math.min(Math.max(offset < 0 ? offset + bytes.length : offset, 0), bytes.length);
  if (length === undefined) return new TextDecoder().decode(bytes.subarray(from));
  const to = length >= 0 ? from + length : Math.max(bytes.length + length, from);
  return new TextDecoder().decode(bytes.subarray(from, to));
}

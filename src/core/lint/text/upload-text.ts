/** Operators of the upload's expansions: defaults, a demand, a substring, and a prefix or suffix to remove. */
export type UploadOperator = ':-' | '-' | '?' | ':' | '#' | '##' | '%' | '%%';

/** Text that goes up as it stands, `$(` and a `$` at the very end included. */
export interface UploadLiteral {
  readonly kind: 'literal';
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** `$$` or `\$`: goes up as one dollar sign. */
export interface UploadEscape {
  readonly kind: 'escape';
  readonly text: '$';
  readonly start: number;
  readonly end: number;
}

/** `$NAME` or `${NAME…}`. */
export interface UploadVariable {
  readonly kind: 'variable';
  /** As written, braces included. */
  readonly source: string;
  readonly name: string;
  readonly operator: UploadOperator | undefined;
  /** What stands after `:-` or `-`, and the message after `?`; offsets count from the start of the whole value. */
  readonly fallback: UploadText | undefined;
  /** What stands after the other operators, e.g. `0:7`. */
  readonly argument: string | undefined;
  readonly start: number;
  readonly end: number;
}

/** An expansion that makes the agent refuse the upload. */
export interface UploadError {
  readonly kind: 'error';
  /** Up to the character that is wrong: `$1`, `${FILES[`; the same as `interpolate` reports. */
  readonly snippet: string;
  /** The whole expansion as its author sees it: `${FILES[@]}`. */
  readonly source: string;
  /** Lower case, what the agent expected instead. */
  readonly why: string;
  /** Where a `$` must be put in to leave it all to the shell; empty inside a default, where that would say something else. */
  readonly fixAt: readonly number[];
  readonly start: number;
  readonly end: number;
}

export type UploadPart = UploadLiteral | UploadEscape | UploadVariable | UploadError;

/** A text as the upload's interpolation sees it: its parts one after the other, without gaps; offsets in the value. */
export type UploadText = readonly UploadPart[];

/** Which rule of `interpolation/` an error belongs to. */
export type UploadErrorClass = 'syntax' | 'regex-dollar' | 'bash-expansion';

/** Reads a value with the grammar of `interpolate`, and goes on after an error. */
export function parseUploadText(value: string): UploadText {
  return new Reader(value).parts('');
}

/** All errors of a text in the order of the file, those inside of defaults included. */
export function uploadErrors(text: UploadText): readonly UploadError[] {
  return text.flatMap((part) => {
    if (part.kind === 'error') return [part];
    return part.kind === 'variable' ? uploadErrors(part.fallback ?? []) : [];
  });
}

/** All variables of a text in the order of the file, those inside of defaults after the one they belong to. */
export function uploadVariables(text: UploadText): readonly UploadVariable[] {
  return text.flatMap((part) => (part.kind === 'variable' ? [part, ...uploadVariables(part.fallback ?? [])] : []));
}

/** Fields whose text is a condition with regular expressions. */
const CONDITIONS: ReadonlySet<string> = new Set(['if']);

/** What kind of mistake an error is, given the key of the field its text is the value of. */
export function classOfUploadError(error: UploadError, field: string): UploadErrorClass {
  if (CONDITIONS.has(field) && /^\$[/|)]/.test(error.source)) return 'regex-dollar';
  if (!error.source.startsWith('${') || !error.source.endsWith('}')) return 'syntax';
  return /^\$\{(?:\d*|[@*#?!-]|_\w*)\}$/.test(error.source) ? 'syntax' : 'bash-expansion';
}

const LETTER_FIRST = 'a variable name begins with a letter';
const KNOWN_OPERATORS = 'Buildkite knows only the operators ":-", "-", "?" and ":"';
const WHOLE_NUMBERS = 'offset and length after ":" must be whole numbers';
const UNCLOSED = 'its closing "}" is missing';

const NAME = /\p{L}[\p{L}\p{N}_]*/uy;
/** The longer of two that begin alike comes first. */
const OPERATORS: readonly UploadOperator[] = [':-', ':', '-', '?', '##', '#', '%%', '%'];
const SUBSTRING = /^\s*[-+]?\d+\s*(?::\s*[-+]?\d+\s*)?$/;

/** Defaults nested deeper than this, and broken expansions longer than that, are not looked at: no person writes them. */
const MAX_DEPTH = 200;
const MAX_EXPANSION = 1_000;

class Reader {
  private readonly value: string;
  private position = 0;
  /** How many defaults we are in. */
  private depth = 0;

  constructor(value: string) {
    this.value = value;
  }

  parts(stop: string): UploadPart[] {
    const parts: UploadPart[] = [];
    let literal = this.position;
    const flush = (): void => {
      const text = this.value.slice(literal, this.position);
      if (text !== '') parts.push({ kind: 'literal', text, start: literal, end: this.position });
    };
    while (this.position < this.value.length && (stop === '' || this.char() !== stop)) {
      const length = this.literalLength();
      if (length > 0) {
        this.position += length;
        continue;
      }
      flush();
      parts.push(...this.special());
      literal = this.position;
    }
    flush();
    return parts;
  }

  private char(): string {
    return this.value.charAt(this.position);
  }

  /** How much here means itself; 0 when an escape or an expansion begins. */
  private literalLength(): number {
    const char = this.char();
    const next = this.value.charAt(this.position + 1);
    if (char === '\\') return next === '$' ? 0 : next === '\\' ? 2 : 1;
    if (char !== '$' || next === '') return 1;
    return next === '(' ? 2 : Number(this.depth > MAX_DEPTH);
  }

  private special(): UploadPart[] {
    const start = this.position;
    const next = this.value.charAt(start + 1);
    if (this.char() === '\\' || next === '$') {
      this.position += 2;
      return [{ kind: 'escape', text: '$', start, end: this.position }];
    }
    this.position += next === '{' ? 2 : 1;
    const name = this.name();
    if (name === '') return [this.error(start, LETTER_FIRST, 1)];
    return next === '{' ? this.braced(start, name) : [this.variable(start, { name })];
  }

  private name(): string {
    NAME.lastIndex = this.position;
    const name = NAME.exec(this.value)?.[0] ?? '';
    this.position += name.length;
    return name;
  }

  private braced(start: number, name: string): UploadPart[] {
    if (this.char() === '}') {
      this.position += 1;
      return [this.variable(start, { name })];
    }
    const operator = OPERATORS.find((candidate) => this.value.startsWith(candidate, this.position));
    if (operator === undefined) return [this.error(start, KNOWN_OPERATORS, 1)];
    this.position += operator.length;
    return operator === ':-' || operator === '-' || operator === '?'
      ? this.withFallback(start, name, operator)
      : [this.withArgument(start, name, operator)];
  }

  private withFallback(start: number, name: string, operator: UploadOperator): UploadPart[] {
    const from = this.position;
    this.depth += 1;
    const fallback = this.parts('}');
    this.depth -= 1;
    if (this.char() === '}') {
      this.position += 1;
      return [this.variable(start, { name, operator, fallback })];
    }
    // What would have been the default is ordinary text for its author: the errors in it count on their own.
    const source = this.value.slice(start, from);
    const snippet = this.value.slice(start);
    return [
      { kind: 'error', snippet, source, why: UNCLOSED, fixAt: this.fixes([start]), start, end: from },
      ...fallback,
    ];
  }

  private withArgument(start: number, name: string, operator: UploadOperator): UploadPart {
    const from = this.position;
    const close = this.value.indexOf('}', from);
    this.position = close < 0 ? this.value.length : close;
    const argument = this.value.slice(from, this.position);
    if (operator === ':' && !SUBSTRING.test(argument)) return this.error(start, WHOLE_NUMBERS, 0);
    if (close < 0) return this.error(start, UNCLOSED, 0);
    this.position += 1;
    return this.variable(start, { name, operator, argument });
  }

  private variable(
    start: number,
    what: { name: string; operator?: UploadOperator; fallback?: UploadText; argument?: string },
  ): UploadVariable {
    const { name, operator, fallback, argument } = what;
    const end = this.position;
    return { kind: 'variable', source: this.value.slice(start, end), name, operator, fallback, argument, start, end };
  }

  /** `more`: how many characters from here on show what is wrong. */
  private error(start: number, why: string, more: 0 | 1): UploadError {
    const wrong = more === 0 ? '' : String.fromCodePoint(this.value.codePointAt(this.position) ?? 0);
    const seen = this.position < this.value.length ? wrong : '';
    const snippet = this.value.slice(start, this.position) + seen;
    const end = this.endOfError(start, seen);
    this.position = end;
    const source = this.value.slice(start, end);
    return { kind: 'error', snippet, source, why, fixAt: this.fixes(dollarsOf(source, start)), start, end };
  }

  private endOfError(start: number, wrong: string): number {
    // A backslash may begin an escape of its own.
    if (this.value.charAt(start + 1) !== '{') return this.position + (wrong === '\\' ? 0 : wrong.length);
    return (
      closingBrace(this.value, start) ?? start + (/^\$\{[\p{L}\p{N}_]*/u.exec(this.value.slice(start))?.[0].length ?? 0)
    );
  }

  private fixes(offsets: readonly number[]): readonly number[] {
    return this.depth > 0 ? [] : offsets;
  }
}

/** The end of the shell expansion that begins with `${` at `start`, if it is closed on the same line. */
function closingBrace(value: string, start: number): number | undefined {
  let depth = 0;
  for (const token of value.slice(start, start + MAX_EXPANSION).matchAll(/\\.|\$\{|\}|\n/gs)) {
    if (token[0] === '\n') return undefined;
    if (token[0] === '${') depth += 1;
    if (token[0] === '}') depth -= 1;
    if (depth === 0) return start + token.index + 1;
  }
  return undefined;
}

/** Offsets of the dollar signs the upload would take for expansions. */
function dollarsOf(source: string, start: number): readonly number[] {
  return [...source.matchAll(/\\[\\$]|\$[$(]|\$/g)]
    .filter((token) => token[0] === '$')
    .map((token) => start + token.index);
}

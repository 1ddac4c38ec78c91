import type { Syntax, SyntaxKind, Word } from './script.js';

const NUL = '\0';
/** Longer than anything a person writes; keeps hostile texts from costing the square of their length. */
const MAX_ARITHMETIC = 5_000;
/** Brackets and quotes nested deeper than this are given up. */
const MAX_DEPTH = 100;
/** Characters that end a word unless quoted. */
const META = /[ \t\r\n;&|<>()]/;

/** What ends a list of commands: the bracket or backtick of a substitution, or only the end of the text. */
export type Stop = '' | ')' | '`';

interface Draft {
  value: string;
  bare: string;
  known: boolean;
}

function emptyDraft(): Draft {
  return { value: '', bare: '', known: true };
}

/** Reads one word with its quotes and expansions; what stands in `$(…)` is a list of commands again. */
export abstract class WordReader {
  protected readonly text: string;
  protected position = 0;
  protected complete = true;
  protected readonly syntax: Syntax[] = [];
  private depth = 0;
  /** The word being read. */
  private draft: Draft = emptyDraft();

  constructor(text: string) {
    this.text = text;
  }

  /** Reads commands up to the bracket or backtick that ends them, or to the end of the text. */
  protected abstract list(stop: Stop): void;

  protected char(): string {
    return this.text.charAt(this.position);
  }

  protected note(kind: SyntaxKind, start: number, end = this.position): void {
    this.syntax.push({ kind, source: this.text.slice(start, end), start, end });
  }

  /** Reads something inside of brackets, unless they are too deep. */
  protected nested(read: () => void): void {
    this.depth += 1;
    if (this.depth <= MAX_DEPTH) read();
    else {
      this.complete = false;
      this.position = this.text.length;
    }
    this.depth -= 1;
  }

  protected close(bracket: string): void {
    if (this.char() === bracket) this.position += 1;
    else this.complete = false;
  }

  /** Where `))` ends an arithmetic expression that begins at `from`; undefined when these are just brackets. */
  protected endOfArithmetic(from: number): number | undefined {
    let depth = 0;
    const limit = Math.min(this.text.length, from + MAX_ARITHMETIC);
    for (let at = from; at < limit; at++) {
      const char = this.text.charAt(at);
      if (char === '(') depth += 1;
      if (char === ')' && depth === 0) return this.text.charAt(at + 1) === ')' ? at + 2 : undefined;
      if (char === ')') depth -= 1;
    }
    return undefined;
  }

  /** Empty when no word begins here. `stop`: what ends the list of commands we are in. */
  protected word(stop: Stop): Word {
    const outer = this.draft;
    const start = this.position;
    const draft = emptyDraft();
    this.draft = draft;
    while (this.char() !== stop) {
      if (!this.piece(start)) break;
    }
    this.draft = outer;
    const source = this.text.slice(start, this.position);
    return { source, text: draft.known ? draft.value : undefined, bare: draft.bare, start, end: this.position };
  }

  private piece(start: number): boolean {
    const char = this.char();
    if (char === '') return false;
    if (/^[<>]\(/.test(this.text.slice(this.position, this.position + 2))) this.processSubstitution();
    else if (char === '(' && /^[A-Za-z_]\w*(?:\[[^\]]*\])?\+?=$/.test(this.text.slice(start, this.position)))
      this.array();
    else if (META.test(char)) return false;
    else this.special(char);
    return true;
  }

  private special(char: string): void {
    if (char === '\\') this.escape();
    else if (char === "'") this.singleQuotes();
    else if (char === '"') this.doubleQuotes();
    else if (char === '$' || char === '`') this.expansion(false);
    else this.plain(char);
  }

  private plain(char: string): void {
    this.draft.value += char;
    this.draft.bare += char;
    this.position += 1;
  }

  /** Goes on to `end`; what is passed is quoted, and means `value`. */
  private quoted(end: number, value: string): void {
    this.draft.bare += NUL.repeat(end - this.position);
    this.draft.value += value;
    this.position = end;
  }

  /** Marks what was read since `start` as put in by the shell. */
  private expanded(start: number): void {
    this.draft.known = false;
    this.draft.bare += NUL.repeat(this.position - start);
  }

  private escape(): void {
    const next = this.text.slice(this.position + 1, this.position + 3);
    const lineEnd = /^\r?\n/.exec(next)?.[0];
    if (lineEnd !== undefined) this.quoted(this.position + 1 + lineEnd.length, '');
    else this.quoted(Math.min(this.position + 2, this.text.length), next.charAt(0));
  }

  private singleQuotes(): void {
    const close = this.text.indexOf("'", this.position + 1);
    if (close < 0) this.complete = false;
    const end = close < 0 ? this.text.length : close;
    this.quoted(Math.min(end + 1, this.text.length), this.text.slice(this.position + 1, end));
  }

  private doubleQuotes(): void {
    this.quoted(this.position + 1, '');
    while (this.position < this.text.length && this.char() !== '"') {
      const char = this.char();
      const next = this.text.charAt(this.position + 1);
      if (char === '$' || char === '`') this.expansion(true);
      else if (char === '\\' && '$`"\\\n'.includes(next) && next !== '') this.quoted(this.position + 2, next.trim());
      else this.quoted(this.position + 1, char);
    }
    if (this.char() === '"') this.quoted(this.position + 1, '');
    else this.complete = false;
  }

  private expansion(inQuotes: boolean): void {
    const start = this.position;
    const ahead = this.text.slice(start, start + 3);
    if (ahead.startsWith('`')) this.substitution('`', 1);
    else if (ahead.startsWith('$((') && this.arithmetic()) this.note('arithmetic', start);
    else if (ahead.startsWith('$(')) this.substitution(')', 2);
    else if (ahead.startsWith('${')) this.parameter(inQuotes);
    else if (!inQuotes && /^\$['"]/.test(ahead)) {
      this.dollarQuote();
      return;
    } else if (!this.name()) {
      if (inQuotes) this.quoted(start + 1, '$');
      else this.plain('$');
      return;
    }
    this.expanded(start);
  }

  private name(): boolean {
    const name = /^\$(?:[A-Za-z_]\w*|[\d@*#?!$-])/.exec(this.text.slice(this.position, this.position + 200))?.[0];
    if (name === undefined) return false;
    this.position += name.length;
    this.note('parameter', this.position - name.length);
    return true;
  }

  private arithmetic(): boolean {
    const end = this.endOfArithmetic(this.position + 3);
    this.position = end ?? this.position;
    return end !== undefined;
  }

  private substitution(stop: ')' | '`', length: number): void {
    const start = this.position;
    this.position += length;
    this.aside(() => this.list(stop));
    this.close(stop);
    this.note('substitution', start);
  }

  private processSubstitution(): void {
    const start = this.position;
    this.position += 2;
    this.aside(() => this.list(')'));
    this.close(')');
    this.note('process-substitution', start);
    this.expanded(start);
  }

  private array(): void {
    const start = this.position;
    this.position += 1;
    this.aside(() => {
      while (this.position < this.text.length && this.char() !== ')') {
        if (this.word('').source === '') this.position += 1;
      }
    });
    this.close(')');
    this.note('array', start);
    this.expanded(start);
  }

  /** `${…}` with whatever is quoted or nested in it. */
  private parameter(inQuotes: boolean): void {
    const start = this.position;
    this.position += 2;
    if (this.char() === '#') this.position += 1;
    this.aside(() => {
      while (this.position < this.text.length && this.char() !== '}') {
        const char = this.char();
        if (char === '\\') this.escape();
        else if (char === '"') this.doubleQuotes();
        else if (char === "'" && !inQuotes) this.singleQuotes();
        else if (char === '$' || char === '`') this.expansion(inQuotes);
        else this.position += 1;
      }
    });
    this.close('}');
    this.note('parameter', start);
  }

  /** `$'…'` with C escapes, or a translated `$"…"`. */
  private dollarQuote(): void {
    const start = this.position;
    if (this.text.charAt(start + 1) === '"') {
      this.quoted(start + 1, '');
      this.doubleQuotes();
    } else {
      const found = /^\$'(?:[^'\\]|\\[^])*'/.exec(this.text.slice(start))?.[0];
      if (found === undefined) this.complete = false;
      this.quoted(found === undefined ? this.text.length : start + found.length, '');
      this.draft.known = false;
    }
    this.note('dollar-quote', start);
  }

  /** Reads something inside of a word that adds nothing to the word's own text. */
  private aside(read: () => void): void {
    this.nested(() => this.apart(read));
  }

  private apart(read: () => void): void {
    const outer = this.draft;
    this.draft = emptyDraft();
    read();
    this.draft = outer;
  }
}

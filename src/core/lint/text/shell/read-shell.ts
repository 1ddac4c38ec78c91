import type { Redirection, Script, SimpleCommand, SyntaxKind, Word } from './script.js';
import { type Stop, WordReader } from './word-reader.js';

/**
 * Takes POSIX shell text apart, and knows enough of bash not to stumble over it. The bodies of here-documents, arguments in quotes and
 * comments are no shell text.
 */
export function readShell(text: string): Script {
  return new ShellReader(text).read();
}

type Mutable<Type> = { -readonly [Key in keyof Type]: Type[Key] extends readonly (infer Item)[] ? Item[] : Type[Key] };

/** Where we are in a list of commands. */
interface Scope {
  /** The next word begins a command. */
  atCommand: boolean;
  command: Mutable<SimpleCommand> | undefined;
  redirection: Mutable<Redirection> | undefined;
  /** For each open `case`: at its subject, at a pattern, or at its commands. */
  readonly cases: ('subject' | 'pattern' | 'body')[];
}

/** Longest first. */
const OPERATORS = ['&&', '||', '|&', ';;&', ';;', ';&', ';', '&', '|'] as const;
const REDIRECTIONS = ['&>>', '&>', '<<<', '<<-', '<<', '<&', '<>', '>>', '>&', '>|', '<', '>'] as const;
/** After these a command begins. */
const OPENERS: ReadonlySet<string> = new Set([
  'if',
  'then',
  'else',
  'elif',
  'while',
  'until',
  'do',
  '!',
  '{',
  'time',
  'function',
]);
/** After these none does. */
const CLOSERS: ReadonlySet<string> = new Set(['fi', 'done', '}', 'for', 'select', 'case', '[[']);
const BLANKS = /(?:[ \t\r]|\\\r?\n)*/y;
const FUNCTION_NAME = /[ \t]+[^\s(){};&|]+[ \t]*(?:\(\s*\))?/y;
const ASSIGNMENT = /^[A-Za-z_]\w*(?:\[[^\]]*\])?\+?=/;

class ShellReader extends WordReader {
  private readonly commands: Mutable<SimpleCommand>[] = [];
  private readonly words: Word[] = [];
  private readonly functions: string[] = [];
  private readonly heredocs: Redirection[] = [];

  read(): Script {
    this.list('');
    if (this.position < this.text.length) this.complete = false;
    const byStart = <Item extends { start: number }>(items: Item[]): Item[] => items.sort((a, b) => a.start - b.start);
    return {
      commands: byStart(this.commands).filter((command) => command.end > command.start),
      words: byStart(this.words),
      syntax: byStart(this.syntax),
      functions: this.functions,
      complete: this.complete,
    };
  }

  protected override list(stop: Stop): void {
    const scope: Scope = { atCommand: true, command: undefined, redirection: undefined, cases: [] };
    while (this.position < this.text.length) {
      this.skip(BLANKS);
      const char = this.char();
      if (char === '`' && stop === '`') return;
      if (char === ')') {
        if (scope.cases.at(-1) === 'pattern') this.endPattern(scope);
        else if (stop === ')') return;
        else this.strayBracket();
      } else this.item(scope, stop);
    }
  }

  private item(scope: Scope, stop: Stop): void {
    const char = this.char();
    if (char === '') return;
    if (char === '\n') this.newline(scope);
    else if (char === '#') this.comment();
    else if (char === '(') this.bracket(scope);
    else if (!this.redirection(scope) && !this.operator(scope)) this.takeWord(scope, stop);
  }

  private skip(pattern: RegExp): void {
    pattern.lastIndex = this.position;
    this.position += pattern.exec(this.text)?.[0].length ?? 0;
  }

  private strayBracket(): void {
    this.complete = false;
    this.position += 1;
  }

  private comment(): void {
    const start = this.position;
    const end = this.text.indexOf('\n', start);
    this.position = end < 0 ? this.text.length : end;
    this.note('comment', start);
  }

  private newline(scope: Scope): void {
    this.endCommand(scope, 'operator', 1);
    for (const heredoc of this.heredocs.splice(0)) this.skipHeredoc(heredoc);
  }

  private skipHeredoc({ operator, target }: Redirection): void {
    const start = this.position;
    const delimiter = target?.text ?? target?.source ?? '';
    while (this.position < this.text.length) {
      const end = this.text.indexOf('\n', this.position);
      const stop = end < 0 ? this.text.length : end;
      const line = this.text.slice(this.position, stop).replace(/\r$/, '');
      this.position = Math.min(stop + 1, this.text.length);
      if ((operator === '<<-' ? line.replace(/^\t+/, '') : line) === delimiter) break;
    }
    this.note('here-document', start);
  }

  private endCommand(scope: Scope, kind: SyntaxKind, length: number): void {
    const start = this.position;
    this.position += length;
    this.note(kind, start);
    scope.command = undefined;
    scope.redirection = undefined;
    scope.atCommand = scope.cases.at(-1) === 'body' || scope.cases.length === 0;
  }

  private endPattern(scope: Scope): void {
    scope.cases[scope.cases.length - 1] = 'body';
    this.endCommand(scope, 'operator', 1);
  }

  /** A subshell, the brackets of a function, `((…))`, or the bracket before a pattern. */
  private bracket(scope: Scope): void {
    const start = this.position;
    if (scope.cases.at(-1) === 'pattern') {
      this.position += 1;
      return;
    }
    const end = this.text.startsWith('((', start) ? this.endOfArithmetic(start + 2) : undefined;
    if (end !== undefined) {
      this.position = end;
      this.note('arithmetic-command', start);
    } else {
      this.position += 1;
      this.nested(() => this.list(')'));
      this.close(')');
      this.note('operator', start, start + 1);
    }
    scope.atCommand = /^\(\s*\)$/.test(this.text.slice(start, this.position)) && this.endFunctionName(scope.command);
    scope.command = undefined;
  }

  /** What looked like a command was the name of a function, if it is one word. */
  private endFunctionName(command: Mutable<SimpleCommand> | undefined): boolean {
    const [name, ...more] = command?.words ?? [];
    if (command === undefined || name === undefined || more.length > 0) return false;
    this.functions.push(name.source);
    this.commands.splice(this.commands.lastIndexOf(command), 1);
    return true;
  }

  private redirection(scope: Scope): boolean {
    const start = this.position;
    const number = /^\d*(?=[<>])/.exec(this.text.slice(start, start + 20))?.[0].length ?? 0;
    const operator = REDIRECTIONS.find((candidate) => this.text.startsWith(candidate, start + number));
    if (operator === undefined || /^[<>]\(/.test(this.text.slice(start, start + 2))) return false;
    this.position += number + operator.length;
    this.note('operator', start);
    scope.redirection = { operator, target: undefined, start, end: this.position };
    this.commandOf(scope).redirections.push(scope.redirection);
    return true;
  }

  private operator(scope: Scope): boolean {
    const operator = OPERATORS.find((candidate) => this.text.startsWith(candidate, this.position));
    if (operator === undefined) return false;
    const state = scope.cases.at(-1);
    if (operator.startsWith(';;') || operator === ';&') {
      if (state !== undefined) scope.cases[scope.cases.length - 1] = 'pattern';
    }
    this.endCommand(scope, 'operator', operator.length);
    return true;
  }

  private commandOf(scope: Scope): Mutable<SimpleCommand> {
    if (scope.command === undefined) {
      const start = this.position;
      scope.command = { assignments: [], words: [], redirections: [], start, end: start };
      this.commands.push(scope.command);
    }
    return scope.command;
  }

  private takeWord(scope: Scope, stop: Stop): void {
    const word = this.word(stop);
    if (word.end === word.start) {
      this.strayBracket();
      return;
    }
    this.words.push(word);
    const state = scope.cases.at(-1);
    if (scope.redirection !== undefined) this.target(scope, scope.redirection, word);
    else if (state === 'subject' || state === 'pattern') this.caseWord(scope, word);
    else if (!scope.atCommand) scope.command?.words.push(word);
    else if (!this.keyword(scope, word)) this.startCommand(scope, word);
    if (scope.command !== undefined) this.widen(scope.command, word);
  }

  private widen(command: Mutable<SimpleCommand>, word: Word): void {
    if (command.end === command.start) command.start = word.start;
    command.end = word.end;
  }

  private target(scope: Scope, redirection: Mutable<Redirection>, word: Word): void {
    redirection.target = word;
    redirection.end = word.end;
    scope.redirection = undefined;
    if (redirection.operator === '<<' || redirection.operator === '<<-') this.heredocs.push(redirection);
  }

  private caseWord(scope: Scope, word: Word): void {
    if (scope.cases.at(-1) === 'subject') {
      if (word.source === 'in') scope.cases[scope.cases.length - 1] = 'pattern';
    } else if (word.source === 'esac') this.esac(scope, word);
  }

  private esac(scope: Scope, word: Word): void {
    scope.cases.pop();
    scope.atCommand = false;
    this.note('keyword', word.start);
  }

  private keyword(scope: Scope, word: Word): boolean {
    const name = word.source;
    if (scope.command !== undefined) return false;
    if (name === 'esac' && scope.cases.length > 0) this.esac(scope, word);
    else if (OPENERS.has(name) || CLOSERS.has(name)) {
      scope.atCommand = OPENERS.has(name);
      this.note('keyword', word.start);
      this.afterKeyword(scope, name);
    } else return false;
    return true;
  }

  private afterKeyword(scope: Scope, name: string): void {
    if (name === 'case') scope.cases.push('subject');
    if (name === '[[') this.conditional();
    if (name === 'function') this.functionName();
  }

  private functionName(): void {
    const start = this.position;
    this.skip(FUNCTION_NAME);
    this.functions.push(
      this.text
        .slice(start, this.position)
        .replace(/\(\s*\)$/, '')
        .trim(),
    );
  }

  /** Everything up to `]]`: operators and brackets mean something else there. */
  private conditional(): void {
    while (this.position < this.text.length) {
      const before = this.position;
      if (this.word('').source === ']]') return;
      if (this.position === before) this.position += 1;
    }
    this.complete = false;
  }

  private startCommand(scope: Scope, word: Word): void {
    const command = this.commandOf(scope);
    if (ASSIGNMENT.test(word.source)) command.assignments.push(word);
    else {
      command.words.push(word);
      scope.atCommand = false;
    }
  }
}

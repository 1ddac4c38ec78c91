import type { Span } from '../../finding.js';

/** One word of shell text; offsets in the script. */
export interface Word extends Span {
  /** As written. */
  readonly source: string;
  /** What the program gets; undefined when the shell puts something into it. */
  readonly text: string | undefined;
  /** The source with a NUL for every character that is quoted, escaped or expanded. */
  readonly bare: string;
}

/** A redirection with the word after it. */
export interface Redirection extends Span {
  /** Without a number before it: `>`, `<<-`, `&>`. */
  readonly operator: string;
  readonly target: Word | undefined;
}

/** A program or builtin with its arguments; inside of `if`, loops, functions, subshells and substitutions, too. */
export interface SimpleCommand extends Span {
  /** `NAME=value` before the program. */
  readonly assignments: readonly Word[];
  /** The program, then its arguments; empty for assignments or redirections alone. */
  readonly words: readonly Word[];
  readonly redirections: readonly Redirection[];
}

/** What is neither a plain word nor a simple command. */
export type SyntaxKind =
  | 'operator'
  | 'keyword'
  | 'comment'
  | 'parameter'
  | 'substitution'
  | 'arithmetic'
  | 'arithmetic-command'
  | 'array'
  | 'process-substitution'
  | 'dollar-quote'
  | 'here-document';

export interface Syntax extends Span {
  readonly kind: SyntaxKind;
  readonly source: string;
}

/** Shell text taken apart; lists are in the order of the text. */
export interface Script {
  readonly commands: readonly SimpleCommand[];
  /** All words, those of `for` and of redirections included. */
  readonly words: readonly Word[];
  readonly syntax: readonly Syntax[];
  /** Names of the functions it defines. */
  readonly functions: readonly string[];
  /** False when a quote or bracket is never closed: then nothing is certain. */
  readonly complete: boolean;
}

import { readShell } from './read-shell.js';
import type { SimpleCommand, Word } from './script.js';

/** Builtins whose arguments are names, with or without a value. */
const DECLARING: ReadonlySet<string> = new Set(['export', 'local', 'declare', 'typeset', 'readonly', 'read']);

/** The variables that a script sets: by assignment, by `export`, `read` and the like, and in `for`. None when it cannot be read for certain. */
export function namesSetIn(text: string): ReadonlySet<string> {
  const { commands, syntax, complete } = readShell(text);
  if (!complete) return new Set();
  const loops = syntax.filter(({ kind, source }) => kind === 'keyword' && source === 'for');
  return new Set([
    ...commands.flatMap(namesOf),
    ...loops.flatMap(({ end }) => /^\s+([A-Za-z_]\w*)/.exec(text.slice(end, end + 100))?.[1] ?? []),
  ]);
}

function namesOf({ assignments, words }: SimpleCommand): readonly string[] {
  const [program, ...rest] = words;
  // In front of a program they are its environment only: `A=1 make`.
  if (program === undefined) return assignments.flatMap(nameOf);
  return DECLARING.has(program.text ?? '') ? rest.flatMap(nameOf) : [];
}

function nameOf({ source }: Word): readonly string[] {
  const name = /^([A-Za-z_]\w*)(?:\+?=|$)/.exec(source)?.[1];
  return name === undefined ? [] : [name];
}

import type { Interposer } from '../config/config.js';

/**
 * Quotes words so that a POSIX shell reads each back as written, in the manner of `go-shellquote`:
 * single quotes around words with white space, backslashes elsewhere.
 */
function shellQuote(words: readonly string[]): string {
  return words.map(quoteWord).join(' ');
}

function quoteWord(word: string): string {
  if (word === '') return "''";
  if (!/[ \t\n]/.test(word)) return word.replace(/[\\'"`${[|&;<>()*?!]/g, '\\$&').replace(/^~/, '\\~');
  // Inside single quotes nothing is special; an embedded single quote must stand outside of them.
  return word
    .split("'")
    .map((part) => (part === '' ? '' : `'${part}'`))
    .join("\\'");
}

/** Turns a container's `command` and `args` into the one command string the in-pod agent runs. */
export function interpose(interposer: Interposer, command: readonly string[], args: readonly string[]): string {
  switch (interposer) {
    case 'vector':
      return shellQuote([...command, ...args]);
    case 'legacy':
      return [...command, ...args].join(' ');
    case 'buildkite':
    case '': {
      const lines = command.join('\n');
      return args.length > 0 ? `${lines} ${shellQuote(args)}` : lines;
    }
  }
}

/** Adds a container's `args` behind a command line that is already a string (args without command). */
export function appendArgs(interposer: Interposer, commandLine: string, args: readonly string[]): string {
  const tail = interposer === 'legacy' ? args.join(' ') : shellQuote(args);
  return commandLine === '' ? tail : `${commandLine} ${tail}`;
}

import { readShell } from './read-shell.js';
import type { SimpleCommand, Word } from './script.js';

/** The simple commands of a script in the order of the text; none when the text cannot be read for certain. */
export function commandWords(text: string): readonly SimpleCommand[] {
  const script = readShell(text);
  return script.complete ? script.commands : [];
}

/** Programs that run the program named in their arguments, with their options that take a word. */
const WRAPPERS: ReadonlyMap<string, ReadonlySet<string>> = new Map(
  Object.entries({
    command: [],
    env: ['-u', '-C', '-S'],
    exec: ['-a'],
    nice: ['-n'],
    nohup: [],
    sudo: ['-u', '-g', '-h', '-p', '-C', '-D'],
    time: ['-f', '-o'],
    timeout: ['-k', '-s'],
    xargs: ['-n', '-P', '-I', '-L', '-d', '-a', '-s'],
  }).map(([name, options]) => [name, new Set(options)]),
);

/** The program and its arguments, behind wrappers such as `sudo`, `env A=b` and `timeout 5m`; empty when there is none. */
export function effectiveWords(command: SimpleCommand): readonly Word[] {
  let words = command.words;
  for (;;) {
    const [name, ...rest] = words;
    const options = name?.text === undefined ? undefined : WRAPPERS.get(baseName(name.text));
    if (name === undefined || options === undefined) return words;
    words = withoutOptions(rest, options);
    if (name.text === 'timeout') words = words.slice(1);
  }
}

/** The last part of a program's path: `docker` for `/usr/bin/docker`. */
export function baseName(program: string): string {
  return program.slice(program.lastIndexOf('/') + 1);
}

function withoutOptions(words: readonly Word[], withValue: ReadonlySet<string>): readonly Word[] {
  let index = 0;
  for (; index < words.length; index++) {
    const text = words[index]?.text ?? words[index]?.source ?? '';
    if (withValue.has(text)) index += 1;
    else if (!text.startsWith('-') && !/^[A-Za-z_]\w*=/.test(text)) break;
  }
  return words.slice(index);
}

/** Characters that make the shell put something else in place of a word. */
const PATTERN = /[*?[\]{}~]/;

/** Splits a line into the arguments it stands for; undefined when it needs a shell. */
export function shellLineToArgv(text: string): readonly string[] | undefined {
  const { commands, syntax, complete } = readShell(text.trim());
  const [command, ...others] = commands;
  if (!complete || command === undefined || syntax.length > 0 || others.length > 0) return undefined;
  if (command.assignments.length > 0 || command.words.some((word) => PATTERN.test(word.bare))) return undefined;
  const argv = command.words.map((word) => word.text).filter((word) => word !== undefined);
  return argv.length === command.words.length && !BUILTINS.has(argv[0] ?? '') ? argv : undefined;
}

/** Only a shell has these. */
const BUILTINS: ReadonlySet<string> = new Set(
  'cd . : source export unset set eval exec exit return read trap ulimit umask wait alias shift local type'.split(' '),
);

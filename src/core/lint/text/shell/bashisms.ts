import type { Span } from '../../finding.js';
import { readShell } from './read-shell.js';
import type { Script, SimpleCommand, Syntax, SyntaxKind, Word } from './script.js';

/** Something bash understands and POSIX shells such as dash do not. */
export interface Bashism extends Span {
  /** What to quote in a message: `[[`, `set -o pipefail`, `${FILES[@]}`. */
  readonly what: string;
  /** Whether busybox, the shell of Alpine images, understands it nevertheless. */
  readonly inBusybox: boolean;
}

/**
 * The bashisms of a script as the shell gets it (after the upload's interpolation), in the order of the text. None when the script asks for
 * another shell (`#!/bin/bash`, `exec bash`) or cannot be read for certain.
 */
export function bashisms(text: string): readonly Bashism[] {
  if (/^\s*#!.*\b(?:bash|zsh|ksh|python[\d.]*|node|ruby|perl|pwsh)\b/.test(text)) return [];
  // It asks which shell it runs in, so it is prepared.
  if (/\bBASH_VERSION\b/.test(text)) return [];
  const script = readShell(text);
  if (!script.complete || script.commands.some(becomesBash)) return [];
  const found = [
    ...script.syntax.flatMap((syntax) => ofSyntax(syntax, text)),
    ...script.words.flatMap(ofWord),
    ...script.commands.flatMap((command) => ofCommand(command, script)),
  ];
  return found.sort((a, b) => a.start - b.start);
}

function becomesBash({ words }: SimpleCommand): boolean {
  return words[0]?.text === 'exec' && words.slice(1).some((word) => /(?:^|\/)(?:bash|zsh|ksh)$/.test(word.text ?? ''));
}

interface SyntaxRule {
  readonly kind: SyntaxKind;
  readonly pattern: RegExp;
  /** What to call it when its source is too long or says too little. */
  readonly what?: string;
  readonly inBusybox: boolean;
}

const SYNTAX: readonly SyntaxRule[] = [
  { kind: 'keyword', pattern: /^\[\[$/, inBusybox: true },
  { kind: 'keyword', pattern: /^function$/, inBusybox: true },
  { kind: 'keyword', pattern: /^select$/, inBusybox: false },
  { kind: 'operator', pattern: /^\d*<<<$/, what: '<<<', inBusybox: false },
  { kind: 'operator', pattern: /^&>>?$/, inBusybox: true },
  { kind: 'operator', pattern: /^(?:\|&|;&|;;&)$/, inBusybox: false },
  { kind: 'process-substitution', pattern: /^</, what: '<(…)', inBusybox: false },
  { kind: 'process-substitution', pattern: /^>/, what: '>(…)', inBusybox: false },
  { kind: 'array', pattern: /^/, what: '=(…)', inBusybox: false },
  { kind: 'arithmetic-command', pattern: /^/, what: '((…))', inBusybox: false },
  { kind: 'arithmetic', pattern: /\+\+|--[A-Za-z_]|[A-Za-z_]\w*--|\*\*/, inBusybox: true },
  { kind: 'dollar-quote', pattern: /^\$'/, what: "$'…'", inBusybox: true },
  { kind: 'dollar-quote', pattern: /^\$"/, what: '$"…"', inBusybox: false },
  { kind: 'parameter', pattern: /^\$\{#?\w+\[/, inBusybox: false },
  { kind: 'parameter', pattern: /^\$\{![A-Za-z_]/, inBusybox: false },
  { kind: 'parameter', pattern: /^\$\{\w+(?:\^|,|@[A-Za-z]\})/, inBusybox: false },
  { kind: 'parameter', pattern: /^\$\{(?:\w+|[@*])(?:\/|:[^-=?+}])/, inBusybox: true },
];

function ofSyntax({ kind, source, start, end }: Syntax, text: string): readonly Bashism[] {
  const rule = SYNTAX.find((candidate) => candidate.kind === kind && candidate.pattern.test(source));
  if (rule === undefined) return [];
  // POSIX has no "select" either, but a program may be called that.
  if (source === 'select' && !/^\s+[A-Za-z_]\w*\s+in\s/.test(text.slice(end))) return [];
  return [{ what: rule.what ?? source, start, end, inBusybox: rule.inBusybox }];
}

const RANGE = /\{(?:-?\d+\.\.-?\d+|[A-Za-z]\.\.[A-Za-z])(?:\.\.-?\d+)?\}/;

function ofWord({ bare, start }: Word): readonly Bashism[] {
  const range = RANGE.exec(bare);
  if (range === null) return [];
  const from = start + range.index;
  return [{ what: range[0], start: from, end: from + range[0].length, inBusybox: false }];
}

function ofAssignment({ source, start, end }: Word): readonly Bashism[] {
  const target = /^\w+(?:\[|\+=)/.exec(source)?.[0];
  if (target === undefined) return [];
  return [{ what: target.endsWith('[') ? '[…]=' : '+=', start, end, inBusybox: false }];
}

/** Builtins of bash only, and whether busybox has them. */
const BUILTINS: ReadonlyMap<string, boolean> = new Map([
  ['source', true],
  ['let', true],
  ...'declare typeset shopt mapfile readarray pushd popd dirs disown builtin caller compgen coproc'
    .split(' ')
    .map((name): [string, boolean] => [name, false]),
]);

interface OptionRule {
  readonly command: string;
  /** Tested on each plain argument. */
  readonly argument: RegExp;
  readonly what: (argument: string) => string;
  readonly inBusybox: boolean;
}

const OPTIONS: readonly OptionRule[] = [
  { command: 'set', argument: /^pipefail$/, what: () => 'set -o pipefail', inBusybox: true },
  { command: 'local', argument: /^-[A-Za-z]+$/, what: (option) => `local ${option}`, inBusybox: false },
  { command: 'export', argument: /^-[fn]$/, what: (option) => `export ${option}`, inBusybox: false },
  { command: 'printf', argument: /^-v$/, what: () => 'printf -v', inBusybox: false },
  { command: 'type', argument: /^-[A-Za-z]+$/, what: (option) => `type ${option}`, inBusybox: false },
  { command: 'wait', argument: /^-n$/, what: () => 'wait -n', inBusybox: true },
  { command: 'trap', argument: /^(?:ERR|DEBUG|RETURN)$/, what: (signal) => `trap … ${signal}`, inBusybox: false },
  { command: 'read', argument: /^-[A-Za-z]*[aeiuN]/, what: (option) => `read ${option}`, inBusybox: false },
  { command: 'read', argument: /^-[A-Za-z]*[dnst]/, what: (option) => `read ${option}`, inBusybox: true },
  { command: '[', argument: /^==$/, what: () => '[ … == … ]', inBusybox: true },
  { command: 'test', argument: /^==$/, what: () => 'test … == …', inBusybox: true },
];

function ofCommand({ assignments, words }: SimpleCommand, script: Script): readonly Bashism[] {
  const found = assignments.flatMap(ofAssignment);
  const [program, ...rest] = words;
  if (program?.text === undefined || script.functions.includes(program.text)) return found;
  const { text, start, end } = program;
  const inBusybox = BUILTINS.get(text);
  return [
    ...found,
    ...(inBusybox === undefined ? [] : [{ what: text, start, end, inBusybox }]),
    ...ofOptions(program, rest),
    ...ofNames(program, rest),
  ];
}

/** They take names as they come; others, such as formatters, know what to do with `*.{js,ts}`. */
const TAKES_NAMES = /^(?:mkdir|rmdir|touch|cp|mv|rm|ln|cat|ls|chmod|chown|tar)$/;
const LIST = /\{[^\s{}]*,[^\s{}]*\}/;

function ofNames(program: Word, rest: readonly Word[]): readonly Bashism[] {
  if (!TAKES_NAMES.test(program.text ?? '')) return [];
  return rest.flatMap(({ bare, start }) => {
    const list = LIST.exec(bare);
    const from = start + (list?.index ?? 0);
    return list === null ? [] : [{ what: list[0], start: from, end: from + list[0].length, inBusybox: false }];
  });
}

function ofOptions(program: Word, rest: readonly Word[]): readonly Bashism[] {
  const rules = OPTIONS.filter((rule) => rule.command === program.text);
  return rest.flatMap((word) => {
    const rule = rules.find((candidate) => word.source === word.text && candidate.argument.test(word.text));
    return rule === undefined
      ? []
      : [{ what: rule.what(word.source), start: program.start, end: word.end, inBusybox: rule.inBusybox }];
  });
}

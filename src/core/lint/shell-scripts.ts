import type { ScalarNode } from '../pipeline/source-tree.js';
import { commandContainerTexts, scalarsOf } from './command-containers.js';
import type { LintCommandStep } from './document.js';
import type { Span } from './finding.js';
import { nodeAt } from './nodes.js';
import { PLACEHOLDER } from './placeholder.js';
import type { DocumentContext } from './rule.js';
import { chosenShells, shellOf } from './rules/bashisms.js';
import { interposerOf, isArgumentVector, startsShellWithText } from './rules/shell-vectors.js';
import { type CommandScript, commandScripts, locateInScript } from './scripts.js';

/** A shell that shellcheck knows. */
export type Dialect = 'sh' | 'bash' | 'dash' | 'ksh';

/** A script of a step, for a tool that reads shell. */
export interface ShellScript {
  readonly dialect: Dialect;
  /** As the shell gets it; a word of the same length stands for what only the upload or the matrix knows. */
  readonly text: string;
  /** The upload or the matrix puts something into it: what looks constant need not be. */
  readonly isFilled: boolean;
  /** Where a piece of `text` was written. */
  readonly locate: (piece: Span) => Span;
}

/**
 * The scripts of a step that a shell will read: its command, and those of its containers. None for a text without anything special to a
 * shell, for another language, and for argument vectors that are mistaken for scripts, which a rule of its own reports.
 */
export function shellScripts(step: LintCommandStep, context: DocumentContext): readonly ShellScript[] {
  const { document, world } = context;
  return scriptsOf(step, context).flatMap((script) => {
    const dialect = dialectOf(step, script, context);
    const text = filled(script.text);
    if (dialect === undefined || isPlain(text) || isArgumentVector(script.items)) return [];
    const isFilled = text !== script.text || script.items.some(({ written }) => written !== undefined);
    return [{ dialect, text, isFilled, locate: (piece) => locateInScript(script, piece, { document, world }) }];
  });
}

function scriptsOf(step: LintCommandStep, context: DocumentContext): readonly CommandScript[] {
  const interposer = interposerOf(step, context);
  const scripts = commandScripts(step).filter(({ ofStep }) => ofStep || interposer === 'buildkite');
  return interposer === 'vector' ? [...scripts, ...vectorScripts(step)] : scripts;
}

/** The scripts in `/bin/sh -c SCRIPT`, where words are words. */
function vectorScripts(step: LintCommandStep): readonly CommandScript[] {
  return commandContainerTexts(step).flatMap((container) => {
    const words = ['command', 'args'].flatMap((key) => scalarsOf(nodeAt(container.node, [key])));
    const script = startsShellWithText(words) ? words[2] : undefined;
    if (script === undefined) return [];
    return [{ text: script.text, items: [script], containers: [container], ofStep: false, program: words[0] }];
  });
}

/** Undefined = no shell that shellcheck knows. */
function dialectOf(
  step: LintCommandStep,
  script: CommandScript & { readonly program?: ScalarNode | undefined },
  context: DocumentContext,
): Dialect | undefined {
  const interpreter = script.program?.text ?? /^#!(.*)/.exec(script.text)?.[1];
  const named = interpreter ?? chosenShells(script, context).find((shell) => shell !== undefined);
  if (named === undefined) return shellOf(step, script, context) === 'bash' ? 'bash' : 'sh';
  return DIALECTS.find((dialect) => new RegExp(`(?:^|[/\\s])${dialect}(?:\\s|$)`).test(named));
}

const DIALECTS: readonly Dialect[] = ['bash', 'dash', 'ksh', 'sh'];

/** One line of words that mean nothing but themselves: there is nothing to say about it. */
function isPlain(text: string): boolean {
  return /^[\w./:=@,+ -]*$/.test(text.trim());
}

const MATRIX_TOKEN = /\{\{\s*matrix[^{}]*\}\}/g;
const WORD = 'value';

function filled(text: string): string {
  return text
    .replaceAll(PLACEHOLDER, WORD.padEnd(PLACEHOLDER.length, 's'))
    .replace(MATRIX_TOKEN, (token) => WORD.padEnd(token.length, 's'));
}

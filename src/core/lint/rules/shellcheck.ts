import type { LintCommandStep } from '../document.js';
import type { Span } from '../finding.js';
import type { Check, Found, RuleInfo, StepContext } from '../rule.js';
import { type ShellScript, shellScripts } from '../shell-scripts.js';
import type { ShellcheckComment } from '../shellcheck-comments.js';

/** Speaks for the program `shellcheck`, when that is there; no check of the linter's own finds it. */
export const SHELLCHECK_RULE: RuleInfo = {
  id: 'shell/shellcheck',
  severity: 'warning',
  needs: 'shellcheck',
  summary: 'The program shellcheck has something to say about a command.',
  why: 'Commands are shell scripts, with all their traps: a variable without quotes falls apart at a space, a typing error in a quote ends the build. What shellcheck calls an error or a warning is a warning here, the rest is `info`. What is always so in a pipeline is left out: variables that come from outside, files that are not there yet, a missing "#!" line; what is bash only is the business of `command/bashism`.',
  remedy:
    'Do what the message says; the wiki of shellcheck has a page for each code. Where it is wrong write `# shellcheck disable=SC2086` above the line of the script. `--shellcheck never` does without it, `--shellcheck always` insists on it.',
};

/** What shellcheck says, by `keyOf` the script. */
export type ShellcheckAnswers = ReadonlyMap<string, readonly ShellcheckComment[]>;

/** The same for scripts about which shellcheck says the same. */
export function keyOf({ dialect, text }: Pick<ShellScript, 'dialect' | 'text'>): string {
  return `${dialect}\n${text}`;
}

/** The check that tells what shellcheck said. */
export function shellcheckCheck(answers: ShellcheckAnswers): Check {
  return {
    scope: 'step',
    check: (step, context) => saidOf(step, context, answers),
  };
}

function* saidOf(step: LintCommandStep, context: StepContext, answers: ShellcheckAnswers): Iterable<Found> {
  for (const script of shellScripts(step, context)) {
    const comments = answers.get(keyOf(script)) ?? [];
    const places = new Map<string, { readonly at: Span; readonly said: ShellcheckComment[] }>();
    for (const comment of comments.filter((each) => isWanted(each, script, comments))) {
      const at = script.locate(spanOf(comment, script.text));
      const place = `${at.start}:${at.end}`;
      const { said } = places.get(place) ?? { said: [] };
      places.set(place, { at, said: [...said, comment] });
    }
    for (const { at, said } of places.values()) yield found(at, said);
  }
}

/** All that is said of one place is one finding, the worst first. */
function found(at: Span, said: readonly ShellcheckComment[]): Found {
  const sentences = [...said.filter(isSerious), ...said.filter((comment) => !isSerious(comment))].map(sentenceOf);
  return {
    rule: SHELLCHECK_RULE.id,
    at,
    severity: said.some(isSerious) ? 'warning' : 'info',
    message: [...new Set(sentences)].join('; '),
  };
}

function isSerious({ level }: ShellcheckComment): boolean {
  return level === 'error' || level === 'warning';
}

/** In the grammar of our messages: lower case, no full stop. */
function sentenceOf({ message, code }: ShellcheckComment): string {
  const sentence = message.replace(/\s+/g, ' ').trim().replace(/\.$/, '');
  // A name such as "POSIX" or "ShellCheck" stays as it is.
  return `${sentence.replace(/^[A-Z](?=[a-z]*\b)/, (letter) => letter.toLowerCase())} (SC${code})`;
}

/** Always so in the command of a pipeline. */
const BESIDE_THE_POINT: ReadonlySet<number> = new Set([
  // No "#!" line; files that are not there, or not to be known.
  ...[2148, 1090, 1091],
  // Variables of the environment: assigned elsewhere, used elsewhere.
  ...[2153, 2154, 2034],
  // "cd" without "|| exit": commands run with "-e".
  ...[2164, 2103],
  // What is not POSIX, in old versions of shellcheck; see command/bashism.
  ...[2039, 2112, 2113],
]);

/** Constants where a script should have a variable; but the upload puts its variables in as constants. */
const ABOUT_CONSTANTS: ReadonlySet<number> = new Set([2043, 2050, 2078, 2157, 2170, 2193, 2194, 2242]);

/** Say only that a syntax error was somewhere around. */
const AFTER_SYNTAX_ERROR: ReadonlySet<number> = new Set([1009, 1072]);

function isWanted({ code }: ShellcheckComment, { isFilled }: ShellScript, all: readonly ShellcheckComment[]): boolean {
  if (BESIDE_THE_POINT.has(code) || isNotPosix(code)) return false;
  if (AFTER_SYNTAX_ERROR.has(code)) return all.every((other) => other.code !== 1073);
  return !(isFilled && ABOUT_CONSTANTS.has(code));
}

/** What differs between shells is the subject of `command/bashism`, which knows the shell of the image. */
function isNotPosix(code: number): boolean {
  return code >= 3000 && code < 4000;
}

/** Something visible on one line, also for an error "at the end". */
function spanOf({ line, column, endLine, endColumn }: ShellcheckComment, text: string): Span {
  const last = text.trimEnd().length;
  const start = Math.min(offsetAt(text, line, column), Math.max(last - 1, 0));
  const lineEnd = text.indexOf('\n', start);
  const limit = lineEnd < 0 ? text.length : lineEnd;
  const end = Math.min(offsetAt(text, endLine, endColumn), limit);
  return { start, end: Math.max(end, Math.min(start + 1, text.length)) };
}

function offsetAt(text: string, line: number, column: number): number {
  let start = 0;
  for (let passed = 1; passed < line; passed++) {
    const next = text.indexOf('\n', start);
    if (next < 0) return text.length;
    start = next + 1;
  }
  const end = text.indexOf('\n', start);
  const content = text.slice(start, end < 0 ? text.length : end);
  // Columns count characters, offsets UTF-16 units.
  return (
    start +
    Array.from(content)
      .slice(0, Math.max(column - 1, 0))
      .join('').length
  );
}

import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import type { ShellScript } from '../core/lint/shell-scripts.js';
import type { ShellcheckComment } from '../core/lint/shellcheck-comments.js';
import { keyOf, type ShellcheckAnswers } from '../core/lint/rules/shellcheck.js';

/** `auto`: when it is there. */
export type ShellcheckMode = 'auto' | 'always' | 'never';

export interface ShellcheckRequest {
  readonly mode: ShellcheckMode;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Not called when there is no shellcheck. */
  readonly scripts: () => readonly ShellScript[];
  /** How long it may take for one script, in milliseconds. @default 30 seconds */
  readonly deadline?: number;
}

export interface ShellcheckOutcome {
  /** Without the scripts that it gave no answer for. */
  readonly answers: ShellcheckAnswers;
  /** Whether it was there and answered for every script. */
  readonly isComplete: boolean;
  /** What went wrong; a failure only where the user insists on it. */
  readonly problem: string | undefined;
}

const DEADLINE = 30_000;
const AT_ONCE = 2;

/** Lets the program shellcheck, if it is in the PATH, look at scripts; those that are the same only once. Never throws. */
export async function runShellcheck(request: ShellcheckRequest): Promise<ShellcheckOutcome> {
  const nothing = { answers: new Map(), isComplete: false, problem: undefined };
  if (request.mode === 'never') return nothing;
  const program = await findProgram('shellcheck', request.environment);
  if (program === undefined) {
    return request.mode === 'auto' ? nothing : { ...nothing, problem: MISSING };
  }
  return askAll(program, request);
}

const MISSING =
  'there is no "shellcheck" in the PATH, so no command was checked by it; install it, or leave out "--shellcheck always"';

/** Its path; a folder that is not named, such as the current one, is never searched. */
async function findProgram(name: string, environment: ShellcheckRequest['environment']): Promise<string | undefined> {
  const file = process.platform === 'win32' ? `${name}.exe` : name;
  for (const folder of (environment['PATH'] ?? environment['Path'] ?? '').split(delimiter)) {
    const path = join(folder, file);
    if (folder !== '' && (await isProgram(path))) return path;
  }
  return undefined;
}

async function isProgram(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

async function askAll(program: string, request: ShellcheckRequest): Promise<ShellcheckOutcome> {
  const scripts = new Map(request.scripts().map((script) => [keyOf(script), script]));
  const answers = new Map<string, readonly ShellcheckComment[]>();
  const { deadline = DEADLINE, environment } = request;
  // Not before it is needed: starting programs is a part of Node that most runs do without.
  const { askShellcheck } = await import('./ask-shellcheck.js');
  const failures: string[] = [];
  const waiting = [...scripts];
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [key, script] = next;
      const answer = await askShellcheck(program, script, { deadline, environment });
      if ('comments' in answer) answers.set(key, answer.comments);
      else {
        failures.push(answer.failure);
        if (answer.isFinal) waiting.length = 0;
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  const missing = scripts.size - answers.size;
  const counted = scripts.size === 1 ? 'the only script' : `${missing} of ${scripts.size} scripts`;
  return {
    answers,
    isComplete: missing === 0,
    problem:
      failures[0] === undefined
        ? undefined
        : `"${program}" ${failures[0]}, so ${counted} went unchecked by it; try it by hand, or use "--shellcheck never"`,
  };
}

import type { ExecFileException } from 'node:child_process';
import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import type { ShellScript } from '../core/lint/shell-scripts.js';
import { parseShellcheck, type ShellcheckComment } from '../core/lint/shellcheck-comments.js';
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

type Answer =
  | { readonly comments: readonly ShellcheckComment[] }
  /** `isFinal`: another script would fare no better. */
  | { readonly failure: string; readonly isFinal: boolean };

const DEADLINE = 30_000;
const AT_ONCE = 2;
/** More than any script gives; it keeps a wrong program from taking all memory. */
const LONGEST_OUTPUT = 10 * 1024 * 1024;

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
  const failures: string[] = [];
  const waiting = [...scripts];
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [key, script] = next;
      const answer = await ask(program, script, request);
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

async function ask(
  program: string,
  { dialect, text }: ShellScript,
  { environment, deadline = DEADLINE }: ShellcheckRequest,
): Promise<Answer> {
  // Not before it is needed: most runs have no shellcheck.
  const { execFile } = await import('node:child_process');
  return new Promise((resolve) => {
    const child = execFile(
      program,
      ['--format=json1', `--shell=${dialect}`, '-'],
      { env: { ...environment }, timeout: deadline, killSignal: 'SIGKILL', maxBuffer: LONGEST_OUTPUT },
      (error, stdout) => resolve(toAnswer(error, stdout, deadline)),
    );
    // It may end before it has read everything; what it says then decides.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(text);
  });
}

/** Shellcheck ends with 1 when it has something to say. */
function toAnswer(error: ExecFileException | null, stdout: string, deadline: number): Answer {
  const failure = error === null ? undefined : failureOf(error, deadline);
  if (failure !== undefined) return { failure, isFinal: true };
  const comments = error === null || error.code === 1 ? parseShellcheck(stdout) : undefined;
  if (comments !== undefined) return { comments };
  const how = error?.signal ?? `status ${error?.code ?? 0}`;
  return { failure: `gave no answer that can be read (${how})`, isFinal: false };
}

/** Why it could not end by itself. */
function failureOf({ code, killed }: ExecFileException, deadline: number): string | undefined {
  // The types know no codes of the system.
  const reason: unknown = code;
  if (reason === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') return 'never stops talking';
  if (typeof reason === 'string') return `cannot be run (${reason})`;
  return killed === true ? `gave no answer within ${deadline / 1000} s` : undefined;
}

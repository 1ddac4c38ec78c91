import { execFile, type ExecFileException } from 'node:child_process';
import type { ShellScript } from '../core/lint/shell-scripts.js';
import { parseShellcheck, type ShellcheckComment } from '../core/lint/shellcheck-comments.js';

/** What shellcheck says of a script, or why it says nothing. */
export type ShellcheckAnswer =
  | { readonly comments: readonly ShellcheckComment[] }
  /** `isFinal`: another script would fare no better. */
  | { readonly failure: string; readonly isFinal: boolean };

export interface AskOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** How long it may take, in milliseconds. */
  readonly deadline: number;
}

/** More than any script gives; it keeps a wrong program from taking all memory. */
const LONGEST_OUTPUT = 10 * 1024 * 1024;

/** Asks shellcheck about one script. Never rejects. */
export async function askShellcheck(
  program: string,
  { dialect, text }: ShellScript,
  { environment, deadline }: AskOptions,
): Promise<ShellcheckAnswer> {
  const answered = new Promise<ShellcheckAnswer>((resolve) => {
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
  // Some errors of the system are thrown at once.
  return answered.catch((error: unknown) => ({ failure: `cannot be run (${String(error)})`, isFinal: true }));
}

/** Shellcheck ends with 1 when it has something to say. */
function toAnswer(error: ExecFileException | null, stdout: string, deadline: number): ShellcheckAnswer {
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

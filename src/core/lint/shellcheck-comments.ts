/** What shellcheck says about a place of a script; lines and columns from 1, in characters, a tab being one. */
export interface ShellcheckComment {
  readonly line: number;
  readonly column: number;
  readonly endLine: number;
  /** Exclusive. */
  readonly endColumn: number;
  readonly level: 'error' | 'warning' | 'info' | 'style';
  /** 2086 for SC2086. */
  readonly code: number;
  readonly message: string;
}

/** Reads what `shellcheck --format=json1` prints; undefined for anything else. */
export function parseShellcheck(output: string): readonly ShellcheckComment[] | undefined {
  let value: unknown;
  try {
    value = JSON.parse(output);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || !('comments' in value)) return undefined;
  const { comments } = value;
  return Array.isArray(comments) && comments.every(isComment) ? comments : undefined;
}

const NUMBERS = ['line', 'column', 'endLine', 'endColumn', 'code'] as const;

function isComment(value: unknown): value is ShellcheckComment {
  if (typeof value !== 'object' || value === null) return false;
  const comment: Partial<Record<string, unknown>> = { ...value };
  return (
    NUMBERS.every((key) => Number.isInteger(comment[key])) &&
    ['error', 'warning', 'info', 'style'].some((level) => level === comment['level']) &&
    typeof comment['message'] === 'string'
  );
}

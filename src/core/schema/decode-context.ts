import type { JsonSchema } from './json-schema.js';
import type { PathSegment } from './path.js';

/** One thing wrong with a decoded value. */
export interface DecodeIssue {
  readonly kind: 'unknown-field' | 'wrong-type' | 'wrong-case' | 'not-allowed' | 'missing-field' | 'bad-format';
  /** From the decoded root, as written there, e.g. `['podSpec', 'containers', 0, 'image']`. */
  readonly path: readonly PathSegment[];
  /** Lower-case sentence that names the culprit and what was expected; no path in it. */
  readonly message: string;
  /** The allowed name or value closest to what was written, for a "did you mean". */
  readonly suggestion?: string | undefined;
}

export interface DecodeOptions {
  /** Resolves `$ref`; keys are the text after `#/definitions/`. */
  readonly definitions: Readonly<Record<string, JsonSchema>>;
  /** Also report `required` fields that are absent. @default false */
  readonly requireFields?: boolean;
  /** Keep explicit nulls and `$patch`-style directive keys: the value is a strategic merge patch. @default false */
  readonly patch?: boolean;
}

/** What one walk carries along. `path` is the place being looked at; it grows and shrinks during the walk. */
export interface DecodeContext {
  readonly options: DecodeOptions;
  readonly path: PathSegment[];
  readonly issues: DecodeIssue[];
}

/** Adds an issue at the context's path. Returns undefined, the value of something that cannot be kept. */
export function report(
  context: DecodeContext,
  kind: DecodeIssue['kind'],
  message: string,
  suggestion?: string,
): undefined {
  context.issues.push({ kind, path: [...context.path], message, ...(suggestion === undefined ? {} : { suggestion }) });
  return undefined;
}

/** Runs `step` with the path one segment deeper. */
export function within<T>(context: DecodeContext, segment: PathSegment, step: () => T): T {
  context.path.push(segment);
  const result = step();
  context.path.pop();
  return result;
}

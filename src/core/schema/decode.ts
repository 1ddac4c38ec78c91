import type { JsonSchema } from './json-schema.js';

export type PathSegment = string | number;

/** One thing wrong with a decoded value. */
export interface DecodeIssue {
  readonly kind: 'unknown-field' | 'wrong-type' | 'wrong-case' | 'not-allowed' | 'missing-field' | 'bad-format';
  /** From the decoded root, e.g. `['podSpec', 'containers', 0, 'image']`. */
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

export interface Decoded {
  /** A copy of the value with nulls dropped (unless `patch`), keys in their canonical case and unknown fields removed. */
  readonly value: unknown;
  readonly issues: readonly DecodeIssue[];
}

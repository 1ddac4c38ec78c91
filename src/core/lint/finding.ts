/** How bad a finding is; `off` switches a rule off and never appears on a finding. */
export type Severity = 'error' | 'warning' | 'info';

/** A piece of a file's text: offsets in UTF-16 units, `end` exclusive. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** The same for people and machines: 1-based lines and columns, the end column exclusive. */
export interface Range {
  readonly line: number;
  readonly column: number;
  readonly endLine: number;
  readonly endColumn: number;
}

/** Replaces the text of a span; an empty span inserts. */
export interface TextEdit extends Span {
  readonly text: string;
}

/** A change that cannot mean anything else; its edits do not overlap. */
export interface Fix {
  /** What it does, e.g. `put quotes around 0`. */
  readonly description: string;
  readonly edits: readonly TextEdit[];
}

/** Another place that belongs to a finding: the first of two equal keys, the anchor of an alias. */
export interface Related extends Range {
  readonly file: string;
  readonly message: string;
}

/** One thing that is wrong, or will not do what its author meant. */
export interface Finding extends Range {
  /** Id of the rule, e.g. `kubernetes/unknown-key`. */
  readonly rule: string;
  readonly severity: Severity;
  /** One sentence, lower case: culprit in double quotes, what was expected, consequence; remedy. Never holds a secret. */
  readonly message: string;
  /** As given on the command line, with `/` on every system. */
  readonly file: string;
  readonly related: readonly Related[];
  readonly fix: Fix | undefined;
  /** Offsets of the range in the file's text. */
  readonly span: Span;
  /** Label, key or command of the step around it; undefined above the steps. */
  readonly step: string | undefined;
  /** The span holds a secret: whoever shows the line of the file masks it. */
  readonly secret?: true;
  /** How often the place is used through anchors, matrix or parallelism; 1 = only as written. */
  readonly uses: number;
}

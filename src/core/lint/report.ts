import type { Finding } from './finding.js';
import type { RuleInfo } from './rule.js';

/** A finding that is not reported, because its author said so beside it. */
export interface SuppressedFinding {
  readonly finding: Finding;
  /** The reason after `--` of the comment. */
  readonly justification: string;
}

export interface LintSummary {
  /** Files that were looked at. */
  readonly files: number;
  readonly errors: number;
  readonly warnings: number;
  readonly infos: number;
  /** Findings that `--fix` would mend. */
  readonly fixable: number;
  /** Findings that comments ignore. */
  readonly suppressed: number;
  /** Findings that the baseline knows. */
  readonly baselined: number;
}

/** The outcome of one run, which every format prints its way. */
export interface LintReport {
  /** In the order of files, then of places. */
  readonly findings: readonly Finding[];
  readonly suppressed: readonly SuppressedFinding[];
  readonly summary: LintSummary;
  /** Text of every file that was looked at, by the name that findings use. */
  readonly sources: ReadonlyMap<string, string>;
  /** All rules there are, for formats that describe them. */
  readonly rules: readonly RuleInfo[];
}

type Counted = Pick<LintSummary, 'files' | 'suppressed' | 'baselined'>;

/** Counts what is reported. */
export function summarise(findings: readonly Finding[], counted: Counted): LintSummary {
  const count = (severity: Finding['severity']): number =>
    findings.filter((finding) => finding.severity === severity).length;
  return {
    files: counted.files,
    errors: count('error'),
    warnings: count('warning'),
    infos: count('info'),
    fixable: findings.filter(({ fix }) => fix !== undefined).length,
    suppressed: counted.suppressed,
    baselined: counted.baselined,
  };
}

/** Order of two findings of one file: by place, then by rule, so that output never depends on the order of rules. */
export function compareFindings(a: Finding, b: Finding): number {
  return (
    a.line - b.line ||
    a.column - b.column ||
    a.endLine - b.endLine ||
    a.endColumn - b.endColumn ||
    compareText(a.rule, b.rule) ||
    compareText(a.message, b.message)
  );
}

/** By code units: the same on every machine. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

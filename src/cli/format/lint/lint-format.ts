import type { ChalkInstance } from 'chalk';
import type { LintReport } from '../../../core/lint/report.js';

export interface LintFormatOptions {
  /** Colours of the place it is printed to. */
  readonly palette: ChalkInstance;
  /** Version of this program without `v`. */
  readonly version: string;
}

/** Turns a report into text: complete, with a line break at its end; empty when there is nothing to print. */
export type LintFormatter = (report: LintReport, options: LintFormatOptions) => string;

const DOCUMENTATION = 'https://github.com/buildkite/agent-stack-k8s/blob/main/docs/rules';

/** The page of a rule. */
export function rulePage(rule: string): string {
  return `${DOCUMENTATION}/${rule}.md`;
}

/** `1 error`, `2 errors`. */
export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

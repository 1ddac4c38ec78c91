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

/** `1 error`, `2 errors`. */
export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

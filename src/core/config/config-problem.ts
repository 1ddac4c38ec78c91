import { UsageError } from '../errors.js';

/** Which layer a value came from, precisely enough to find and change it. */
export type ConfigOrigin =
  | { readonly layer: 'default' }
  | { readonly layer: 'file'; readonly file: string; readonly line: number; readonly column: number }
  | { readonly layer: 'environment'; readonly name: string }
  | { readonly layer: 'flag'; readonly name: string };

/** Something wrong with, or worth saying about, the configuration. Never holds a secret. */
export interface ConfigProblem {
  readonly origin: ConfigOrigin;
  /** The key it is about, with the way into nested sections: `agent-config.additional-hooks[0].path`. */
  readonly key: string;
  /** Lower case; names the culprit, what is allowed and the remedy. */
  readonly message: string;
}

/** Where to look: `config.yaml:3:5`, `--max-in-flight`, `variable MAX_IN_FLIGHT`, or `default`. */
export function formatOrigin(origin: ConfigOrigin): string {
  switch (origin.layer) {
    case 'default':
      return 'default';
    case 'file':
      return `${origin.file}:${origin.line}:${origin.column}`;
    case 'environment':
      return `variable ${origin.name}`;
    case 'flag':
      return `--${origin.name}`;
  }
}

/** One line for one problem: where, then what. */
export function formatProblem(problem: ConfigProblem): string {
  return `${formatOrigin(problem.origin)}: ${problem.message}`;
}

/** The configuration cannot be used; the message lists all problems, one a line. Exit status 2. */
export class ConfigError extends UsageError {
  readonly problems: readonly ConfigProblem[];
  constructor(problems: readonly ConfigProblem[]) {
    const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`;
    super([`the configuration has ${count}:`, ...problems.map((problem) => `  ${formatProblem(problem)}`)].join('\n'));
    this.problems = problems;
  }
}

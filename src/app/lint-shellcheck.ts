import type { LintDocument } from '../core/lint/document.js';
import { levelOf, levelsFor } from '../core/lint/rule-levels.js';
import { SHELLCHECK_RULE, shellcheckCheck } from '../core/lint/rules/shellcheck.js';
import { type ShellScript, shellScripts } from '../core/lint/shell-scripts.js';
import type { LintContext } from './lint-texts.js';
import { runShellcheck, type ShellcheckRequest } from './shellcheck.js';

export interface WithShellcheck {
  /** With a check that tells what shellcheck said. */
  readonly context: LintContext;
  readonly notes: readonly string[];
  readonly errors: readonly string[];
}

/** Asks shellcheck about the scripts of all files in which its rule is on. */
export async function withShellcheck(
  documents: readonly LintDocument[],
  context: LintContext,
  { mode, environment }: Pick<ShellcheckRequest, 'mode' | 'environment'>,
): Promise<WithShellcheck> {
  const { ruleSet, levels, world } = context;
  const rule = ruleSet.rules.find(({ id }) => id === SHELLCHECK_RULE.id);
  const asking = documents.filter(({ file }) => rule !== undefined && levelOf(rule, levelsFor(file, levels)) !== 'off');
  const hasSteps = asking.some(({ commandSteps }) => commandSteps.length > 0);
  if (rule === undefined || (mode === 'auto' && !hasSteps)) return { context, notes: [], errors: [] };
  const scripts = (): readonly ShellScript[] =>
    asking.flatMap((document) => document.commandSteps.flatMap((step) => shellScripts(step, { document, world })));
  const { answers, isComplete, problem } = await runShellcheck({ mode, environment, scripts });
  const problems = problem === undefined ? [] : [problem];
  return {
    context: {
      ...context,
      ruleSet: { ...ruleSet, checks: [...ruleSet.checks, shellcheckCheck(answers)] },
      hasShellcheck: isComplete,
    },
    notes: mode === 'always' ? [] : problems,
    errors: mode === 'always' ? problems : [],
  };
}

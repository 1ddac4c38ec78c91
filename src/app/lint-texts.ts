import type { Finding } from '../core/lint/finding.js';
import { type LintDocument, readLintDocument } from '../core/lint/document.js';
import { lintDocument } from '../core/lint/lint-document.js';
import { levelOf, levelsFor, type LevelSources } from '../core/lint/rule-levels.js';
import type { RuleInfo, RuleSet } from '../core/lint/rule.js';
import { applySuppressions, type Suppressed } from '../core/lint/suppressions.js';
import type { LintWorld } from '../core/lint/world.js';

/** What is the same for all files of a run. */
export interface LintContext {
  readonly ruleSet: RuleSet;
  readonly levels: LevelSources;
  readonly world: LintWorld;
  readonly honourIgnores: boolean;
  /** Whether shellcheck looked at all scripts. */
  readonly hasShellcheck: boolean;
  readonly requireReason: boolean;
  /** `YYYY-MM-DD`. */
  readonly today: string;
}

/** Reads a text for the rules. */
export function readForLint(file: string, text: string, world: Pick<LintWorld, 'env' | 'interpolate'>): LintDocument {
  return readLintDocument(file, text, { env: world.env, interpolate: world.interpolate });
}

/** Lints a file that was read: rules with the levels of the settings, then the ignores in its comments. */
export function lintOne(document: LintDocument, context: LintContext): Suppressed {
  const { ruleSet, levels, world } = context;
  const { file, text } = document;
  const own = levelsFor(file, levels);
  const findings = lintDocument(document, { world, ruleSet, ...own });
  if (!context.honourIgnores) return { findings, suppressed: [] };
  const rules = new Map(ruleSet.rules.map((rule) => [rule.id, rule]));
  const outcome = applySuppressions({
    ...{ file, text, findings, today: context.today, requireReason: context.requireReason },
    ruleIds: [...rules.keys()],
    couldSpeak: (id) => {
      const rule = rules.get(id);
      return rule !== undefined && levelOf(rule, own) !== 'off' && hasWhatItNeeds(rule, context);
    },
  });
  return { ...outcome, findings: relevel(outcome.findings, file, context) };
}

/** Whether a rule can speak in this run. */
export function hasWhatItNeeds({ needs }: RuleInfo, { world, hasShellcheck }: LintContext): boolean {
  const met = {
    config: world.configName !== undefined,
    facts: world.facts !== undefined,
    shellcheck: hasShellcheck,
  };
  return needs === undefined || met[needs];
}

/** Gives findings that no check made (about comments, bytes, the configuration) the severity that the settings want. */
export function relevel(
  findings: readonly Finding[],
  file: string,
  { levels }: Pick<LintContext, 'levels'>,
): readonly Finding[] {
  const { severityOf } = levelsFor(file, levels);
  return findings.flatMap((finding) => {
    const level = severityOf(finding.rule) ?? finding.severity;
    return level === 'off' ? [] : [{ ...finding, severity: level }];
  });
}

import type { Severity } from './finding.js';
import type { Preset } from './lint-document.js';
import type { RuleInfo } from './rule.js';
import type { LintSettings, RuleLevels } from './settings.js';

/** What the settings say about the rules in one file. */
export interface FileLevels {
  readonly preset: Preset;
  /** The user's own word on a rule; undefined = none. */
  readonly severityOf: (rule: string) => Severity | 'off' | undefined;
}

export interface LevelSources {
  readonly settings: Pick<LintSettings, 'preset' | 'rules' | 'overrides'>;
  /** From `--preset` and `--rule`; stronger than the settings, for all files. */
  readonly flags: { readonly preset: Preset | undefined; readonly rules: RuleLevels };
  readonly matches: (file: string, globs: readonly string[]) => boolean;
}

/** The rules for a file: settings, then each override that names it, then flags; in each an id beats its `area/*`. */
export function levelsFor(file: string, { settings, flags, matches }: LevelSources): FileLevels {
  const overrides = settings.overrides.filter(({ files }) => matches(file, files));
  const layers = [settings.rules, ...overrides.map(({ rules }) => rules), flags.rules].reverse();
  return {
    preset: flags.preset ?? overrides.findLast(({ preset }) => preset !== undefined)?.preset ?? settings.preset,
    severityOf: (rule) => {
      const area = rule.replace(/\/.*$/, '/*');
      return layers.map((levels) => levels[rule] ?? levels[area]).find((level) => level !== undefined);
    },
  };
}

/** The severity of a rule in a file when its check says nothing else. */
export function levelOf(rule: RuleInfo, { preset, severityOf }: FileLevels): Severity | 'off' {
  return severityOf(rule.id) ?? (preset === 'strict' ? (rule.strict ?? rule.severity) : rule.severity);
}

import type { Severity } from './finding.js';

/** What a rule says about itself; the page in `docs/rules` is made from it and from `fixtures/lint/<id>`. */
export interface RuleInfo {
  /** `area/name`, kebab-case; never changes once published. */
  readonly id: string;
  /** Severity in the preset `recommended`; a finding may be given a lower or higher one by its rule. */
  readonly severity: Severity | 'off';
  /** Severity in the preset `strict`. @default the same */
  readonly strict?: Severity;
  /** What the rule must know to speak at all. */
  readonly needs?: 'config' | 'facts';
  /** Whether `--fix` mends (some of) its findings. */
  readonly fixable?: boolean;
  /** One sentence: what is wrong. */
  readonly summary: string;
  /** What happens at run time and when its author would notice; some sentences. */
  readonly why: string;
  /** What to do instead; a sentence or two. */
  readonly remedy: string;
}

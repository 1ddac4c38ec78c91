import type { LintCommandStep, LintDocument } from './document.js';
import type { Fix, Severity, Span } from './finding.js';
import type { LintJob } from './lint-job.js';
import type { LintWorld } from './world.js';

/** What a rule says about itself; the page in `docs/rules` is made from it and from `fixtures/lint/<id>`. */
export interface RuleInfo {
  /** `area/name`, kebab-case; never changes once published. */
  readonly id: string;
  /** Severity in the preset `recommended`; a check may give a single finding a lower or higher one. */
  readonly severity: Severity | 'off';
  /** Severity in the preset `strict`. @default the same */
  readonly strict?: Severity;
  /** What the rule must know to speak at all. */
  readonly needs?: 'config' | 'facts' | 'shellcheck';
  /** Whether `--fix` mends (some of) its findings. */
  readonly fixable?: boolean;
  /** One sentence: what is wrong. */
  readonly summary: string;
  /** What happens at run time and when its author would notice; some sentences. */
  readonly why: string;
  /** What to do instead; a sentence or two. */
  readonly remedy: string;
}

/** What a check has to say; the engine adds file, lines, severity and uses. */
export interface Found {
  /** Id of the rule. */
  readonly rule: string;
  /** What to underline: a source node, the span of a key, … */
  readonly at: Span;
  /** One sentence: culprit in double quotes, what was expected, consequence; remedy. Never holds a secret. */
  readonly message: string;
  /** When it differs from the rule's own; the user's settings win over both. */
  readonly severity?: Severity;
  /** Other places of the same file. */
  readonly related?: readonly { readonly at: Span; readonly message: string }[];
  readonly fix?: Fix | undefined;
  /** The errors and warnings of other rules in here are consequences of this one, and not told. */
  readonly explains?: Span;
  /** The place holds a secret, which nobody may print. */
  readonly secret?: true;
  /** Says only that something is wrong: dropped when any other finding of the step is an error, which explains it better. */
  readonly fallback?: boolean;
}

/**
 * A check looks at a file, at each command step or at each job and yields what it finds. It is pure, and quiet about what it cannot know.
 * One check may serve several rules.
 */
export type Check =
  /** Also called for files that are no pipeline. */
  | { readonly scope: 'file'; readonly check: (document: LintDocument, world: LintWorld) => Iterable<Found> }
  | { readonly scope: 'step'; readonly check: (step: LintCommandStep, context: StepContext) => Iterable<Found> }
  /** Called for each combination of a matrix; findings of one place are joined. */
  | { readonly scope: 'job'; readonly check: (job: LintJob, context: StepContext) => Iterable<Found> };

/** A file and what is known beside it. */
export interface DocumentContext {
  readonly document: LintDocument;
  readonly world: LintWorld;
}

export interface StepContext extends DocumentContext {
  /** Whether anybody hears what a rule says: a check may spare itself costly work for one that is off. */
  readonly isOn: (rule: string) => boolean;
}

/** Rules and the checks that find them. */
export interface RuleSet {
  readonly rules: readonly RuleInfo[];
  readonly checks: readonly Check[];
}

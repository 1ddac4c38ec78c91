import type { LintCommandStep, LintDocument } from './document.js';
import type { Finding, Related, Severity, Span } from './finding.js';
import { lintJobs } from './lint-job.js';
import type { Check, Found, RuleInfo, RuleSet } from './rule.js';
import type { LintWorld } from './world.js';

export type Preset = 'recommended' | 'strict';

export interface LintOptions {
  readonly world: LintWorld;
  readonly ruleSet: RuleSet;
  /** @default recommended */
  readonly preset?: Preset;
  /** The user's own word on a rule; `undefined` = none. @default none */
  readonly severityOf?: (rule: string) => Severity | 'off' | undefined;
}

/**
 * Runs all checks over a file. Findings stand in file order, each place once for each rule: what an anchor or a matrix repeats is counted in
 * `uses`. Inline ignores and baselines are not looked at here.
 */
export function lintDocument(document: LintDocument, options: LintOptions): readonly Finding[] {
  const collector = new Collector(document, options);
  const { world, ruleSet } = options;
  const context = { document, world, isOn: (rule: string) => collector.severityOf({ rule }) !== 'off' };
  for (const check of ruleSet.checks) {
    if (check.scope === 'file') collector.add(check.check(document, world));
  }
  const stepChecks = ofScope(ruleSet.checks, 'step');
  const jobChecks = ofScope(ruleSet.checks, 'job');
  for (const step of document.commandSteps) {
    for (const { check } of stepChecks) collector.add(check(step, context), step);
    const jobs = jobChecks.length === 0 ? [] : lintJobs(step, world);
    for (const { check } of jobChecks) {
      for (const job of jobs) collector.add(check(job, context), step, { choice: job.choice, of: jobs.length });
    }
  }
  return collector.findings();
}

function ofScope<S extends Check['scope']>(
  checks: readonly Check[],
  scope: S,
): readonly Extract<Check, { scope: S }>[] {
  return checks.filter((check): check is Extract<Check, { scope: S }> => check.scope === scope);
}

interface Choice {
  /** Matrix combination; empty = no matrix. */
  readonly choice: string;
  readonly of: number;
}

interface Collected {
  readonly found: Found;
  readonly severity: Severity;
  readonly step: string | undefined;
  readonly steps: Set<LintCommandStep>;
  readonly choices: Set<string>;
  readonly of: number;
}

/** Most combinations that a message lists. */
const MAX_CHOICES = 3;

class Collector {
  private readonly document: LintDocument;
  private readonly options: LintOptions;
  private readonly rules: ReadonlyMap<string, RuleInfo>;
  private readonly collected = new Map<string, Collected>();

  constructor(document: LintDocument, options: LintOptions) {
    this.document = document;
    this.options = options;
    this.rules = new Map(options.ruleSet.rules.map((rule) => [rule.id, rule]));
  }

  /** @param stepOf the step that was looked at; without it the one in whose text the finding stands */
  add(found: Iterable<Found>, stepOf?: LintCommandStep, { choice, of }: Choice = { choice: '', of: 1 }): void {
    for (const each of found) {
      const severity = this.severityOf(each);
      if (severity === 'off') continue;
      const step = stepOf ?? this.stepAround(each.at);
      const key = `${each.rule}:${each.at.start}:${each.at.end}`;
      const before = this.collected.get(key) ?? {
        found: each,
        severity,
        step: step?.title,
        steps: new Set(),
        choices: new Set(),
        of,
      };
      if (step !== undefined) before.steps.add(step);
      if (choice !== '') before.choices.add(choice);
      this.collected.set(key, before);
    }
  }

  findings(): readonly Finding[] {
    const all = [...this.collected.values()];
    const failed = new Set(
      all.flatMap(({ found, severity, steps }) => (severity === 'error' && found.fallback !== true ? [...steps] : [])),
    );
    const causes = all.filter(({ found }) => found.explains !== undefined);
    return all
      .filter(({ found, severity }) => severity === 'info' || !causes.some((cause) => isExplained(found, cause.found)))
      .filter(({ found, steps }) => found.fallback !== true || ![...steps].some((step) => failed.has(step)))
      .map((collected) => this.finding(collected))
      .sort((a, b) => a.span.start - b.span.start || a.span.end - b.span.end || compare(a.rule, b.rule));
  }

  private stepAround({ start, end }: Span): LintCommandStep | undefined {
    return this.document.commandSteps.find(({ step: { source } }) => source.start <= start && end <= source.end);
  }

  severityOf({ rule: id, severity }: Pick<Found, 'rule' | 'severity'>): Severity | 'off' {
    const rule = this.rules.get(id);
    if (rule === undefined) throw new Error(`rule "${id}" is not in the rule set`);
    const chosen = this.options.severityOf?.(id);
    if (chosen !== undefined) return chosen;
    const preset = this.options.preset === 'strict' ? (rule.strict ?? rule.severity) : rule.severity;
    // A finding with a severity of its own speaks also when the rule is off by itself: it is more than an opinion.
    return severity ?? preset;
  }

  private finding({ found, severity, step, steps, choices, of }: Collected): Finding {
    const { file, lines } = this.document;
    const { at, message, fix, rule, secret } = found;
    return {
      rule,
      severity,
      message:
        choices.size === 0 || choices.size >= of || steps.size > 1
          ? message
          : `${message} (${listChoices(choices, of)})`,
      file,
      ...lines.rangeOf(at),
      related: (found.related ?? []).map((place): Related => ({
        file,
        ...lines.rangeOf(place.at),
        message: place.message,
      })),
      fix,
      span: { start: at.start, end: at.end },
      step,
      ...(secret && { secret }),
      uses: Math.max(1, steps.size),
    };
  }
}

function isExplained({ rule, at }: Found, { rule: cause, explains }: Found): boolean {
  return explains !== undefined && rule !== cause && at.start >= explains.start && at.end <= explains.end;
}

function listChoices(choices: ReadonlySet<string>, of: number): string {
  const shown = [...choices].slice(0, MAX_CHOICES).join('; ');
  const more = choices.size > MAX_CHOICES ? `; and ${choices.size - MAX_CHOICES} more` : '';
  return `in ${choices.size} of ${of} matrix combinations: ${shown}${more}`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

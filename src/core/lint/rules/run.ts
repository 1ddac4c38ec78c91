import type { RuleInfo, RuleSet } from '../rule.js';
import { SHELLCHECK_RULE } from './shellcheck.js';

/** Rules about the run itself rather than about pipelines: comments that ignore, files, the configuration of the controller, the baseline. */
const OWN_RULES = [
  {
    id: 'lint/ignore-without-reason',
    severity: 'error',
    summary: 'A lint-ignore comment says nothing about why.',
    why: 'Nobody can tell later whether the reason still holds, so the comment is not honoured and the finding stays.',
    remedy:
      'Write the reason after two dashes: `# lint-ignore area/name -- the reason`. The setting `require-ignore-reason: false` turns this off.',
  },
  {
    id: 'lint/malformed-ignore',
    severity: 'error',
    summary: 'A lint-ignore comment names no rule, or no real date.',
    why: 'It ignores nothing, while its author believes that it does.',
    remedy: 'Write `# lint-ignore area/name -- reason` or `# lint-ignore-until 2027-01-31 area/name -- reason`.',
  },
  {
    id: 'lint/unknown-rule',
    severity: 'error',
    summary: 'A lint-ignore comment names a rule that does not exist.',
    why: 'It ignores nothing, while its author believes that it does.',
    remedy: 'Take the name from the brackets at the end of a finding; `lint --explain` lists all rules.',
  },
  {
    id: 'lint/unused-ignore',
    severity: 'warning',
    summary: 'A lint-ignore comment ignores nothing.',
    why: 'The mistake is gone, and the comment would hide the next one at this place.',
    remedy: 'Delete the comment.',
  },
  {
    id: 'lint/expired-ignore',
    severity: 'warning',
    summary: 'The date of a lint-ignore-until comment has passed.',
    why: 'The finding is reported again from that day on.',
    remedy: 'Mend the finding and delete the comment, or choose a later date.',
  },
  {
    id: 'lint/stale-baseline',
    severity: 'info',
    summary: 'The baseline knows a finding that is there no longer.',
    why: 'The entry would hide the same mistake when it comes back.',
    remedy: 'Run with `--update-baseline`, which drops such entries.',
  },
  {
    id: 'file/encoding',
    severity: 'error',
    summary: 'The file is not text in UTF-8.',
    why: 'The agent reads pipelines as UTF-8; other bytes become odd letters, or the upload fails.',
    remedy: 'Save the file as UTF-8.',
  },
  {
    id: 'file/size',
    severity: 'error',
    summary: 'The file is larger than 10 MB.',
    why: 'No pipeline is: an upload may create 500 jobs at most. The file was not looked at.',
    remedy: 'Name the pipeline itself, or leave the file out with `ignore` in the settings.',
  },
  {
    id: 'config/invalid',
    severity: 'error',
    needs: 'config',
    summary: "The controller's configuration cannot be used.",
    why: 'The controller refuses to start with it. Rules that need the configuration were not run.',
    remedy: 'Mend the place; `docs/configuration.md` describes every key.',
  },
  {
    id: 'config/warning',
    severity: 'warning',
    needs: 'config',
    summary: "The controller's configuration means something else than it seems to.",
    why: 'The controller starts with it and says the same as a warning in its log.',
    remedy: 'Write what is meant, as the message says.',
  },
] as const satisfies readonly RuleInfo[];

/** Id of a rule of this table. */
export type OwnRuleId = (typeof OWN_RULES)[number]['id'];

/** The severity that the table gives a rule. */
export function ownSeverity(id: OwnRuleId): 'error' | 'warning' | 'info' {
  return OWN_RULES.find((rule) => rule.id === id)?.severity ?? 'error';
}

/** A rule set with these rules, and that of shellcheck, in it; no check finds them, the run does. */
export function withRunRules({ rules, checks }: RuleSet): RuleSet {
  return { rules: [...rules, ...OWN_RULES, SHELLCHECK_RULE], checks };
}

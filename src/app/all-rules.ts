import type { RuleSet } from '../core/lint/rule.js';
import { RULES } from '../core/lint/rules/index.js';
import { withRunRules } from '../core/lint/rules/run.js';

/** Every rule of `lint`: those about pipelines and those about the run. */
export const ALL_RULES: RuleSet = withRunRules(RULES);

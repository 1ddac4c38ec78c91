import type { RuleSet } from '../rule.js';
import { patchRules } from './patch.js';
import { commandRules } from './commands.js';
import { envRules } from './env.js';
import { imageRules } from './images.js';
import { schedulingRules } from './scheduling.js';
import { securityRules } from './security.js';
import { timeRules } from './time.js';
import { yamlRules } from './yaml.js';

/** Every rule of the linter, one set for each subject. */
export const RULES: RuleSet = join([
  yamlRules,
  patchRules,
  commandRules,
  imageRules,
  envRules,
  timeRules,
  securityRules,
  schedulingRules,
]);

function join(sets: readonly RuleSet[]): RuleSet {
  return { rules: sets.flatMap(({ rules }) => rules), checks: sets.flatMap(({ checks }) => checks) };
}

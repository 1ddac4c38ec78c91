import type { RuleSet } from '../rule.js';
import { builtPodRules } from './built-pod.js';
import { nameRules } from './names.js';
import { patchRules } from './patch.js';
import { quantityRules } from './quantities.js';
import { volumeRules } from './volumes.js';
import { yamlRules } from './yaml.js';

/** Every rule of the linter, one set for each subject. */
export const RULES: RuleSet = join([yamlRules, patchRules, volumeRules, quantityRules, nameRules, builtPodRules]);

function join(sets: readonly RuleSet[]): RuleSet {
  return { rules: sets.flatMap(({ rules }) => rules), checks: sets.flatMap(({ checks }) => checks) };
}

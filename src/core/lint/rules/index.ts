import type { RuleSet } from '../rule.js';
import { scriptRules } from './bashisms.js';
import { builtPodRules } from './built-pod.js';
import { commandRules } from './commands.js';
import { envRules } from './env.js';
import { imageRules } from './images.js';
import { nameRules } from './names.js';
import { patchRules } from './patch.js';
import { quantityRules } from './quantities.js';
import { schedulingRules } from './scheduling.js';
import { securityRules } from './security.js';
import { timeRules } from './time.js';
import { volumeRules } from './volumes.js';
import { yamlRules } from './yaml.js';

/** Every rule of the linter, one set for each subject. */
export const RULES: RuleSet = join([
  yamlRules,
  patchRules,
  volumeRules,
  quantityRules,
  nameRules,
  commandRules,
  scriptRules,
  imageRules,
  envRules,
  timeRules,
  schedulingRules,
  securityRules,
  builtPodRules,
]);

function join(sets: readonly RuleSet[]): RuleSet {
  return { rules: sets.flatMap(({ rules }) => rules), checks: sets.flatMap(({ checks }) => checks) };
}

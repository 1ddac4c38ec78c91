import type { RuleSet } from '../rule.js';
import { checkoutRules } from './checkout.js';
import { clusterObjectRules } from './cluster-objects.js';
import { controllerConfigRules } from './controller-config.js';
import { matrixRules } from './matrix.js';
import { nameRules } from './names.js';
import { patchRules } from './patch.js';
import { pipelineShapeRules } from './pipeline-shape.js';
import { quantityRules } from './quantities.js';
import { routingRules } from './routing.js';
import { stepKeyRules } from './step-keys.js';
import { stepReferenceRules } from './step-references.js';
import { stepValueRules } from './step-values.js';
import { retryRules } from './retry.js';
import { volumeRules } from './volumes.js';
import { yamlRules } from './yaml.js';

/** Every rule of the linter, one set for each subject. */
export const RULES: RuleSet = join([
  nameRules,
  patchRules,
  pipelineShapeRules,
  quantityRules,
  matrixRules,
  retryRules,
  checkoutRules,
  clusterObjectRules,
  controllerConfigRules,
  routingRules,
  stepKeyRules,
  stepReferenceRules,
  stepValueRules,
  volumeRules,
  yamlRules,
]);

function join(sets: readonly RuleSet[]): RuleSet {
  return { rules: sets.flatMap(({ rules }) => rules), checks: sets.flatMap(({ checks }) => checks) };
}

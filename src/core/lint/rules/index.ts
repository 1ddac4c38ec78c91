import type { RuleSet } from '../rule.js';
import { pipelineShapeRules } from './pipeline-shape.js';
import { stepKeyRules } from './step-keys.js';
import { stepReferenceRules } from './step-references.js';
import { stepValueRules } from './step-values.js';
import { yamlRules } from './yaml.js';

/** Every rule of the linter, one set for each subject. */
export const RULES: RuleSet = join([yamlRules, pipelineShapeRules, stepKeyRules, stepValueRules, stepReferenceRules]);

function join(sets: readonly RuleSet[]): RuleSet {
  return { rules: sets.flatMap(({ rules }) => rules), checks: sets.flatMap(({ checks }) => checks) };
}

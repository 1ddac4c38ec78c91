import type { RuleSet } from '../rule.js';
import { emptyResultRules } from './interpolation-empty.js';
import { overEscapedRules } from './interpolation-escape.js';
import { stepScopeRules } from './interpolation-scope.js';
import { interpolationSyntaxRules } from './interpolation-syntax.js';
import { uploaderRules } from './interpolation-uploader.js';
import { nameRules } from './names.js';
import { patchRules } from './patch.js';
import { quantityRules } from './quantities.js';
import { volumeRules } from './volumes.js';
import { yamlMergeRules } from './yaml-merge.js';
import { yamlTrapRules } from './yaml-trap.js';
import { yamlRules } from './yaml.js';

/** Every rule of the linter, one set for each subject. */
export const RULES: RuleSet = join([
  yamlRules,
  yamlMergeRules,
  yamlTrapRules,
  interpolationSyntaxRules,
  emptyResultRules,
  stepScopeRules,
  uploaderRules,
  overEscapedRules,
  patchRules,
  volumeRules,
  quantityRules,
  nameRules,
]);

function join(sets: readonly RuleSet[]): RuleSet {
  return { rules: sets.flatMap(({ rules }) => rules), checks: sets.flatMap(({ checks }) => checks) };
}

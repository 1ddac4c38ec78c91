import type { RuleSet } from '../rule.js';
import { kubernetesRules } from './kubernetes.js';
import { pluginsRules } from './plugins.js';
import { podShapeRules } from './pod-shape.js';
import { yamlRules } from './yaml.js';

/** Every rule of the linter, one set for each subject. */
export const RULES: RuleSet = join([yamlRules, pluginsRules, kubernetesRules, podShapeRules]);

function join(sets: readonly RuleSet[]): RuleSet {
  return { rules: sets.flatMap(({ rules }) => rules), checks: sets.flatMap(({ checks }) => checks) };
}

import type { RuleSet } from '../rule.js';
import { scriptRules } from './bashisms.js';
import { builtPodRules } from './built-pod.js';
import { checkoutRules } from './checkout.js';
import { clusterObjectRules } from './cluster-objects.js';
import { commandRules } from './commands.js';
import { controllerConfigRules } from './controller-config.js';
import { envRules } from './env.js';
import { imageRules } from './images.js';
import { emptyResultRules } from './interpolation-empty.js';
import { overEscapedRules } from './interpolation-escape.js';
import { stepScopeRules } from './interpolation-scope.js';
import { scriptVariableRules } from './interpolation-script.js';
import { interpolationSyntaxRules } from './interpolation-syntax.js';
import { uploaderRules } from './interpolation-uploader.js';
import { kubernetesRules } from './kubernetes.js';
import { labelValueRules } from './label-values.js';
import { matrixRules } from './matrix.js';
import { nameRules } from './names.js';
import { neverFitsRules } from './never-fits.js';
import { patchRules } from './patch.js';
import { pipelineShapeRules } from './pipeline-shape.js';
import { pluginsRules } from './plugins.js';
import { podShapeRules } from './pod-shape.js';
import { quantityRules } from './quantities.js';
import { retryRules } from './retry.js';
import { routingRules } from './routing.js';
import { schedulingRules } from './scheduling.js';
import { securityRules } from './security.js';
import { stepKeyRules } from './step-keys.js';
import { stepReferenceRules } from './step-references.js';
import { stepValueRules } from './step-values.js';
import { timeRules } from './time.js';
import { volumeRules } from './volumes.js';
import { yamlTrapRules } from './yaml-trap.js';
import { yamlRules } from './yaml.js';

/** Every rule of the linter, one set for each subject. */
export const RULES: RuleSet = join([
  scriptRules,
  builtPodRules,
  checkoutRules,
  clusterObjectRules,
  commandRules,
  controllerConfigRules,
  envRules,
  imageRules,
  emptyResultRules,
  overEscapedRules,
  stepScopeRules,
  interpolationSyntaxRules,
  uploaderRules,
  kubernetesRules,
  labelValueRules,
  matrixRules,
  nameRules,
  neverFitsRules,
  patchRules,
  pipelineShapeRules,
  pluginsRules,
  podShapeRules,
  quantityRules,
  retryRules,
  routingRules,
  schedulingRules,
  scriptVariableRules,
  securityRules,
  stepKeyRules,
  stepReferenceRules,
  stepValueRules,
  timeRules,
  volumeRules,
  yamlTrapRules,
  yamlRules,
]);

function join(sets: readonly RuleSet[]): RuleSet {
  return { rules: sets.flatMap(({ rules }) => rules), checks: sets.flatMap(({ checks }) => checks) };
}

import type { RuleSet } from '../rule.js';
import { builtPodRules } from './built-pod.js';
import { checkoutRules } from './checkout.js';
import { clusterObjectRules } from './cluster-objects.js';
import { commandRules } from './commands.js';
import { controllerConfigRules } from './controller-config.js';
import { envRules } from './env.js';
import { imageRules } from './images.js';
import { kubernetesRules } from './kubernetes.js';
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
import { yamlRules } from './yaml.js';

/** Every rule of the linter, one set for each subject. */
export const RULES: RuleSet = join([
  builtPodRules,
  checkoutRules,
  clusterObjectRules,
  commandRules,
  controllerConfigRules,
  envRules,
  imageRules,
  kubernetesRules,
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
  securityRules,
  stepKeyRules,
  stepReferenceRules,
  stepValueRules,
  timeRules,
  volumeRules,
  yamlRules,
]);

function join(sets: readonly RuleSet[]): RuleSet {
  return { rules: sets.flatMap(({ rules }) => rules), checks: sets.flatMap(({ checks }) => checks) };
}

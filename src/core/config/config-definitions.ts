import type { JsonSchema } from '../schema/json-schema.js';
import { sectionDefinitions } from './section-definitions.js';

// Anything goes until the pinned Kubernetes definitions are in the repository.
const KUBERNETES_DEFINITIONS: Readonly<Record<string, JsonSchema>> = Object.fromEntries(
  ['Volume', 'EnvFromSource', 'VolumeMount', 'SecretVolumeSource', 'ResourceRequirements', 'PodSpec'].map((name) => [
    `io.k8s.api.core.v1.${name}`,
    { type: 'object' },
  ]),
);

/** Everything a `$ref` of the configuration may point at: our sections and the pinned Kubernetes types. */
export const configDefinitions: Readonly<Record<string, JsonSchema>> = {
  ...KUBERNETES_DEFINITIONS,
  ...sectionDefinitions,
};

import type { JsonSchema } from '../schema/json-schema.js';
import { kubernetesDefinitions } from '../schema/kubernetes-definitions.generated.js';
import { sectionDefinitions } from './section-definitions.js';

/** Everything a `$ref` of the configuration may point at: our sections and the pinned Kubernetes types. */
export const configDefinitions: Readonly<Record<string, JsonSchema>> = {
  ...kubernetesDefinitions,
  ...sectionDefinitions,
};

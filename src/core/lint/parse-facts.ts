import { fail, ok, type Result } from '../result.js';
import { decode, formatIssue } from '../schema/decode.js';
import type { JsonSchema } from '../schema/json-schema.js';
import type { ClusterFacts } from './cluster-facts.js';

const NAMES: JsonSchema = { type: 'array', items: { type: 'string' } };
const KEYS_BY_NAME: JsonSchema = { type: 'object', additionalProperties: NAMES };
const TEXTS: JsonSchema = { type: 'object', additionalProperties: { type: 'string' } };

const FACTS: JsonSchema = {
  type: 'object',
  properties: {
    generatedAt: { type: 'string' },
    namespace: { type: 'string' },
    kubernetesVersion: { type: 'string' },
    serviceAccounts: NAMES,
    secrets: KEYS_BY_NAME,
    configMaps: KEYS_BY_NAME,
    persistentVolumeClaims: NAMES,
    podTemplates: NAMES,
    priorityClasses: NAMES,
    runtimeClasses: NAMES,
    limitRanges: { type: 'array', items: { type: 'object' } },
    resourceQuotas: { type: 'array', items: { type: 'object', properties: { hard: TEXTS, used: TEXTS } } },
    nodes: {
      type: 'array',
      items: {
        type: 'object',
        properties: { allocatable: TEXTS, labels: TEXTS, taints: { type: 'array', items: { type: 'object' } } },
      },
    },
  },
};

/** Reads a snapshot of the cluster; the error is a clause for a message that names the file. */
export function parseFacts(text: string): Result<ClusterFacts, string> {
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    return fail(`is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return fail('holds no facts; write it with "agent-stack-k8s facts"');
  }
  const { value: facts, issues } = decode(value, FACTS, { definitions: {} });
  if (issues.length > 0) return fail(`cannot be used: ${issues.map(formatIssue).join('; ')}`);
  return ok(facts as ClusterFacts); // what the schema above lets through
}

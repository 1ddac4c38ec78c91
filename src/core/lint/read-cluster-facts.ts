import { entryOf, parseSourceTree, placeAt, type SourceNode, valueOf } from '../pipeline/source-tree.js';
import { fail, ok, type Result } from '../result.js';
import { decode, formatIssue } from '../schema/decode.js';
import type { JsonSchema } from '../schema/json-schema.js';
import type { ClusterFacts } from './cluster-facts.js';

/** Something wrong in a file of facts; lines and columns count from 1. */
export interface FactsProblem {
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

const TEXT: JsonSchema = { type: 'string' };
const NAMES: JsonSchema = { type: 'array', items: TEXT };
const KEYS_BY_NAME: JsonSchema = { type: 'object', additionalProperties: NAMES };
const TEXTS: JsonSchema = { type: 'object', additionalProperties: TEXT };
const QUANTITIES: JsonSchema = { type: 'object', additionalProperties: { format: 'quantity', type: 'string' } };

const LIMIT: JsonSchema = {
  type: 'object',
  properties: {
    type: TEXT,
    max: QUANTITIES,
    min: QUANTITIES,
    default: QUANTITIES,
    defaultRequest: QUANTITIES,
    maxLimitRequestRatio: QUANTITIES,
  },
};
const TAINT: JsonSchema = {
  type: 'object',
  properties: { key: TEXT, value: TEXT, effect: TEXT, timeAdded: TEXT },
};

/** What a file of facts may hold; every key may be missing. */
const CLUSTER_FACTS_SCHEMA: JsonSchema = {
  type: 'object',
  properties: {
    generatedAt: TEXT,
    namespace: TEXT,
    kubernetesVersion: TEXT,
    serviceAccounts: NAMES,
    secrets: KEYS_BY_NAME,
    configMaps: KEYS_BY_NAME,
    persistentVolumeClaims: NAMES,
    podTemplates: NAMES,
    priorityClasses: NAMES,
    runtimeClasses: NAMES,
    limitRanges: { type: 'array', items: { type: 'object', properties: { limits: { type: 'array', items: LIMIT } } } },
    resourceQuotas: { type: 'array', items: { type: 'object', properties: { hard: QUANTITIES, used: QUANTITIES } } },
    nodes: {
      type: 'array',
      items: {
        type: 'object',
        properties: { allocatable: QUANTITIES, labels: TEXTS, taints: { type: 'array', items: TAINT } },
      },
    },
  },
};

/** Reads what `agent-stack-k8s facts` has written, or somebody by hand (YAML will do). Strict: a mistyped key would be a fact nobody knows. */
export function readClusterFacts(text: string): Result<ClusterFacts, readonly FactsProblem[]> {
  const { documents, problems } = parseSourceTree(text, '');
  const [problem] = problems;
  if (problem !== undefined)
    return fail([
      {
        line: problem.at.line,
        column: problem.at.column,
        message: `cannot be read: ${problem.message.split(';')[0] ?? ''}`,
      },
    ]);
  const [root] = documents;
  if (root?.kind !== 'map')
    return fail([{ line: 1, column: 1, message: 'must be a mapping of facts, as "agent-stack-k8s facts" writes it' }]);
  const { value, issues } = decode(valueOf(root), CLUSTER_FACTS_SCHEMA, { definitions: {} });
  if (issues.length > 0)
    return fail(issues.map((issue) => ({ ...placeOf(root, issue.path), message: formatIssue(issue) })));
  // The schema is that of the type.
  return ok((value ?? {}) as ClusterFacts);
}

function placeOf(
  root: SourceNode,
  path: readonly (string | number)[],
): { readonly line: number; readonly column: number } {
  const last = path.at(-1);
  const parent = path
    .slice(0, -1)
    .reduce<SourceNode | undefined>(
      (node, segment) => (typeof segment === 'number' ? itemOf(node, segment) : entryOf(node, segment)?.value),
      root,
    );
  const entry = typeof last === 'string' ? entryOf(parent, last) : undefined;
  const { line, column } = entry?.keyAt ?? placeAt(root, path);
  return { line, column };
}

function itemOf(node: SourceNode | undefined, index: number): SourceNode | undefined {
  return node?.kind === 'list' ? node.items[index] : undefined;
}

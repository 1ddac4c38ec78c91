import type {
  V1LabelSelector,
  V1LabelSelectorRequirement,
  V1NodeSelectorRequirement,
  V1PodAffinityTerm,
  V1PodSpec,
  V1Toleration,
  V1TopologySpreadConstraint,
} from '@kubernetes/client-node';
import { refused, type ApiPath, type ApiProblem, type Check, type Context } from './api-problem.js';
import { FORMATS, matches } from './formats.js';

const RULE = 'buildable';
const ENUM = 'pod/enum';
const LABEL = 'metadata/label-syntax';

/** Keys and values that are labels somewhere: of nodes, pods, the Job. */
export function* labels(
  map: Readonly<Record<string, string>>,
  path: ApiPath,
  { isUnknown }: Pick<Context, 'isUnknown'>,
): Iterable<ApiProblem> {
  for (const [key, value] of Object.entries(map)) {
    const at = { rule: LABEL, path: [...path, key] };
    if (!matches(FORMATS.labelKey, key, isUnknown(key))) {
      const what = `"${key}" cannot be the name of a label (${FORMATS.labelKey.rule})`;
      yield refused({ ...at, what, remedy: 'rename it' });
    }
    if (matches(FORMATS.labelValue, value, isUnknown(value))) continue;
    const what = `"${value}" cannot be the value of label "${key}" (${FORMATS.labelValue.rule})`;
    yield refused({ ...at, what, remedy: 'change it, or make it an annotation' });
  }
}

/** `nodeSelector` */
export const nodeSelector: Check<V1PodSpec> = function* ({ nodeSelector: map = {} }, _path, context) {
  yield* labels(map, ['nodeSelector'], context);
};

/** The `matchLabels` of a selector; its expressions are checked each for itself. */
export const labelSelector: Check<V1LabelSelector> = function* ({ matchLabels = {} }, path, context) {
  yield* labels(matchLabels, [...path, 'matchLabels'], context);
};

/** How many values an operator goes with. */
const VALUES: Readonly<Record<string, 'some' | 'none' | 'one'>> = {
  In: 'some',
  NotIn: 'some',
  Exists: 'none',
  DoesNotExist: 'none',
  Gt: 'one',
  Lt: 'one',
};

/** An expression over the labels of pods. */
export const labelExpression: Check<V1LabelSelectorRequirement> = function* (expression, path) {
  yield* valuesOfOperator(expression, path);
};

/** An expression over the labels of nodes, or over their name. */
export const nodeExpression: Check<V1NodeSelectorRequirement> = function* (expression, path, context) {
  const { key, values = [] } = expression;
  if (path.at(-2) === 'matchFields') {
    yield* nodeField(expression, path, context);
    return;
  }
  yield* valuesOfOperator(expression, path);
  if (key !== '' && !matches(FORMATS.labelKey, key, context.isUnknown(key))) {
    const what = `"${key}" cannot be the name of a label (${FORMATS.labelKey.rule})`;
    yield refused({ rule: LABEL, path: [...path, 'key'], what, remedy: 'correct it' });
  }
  if (path.includes('preference')) return; // only preferred: the API server lets any value pass
  for (const [index, value] of values.entries()) {
    if (matches(FORMATS.labelValue, value, context.isUnknown(value))) continue;
    const what = `"${value}" cannot be the value of a label (${FORMATS.labelValue.rule})`;
    yield refused({ rule: LABEL, path: [...path, 'values', index], what, remedy: 'correct it' });
  }
};

function* valuesOfOperator(
  { operator, values = [] }: { readonly operator: string; readonly values?: readonly string[] },
  path: ApiPath,
): Iterable<ApiProblem> {
  const at = { rule: ENUM, path: [...path, 'values'] };
  const expected = VALUES[operator];
  if (expected === 'none' && values.length > 0) {
    yield refused({ ...at, what: `operator "${operator}" takes no values`, remedy: 'remove them, or write "In"' });
  } else if (expected === 'some' && values.length === 0) {
    yield refused({ ...at, what: `operator "${operator}" needs values`, remedy: 'add them, or write "Exists"' });
  } else if (expected === 'one' && values.length !== 1) {
    yield refused({ ...at, what: `operator "${operator}" needs one value`, remedy: 'give one number' });
  }
}

function* nodeField(
  { key, operator, values = [] }: V1NodeSelectorRequirement,
  path: ApiPath,
  { isUnknown }: Context,
): Iterable<ApiProblem> {
  if (key !== 'metadata.name' && key !== '' && !isUnknown(key)) {
    const what = `"${key}" is no field nodes are selected by`;
    const said = { what, remedy: 'write "metadata.name", or use "matchExpressions" for labels' };
    yield refused({ rule: ENUM, path: [...path, 'key'], ...said });
  }
  if (!['In', 'NotIn'].includes(operator) && VALUES[operator] !== undefined) {
    const what = `operator "${operator}" does not go with "matchFields"`;
    yield refused({ rule: ENUM, path: [...path, 'operator'], what, remedy: 'write "In" or "NotIn"' });
  } else if (values.length !== 1 && VALUES[operator] !== undefined) {
    const what = '"matchFields" take one value';
    yield refused({ rule: ENUM, path: [...path, 'values'], what, remedy: 'give one name of a node' });
  }
}

/** Keys narrow a selector, so there is one; and one key cannot be wanted equal and different. */
export const affinityTerm: Check<V1PodAffinityTerm> = function* (term, path, { isUnknown }) {
  yield* keysOfSelector(term, path);
  const { matchLabelKeys = [], mismatchLabelKeys = [] } = term;
  for (const [index, key] of matchLabelKeys.entries()) {
    if (!mismatchLabelKeys.includes(key) || isUnknown(key)) continue;
    const what = `"${key}" is in "matchLabelKeys" and "mismatchLabelKeys"`;
    yield refused({ rule: RULE, path: [...path, 'matchLabelKeys', index], what, remedy: 'keep one' });
  }
};

type WithKeys = Pick<V1PodAffinityTerm, 'labelSelector' | 'matchLabelKeys' | 'mismatchLabelKeys'>;

function* keysOfSelector(term: WithKeys, path: ApiPath): Iterable<ApiProblem> {
  if (term.labelSelector !== undefined) return;
  for (const field of ['matchLabelKeys', 'mismatchLabelKeys'] as const) {
    if ((term[field] ?? []).length === 0) continue;
    const what = `"${field}" narrows a "labelSelector", and there is none`;
    yield refused({ rule: RULE, path: [...path, field], what, remedy: 'add one' });
  }
}

/** Tolerations whose parts do not go together. */
export const toleration: Check<V1Toleration> = function* (value, path, context) {
  const { key = '', operator = 'Equal', effect = '', tolerationSeconds } = value;
  const { isUnknown } = context;
  if (key === '' && operator !== 'Exists' && !isUnknown(operator)) {
    const what = 'a toleration without "key" tolerates everything, and only with the operator "Exists"';
    const remedy = 'add the key, or write "operator: Exists"';
    yield refused({ rule: ENUM, path: [...path, 'operator'], what, remedy });
  }
  if (tolerationSeconds !== undefined && effect !== 'NoExecute' && !isUnknown(effect)) {
    const what = '"tolerationSeconds" only goes with the effect "NoExecute"';
    yield refused({ rule: RULE, path: [...path, 'tolerationSeconds'], what, remedy: 'remove it' });
  }
  yield* tolerationValue(value, path, context);
};

function* tolerationValue(
  { operator = 'Equal', value = '' }: V1Toleration,
  path: ApiPath,
  { isUnknown }: Context,
): Iterable<ApiProblem> {
  const at = { path: [...path, 'value'] };
  if (operator === 'Exists' && value !== '') {
    const what = `operator "Exists" takes no value, and "${value}" is one`;
    yield refused({ rule: ENUM, ...at, what, remedy: 'remove it, or write "operator: Equal"' });
  }
  if (operator !== 'Equal' || matches(FORMATS.labelValue, value, isUnknown(value))) return;
  const what = `"${value}" cannot be the value of a taint (${FORMATS.labelValue.rule})`;
  yield refused({ rule: LABEL, ...at, what, remedy: 'correct it' });
}

/** Keys narrow a selector here too. */
export const spreadKeys: Check<V1TopologySpreadConstraint> = keysOfSelector;

/** Constraints that are listed twice or whose parts do not go together. */
export const spreadConstraints: Check<V1PodSpec> = function* (
  { topologySpreadConstraints: all = [] },
  _path,
  { isUnknown },
) {
  for (const [index, constraint] of all.entries()) {
    const path = ['topologySpreadConstraints', index];
    const { topologyKey, whenUnsatisfiable, minDomains } = constraint;
    const first = all.findIndex((other) => isSameSpread(other, constraint));
    if (first < index && ![topologyKey, whenUnsatisfiable].some(isUnknown)) {
      const what = `two constraints are about "${topologyKey}" and "${whenUnsatisfiable}"`;
      const relatedPath = ['topologySpreadConstraints', first];
      yield refused({ rule: RULE, path, relatedPath, what, remedy: 'keep one' });
    }
    if (minDomains === undefined || whenUnsatisfiable === 'DoNotSchedule' || isUnknown(whenUnsatisfiable)) continue;
    const what = '"minDomains" only goes with "whenUnsatisfiable: DoNotSchedule"';
    yield refused({ rule: RULE, path: [...path, 'minDomains'], what, remedy: 'remove it' });
  }
};

function isSameSpread(a: V1TopologySpreadConstraint, b: V1TopologySpreadConstraint): boolean {
  return a.topologyKey === b.topologyKey && a.whenUnsatisfiable === b.whenUnsatisfiable;
}

import { type DocumentNode, type FieldNode, Kind, type SelectionSetNode, type ValueNode } from 'graphql';
import { isObject } from './json.js';

const PAGE = 500;
type Variables = Readonly<Record<string, unknown>>;

function pageSize(field: FieldNode, variables: Variables): number {
  const read = (value: ValueNode): unknown => {
    if (value.kind === Kind.VARIABLE) return variables[value.name.value];
    return value.kind === Kind.INT ? Number(value.value) : undefined;
  };
  const sizes = (field.arguments ?? [])
    .filter((argument) => argument.name.value === 'first' || argument.name.value === 'last')
    .map((argument) => read(argument.value))
    .filter((size) => typeof size === 'number');
  return sizes[0] ?? PAGE;
}

/**
 * What Buildkite would charge for asking: every object costs 1, times the page sizes around it; scalars are free, `edges`
 * and `pageInfo` cost 1 each (GraphQL documentation, "query complexity").
 */
export function requestedCost(document: DocumentNode, variables: Variables): number {
  const fragments = new Map<string, SelectionSetNode>();
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition.selectionSet);
  }
  const costOf = (set: SelectionSetNode, times: number, page: number): number => {
    let sum = 0;
    for (const selection of set.selections) {
      if (selection.kind === Kind.FRAGMENT_SPREAD) {
        const fragment = fragments.get(selection.name.value);
        if (fragment !== undefined) sum += costOf(fragment, times, page);
      } else if (selection.kind === Kind.INLINE_FRAGMENT) {
        sum += costOf(selection.selectionSet, times, page);
      } else if (selection.selectionSet !== undefined) {
        const inner = selection.name.value === 'edges' ? times * page : times;
        sum += times + costOf(selection.selectionSet, inner, pageSize(selection, variables));
      }
    }
    return sum;
  };
  return document.definitions.reduce(
    (sum, definition) =>
      definition.kind === Kind.OPERATION_DEFINITION ? sum + costOf(definition.selectionSet, 1, PAGE) : sum,
    0,
  );
}

/** What the answer really costs, by the same rule. */
export function actualCost(data: unknown): number {
  if (!isObject(data)) return 0;
  let sum = 0;
  for (const [key, value] of Object.entries(data)) {
    if (isObject(value)) sum += 1 + actualCost(value);
    else if (key === 'edges' && Array.isArray(value)) {
      sum += value.reduce<number>((inner, edge: unknown) => inner + actualCost(edge), 1);
    }
  }
  return sum;
}

import { GraphQLError } from 'graphql';

const MAX_PAGE = 500;

export interface PageArguments {
  readonly first?: number | null;
  readonly last?: number | null;
  readonly after?: string | null;
  readonly before?: string | null;
}

/** An element with its place in the order: lists of ranks sort ascending, part by part. */
export interface Ranked<T> {
  readonly rank: readonly number[];
  readonly value: T;
}

export interface Connection {
  readonly count: number;
  readonly edges: readonly { readonly cursor: string; readonly node: unknown }[];
  readonly pageInfo: {
    readonly hasNextPage: boolean;
    readonly hasPreviousPage: boolean;
    readonly startCursor: string | null;
    readonly endCursor: string | null;
  };
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (const [index, part] of a.entries()) {
    const difference = part - (b[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function readCursor(cursor: string): readonly number[] {
  const parts = Buffer.from(cursor, 'base64').toString('utf8').split('/').map(Number);
  if (parts.some(Number.isNaN)) throw new GraphQLError(`"${cursor}" is not a cursor`);
  return parts;
}

function between<T>(list: readonly Ranked<T>[], after?: string | null, before?: string | null): readonly Ranked<T>[] {
  const from = after == null ? undefined : readCursor(after);
  const to = before == null ? undefined : readCursor(before);
  return list.filter(
    ({ rank }) => (from === undefined || compare(rank, from) > 0) && (to === undefined || compare(rank, to) < 0),
  );
}

function cut<T>(list: readonly T[], first?: number | null, last?: number | null): readonly T[] {
  const size = last ?? first ?? MAX_PAGE;
  if (size < 0 || size > MAX_PAGE) throw new GraphQLError(`a page may have 0 to ${MAX_PAGE} elements`);
  return last == null ? list.slice(0, size) : list.slice(Math.max(0, list.length - size));
}

/**
 * One page of an ordered list, forwards (`first`, `after`) or backwards (`last`, `before`). A cursor is a place in the order, so
 * it stays good when the element it came from is gone.
 */
export function paginate<T>(
  list: readonly Ranked<T>[],
  { first, last, after, before }: PageArguments,
  toNode: (value: T) => unknown,
): Connection {
  const page = cut(between(list, after, before), first, last);
  const edges = page.map(({ rank, value }) => ({
    cursor: Buffer.from(rank.join('/')).toString('base64'),
    node: toNode(value),
  }));
  return {
    count: list.length,
    edges,
    pageInfo: {
      hasNextPage: page.length > 0 && page.at(-1) !== list.at(-1),
      hasPreviousPage: page.length > 0 && page[0] !== list[0],
      startCursor: edges[0]?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? null,
    },
  };
}

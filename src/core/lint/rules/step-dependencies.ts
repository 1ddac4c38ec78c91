import { entryOf, type ScalarNode } from '../../pipeline/source-tree.js';
import type { LintDocument, LintStep } from '../document.js';
import { itemsOf, knownText } from '../nodes.js';
import type { Found } from '../rule.js';

/** A key that a step waits for. */
export interface Dependency {
  readonly lintStep: LintStep;
  readonly node: ScalarNode;
}

/** All keys that a step names in `depends_on`, in whatever form. */
export function dependencies(lintStep: LintStep): readonly Dependency[] {
  const given = entryOf(lintStep.step.source, 'depends_on')?.value;
  const items = given?.kind === 'list' ? itemsOf(given) : given === undefined ? [] : [given];
  return items.flatMap((item) => {
    const node = item.kind === 'map' ? entryOf(item, 'step')?.value : item;
    return node?.kind === 'scalar' && node.value !== null ? [{ lintStep, node }] : [];
  });
}

/** Steps that wait for themselves, alone or in a circle. Each circle is told once, where its last link is written. */
export function* dependencyCycles(document: LintDocument): Iterable<Found> {
  const links = waits(document);
  const done = new Set<string>();
  for (const start of links.keys()) {
    const cycle = findCycle(start, links, done);
    if (cycle?.some(({ node }) => node !== undefined) === true) yield told(cycle);
  }
}

interface Link {
  readonly to: string;
  /** Undefined for a group that waits for its members. */
  readonly node: ScalarNode | undefined;
}

type Links = ReadonlyMap<string, readonly Link[]>;

/** Key → keys it waits for. Members of a group wait for what the group waits for, and the group for its members. */
function waits({ steps }: LintDocument): Links {
  const links = new Map<string, Link[]>();
  const add = (from: string | undefined, link: Link): void => {
    if (from !== undefined) links.set(from, [...(links.get(from) ?? []), link]);
  };
  for (const lintStep of steps) {
    const { key } = lintStep.step;
    const { group } = lintStep;
    const named = [lintStep, ...(group === undefined ? [] : [group])].flatMap(dependencies);
    for (const { node } of named) {
      const to = knownText(node);
      if (to !== undefined && !to.includes('{{')) add(key, { to, node });
    }
    if (key !== undefined) add(group?.step.key, { to: key, node: undefined });
  }
  return links;
}

/** The links of a circle that can be reached from a key; looks at each key once. */
function findCycle(start: string, links: Links, done: Set<string>): readonly Link[] | undefined {
  const path = new Map<string, Link | undefined>();
  const visit = (key: string): readonly Link[] | undefined => {
    if (path.has(key)) return [...path.values()].slice([...path.keys()].indexOf(key)).flatMap((link) => link ?? []);
    if (done.has(key)) return undefined;
    for (const link of links.get(key) ?? []) {
      path.set(key, link);
      const cycle = visit(link.to);
      if (cycle !== undefined) return cycle;
    }
    path.delete(key);
    done.add(key);
    return undefined;
  };
  const cycle = visit(start);
  for (const key of path.keys()) done.add(key);
  return cycle;
}

function told(cycle: readonly Link[]): Found {
  const written = cycle.flatMap(({ node }) => node ?? []);
  const last = written.reduce((a, b) => (b.start > a.start ? b : a));
  const names = [...cycle.slice(-1), ...cycle].map(({ to }) => `"${to}"`);
  const message =
    cycle.length === 1
      ? `step ${names[0] ?? ''} depends on itself, so it can never start; remove it from its "depends_on"`
      : `these steps wait for each other and can never start: ${names.join(' waits for ')}; remove one of the dependencies`;
  return {
    rule: 'step/depends-on',
    severity: 'error',
    at: last,
    message,
    related: written.filter((node) => node !== last).map((node) => ({ at: node, message: 'part of the circle' })),
  };
}

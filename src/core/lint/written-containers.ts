import type { MapNode, SourceNode } from '../pipeline/source-tree.js';
import type { LintCommandStep } from './document.js';
import { itemsOf, knownText, nodeAt, type Path } from './nodes.js';

/** What becomes of a container: a command of the build, something before it, something beside it. */
export type ContainerRole = 'command' | 'init' | 'sidecar';

/** A container that the author of the step wrote. */
export interface WrittenContainer {
  readonly node: MapNode;
  readonly role: ContainerRole;
  readonly within: 'podSpec' | 'podSpecPatch' | 'sidecars';
  readonly index: number;
  /** From the plugin's configuration, e.g. `['podSpec', 'containers', 0]`. */
  readonly path: Path;
  /** As the controller will call it: `container-0` for an unnamed one; undefined when only the upload knows, or nobody (in a patch). */
  readonly name: string | undefined;
}

const LISTS: readonly (Pick<WrittenContainer, 'role' | 'within' | 'path'> & { readonly unnamed?: string })[] = [
  { within: 'podSpec', role: 'command', path: ['podSpec', 'containers'], unnamed: 'container-' },
  { within: 'podSpec', role: 'init', path: ['podSpec', 'initContainers'] },
  { within: 'sidecars', role: 'sidecar', path: ['sidecars'], unnamed: 'sidecar-' },
  { within: 'podSpecPatch', role: 'command', path: ['podSpecPatch', 'containers'] },
  { within: 'podSpecPatch', role: 'init', path: ['podSpecPatch', 'initContainers'] },
];

const KNOWN = new WeakMap<LintCommandStep, readonly WrittenContainer[]>();

/** All containers in a step's plugin, in the order podSpec, sidecars, podSpecPatch. */
export function writtenContainers(step: LintCommandStep): readonly WrittenContainer[] {
  const known = KNOWN.get(step) ?? readContainers(step);
  KNOWN.set(step, known);
  return known;
}

function readContainers(step: LintCommandStep): readonly WrittenContainer[] {
  return step.kubernetes.flatMap(({ config }) =>
    LISTS.flatMap(({ unnamed, path, ...list }) =>
      itemsOf(nodeAt(config, path)).flatMap((node, index) =>
        node.kind === 'map'
          ? [{ ...list, node, index, path: [...path, index], name: nameOf(node, index, unnamed) }]
          : [],
      ),
    ),
  );
}

function nameOf(node: SourceNode, index: number, unnamed: string | undefined): string | undefined {
  const name = nodeAt(node, ['name']);
  const missing = name === undefined || (name.kind === 'scalar' && name.text === '');
  return missing && unnamed !== undefined ? `${unnamed}${index}` : knownText(name);
}

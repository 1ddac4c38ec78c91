import type { SourceNode } from '../pipeline/source-tree.js';
import { mapsIn, nodeAt } from './nodes.js';

/** Keys of steps that only rayci knows. */
const KEYS = ['wanda', 'job_env', 'instance_type'];

/** Whether this is a group of steps for rayci, which makes a pipeline of it: it looks like one, but no agent uploads it. */
export function isRayciGroup(root: SourceNode): boolean {
  if (nodeAt(root, ['group'])?.kind !== 'scalar') return false;
  return mapsIn(nodeAt(root, ['steps'])).some((step) => KEYS.some((key) => nodeAt(step, [key]) !== undefined));
}

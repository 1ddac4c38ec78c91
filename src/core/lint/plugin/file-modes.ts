import { entryOf, type MapNode, type ScalarNode } from '../../pipeline/source-tree.js';
import { replaceValue, sourceOf } from '../edits.js';
import type { Found } from '../rule.js';
import { fieldsOf } from './plugin-schema.js';
import type { TypedMap } from './typed-nodes.js';

const HIGHEST = 0o777;

/** File modes that are written in decimal although they look like the octal ones everybody knows. */
export function* fileModes(maps: readonly TypedMap[], text: string): Iterable<Found> {
  for (const { type, node } of maps) {
    for (const field of ['defaultMode', 'mode']) {
      if (fieldsOf(type)[field]?.type === 'integer') yield* modeOf(node, field, text);
    }
  }
}

function* modeOf(node: MapNode, field: string, text: string): Iterable<Found> {
  const value = entryOf(node, field)?.value;
  if (value?.kind !== 'scalar' || typeof value.value !== 'number' || value.style !== 'plain') return;
  const said = judge(value.value, sourceOf(text, value));
  if (said === undefined) return;
  yield {
    rule: 'yaml/number-trap',
    at: value,
    ...said,
    message: `"${field}": ${said.message}`,
    fix: modeFix(value, text),
  };
}

function judge(mode: number, source: string): Pick<Found, 'message' | 'severity'> | undefined {
  const looksOctal = /^[1-7][0-7]{2}$/.test(source);
  if (mode > HIGHEST || mode < 0) {
    const meant = looksOctal ? `; write 0${source} (= ${parseInt(source, 8)})` : '; modes go up to 0777';
    return {
      message: `${source} is a decimal number above 511, the highest mode (octal 0777), and Kubernetes refuses the Job${meant}`,
    };
  }
  // 511 is octal 0777, which people do write in decimal.
  if (!looksOctal || mode === HIGHEST || !isCommon(parseInt(source, 8))) return undefined;
  return {
    severity: 'warning',
    message: `${source} is a decimal number and gives the permissions 0${mode.toString(8)}; write 0${source} (= ${parseInt(source, 8)}) if you mean the mode`,
  };
}

/**
 * Whether a mode is one that people give to files: the owner may read, and nobody below may do more than those above. The decimal
 * spellings of such modes (420, 493, 256, 384, …) are no such modes themselves.
 */
function isCommon(mode: number): boolean {
  const [user, group, others] = [(mode >> 6) & 7, (mode >> 3) & 7, mode & 7];
  return (user & 4) !== 0 && (group & ~user) === 0 && (others & ~group) === 0;
}

function modeFix(value: ScalarNode, text: string): Found['fix'] {
  const source = sourceOf(text, value);
  return /^[1-7][0-7]{2}$/.test(source) ? replaceValue(text, value, `0${source}`) : undefined;
}

import { entryOf, type MapEntry } from '../../pipeline/source-tree.js';
import { linesOf, nestUnder, shift } from '../edits.js';
import type { Fix } from '../finding.js';
import { entriesOf } from '../nodes.js';
import type { PluginPlace } from './plugin-place.js';
import { fieldsOf, PLUGIN } from './plugin-schema.js';

/** Moves all pod fields that stand directly under the plugin into its pod spec; said once, with the first of them. */
export function moveUnderPodSpec({ config, text, key }: PluginPlace): Fix | undefined {
  const strays = entriesOf(config).filter((entry) => isStray(entry.key));
  if (strays[0]?.key !== key || strays.some((entry) => entry.key === 'resources')) return undefined;
  const present = ['podSpec', 'podSpecPatch'].flatMap((name) => entryOf(config, name) ?? []);
  if (present.length > 0) return moveInto(present, strays, text);
  // A pod spec with containers is a new pod; everything else only changes the pod that there would be.
  const header = strays.some((entry) => entry.key === 'containers') ? 'podSpec' : 'podSpecPatch';
  const edits = nestUnder(text, strays, `${header}:`);
  return edits && { description: `move ${strays.map((entry) => entry.key).join(', ')} under ${header}`, edits };
}

function isStray(key: string): boolean {
  return Object.hasOwn(fieldsOf('PodSpec'), key) && !Object.hasOwn(fieldsOf(PLUGIN), key);
}

function moveInto(present: readonly MapEntry[], strays: readonly MapEntry[], text: string): Fix | undefined {
  const [target, ...others] = present;
  const fields = entriesOf(target?.value);
  const last = fields.at(-1);
  const [stray, ...more] = strays;
  if (target === undefined || last === undefined || stray === undefined || others.length + more.length > 0)
    return undefined;
  if (fields.some(({ key }) => key === stray.key) || target.value.alias !== undefined) return undefined;
  const [to, from] = [linesOf(text, last), linesOf(text, stray)];
  if (to === undefined || from === undefined || !to.text.endsWith('\n')) return undefined;
  const moved = shift(from.text, to.indent - from.indent);
  return {
    description: `move ${stray.key} under ${target.key}`,
    edits: [
      { start: to.end, end: to.end, text: moved.endsWith('\n') ? moved : `${moved}\n` },
      { start: from.start, end: from.end, text: '' },
    ],
  };
}

/** Moves metadata out of the pod spec, up to the plugin. */
export function moveOutOfPodSpec({ config, text, key, entry, around, path }: PluginPlace): Fix | undefined {
  const outer = entryOf(config, String(path[0]));
  if (path.length !== 2 || entry === undefined || outer === undefined || entryOf(config, 'metadata') !== undefined)
    return undefined;
  const labels = entriesOf(around).filter((other) => ['metadata', 'labels', 'annotations'].includes(other.key));
  if (labels.length !== 1 || labels[0] !== entry || around?.alias !== undefined) return undefined;
  if (key === 'metadata' && !entriesOf(entry.value).every((field) => ['labels', 'annotations'].includes(field.key)))
    return undefined;
  const from = linesOf(text, entry);
  const column = outer.keySpan.start - (text.lastIndexOf('\n', outer.keySpan.start - 1) + 1);
  if (from === undefined || entriesOf(around).length < 2) return undefined;
  const inner = key === 'metadata' ? column : column + 2;
  const moved = shift(from.text, inner - from.indent);
  const block = key === 'metadata' ? moved : `${' '.repeat(column)}metadata:\n${moved}`;
  return {
    description: `move ${key} to the plugin's own metadata`,
    // The block takes the place of the pod spec's key, which goes on below it.
    edits: [
      {
        start: outer.keySpan.start,
        end: outer.keySpan.start,
        text: `${block.trimStart()}${block.endsWith('\n') ? '' : '\n'}${' '.repeat(column)}`,
      },
      { start: from.start, end: from.end, text: '' },
    ],
  };
}

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
  const [target] = present;
  const [stray] = strays;
  if (target === undefined || stray === undefined || present.length + strays.length > 2) return undefined;
  const last = entriesOf(target.value).at(-1);
  if (last === undefined || entryOf(target.value, stray.key) !== undefined || target.value.alias !== undefined)
    return undefined;
  const [to, from] = [linesOf(text, last), linesOf(text, stray)];
  if (to === undefined || from === undefined || !to.text.endsWith('\n')) return undefined;
  const moved = ensureLineEnd(shift(from.text, to.indent - from.indent));
  return {
    description: `move ${stray.key} under ${target.key}`,
    edits: [
      { start: to.end, end: to.end, text: moved },
      { start: from.start, end: from.end, text: '' },
    ],
  };
}

function ensureLineEnd(block: string): string {
  return block.endsWith('\n') ? block : `${block}\n`;
}

/** Moves metadata out of the pod spec, up to the plugin. */
export function moveOutOfPodSpec(place: PluginPlace): Fix | undefined {
  const { config, text, key, entry, path } = place;
  const outer = entryOf(config, String(path[0]));
  if (entry === undefined || outer === undefined || !isMovable(place, entry)) return undefined;
  const from = linesOf(text, entry);
  const column = outer.keySpan.start - (text.lastIndexOf('\n', outer.keySpan.start - 1) + 1);
  if (from === undefined) return undefined;
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
        text: `${ensureLineEnd(block).trimStart()}${' '.repeat(column)}`,
      },
      { start: from.start, end: from.end, text: '' },
    ],
  };
}

const METADATA: readonly string[] = ['metadata', 'labels', 'annotations'];

/** Whether the plugin has no metadata yet and these are the only ones in the pod spec, which keeps something. */
function isMovable({ config, around, path }: PluginPlace, entry: MapEntry): boolean {
  if (path.length !== 2 || around?.alias !== undefined || entryOf(config, 'metadata') !== undefined) return false;
  const fields = entriesOf(around);
  const [only, ...more] = fields.filter(({ key }) => METADATA.includes(key));
  if (only !== entry || more.length > 0 || fields.length < 2) return false;
  return entry.key !== 'metadata' || entriesOf(entry.value).every(({ key }) => METADATA.slice(1).includes(key));
}

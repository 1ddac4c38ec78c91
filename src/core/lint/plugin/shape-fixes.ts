import type { ListNode, MapEntry, MapNode, ScalarNode } from '../../pipeline/source-tree.js';
import { flowScalar, linesOf, replaceValue, shift, sourceOf } from '../edits.js';
import type { Fix } from '../finding.js';
import type { PluginPlace } from './plugin-place.js';
import { fieldsOf, typeOfField } from './plugin-schema.js';

/** How a value of a wrong shape should be written, and the edit that does it where that is sure. */
export interface Reshaped {
  readonly advice: string | undefined;
  readonly fix: Fix | undefined;
}

/** Lists that were written as mappings or texts, and the other way round. */
export function rewriteShape(place: PluginPlace): Reshaped {
  const { node, schema, path } = place;
  if (node === undefined) return { advice: undefined, fix: undefined };
  if (node.kind === 'list') return listForMap(place, node);
  const wantsMap = schema?.type !== 'array';
  if (node.kind === 'scalar' && (wantsMap || typeof path.at(-1) === 'number')) return scalarForMap(place, node);
  if (wantsMap) return { advice: undefined, fix: undefined };
  return node.kind === 'map' ? mapForList(place, node) : scalarForList(place);
}

/** What a scalar stands for where a mapping with that one field is wanted. */
const ONE_FIELD: Readonly<Record<string, string>> = {
  LocalObjectReference: 'name',
  ContainerPort: 'containerPort',
  Container: 'image',
  HostPathVolumeSource: 'path',
  SecretVolumeSource: 'secretName',
  ConfigMapVolumeSource: 'name',
  PersistentVolumeClaimVolumeSource: 'claimName',
  SecretEnvSource: 'name',
  ConfigMapEnvSource: 'name',
};

function oneField(type = '', path: PluginPlace['path']): string | undefined {
  // A patch finds its container by the name.
  return type === 'Container' && path[0] === 'podSpecPatch' ? 'name' : ONE_FIELD[type];
}

function scalarForMap({ type, text, path }: PluginPlace, node: ScalarNode): Reshaped {
  const source = sourceOf(text, node);
  const field = oneField(type, path);
  if (field !== undefined) {
    const isNumber = type === 'ContainerPort';
    const isSimple = typeof node.value === (isNumber ? 'number' : 'string') && !/[\s,{}[\]]/.test(source);
    return {
      advice: `write {${field}: ${isSimple ? source : '…'}}`,
      fix: isSimple ? replaceValue(text, node, `{${field}: ${source}}`) : undefined,
    };
  }
  if (type === 'EnvVar') return envItem(text, node);
  if (type === 'VolumeMount') return mountItem(text, node);
  if (type === 'EnvFromSource')
    return { advice: `write {secretRef: {name: …}} or {configMapRef: {name: …}}`, fix: undefined };
  return { advice: undefined, fix: undefined };
}

function envItem(text: string, node: ScalarNode): Reshaped {
  const [, name, value = ''] = /^([A-Za-z_]\w*)=(.*)$/s.exec(node.written ?? node.text) ?? [];
  if (name === undefined) return { advice: 'write {name: …, value: …}', fix: undefined };
  const isPlain = /^[\w./:@-]*$/.test(value);
  return {
    advice: `write {name: ${name}, value: …}`,
    fix: isPlain ? replaceValue(text, node, `{name: ${name}, value: ${JSON.stringify(value)}}`) : undefined,
  };
}

function mountItem(text: string, node: ScalarNode): Reshaped {
  const [, name, path] = /^([a-z0-9][a-z0-9-]*):(\/[\w./-]*)$/.exec(node.written ?? node.text) ?? [];
  if (name === undefined || path === undefined)
    return {
      advice: 'write {name: <one of "volumes">, mountPath: …}; a folder of the node is a volume with "hostPath"',
      fix: undefined,
    };
  const written = `{name: ${name}, mountPath: ${path}}`;
  return { advice: `write ${written}`, fix: replaceValue(text, node, written) };
}

function mapForList(place: PluginPlace, node: MapNode): Reshaped {
  const { schema, key } = place;
  const itemType = schema === undefined ? undefined : typeOfField(schema);
  const fields = fieldsOf(itemType);
  if (node.entries.length > 0 && node.entries.every((entry) => Object.hasOwn(fields, entry.key))) {
    return { advice: `put "- " before "${node.entries[0]?.key ?? ''}"`, fix: dashBefore(place, node) };
  }
  if (itemType === 'EnvVar' && node.entries.every(({ value }) => value.kind === 'scalar')) {
    return { advice: 'write one {name: …, value: …} for each', fix: envList(place, node) };
  }
  return { advice: `start each item of "${key}" with "- "`, fix: undefined };
}

/** One mapping becomes the only item of a list. */
function dashBefore({ text, entry }: PluginPlace, node: MapNode): Fix | undefined {
  if (node.alias !== undefined || entry === undefined) return undefined;
  const description = `make ${entry.key} a list`;
  if (text.charAt(node.start) === '{') return wrapEdits(text, node, description);
  const blocks = node.entries.map((each) => linesOf(text, each));
  const [first] = blocks;
  if (first === undefined || blocks.includes(undefined)) return undefined;
  const end = Math.max(...blocks.map((block) => block?.end ?? 0));
  const body = shift(text.slice(first.start, end), 2);
  const dashed = `${body.slice(0, first.indent)}- ${body.slice(first.indent + 2)}`;
  return { description, edits: [{ start: first.start, end, text: dashed }] };
}

function wrapEdits(text: string, node: { start: number; end: number }, description: string): Fix {
  const end = node.start + sourceOf(text, node).length;
  return {
    description,
    edits: [
      { start: node.start, end: node.start, text: '[' },
      { start: end, end, text: ']' },
    ],
  };
}

/** `{FOO: bar}` → `[{name: FOO, value: bar}]`, in the same style. */
function envList({ text, entry }: PluginPlace, node: MapNode): Fix | undefined {
  if (node.alias !== undefined || entry === undefined) return undefined;
  const pairs = node.entries.map((each) => envPair(text, each));
  if (pairs.includes(undefined)) return undefined;
  const description = 'write env as a list of names and values';
  if (text.charAt(node.start) === '{') {
    const end = node.start + sourceOf(text, node).length;
    const list = pairs.map((pair) => `{${pair?.join(', ') ?? ''}}`).join(', ');
    return text.slice(node.start, end).includes('\n')
      ? undefined
      : { description, edits: [{ start: node.start, end, text: `[${list}]` }] };
  }
  const edits = node.entries.map((each, index) => {
    const block = linesOf(text, each);
    const [name = '', value = ''] = pairs[index] ?? [];
    if (block === undefined) return undefined;
    const valueEnd = each.value.start + sourceOf(text, each.value).length;
    const end = each.value.alias === undefined ? valueEnd : block.start;
    return { start: each.keySpan.start, end, text: `- ${name}\n${' '.repeat(block.indent + 2)}${value}` };
  });
  const sure = edits.filter((edit) => edit !== undefined);
  return sure.length === edits.length ? { description, edits: sure } : undefined;
}

function envPair(text: string, { keySpan, value, merge }: MapEntry): readonly [string, string] | undefined {
  if (value.kind !== 'scalar' || value.alias !== undefined || merge !== undefined) return undefined;
  if (value.style === 'literal' || value.style === 'folded') return undefined;
  const source = sourceOf(text, value);
  if (source.includes('\n')) return undefined;
  const isString = typeof value.value === 'string';
  const written = value.value === null ? '""' : isString ? source : JSON.stringify(source);
  return [`name: ${text.slice(keySpan.start, keySpan.end)}`, `value: ${written}`];
}

function scalarForList(place: PluginPlace): Reshaped {
  const { schema, key } = place;
  const one = oneItem(place);
  if (one !== undefined) return one;
  const takesText = schema?.items?.type === 'string' || schema?.items?.type === 'integer';
  return takesText
    ? { advice: 'write it as the one item of a list', fix: wrapInList(place) }
    : { advice: `start each item of "${key}" with "- "`, fix: undefined };
}

function oneItem({ schema, node, text }: PluginPlace): Reshaped | undefined {
  const field = ONE_FIELD[typeOfField(schema ?? {}) ?? ''];
  const source = node === undefined ? '' : sourceOf(text, node);
  if (field === undefined || !/^["']?[\w./:-]+["']?$/.test(source)) return undefined;
  const written = `[{${field}: ${source}}]`;
  return { advice: `write ${written}`, fix: replaceValue(text, node, written) };
}

/** Puts a text into a list. */
export function wrapInList({ node, text, entry }: PluginPlace): Fix | undefined {
  if (node?.kind !== 'scalar') return undefined;
  if (entry !== undefined && (node.style === 'literal' || node.style === 'folded')) return wrapBlock(text, entry);
  const source = sourceOf(text, node);
  const written = node.style === 'plain' ? flowScalar(source) : source;
  return replaceValue(text, node, `[${written}]`);
}

/** A text of several lines becomes the one item of a list: `key: |` → `key:`, `- |`. */
function wrapBlock(text: string, { key, keySpan, value }: MapEntry): Fix | undefined {
  const colon = text.indexOf(':', keySpan.end);
  const firstLine = text.indexOf('\n', value.start);
  if (value.alias !== undefined || firstLine < 0 || text.slice(colon + 1, value.start).trim() !== '') return undefined;
  const column = keySpan.start - (text.lastIndexOf('\n', keySpan.start - 1) + 1);
  const body = shift(text.slice(firstLine + 1, value.end), 2);
  const head = `\n${' '.repeat(column)}- ${text.slice(value.start, firstLine + 1)}`;
  return { description: `make ${key} a list`, edits: [{ start: colon + 1, end: value.end, text: head + body }] };
}

function listForMap(place: PluginPlace, node: ListNode): Reshaped {
  const { text, key } = place;
  const pairs = node.items.flatMap((item) => (item.kind === 'map' ? item.entries : []));
  const isPairs = node.items.length > 0 && node.items.every((item) => item.kind === 'map' && item.entries.length === 1);
  const advice = `remove the "- " in front of its fields`;
  if (!isPairs || new Set(pairs.map((entry) => entry.key)).size < pairs.length || node.alias !== undefined)
    return {
      advice: node.items.every((item) => item.kind === 'scalar') ? `write "key: value" below "${key}"` : advice,
      fix: undefined,
    };
  if (text.charAt(node.start) === '[') return { advice, fix: undefined };
  const edits = node.items.map((item) => {
    const lineStart = text.lastIndexOf('\n', item.start - 1) + 1;
    const [dash] = /^ *- +$/.exec(text.slice(lineStart, item.start)) ?? [];
    return dash === undefined ? undefined : { start: lineStart, end: item.start, text: ' '.repeat(dash.length) };
  });
  const sure = edits.filter((edit) => edit !== undefined);
  const sameColumn = new Set(sure.map((edit) => edit.text.length)).size === 1;
  return {
    advice,
    fix: sure.length === edits.length && sameColumn ? { description: `make ${key} a mapping`, edits: sure } : undefined,
  };
}

/** Puts a block list below one more key: the items of a patch become its containers. */
export function wrapUnder({ node, text, entry }: PluginPlace, key: string): Fix | undefined {
  if (node?.kind !== 'list' || node.alias !== undefined || entry === undefined) return undefined;
  const description = `write the items under ${entry.key}.${key}`;
  if (text.charAt(node.start) === '[') {
    const end = node.start + sourceOf(text, node).length;
    return {
      description,
      edits: [
        { start: node.start, end: node.start, text: `{${key}: ` },
        { start: end, end, text: '}' },
      ],
    };
  }
  const lines = linesOf(text, entry);
  const header = lines === undefined ? -1 : text.indexOf('\n', entry.keySpan.end);
  if (lines === undefined || header < 0 || header + 1 > node.start) return undefined;
  const body = shift(text.slice(header + 1, lines.end), 2);
  const edit = { start: header + 1, end: lines.end, text: `${' '.repeat(lines.indent + 2)}${key}:\n${body}` };
  return { description, edits: [edit] };
}

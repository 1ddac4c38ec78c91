import { kubernetesPluginSchema, pluginDefinitions } from '../../job/kubernetes-plugin.js';
import type { MapEntry, MapNode, SourceNode } from '../../pipeline/source-tree.js';
import { definitionOf, type JsonSchema } from '../../schema/json-schema.js';
import { PLUGIN } from './plugin-schema.js';

/** A mapping of the plugin with the definition that it should fit. */
export interface TypedMap {
  readonly type: string;
  readonly node: MapNode;
  /** Whether it stands in `podSpecPatch`, where anything may be left out. */
  readonly patch: boolean;
  /** The entry that holds it, or the list with it. */
  readonly entry: MapEntry | undefined;
}

/** All mappings in a configuration of the plugin that have a definition, outer ones first. */
export function typedMaps(config: SourceNode): Iterable<TypedMap> {
  return walk(config, { type: PLUGIN, schema: kubernetesPluginSchema, patch: false, entry: undefined });
}

interface Here {
  readonly type: string | undefined;
  readonly schema: JsonSchema;
  readonly patch: boolean;
  readonly entry: MapEntry | undefined;
}

function* walk(node: SourceNode, here: Here): Iterable<TypedMap> {
  const { type, schema, entry } = here;
  if (node.kind === 'list') {
    const items = resolve(schema.items ?? {});
    for (const item of node.items) yield* walk(item, { ...here, ...items });
    return;
  }
  if (node.kind !== 'map') return;
  if (type !== undefined) yield { type, node, patch: here.patch, entry };
  yield* walkFields(node, here);
}

function* walkFields(node: MapNode, { type, schema, patch: inPatch }: Here): Iterable<TypedMap> {
  for (const child of node.entries) {
    const field = schema.properties?.[child.key];
    if (field === undefined) continue;
    const patch = inPatch || (type === PLUGIN && child.key === 'podSpecPatch');
    yield* walk(child.value, { ...resolve(field), patch, entry: child });
  }
}

function resolve(schema: JsonSchema): Pick<Here, 'type' | 'schema'> {
  const type = definitionOf(schema);
  return { type, schema: type === undefined ? schema : (pluginDefinitions[type] ?? {}) };
}

import { kubernetesPluginSchema, pluginDefinitions } from '../../job/kubernetes-plugin.js';
import { definitionOf, type JsonSchema } from '../../schema/json-schema.js';
import type { Path } from '../model/nodes.js';

/** Name of the plugin's own type among the definitions. */
export const PLUGIN = 'KubernetesPlugin';

/** What a place in the plugin's configuration is by the schema. */
export interface TypedPlace {
  /** Definition of the value itself, e.g. `Container`; undefined for texts, lists and free mappings. */
  readonly type: string | undefined;
  /** Undefined below an unknown key. */
  readonly schema: JsonSchema | undefined;
}

/** The types from the plugin down to the place, one more than the path has segments. */
export function typesAlong(path: Path): readonly TypedPlace[] {
  let place: TypedPlace = { type: PLUGIN, schema: kubernetesPluginSchema };
  const places = [place];
  for (const segment of path) {
    place = resolve(childSchema(place.schema, segment));
    places.push(place);
  }
  return places;
}

/** The fields of a definition with their schemas. */
export function fieldsOf(type: string | undefined): Readonly<Record<string, JsonSchema>> {
  if (type === PLUGIN) return kubernetesPluginSchema.properties ?? {};
  return (type === undefined ? undefined : pluginDefinitions[type])?.properties ?? {};
}

/** The definition of a field's value, or of the items of its list. */
export function typeOfField(schema: JsonSchema): string | undefined {
  return definitionOf(schema.items ?? schema);
}

/** A key without what people vary: `pod-spec_patch` and `podSpecPatch` are the same. */
export function plainKey(key: string): string {
  return key.replace(/[-_]/g, '').toLowerCase();
}

/** The field of a definition that differs from the key in spelling only. */
export function fieldLike(type: string | undefined, key: string): string | undefined {
  const fields = fieldsOf(type);
  if (Object.hasOwn(fields, key)) return key;
  const plain = plainKey(key);
  return Object.keys(fields).find((name) => name.toLowerCase() === plain);
}

function childSchema(schema: JsonSchema | undefined, segment: string | number): JsonSchema | undefined {
  if (schema === undefined) return undefined;
  if (typeof segment === 'number') return schema.items;
  const { properties = {}, additionalProperties } = schema;
  const name = Object.keys(properties).find((field) => field.toLowerCase() === segment.toLowerCase());
  if (name !== undefined) return properties[name];
  return typeof additionalProperties === 'object' ? additionalProperties : undefined;
}

function resolve(schema: JsonSchema | undefined): TypedPlace {
  const type = schema && definitionOf(schema);
  return { type, schema: type === undefined ? schema : pluginDefinitions[type] };
}

import { coreEventOf, eventsV1Of } from './events-v1.js';
import { without, type JsonRecord, type KubeObject } from './objects.js';
import { apiVersionOf, EVENTS_V1, type ResourceType } from './resources.js';

const bodies = new WeakMap<KubeObject, string>();
const otherFaces = new WeakMap<KubeObject, KubeObject>();

/** An object as clients of this type see it: events have two faces, everything else one. */
export function faceOf(object: KubeObject, type: ResourceType): KubeObject {
  if (type !== EVENTS_V1) return object;
  const known = otherFaces.get(object);
  if (known) return known;
  const face = eventsV1Of(object);
  otherFaces.set(object, face);
  return face;
}

/** What a client of this type sent, as it is stored. */
export function storedFormOf(object: JsonRecord, type: ResourceType): JsonRecord {
  return type === EVENTS_V1 ? coreEventOf(object) : object;
}

/** JSON text of an object without `kind` and `apiVersion`, as items of lists are sent; made once for all clients. */
function itemJson(object: KubeObject): string {
  const known = bodies.get(object);
  if (known !== undefined) return known;
  const json = JSON.stringify(without(object, 'apiVersion', 'kind'));
  bodies.set(object, json);
  return json;
}

/** JSON text of a whole object. */
export function objectJson(object: KubeObject): string {
  const head = `{"kind":${JSON.stringify(object.kind)},"apiVersion":${JSON.stringify(object.apiVersion)},`;
  return head + itemJson(object).slice(1);
}

/** JSON text of a list object. */
export function listJson(type: ResourceType, metadata: JsonRecord, items: readonly KubeObject[]): string {
  const head = `{"kind":"${type.kind}List","apiVersion":"${apiVersionOf(type)}","metadata":${JSON.stringify(metadata)}`;
  return `${head},"items":[${items.map((item) => itemJson(faceOf(item, type))).join(',')}]}`;
}

import type { JsonRecord } from './objects.js';
import { mergePatch } from './patch.js';
import type { ResourceType } from './resources.js';

/** Applies a strategic merge patch to an object of this type. */
export function strategicPatch(current: JsonRecord, patch: JsonRecord, _type: ResourceType): JsonRecord {
  return mergePatch(current, patch) as JsonRecord;
}

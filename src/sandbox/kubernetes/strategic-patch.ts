import { strategicMerge, StrategicMergeError } from '../../core/manifest/strategic-merge.js';
import { badRequest } from './api-error.js';
import type { JsonRecord } from './objects.js';
import type { ResourceType } from './resources.js';

/** Applies a strategic merge patch to an object of this type. Throws a 400 when the patch makes no sense for it. */
export function strategicPatch(current: JsonRecord, patch: JsonRecord, type: ResourceType): JsonRecord {
  try {
    return strategicMerge(current, patch, type.definition);
  } catch (error) {
    if (error instanceof StrategicMergeError) throw badRequest(error.message);
    throw error;
  }
}

import { ApiError, badRequest, invalid } from './api-error.js';
import { isRecord, sameJson, textAt, type JsonRecord } from './objects.js';
import type { ResourceType } from './resources.js';
import { strategicPatch } from './strategic-patch.js';
import { invalidValue } from './validation/field-errors.js';

export const PATCH_TYPES = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
] as const;

/** The object a patch makes of the current one. Throws a 400 for a malformed patch and a 422 for one that does not apply. */
export function applyPatch(contentType: string, current: JsonRecord, patch: unknown, type: ResourceType): JsonRecord {
  if (contentType === 'application/json-patch+json') return asObject(applyJsonPatch(current, patch));
  if (!isRecord(patch)) throw badRequest('error decoding patch: json: cannot unmarshal value into a map');
  if (contentType === 'application/merge-patch+json') return asObject(mergePatch(current, patch));
  return strategicPatch(current, patch, type);
}

function asObject(value: unknown): JsonRecord {
  if (isRecord(value)) return value;
  throw badRequest('error decoding patch: the patched value is not an object');
}

/** RFC 7386. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return patch;
  const result: Record<string, unknown> = isRecord(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) Reflect.deleteProperty(result, key);
    else result[key] = mergePatch(result[key], value);
  }
  return result;
}

/** RFC 6902. */
export function applyJsonPatch(target: unknown, patch: unknown): unknown {
  if (!Array.isArray(patch)) throw badRequest('error decoding patch: json: cannot unmarshal object into a list');
  return patch.reduce<unknown>((value, operation: unknown) => applyOperation(value, operation), target);
}

function applyOperation(target: unknown, operation: unknown): unknown {
  if (!isRecord(operation)) throw badRequest('error decoding patch: an operation is not an object');
  const { op, value } = operation;
  const path = textAt(operation, 'path');
  const source = pointer(textAt(operation, 'from'));
  switch (op) {
    case 'add':
      return edit(target, pointer(path), { insert: value });
    case 'replace':
      return edit(target, pointer(path), { replace: value });
    case 'remove':
      return edit(target, pointer(path), {});
    case 'move':
      return edit(edit(target, source, {}), pointer(path), { insert: read(target, source) });
    case 'copy':
      return edit(target, pointer(path), { insert: read(target, source) });
    case 'test':
      return tested(target, path, value);
    default:
      throw badRequest(`error decoding patch: unexpected kind: ${String(op)}`);
  }
}

function tested(target: unknown, path: string, expected: unknown): unknown {
  if (sameJson(read(target, pointer(path)), expected)) return target;
  throw cannotApply(`testing value ${path} failed: test failed`);
}

function pointer(path: string): readonly string[] {
  if (path === '') return [];
  return path
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function read(target: unknown, path: readonly string[]): unknown {
  return path.reduce((value, key) => {
    if (Array.isArray(value)) return value[Number(key)] as unknown;
    if (isRecord(value) && key in value) return value[key];
    throw cannotApply(`missing path /${path.join('/')}`);
  }, target);
}

interface Edit {
  readonly insert?: unknown;
  readonly replace?: unknown;
}

/** A copy of `target` with the value at `path` inserted, replaced or (with neither) removed. */
function edit(target: unknown, path: readonly string[], change: Edit): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return 'insert' in change ? change.insert : change.replace;
  if (Array.isArray(target)) return editList(target, key, rest, change);
  if (!isRecord(target)) throw cannotApply(`missing container at ${key}`);
  if (rest.length > 0) {
    if (!(key in target)) throw cannotApply(`doc is missing path: ${key}: missing value`);
    return { ...target, [key]: edit(target[key], rest, change) };
  }
  if ('insert' in change) return { ...target, [key]: change.insert };
  if (!(key in target)) throw cannotApply(`doc is missing key: ${key}: missing value`);
  if ('replace' in change) return { ...target, [key]: change.replace };
  return Object.fromEntries(Object.entries(target).filter(([name]) => name !== key));
}

function editList(list: readonly unknown[], key: string, rest: readonly string[], change: Edit): unknown {
  const inserting = rest.length === 0 && 'insert' in change;
  const index = key === '-' ? list.length : Number(key);
  if (!Number.isInteger(index) || index < 0 || index >= list.length + Number(inserting)) {
    throw cannotApply(`unable to access invalid index: ${key}`);
  }
  if (rest.length > 0) return list.with(index, edit(list[index], rest, change));
  if (inserting) return list.toSpliced(index, 0, change.insert);
  return 'replace' in change ? list.with(index, change.replace) : list.toSpliced(index, 1);
}

function cannotApply(message: string): ApiError {
  const reason = 'the server rejected our request due to an error in our request';
  return new ApiError({ code: 422, reason: 'Invalid', message: reason, details: {} }, { cause: message });
}

/** 422 for a patch whose result cannot be decoded, or not strictly. */
export function undecodablePatch(patch: unknown, message: string): ApiError {
  return invalid({ group: '', kind: '' }, [invalidValue('patch', JSON.stringify(patch), message)]);
}

import { type Call, Refusal } from './router.js';

export type JsonObject = Readonly<Record<string, unknown>>;

/** True for a plain JSON object. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The request body as a JSON object; an empty body reads as `{}`, anything else is a 400. */
export function readObject(call: Call): JsonObject {
  if (call.body.length === 0) return {};
  let value: unknown;
  try {
    value = JSON.parse(call.body.toString('utf8'));
  } catch {
    throw new Refusal(400, 'request body is not valid JSON');
  }
  if (!isObject(value)) throw new Refusal(400, 'request body is not a JSON object');
  return value;
}

/** A non-empty string, else undefined. */
export function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** The strings of a list; whatever is not a list is empty. */
export function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}

/** The objects of a list; whatever is not a list is empty. */
export function objects(value: unknown): readonly JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

/** A number, also one written as a string; else undefined. */
export function number(value: unknown): number | undefined {
  if (typeof value === 'string' && /^-?\d+$/.test(value)) return Number(value);
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

/** A required string of a body; 422 names it when it is missing. */
export function requireText(body: JsonObject, key: string): string {
  const value = text(body[key]);
  if (value === undefined) throw new Refusal(422, `"${key}" is missing or empty`);
  return value;
}

import { isObject } from './json.js';

const MAX_LOGGED_CHARACTERS = 4096;
const MASK = '***';

/**
 * A request or answer body as it may stand in a debug log: values of job environments, commands and anything called a
 * token are masked, and the whole is cut to 4096 characters.
 */
export function loggablePayload(body: unknown): string {
  if (body === undefined) return '';
  const text = JSON.stringify(masked(body));
  return text.length > MAX_LOGGED_CHARACTERS ? `${text.slice(0, MAX_LOGGED_CHARACTERS)}… (cropped)` : text;
}

function masked(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(masked);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, maskedMember(key, member)]));
}

function maskedMember(key: string, member: unknown): unknown {
  if (key === 'env') return maskedEnv(member);
  if (key === 'command' || /token/i.test(key)) return typeof member === 'string' ? MASK : masked(member);
  return masked(member);
}

/** Environments come as an object (REST) or as `K=V` lines (GraphQL); the names help a reader, the values may be secret. */
function maskedEnv(env: unknown): unknown {
  if (Array.isArray(env)) return env.map((line) => `${String(line).split('=', 1)[0] ?? ''}=${MASK}`);
  if (isObject(env)) return Object.fromEntries(Object.keys(env).map((name) => [name, MASK]));
  return env;
}

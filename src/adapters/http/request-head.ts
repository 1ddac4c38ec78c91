import { isIP } from 'node:net';
import type { Origin, Query, WireRequest } from './connection.js';

/** What the `host` field of a request to this server says. */
export function hostField({ secure, host, port }: Pick<Origin, 'secure' | 'host' | 'port'>): string {
  const name = isIP(host) === 6 ? `[${host}]` : host;
  return port === (secure ? 443 : 80) ? name : `${name}:${port}`;
}

const TARGET = /^\/[\x21-\x7e]*$/;
const FIELD_NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const NO_FIELD_VALUE = /[^\t\x20-\x7e]/;

/** The request as far as its body, in ASCII. Throws for what would break out of its place. */
export function requestHead({ method, path, query, headers, body }: WireRequest, host: string): string {
  const target = path + queryText(query);
  if (!TARGET.test(target))
    throw new Error('the path of a request has no "/" first, or characters that must be escaped');
  let text = `${method} ${target} HTTP/1.1\r\nhost: ${host}\r\n`;
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined) continue;
    if (!FIELD_NAME.test(name)) throw new Error('the name of a header has characters that it cannot have');
    if (NO_FIELD_VALUE.test(value)) throw new Error(`the header "${name}" has characters that a header cannot have`);
    text += `${name}: ${value}\r\n`;
  }
  if (method !== 'GET' || body !== undefined)
    text += `content-length: ${body === undefined ? 0 : Buffer.byteLength(body)}\r\n`;
  return `${text}\r\n`;
}

function queryText(query: Query = {}): string {
  const pairs = Object.entries(query).filter(([, value]) => value !== undefined);
  if (pairs.length === 0) return '';
  return `?${pairs.map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`).join('&')}`;
}

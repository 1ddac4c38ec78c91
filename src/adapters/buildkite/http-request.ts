import type { WireRequest } from '../http/connection.js';

/** One call of a Buildkite API. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT';
  /** Relative to the endpoint, without a leading slash; `''` is the endpoint itself. */
  readonly path: string;
  /** Undefined members are left out. */
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  /** Sent as JSON, unless `raw` is given. */
  readonly json?: unknown;
  /** Bytes to send as they are; give the content type in `headers`. */
  readonly raw?: Buffer;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** Overrides the client's deadline, in milliseconds. */
  readonly timeoutMs?: number;
  /** Any 2xx will do, whatever its body says. @default false */
  readonly ignoreBody?: boolean;
}

/** The request as it goes over the wire. @param headers of every request */
export function wireRequest(base: URL, request: HttpRequest, headers: WireRequest['headers']): WireRequest {
  const { method, json, raw } = request;
  return {
    method,
    path: requestPath(base, request),
    headers: {
      accept: 'application/json',
      'content-type': json === undefined ? undefined : 'application/json',
      ...headers,
      ...request.headers,
    },
    body: raw ?? (json === undefined ? undefined : JSON.stringify(json)),
  };
}

function requestPath(base: URL, { path, query = {} }: HttpRequest): string {
  const root = base.pathname.replace(/\/+$/, '');
  const whole = path === '' ? root || '/' : `${root}/${path}`;
  const pairs = Object.entries(query).flatMap(([name, value]): [string, string][] =>
    value === undefined ? [] : [[name, String(value)]],
  );
  return pairs.length === 0 ? whole : `${whole}?${new URLSearchParams(pairs).toString()}`;
}

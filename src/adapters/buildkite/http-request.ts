import type { Query, WireRequest } from '../http/connection.js';

/** One call of a Buildkite API. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT';
  /** Relative to the endpoint, without a leading slash; `''` is the endpoint itself. */
  readonly path: string;
  readonly query?: Query;
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

/** The request as it goes over the wire. @param root path of the endpoint, without a slash at its end @param headers of every request */
export function wireRequest(root: string, request: HttpRequest, headers: WireRequest['headers']): WireRequest {
  const { method, path, query, json, raw } = request;
  return {
    method,
    path: path === '' ? root || '/' : `${root}/${path}`,
    query,
    headers: {
      accept: 'application/json',
      'content-type': json === undefined ? undefined : 'application/json',
      ...headers,
      ...request.headers,
    },
    body: raw ?? (json === undefined ? undefined : JSON.stringify(json)),
  };
}

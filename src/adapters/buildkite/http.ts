import { ExternalError } from '../../core/errors.js';
import { redactor } from '../../core/redact.js';
import type { Clock, Logger } from '../../ports/runtime.js';
import { CallScope } from '../http/call-scope.js';
import type { WireAnswer } from '../http/connection.js';
import { HttpPool } from '../http/http-pool.js';
import { wireRequest, type HttpRequest } from './http-request.js';
import { isObject } from './json.js';
import { loggablePayload } from './payload-log.js';
import { retryAfterMs } from './retry-after.js';

/** One side of a conversation with one Buildkite API; keeps its connections open between calls. */
export interface HttpClient {
  /**
   * Sends one request and reads the whole answer.
   * @throws ExternalError on any status but 2xx, a broken connection, a passed deadline or an unreadable answer;
   *   the signal's reason when aborted.
   */
  send(request: HttpRequest): Promise<HttpAnswer>;
  /** Ends every connection; calls under way fail. */
  close(): void;
}

export interface HttpClientOptions {
  /** Base URL; a trailing slash does not matter. */
  readonly endpoint: string;
  /** For messages, e.g. `the Buildkite Stacks API`. */
  readonly api: string;
  /** Sent with every request. */
  readonly headers: Readonly<Record<string, string>>;
  /** Values that must never appear in an error or a log line. */
  readonly secrets: readonly string[];
  /** What to do about a 401; becomes the end of the message. */
  readonly unauthorizedHint: string;
  /** Deadline of a call, from connecting to the last byte, in milliseconds. */
  readonly timeoutMs: number;
  /** Write requests and answers to the debug log, secrets masked. */
  readonly logPayloads: boolean;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: WireAnswer['headers'];
  /** A JSON object, unless the request says that the body does not matter. */
  readonly body: unknown;
  /** How long the answer asks us to wait before the next such call, in milliseconds. */
  readonly retryAfterMs: number | undefined;
}

type ClientSettings = Omit<HttpClientOptions, 'secrets'> & { readonly redact: (text: string) => string };

const MAX_ERROR_TEXT = 500;
/** Enough for every worker plus polling; more connections than that only cost the other side. */
const MAX_CONNECTIONS = 64;

/** One path segment, escaped; Buildkite's routes also need "." escaped. */
export function pathSegment(value: string): string {
  return encodeURIComponent(value).replaceAll('.', '%2E');
}

/** Opens a client with connections of its own; nothing is sent before the first `send`. */
export function createHttpClient({ secrets, ...rest }: HttpClientOptions): HttpClient {
  const options = { ...rest, redact: redactor(secrets) };
  const server = new URL(options.endpoint);
  const root = server.pathname.replace(/\/+$/, '');
  const pool = new HttpPool({ server, maxConnections: MAX_CONNECTIONS });
  return {
    send: async (request) => {
      request.signal.throwIfAborted();
      logPayload(options, 'http request', request, { payload: request.json });
      const timeoutMs = request.timeoutMs ?? options.timeoutMs;
      const scope = new CallScope(request.signal, timeoutMs, () => lateError(request, options, timeoutMs));
      let answer: WireAnswer;
      try {
        // A kept connection may be closed by the other side just as we write to it; only a POST must not be repeated then.
        const repeatable = request.method !== 'POST';
        answer = await pool.send(wireRequest(root, request, options.headers), scope, { repeatable });
      } catch (error) {
        scope.throwIfStopped();
        throw connectionError(error, request, options);
      } finally {
        scope.end();
      }
      return judge(answer, request, options);
    },
    close: () => pool.close(),
  };
}

function judge(raw: WireAnswer, request: HttpRequest, options: ClientSettings): HttpAnswer {
  const waitMs = retryAfterMs(raw.headers, raw.status, options.clock.now());
  const answerText = raw.body.toString('utf8');
  const json = parseJson(answerText);
  const body = json.ok ? json.value : answerText;
  logPayload(options, 'http answer', request, { status: raw.status, payload: body });
  if (raw.status < 200 || raw.status > 299) {
    const retryable = raw.status === 429 || raw.status >= 500;
    const text = refusalText(raw.status, body, request, options);
    throw new ExternalError(text, { retryable, retryAfterMs: waitMs, status: raw.status });
  }
  if (!isObject(body) && request.ignoreBody !== true) {
    const text = `${options.api} sent something other than a JSON object as its answer to ${callName(request, options)}`;
    throw new ExternalError(text, { retryable: true, retryAfterMs: waitMs, status: raw.status });
  }
  return { status: raw.status, headers: raw.headers, body, retryAfterMs: waitMs };
}

function refusalText(status: number, body: unknown, request: HttpRequest, options: ClientSettings): string {
  const hint = status === 401 ? `; ${options.unauthorizedHint}` : '';
  const text = `${options.api} answered ${status} to ${callName(request, options)}: ${errorText(body)}${hint}`;
  return options.redact(text);
}

function callName(request: HttpRequest, options: ClientSettings): string {
  return `"${request.method} ${request.path || new URL(options.endpoint).pathname}"`;
}

/** The call's time was over before its answer was complete. */
function lateError(request: HttpRequest, options: ClientSettings, timeoutMs: number): ExternalError {
  const text = `${options.api} did not answer ${callName(request, options)} within ${timeoutMs} ms`;
  return new ExternalError(text, { retryable: true });
}

function connectionError(error: unknown, request: HttpRequest, options: ClientSettings): ExternalError {
  const call = callName(request, options);
  const { host } = new URL(options.endpoint);
  const said = error instanceof Error ? error.message : String(error);
  const text = `cannot talk to ${options.api} at "${host}" for ${call}: ${said}`;
  return new ExternalError(options.redact(text), { retryable: true });
}

function errorText(body: unknown): string {
  const message = isObject(body) ? (body['message'] ?? body['error'] ?? firstErrorMessage(body['errors'])) : body;
  const text = typeof message === 'string' && message.trim() !== '' ? message.trim() : 'no explanation given';
  return text.length > MAX_ERROR_TEXT ? `${text.slice(0, MAX_ERROR_TEXT)}…` : text;
}

function firstErrorMessage(errors: unknown): unknown {
  const first: unknown = Array.isArray(errors) ? errors[0] : undefined;
  return isObject(first) ? first['message'] : undefined;
}

function parseJson(text: string): { ok: true; value: unknown } | { ok: false } {
  if (text.trim() === '') return { ok: true, value: undefined };
  try {
    return { ok: true, value: JSON.parse(text) };
  } catch {
    return { ok: false };
  }
}

function logPayload(
  options: ClientSettings,
  message: string,
  request: HttpRequest,
  fields: { status?: number; payload: unknown },
): void {
  if (!options.logPayloads) return;
  const payload = options.redact(loggablePayload(fields.payload));
  options.logger.debug(message, { method: request.method, path: request.path, ...fields, payload });
}

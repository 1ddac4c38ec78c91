import { parseRetryAfter } from '../../core/retry-after.js';
import { ExternalError } from '../../core/errors.js';

export interface KubeRefusal {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  /** Value of the `Retry-After` header, when there was one. */
  readonly retryAfter: string | undefined;
  /** The raw answer; a Kubernetes Status when the API server wrote it. */
  readonly body: string;
  /** Milliseconds since the epoch, to read a `Retry-After` date. */
  readonly now: number;
}

/** The API server answered and said no. */
export class KubeApiError extends ExternalError {
  /** The server's own words, without our preface. */
  readonly serverMessage: string;
  constructor(message: string, serverMessage: string, options: ConstructorParameters<typeof ExternalError>[1]) {
    super(message, options);
    this.serverMessage = serverMessage;
  }
}

/** Turns an answer outside 2xx into an error a caller can decide on. 408, 429 and 5xx are retryable. */
export function refusalError(refusal: KubeRefusal): KubeApiError {
  const { method, path, status } = refusal;
  const kubeStatus = parseStatus(refusal.body);
  const serverMessage = kubeStatus.message ?? (refusal.body.trim().slice(0, 500) || 'no explanation given');
  const reason = kubeStatus.reason === undefined ? '' : ` ${kubeStatus.reason}`;
  return new KubeApiError(
    `kubernetes refused ${method} "${path}" (${status}${reason}): ${serverMessage}`,
    serverMessage,
    {
      status,
      reason: kubeStatus.reason,
      retryable: isRetryableStatus(status),
      retryAfterMs: parseRetryAfter(refusal.retryAfter, refusal.now) ?? kubeStatus.retryAfterMs,
    },
  );
}

/** Whether the same call may succeed later, judged by the HTTP status alone. */
function isRetryableStatus(status: number): boolean {
  return status === 408 || status === 429 || status >= 500;
}

interface KubeStatus {
  readonly message: string | undefined;
  readonly reason: string | undefined;
  readonly retryAfterMs: number | undefined;
}

function parseStatus(body: string): KubeStatus {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    // A proxy in between answers with HTML or plain text.
  }
  const message = textAt(parsed, 'message');
  const seconds = memberOf(memberOf(parsed, 'details'), 'retryAfterSeconds');
  return {
    message: message === '' ? undefined : message,
    reason: textAt(parsed, 'reason') || undefined,
    retryAfterMs: typeof seconds === 'number' && seconds > 0 ? seconds * 1000 : undefined,
  };
}

/** The member of an unknown value, undefined when it is no object or lacks it. */
export function memberOf(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined;
}

/** The text member of an unknown value, undefined when there is none or it is no text. */
export function textAt(value: unknown, key: string): string | undefined {
  const member = memberOf(value, key);
  return typeof member === 'string' ? member : undefined;
}

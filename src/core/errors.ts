/** Exit status of every command: 0 fine, 1 problems found, 2 wrong usage or bad configuration, 3 could not run. */
export const EXIT = { ok: 0, problems: 1, usage: 2, unable: 3 } as const;
export type ExitStatus = (typeof EXIT)[keyof typeof EXIT];

/** An expected error that a command prints without a stack. The message names culprit, consequence and remedy. */
export class ToolkitError extends Error {
  readonly exit: ExitStatus;
  constructor(message: string, exit: ExitStatus, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.exit = exit;
  }
}

/** Wrong flags, arguments or configuration: exit status 2. */
export class UsageError extends ToolkitError {
  constructor(message: string, options?: ErrorOptions) {
    super(message, EXIT.usage, options);
  }
}

export interface ExternalErrorOptions extends ErrorOptions {
  /** Whether the same call may succeed later: 429, 5xx, timeouts and broken connections. */
  readonly retryable: boolean;
  /** How long the other side asked us to wait (`Retry-After`), in milliseconds. */
  readonly retryAfterMs?: number | undefined;
  /** HTTP status, when there was an answer. */
  readonly status?: number | undefined;
  /** Machine-readable reason of the other side, e.g. the `reason` of a Kubernetes Status. */
  readonly reason?: string | undefined;
}

/** Buildkite, Kubernetes or the network said no. Carries what a caller needs to decide on a retry; never a secret. */
export class ExternalError extends ToolkitError {
  readonly retryable: boolean;
  readonly retryAfterMs: number | undefined;
  readonly status: number | undefined;
  readonly reason: string | undefined;
  constructor(message: string, options: ExternalErrorOptions) {
    super(message, EXIT.unable, options);
    this.retryable = options.retryable;
    this.retryAfterMs = options.retryAfterMs;
    this.status = options.status;
    this.reason = options.reason;
  }
}

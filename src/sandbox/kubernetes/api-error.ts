import type { JsonRecord } from './objects.js';
import { errorBody, errorText, type FieldError } from './validation/field-errors.js';

/** What a Status says it is about: the resource (or, for Invalid, the kind). */
export interface Subject {
  readonly group: string;
  readonly kind: string;
  readonly name?: string;
}

export interface StatusOptions {
  readonly code: number;
  readonly reason: string;
  readonly message: string;
  readonly details?: JsonRecord;
  /** Continue token of an expired list. */
  readonly continueToken?: string;
}

/** An answer other than success; becomes a `v1` Status object on the wire. */
export class ApiError extends Error {
  readonly code: number;
  readonly reason: string;
  readonly details: JsonRecord | undefined;
  readonly continueToken: string | undefined;
  constructor(options: StatusOptions, more?: ErrorOptions) {
    super(options.message, more);
    this.name = 'ApiError';
    this.code = options.code;
    this.reason = options.reason;
    this.details = options.details;
    this.continueToken = options.continueToken;
  }
}

/** The Status object of an error. */
export function statusOf(error: ApiError): JsonRecord {
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: error.continueToken === undefined ? {} : { continue: error.continueToken },
    status: 'Failure',
    message: error.message,
    ...(error.reason === '' ? {} : { reason: error.reason }),
    ...(error.details === undefined ? {} : { details: error.details }),
    code: error.code,
  };
}

/** The Status object of a deletion that left nothing behind. */
export function successStatus(subject: Subject, uid: string): JsonRecord {
  const details = { ...detailsOf(subject), uid };
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details };
}

function detailsOf(subject: Subject): JsonRecord {
  return {
    ...(subject.name === undefined || subject.name === '' ? {} : { name: subject.name }),
    ...(subject.group === '' ? {} : { group: subject.group }),
    ...(subject.kind === '' ? {} : { kind: subject.kind }),
  };
}

function qualified(subject: Subject): string {
  return subject.group === '' ? subject.kind : `${subject.kind}.${subject.group}`;
}

function named(subject: Subject): string {
  return `${qualified(subject)} ${JSON.stringify(subject.name ?? '')}`;
}

/** 404: no such object. */
export function notFound(subject: Subject): ApiError {
  return new ApiError({
    code: 404,
    reason: 'NotFound',
    message: `${named(subject)} not found`,
    details: detailsOf(subject),
  });
}

/** 404: no such path or resource. */
export function unknownPath(): ApiError {
  const message = 'the server could not find the requested resource';
  return new ApiError({ code: 404, reason: 'NotFound', message, details: {} });
}

/** 405: the resource exists, the verb does not. */
export function methodNotAllowed(): ApiError {
  const message = 'the server does not allow this method on the requested resource';
  return new ApiError({ code: 405, reason: 'MethodNotAllowed', message, details: {} });
}

/** 409: the name is taken. */
export function alreadyExists(subject: Subject): ApiError {
  const message = `${named(subject)} already exists`;
  return new ApiError({ code: 409, reason: 'AlreadyExists', message, details: detailsOf(subject) });
}

/** 409: a stale resourceVersion or another UID. */
export function conflict(subject: Subject, why: string): ApiError {
  const message = `Operation cannot be fulfilled on ${named(subject)}: ${why}`;
  return new ApiError({ code: 409, reason: 'Conflict', message, details: detailsOf(subject) });
}

/** 422: the object breaks rules; one cause for each. `subject.kind` is the kind, not the resource. */
export function invalid(subject: Subject, errors: readonly FieldError[]): ApiError {
  const texts = [...new Set(errors.map(errorText))];
  const what = `${qualified(subject)} ${JSON.stringify(subject.name ?? '')} is invalid`;
  const causes = errors.map((error) => ({ reason: error.type, message: errorBody(error), field: error.field }));
  return new ApiError({
    code: 422,
    reason: 'Invalid',
    message: texts.length === 0 ? what : `${what}: ${texts.length === 1 ? texts.join('') : `[${texts.join(', ')}]`}`,
    details: { ...detailsOf(subject), causes },
  });
}

/** 400: the request cannot be understood. */
export function badRequest(message: string): ApiError {
  return new ApiError({ code: 400, reason: 'BadRequest', message });
}

/** 401: there is a token, and nobody knows it. */
export function unauthorized(): ApiError {
  return new ApiError({ code: 401, reason: 'Unauthorized', message: 'Unauthorized' });
}

/** 403: known, and not allowed. */
export function forbidden(subject: Subject, why: string): ApiError {
  const name = subject.name === undefined || subject.name === '' ? '' : ` ${JSON.stringify(subject.name)}`;
  const message = qualified(subject) === '' ? `forbidden: ${why}` : `${qualified(subject)}${name} is forbidden: ${why}`;
  return new ApiError({ code: 403, reason: 'Forbidden', message, details: detailsOf(subject) });
}

/** 410: the history needed to answer is gone. */
export function expired(message: string, continueToken?: string): ApiError {
  return new ApiError({
    code: 410,
    reason: 'Expired',
    message,
    ...(continueToken === undefined ? {} : { continueToken }),
  });
}

/** 504: the asked-for resourceVersion lies in the future. */
export function tooLargeResourceVersion(asked: number, current: number): ApiError {
  return new ApiError({
    code: 504,
    reason: 'Timeout',
    message: `Timeout: Too large resource version: ${asked}, current: ${current}`,
    details: {
      causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
      retryAfterSeconds: 1,
    },
  });
}

/** 415: a body in a format this server does not read. */
export function unsupportedMediaType(accepted: readonly string[]): ApiError {
  const list = accepted.join(', ');
  const message = `the body of the request was in an unknown format - accepted media types include: ${list}`;
  return new ApiError({ code: 415, reason: 'UnsupportedMediaType', message });
}

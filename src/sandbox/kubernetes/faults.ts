import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { sendJson } from '../http.js';
import { ApiError, statusOf } from './api-error.js';
import type { ApiRequest } from './api-request.js';

/** Something that goes wrong with one request. */
export type Fault =
  /** Answer with a Status of this code instead of doing anything. */
  | {
      readonly kind: 'status';
      readonly code: number;
      readonly reason?: string;
      readonly message?: string;
      readonly retryAfterSeconds?: number;
    }
  /** Wait, then go on as usual. */
  | { readonly kind: 'delay'; readonly ms: number }
  /** Break the connection before anything is done. */
  | { readonly kind: 'drop' }
  /** Do it, then break the connection instead of answering. */
  | { readonly kind: 'drop-answer' }
  /** End a watch after so many events, cleanly or by breaking the connection. */
  | { readonly kind: 'cut'; readonly afterEvents: number; readonly clean?: boolean }
  /** Stay connected and never say a word: what a dead node or a lost NAT entry looks like. */
  | { readonly kind: 'silence' };

/** Looks at a request before it is handled; undefined lets it pass. */
export type Interceptor = (request: ApiRequest) => Fault | undefined;

/** What is left to do after a fault took its effect on the start of a request. */
export type Passage = 'handled' | 'proceed' | Extract<Fault, { kind: 'cut' | 'silence' | 'drop-answer' }>;

/** Applies the part of a fault that comes before the request is handled. */
export async function applyFault(
  fault: Fault | undefined,
  request: ApiRequest,
  wire: { readonly incoming: IncomingMessage; readonly response: ServerResponse },
): Promise<Passage> {
  switch (fault?.kind) {
    case undefined:
      return 'proceed';
    case 'status':
      answerStatus(wire.response, fault);
      return 'handled';
    case 'delay':
      await sleep(fault.ms);
      return 'proceed';
    case 'drop':
      wire.incoming.destroy();
      return 'handled';
    case 'drop-answer':
    case 'cut':
      return fault;
    case 'silence':
      if (request.verb === 'watch') return fault;
      return 'handled';
  }
}

function answerStatus(response: ServerResponse, fault: Extract<Fault, { kind: 'status' }>): void {
  const { code, reason = '', message = `injected ${code}`, retryAfterSeconds } = fault;
  const details = retryAfterSeconds === undefined ? {} : { details: { retryAfterSeconds } };
  const headers = retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) };
  sendJson(response, code, statusOf(new ApiError({ code, reason, message, ...details })), headers);
}

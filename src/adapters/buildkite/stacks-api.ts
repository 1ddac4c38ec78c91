import { ExternalError } from '../../core/errors.js';
import { effectiveQueue, type ControllerConfig } from '../../core/config/config.js';
import { isDefaultQueue } from '../../core/job/agent-tags.js';
import type { BuildkiteJobState, RunnableJob } from '../../core/job/job.js';
import type { JobListing, JobNotification, JobSource, Reservation } from '../../ports/buildkite.js';
import type { Clock, Logger } from '../../ports/runtime.js';
import { chunksOf } from './chunks.js';
import { cropToBytes, cropToCharacters } from './crop.js';
import { createHttpClient, pathSegment, type HttpAnswer, type HttpClient } from './http.js';
import type { HttpRequest } from './http-request.js';
import { isObject, listOf, objectOf, textOf, textsOf } from './json.js';
import { isOver } from './job-states.js';
import { withRetry } from './retry.js';
import { listPages, runnableJob, type StackAddress } from './stacks-listing.js';

export interface StacksSourceOptions {
  /** Base of the agent API, e.g. `https://agent.buildkite.com/v3`. */
  readonly endpoint: string;
  /** Agent token of the cluster. */
  readonly token: string;
  /** Where the token came from, for messages: `key "BUILDKITE_AGENT_TOKEN" of secret "buildkite/token"`. */
  readonly tokenOrigin: string;
  readonly config: Pick<
    ControllerConfig,
    | 'id'
    | 'queue'
    | 'tags'
    | 'httpTimeoutMs'
    | 'logHttpPayloads'
    | 'paginationPageSize'
    | 'paginationDepthLimit'
    | 'reservationExpirySeconds'
  >;
  readonly version: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Uniform in [0, 1), for the jitter of retries. */
  readonly random: () => number;
}

/** Limit of the API for ids or notifications in one request. */
const BATCH = 1000;
const MAX_DETAIL_BYTES = 4096;
/** The API takes 256; Buildkite's own controller stays below, and so do we. */
const MAX_NOTIFICATION_CHARACTERS = 255;
const CROPPED = '… (cropped)';
const GOODBYE_TIMEOUT_MS = 5000;
const DEFAULT_STACK_KEY = 'agent-stack-k8s';
/** The first runs in production, the second stands in the documentation. */
const DEFAULT_QUEUE_KEYS = ['_default', '__default__'] as const;

/** Jobs of one cluster queue by way of Buildkite's Stacks API, authenticated with an agent token. */
export function createStacksSource(options: StacksSourceOptions): JobSource {
  return new StacksSource(options);
}

class StacksSource implements JobSource {
  readonly name = 'stacks';
  readonly #options: StacksSourceOptions;
  readonly #http: HttpClient;
  #stack: StackAddress | undefined;

  constructor(options: StacksSourceOptions) {
    this.#options = options;
    this.#http = createHttpClient({
      endpoint: options.endpoint,
      api: "Buildkite's Stacks API",
      headers: { authorization: `Token ${options.token}`, 'user-agent': `agent-stack-k8s/${options.version}` },
      secrets: [options.token],
      unauthorizedHint: `the agent token from ${options.tokenOrigin} is not accepted: put a current agent token of the cluster there`,
      timeoutMs: options.config.httpTimeoutMs,
      logPayloads: options.config.logHttpPayloads,
      clock: options.clock,
      logger: options.logger,
    });
  }

  async connect(signal: AbortSignal): Promise<void> {
    const answer = await this.#sendRetrying({ method: 'GET', path: 'token', signal });
    const identity = objectOf(answer.body);
    if (textOf(identity['cluster_uuid']) === undefined) {
      throw new ExternalError(
        `the agent token from ${this.#options.tokenOrigin} belongs to no cluster, and the Stacks API serves clusters only; ` +
          'create an agent token in a cluster and put it there, or set "buildkite-token" and "org" to use GraphQL',
        { retryable: false },
      );
    }
    const stack = await this.#register(signal);
    this.#options.logger.info('registered with buildkite', {
      stack: stack.key,
      queue: stack.queueKey,
      cluster: identity['cluster_name'],
      organization: identity['organization_slug'],
    });
  }

  async listScheduledJobs(signal: AbortSignal): Promise<JobListing> {
    const { paginationPageSize: pageSize, paginationDepthLimit: maxPages } = this.#options.config;
    return this.#withStack(signal, (stack) =>
      listPages({ stack, pageSize, maxPages, send: (request) => this.#http.send({ ...request, signal }) }),
    );
  }

  async reserve(ids: readonly string[], signal: AbortSignal): Promise<Reservation> {
    const reserved: string[] = [];
    const notReserved: string[] = [];
    const { reservationExpirySeconds: expiry } = this.#options.config;
    for (const chunk of chunksOf(ids, BATCH)) {
      try {
        const answer = await this.#batchReserve(chunk, expiry > 0 ? expiry : undefined, signal);
        const mine = new Set(textsOf(requireMember(answer.body, 'reserved', Array.isArray)));
        for (const id of chunk) (mine.has(id) ? reserved : notReserved).push(id);
      } catch (error) {
        // What earlier chunks claimed is ours and must run; the rest is listed again at the next poll.
        if (reserved.length === 0 || signal.aborted) throw error;
        this.#options.logger.warn('could not reserve all jobs', { error, kept: reserved.length, asked: ids.length });
        break;
      }
    }
    const seen = new Set([...reserved, ...notReserved]);
    return { reserved, notReserved: [...notReserved, ...ids.filter((id) => !seen.has(id))] };
  }

  async release(ids: readonly string[], signal: AbortSignal): Promise<void> {
    for (const chunk of chunksOf(ids, BATCH)) {
      try {
        // There is no call to give a claim back; the shortest possible one runs out by itself.
        await this.#batchReserve(chunk, 1, signal);
      } catch (error) {
        signal.throwIfAborted();
        this.#options.logger.warn('could not release jobs; buildkite does when their reservation expires', {
          error,
          jobs: chunk.length,
        });
      }
    }
  }

  async getJob(id: string, signal: AbortSignal): Promise<RunnableJob | undefined> {
    const found = await this.#fetchJob(id, signal);
    if (found) return found;
    // 404 stands for an unknown job and for an unknown stack; asking for the state tells them apart and registers again.
    const state = (await this.getJobStates([id], signal)).get(id);
    return state === 'reserved' || state === 'scheduled' ? this.#fetchJob(id, signal) : undefined;
  }

  async getJobStates(ids: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, BuildkiteJobState>> {
    const states = new Map<string, BuildkiteJobState>();
    for (const chunk of chunksOf(ids, BATCH)) {
      const answer = await this.#withStack(signal, (stack) =>
        this.#sendRetrying({
          method: 'POST',
          path: `${stack.path}/jobs/get-states`,
          json: { job_uuids: chunk },
          signal,
        }),
      );
      for (const [id, state] of Object.entries(requireMember(answer.body, 'states', isObject))) {
        if (typeof state === 'string') states.set(id, state.toLowerCase());
      }
    }
    return states;
  }

  async failJob(id: string, text: string, signal: AbortSignal): Promise<void> {
    const detail = cropToBytes(text, MAX_DETAIL_BYTES, `\n${CROPPED}`);
    try {
      await this.#withStack(signal, (stack) =>
        this.#sendRetrying({
          method: 'POST',
          path: `${stack.path}/jobs/${pathSegment(id)}/finish`,
          json: { exit_status: -1, detail },
          ignoreBody: true,
          signal,
        }),
      );
    } catch (error) {
      if (!isRefusal(error)) throw error;
      const state = (await this.getJobStates([id], signal)).get(id);
      if (!isOver(state)) throw error;
    }
  }

  async notify(notifications: readonly JobNotification[], signal: AbortSignal): Promise<void> {
    for (const chunk of chunksOf(
      notifications.filter(({ detail }) => detail !== ''),
      BATCH,
    )) {
      try {
        const { body } = await this.#http.send({
          method: 'POST',
          path: `${this.#knownStack().path}/notifications`,
          json: { notifications: chunk.map((notification) => this.#wireNotification(notification)) },
          ignoreBody: true,
          signal,
        });
        this.#logRefusedNotifications(objectOf(body)['errors']);
      } catch (error) {
        signal.throwIfAborted();
        this.#options.logger.warn('could not send notifications', { error, notifications: chunk.length });
      }
    }
  }

  async disconnect(signal: AbortSignal): Promise<void> {
    const stack = this.#stack;
    if (!stack) return;
    this.#stack = undefined;
    const timeoutMs = Math.min(GOODBYE_TIMEOUT_MS, this.#options.config.httpTimeoutMs);
    try {
      await this.#http.send({ method: 'POST', path: `${stack.path}/deregister`, ignoreBody: true, timeoutMs, signal });
    } catch (error) {
      if (!(error instanceof ExternalError) || error.status !== 404) throw error;
    } finally {
      this.#http.close();
    }
  }

  async #fetchJob(id: string, signal: AbortSignal): Promise<RunnableJob | undefined> {
    const path = `${this.#knownStack().path}/jobs/${pathSegment(id)}`;
    try {
      const { body } = await this.#sendRetrying({ method: 'GET', path, signal });
      return runnableJob(id, body);
    } catch (error) {
      if (error instanceof ExternalError && error.status === 404) return undefined;
      throw error;
    }
  }

  /**
   * Repeats itself after an outage: the answer may be lost although Buildkite reserved the jobs, and then nobody would
   * run them before their reservation expires. A repeat by the same stack extends it.
   */
  #batchReserve(ids: readonly string[], expirySeconds: number | undefined, signal: AbortSignal): Promise<HttpAnswer> {
    const expiry = expirySeconds === undefined ? {} : { reservation_expiry_seconds: expirySeconds };
    const json = { job_uuids: ids, ...expiry };
    return this.#withStack(signal, (stack) =>
      this.#sendRetrying({ method: 'PUT', path: `${stack.path}/scheduled-jobs/batch-reserve`, json, signal }),
    );
  }

  #wireNotification({ jobId, detail, at }: JobNotification): object {
    return {
      job_uuid: jobId,
      detail: cropToCharacters(detail, MAX_NOTIFICATION_CHARACTERS, CROPPED),
      // The API refuses times in the future.
      timestamp: new Date(Math.min(at, this.#options.clock.now())).toISOString(),
    };
  }

  #logRefusedNotifications(errors: unknown): void {
    for (const entry of listOf(errors).filter(isObject)) {
      const count = listOf(entry['indexes']).length;
      this.#options.logger.debug('buildkite refused notifications', { reason: entry['error'], notifications: count });
    }
  }

  /** Another replica that shuts down may deregister the stack under us: introduce ourselves again, once. */
  async #withStack<T>(signal: AbortSignal, action: (stack: StackAddress) => Promise<T>): Promise<T> {
    try {
      return await action(this.#knownStack());
    } catch (error) {
      if (!(error instanceof ExternalError) || error.status !== 404) throw error;
      this.#options.logger.info('buildkite does not know this stack any more, registering again');
      return action(await this.#register(signal));
    }
  }

  #knownStack(): StackAddress {
    if (this.#stack) return this.#stack;
    throw new Error('connect has not been called, or disconnect has');
  }

  async #register(signal: AbortSignal): Promise<StackAddress> {
    const queue = effectiveQueue(this.#options.config);
    const [first, second] = isDefaultQueue(queue) ? DEFAULT_QUEUE_KEYS : [queue, undefined];
    try {
      return await this.#registerQueue(first, signal);
    } catch (error) {
      if (second === undefined || !(error instanceof ExternalError)) throw error;
      if (error.status !== 404 && error.status !== 422) throw error;
      return this.#registerQueue(second, signal);
    }
  }

  async #registerQueue(queue: string, signal: AbortSignal): Promise<StackAddress> {
    const key = this.#options.config.id || DEFAULT_STACK_KEY;
    const json = { key, type: 'kubernetes', queue_key: queue, metadata: {} };
    const { body } = await this.#sendRetrying({ method: 'POST', path: 'stacks/register', json, signal });
    const queueKey = textOf(objectOf(body)['cluster_queue_key']) ?? queue;
    this.#stack = { key, queueKey, path: `stacks/${pathSegment(key)}` };
    return this.#stack;
  }

  #sendRetrying(request: HttpRequest): Promise<HttpAnswer> {
    const { clock, random } = this.#options;
    return withRetry(() => this.#http.send(request), { clock, random, signal: request.signal });
  }
}

/** A member without which the answer cannot be understood. */
function requireMember<T>(body: unknown, name: string, is: (value: unknown) => value is T): T {
  const value = objectOf(body)[name];
  if (is(value)) return value;
  throw new ExternalError(`an answer of Buildkite's Stacks API lacks "${name}"`, { retryable: true });
}

function isRefusal(error: unknown): boolean {
  const status = error instanceof ExternalError ? error.status : undefined;
  return status !== undefined && status >= 400 && status < 500 && status !== 401 && status !== 429;
}

import { ExternalError } from '../../core/errors.js';
import type { Clock, Logger } from '../../ports/runtime.js';
import type { Query } from '../http/connection.js';
import type { KubeClient } from './kube-client.js';
import { memberOf, textAt } from './kube-errors.js';
import type { WatchEvent } from './watch-decoder.js';

export type ReflectorEvent<T> =
  /** The complete current set; what is not in it does not exist. */
  | { readonly type: 'synced'; readonly records: readonly T[] }
  | { readonly type: 'upserted'; readonly record: T }
  | { readonly type: 'deleted'; readonly record: T };

export interface ReflectorOptions<T> {
  readonly client: Pick<KubeClient, 'request' | 'watch'>;
  /** The collection, e.g. `/apis/batch/v1/namespaces/ci/jobs`. */
  readonly path: string;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  /** Keeps what is needed of an object, right after it was parsed; undefined passes it over. */
  readonly toRecord: (object: unknown) => T | undefined;
  /** Called before the first page of a list is asked for. */
  readonly onListing?: (() => void) | undefined;
  /** What it throws is logged and goes no further. */
  readonly onEvent: (event: ReflectorEvent<T>) => void;
  readonly clock: Clock;
  readonly logger: Logger;
  /** 0 <= n < 1. @default Math.random */
  readonly random?: (() => number) | undefined;
  readonly timing?: Partial<ReflectorTiming> | undefined;
}

export interface ReflectorTiming {
  /** Objects a list page. */
  readonly pageSize: number;
  /** The server is asked to end a watch after a random time between these, so that watches do not end all at once. */
  readonly watchSeconds: readonly [least: number, most: number];
  /** A silent watch is given up after this. Bookmarks come about once a minute, so it is two and a half of them. */
  readonly idleMs: number;
  /** Only a watch that lived so long ends a row of failures: one event, or a good list, proves nothing. */
  readonly stableMs: number;
  /** Waits are random between nothing and this, doubled with each failure in a row … */
  readonly backoffBaseMs: number;
  /** … up to this, … */
  readonly backoffCapMs: number;
  /** … but never shorter than this. */
  readonly backoffFloorMs: number;
  /** A server that asks for more patience than this is tried again all the same. */
  readonly longestRetryAfterMs: number;
  /** After so many failures in a row the resource version itself is suspected, and the list read afresh. */
  readonly failuresBeforeRelist: number;
}

const DEFAULT_TIMING: ReflectorTiming = {
  pageSize: 500,
  watchSeconds: [240, 300],
  idleMs: 150_000,
  stableMs: 30_000,
  backoffBaseMs: 1_000,
  backoffCapMs: 30_000,
  backoffFloorMs: 200,
  longestRetryAfterMs: 300_000,
  failuresBeforeRelist: 5,
};

/** How the last list or watch ended. */
interface Ending {
  /** Time the watch was open, in milliseconds; 0 when it never was. */
  readonly livedMs: number;
  /** undefined when the server closed cleanly. */
  readonly error?: unknown;
}

/**
 * Lists a collection page by page, then watches it from there, until the signal aborts; it resolves then and has no
 * connection open. Outages, refusals, dead connections and garbled streams are survived: the watch resumes from the last
 * resource version (bookmarks count), and only a version the server has forgotten (410) costs a new list.
 */
export async function runReflector<T>(options: ReflectorOptions<T>, signal: AbortSignal): Promise<void> {
  const reflector = new Reflector(options, signal);
  let failures = 0;
  for (;;) {
    const ending = await reflector.listAndWatch();
    if (signal.aborted) return;
    failures = ending.livedMs >= reflector.timing.stableMs ? 0 : failures + 1;
    const relist =
      isForgotten(ending.error) || (failures > 0 && failures % reflector.timing.failuresBeforeRelist === 0);
    if (relist) reflector.forget();
    const delayMs =
      failures === 0 ? 0 : waitAfter(failures, ending.error, reflector.timing, options.random ?? Math.random);
    report(options, { failures, delayMs, relist, error: ending.error });
    if (delayMs > 0) await options.clock.sleep(delayMs, signal).catch(() => undefined);
  }
}

class Reflector<T> {
  readonly timing: ReflectorTiming;
  readonly #options: ReflectorOptions<T>;
  readonly #signal: AbortSignal;
  /** Where to resume; undefined when a list is due. */
  #version: string | undefined;

  constructor(options: ReflectorOptions<T>, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
    this.timing = { ...DEFAULT_TIMING, ...options.timing };
  }

  forget(): void {
    this.#version = undefined;
  }

  async listAndWatch(): Promise<Ending> {
    const { clock } = this.#options;
    let openedAt: number | undefined;
    const livedMs = () => (openedAt === undefined ? 0 : clock.now() - openedAt);
    try {
      this.#version ??= await this.#list();
      await this.#watch(this.#version, () => (openedAt = clock.now()));
      return { livedMs: livedMs() };
    } catch (error) {
      return { livedMs: livedMs(), error };
    }
  }

  /** @returns the resource version to watch from, after the complete set was handed on. */
  async #list(): Promise<string> {
    const { client, path, onListing } = this.#options;
    onListing?.();
    const records: T[] = [];
    let token: string | undefined;
    let version: string | undefined;
    do {
      const query = { ...this.#selectors(), limit: this.timing.pageSize, continue: token };
      const { body } = await client.request({ method: 'GET', path, query, answer: 'slim', pool: 'bulk' }, this.#signal);
      const items = memberOf(body, 'items');
      // Go servers write an empty list as null.
      for (const item of Array.isArray(items) ? (items as unknown[]) : [])
        this.#keep(item, (record) => records.push(record));
      const metadata = memberOf(body, 'metadata');
      version = textAt(metadata, 'resourceVersion');
      token = textAt(metadata, 'continue') || undefined;
    } while (token !== undefined);
    if (version === undefined) throw new ExternalError(`list of "${path}" has no resourceVersion`, { retryable: true });
    this.#signal.throwIfAborted();
    this.#emit({ type: 'synced', records });
    return version;
  }

  async #watch(resourceVersion: string, onOpen: () => void): Promise<void> {
    const { client, path, random = Math.random } = this.#options;
    const [least, most] = this.timing.watchSeconds;
    const query = {
      ...this.#selectors(),
      watch: true,
      allowWatchBookmarks: true,
      resourceVersion,
      timeoutSeconds: Math.round(least + random() * (most - least)),
    };
    const onEvent = (event: WatchEvent) => this.#onEvent(event);
    await client.watch({ path, query, idleMs: this.timing.idleMs, onOpen, onEvent }, this.#signal);
  }

  #onEvent({ type, object }: WatchEvent): void {
    if (this.#signal.aborted) return;
    if (type === 'ERROR') throw errorEvent(object, this.#options.path);
    if (type === 'ADDED' || type === 'MODIFIED')
      this.#keep(object, (record) => this.#emit({ type: 'upserted', record }));
    if (type === 'DELETED') this.#keep(object, (record) => this.#emit({ type: 'deleted', record }));
    this.#version = textAt(memberOf(object, 'metadata'), 'resourceVersion') ?? this.#version;
  }

  #keep(object: unknown, use: (record: T) => void): void {
    try {
      const record = this.#options.toRecord(object);
      if (record !== undefined) use(record);
    } catch (error) {
      this.#options.logger.error('cannot read an object of the cluster', { path: this.#options.path, error });
    }
  }

  #emit(event: ReflectorEvent<T>): void {
    try {
      this.#options.onEvent(event);
    } catch (error) {
      this.#options.logger.error('event handler failed', { path: this.#options.path, event: event.type, error });
    }
  }

  #selectors(): Query {
    const { labelSelector, fieldSelector } = this.#options;
    return { labelSelector, fieldSelector };
  }
}

function errorEvent(status: unknown, path: string): ExternalError {
  const code = memberOf(status, 'code');
  const message = textAt(status, 'message') ?? 'no explanation given';
  return new ExternalError(`watch of "${path}" ended by the server: ${message}`, {
    retryable: true,
    status: typeof code === 'number' ? code : undefined,
    reason: textAt(status, 'reason'),
  });
}

/**
 * The resource version (or the continue token) is of no more use. Servers say it as HTTP 410, as an ERROR event with a
 * 410 Status, as reason Expired or Gone, and in words under other codes; 400 means that they cannot read the version.
 */
function isForgotten(error: unknown): boolean {
  if (!(error instanceof ExternalError)) return false;
  if (error.status === 410 || error.status === 400) return true;
  return (
    error.reason === 'Expired' || error.reason === 'Gone' || /too (old|large) resource version/i.test(error.message)
  );
}

/** Full jitter, and at least what the server asked for. */
function waitAfter(failures: number, error: unknown, timing: ReflectorTiming, random: () => number): number {
  const ceiling = Math.min(timing.backoffCapMs, timing.backoffBaseMs * 2 ** (failures - 1));
  const asked = error instanceof ExternalError ? (error.retryAfterMs ?? 0) : 0;
  return Math.round(Math.max(timing.backoffFloorMs, random() * ceiling, Math.min(asked, timing.longestRetryAfterMs)));
}

function report<T>(
  { logger, path }: ReflectorOptions<T>,
  { error, ...fields }: { failures: number; delayMs: number; relist: boolean; error: unknown },
): void {
  if (error === undefined) logger.debug('watch ended, resuming', { path, ...fields });
  else logger.warn('list or watch failed, trying again', { path, ...fields, error });
}

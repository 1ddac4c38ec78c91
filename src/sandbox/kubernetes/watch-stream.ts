import type { IncomingMessage, ServerResponse } from 'node:http';
import { ApiError, statusOf } from './api-error.js';
import { isTrue, type ApiRequest } from './api-request.js';
import type { Passage } from './faults.js';
import { checkListOptions, resourceVersionOf, selectionOf, wantsBookmarks } from './listing.js';
import type { KubeObject } from './objects.js';
import type { ObjectStore, WatchEvent, WatchOptions } from './object-store.js';
import { apiVersionOf } from './resources.js';
import { faceOf, objectJson } from './wire.js';

export interface WatchSettings {
  /** How often a watch that asked for bookmarks gets one. */
  readonly bookmarkIntervalMs: number;
}

/** A client that reads nothing while this much waits for it is disconnected. */
const MAX_UNREAD_BYTES = 256 * 1024 * 1024;
const LONGEST_WATCH_SECONDS = 3600;

/** How one event is written; kubectl asks for tables. */
export type EventWriter = (object: KubeObject) => string;

/** Serves one watch until the client leaves, its timeout passes or a fault ends it. */
export class WatchStream {
  readonly #store: ObjectStore;
  readonly #request: ApiRequest;
  readonly #response: ServerResponse;
  readonly #passage: Passage;
  readonly #write: EventWriter;
  readonly #timers: NodeJS.Timeout[] = [];
  #unsubscribe: () => void = () => undefined;
  #sent = 0;

  constructor(store: ObjectStore, request: ApiRequest, wire: WatchWire) {
    this.#store = store;
    this.#request = request;
    this.#response = wire.response;
    this.#passage = wire.passage;
    this.#write = wire.writer ?? objectJson;
    wire.incoming.once('close', () => this.#stop());
    wire.response.once('close', () => this.#stop());
  }

  /** Starts sending. Throws before the first byte when the parameters are wrong. */
  start(settings: WatchSettings): void {
    checkListOptions(this.#request);
    const { query } = this.#request;
    const version = resourceVersionOf(query);
    const initial = isTrue(query.get('sendInitialEvents')) || (query.get('sendInitialEvents') === null && !version);
    const options: WatchOptions = {
      ...selectionOf(this.#request),
      namespace: this.#request.namespace,
      ...(initial ? {} : { since: version ?? this.#store.revisions.revision }),
    };
    this.#response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-cache, private' });
    this.#response.flushHeaders();
    if (this.#silent()) return;
    this.#schedule(settings);
    this.#subscribe(options, isTrue(query.get('sendInitialEvents')));
  }

  #subscribe(options: WatchOptions, announceEnd: boolean): void {
    try {
      this.#unsubscribe = this.#store.watch(this.#request.store, options, (event) => this.#send(event));
      if (announceEnd) this.#bookmark({ 'k8s.io/initial-events-end': 'true' });
      if (this.#response.writableEnded) this.#stop();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.#line('ERROR', JSON.stringify(statusOf(error)));
      this.#response.end();
    }
  }

  #schedule(settings: WatchSettings): void {
    const { query } = this.#request;
    const seconds = Number(query.get('timeoutSeconds') ?? '') || LONGEST_WATCH_SECONDS;
    const bookmarks = wantsBookmarks(query);
    const end = setTimeout(() => {
      if (bookmarks) this.#bookmark();
      this.#stop();
      this.#response.end();
    }, seconds * 1000);
    this.#timers.push(end);
    if (bookmarks) this.#timers.push(setInterval(() => this.#bookmark(), settings.bookmarkIntervalMs));
    for (const timer of this.#timers) timer.unref();
  }

  #send(event: WatchEvent): void {
    if (this.#silent() || this.#response.writableEnded) return;
    const object = faceOf(event.object, this.#request.type);
    this.#line(event.type, this.#write(object));
    this.#sent += 1;
    if (typeof this.#passage === 'object' && this.#passage.kind === 'cut' && this.#sent >= this.#passage.afterEvents) {
      this.#cut(this.#passage.clean ?? false);
    } else if (this.#response.writableLength > MAX_UNREAD_BYTES) this.#response.destroy();
  }

  #cut(clean: boolean): void {
    this.#stop();
    if (clean) this.#response.end();
    // The bytes so far must still arrive, so the socket ends after they are out.
    else this.#response.write('', () => this.#response.destroy());
  }

  #bookmark(annotations?: Readonly<Record<string, string>>): void {
    const { type } = this.#request;
    const resourceVersion = String(this.#store.revisions.revision);
    const metadata = { resourceVersion, creationTimestamp: null, ...(annotations ? { annotations } : {}) };
    this.#line('BOOKMARK', JSON.stringify({ kind: type.kind, apiVersion: apiVersionOf(type), metadata }));
  }

  #line(type: string, object: string): void {
    if (!this.#response.writableEnded) this.#response.write(`{"type":"${type}","object":${object}}\n`);
  }

  #silent(): boolean {
    return typeof this.#passage === 'object' && this.#passage.kind === 'silence';
  }

  #stop(): void {
    this.#unsubscribe();
    for (const timer of this.#timers) clearTimeout(timer);
  }
}

export interface WatchWire {
  readonly incoming: IncomingMessage;
  readonly response: ServerResponse;
  readonly passage: Passage;
  readonly writer?: EventWriter | undefined;
}

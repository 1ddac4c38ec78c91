import { randomBytes } from 'node:crypto';
import { kubeTime, numberAt, type KubeObject } from './objects.js';
import type { ObjectStore } from './object-store.js';

export interface RecordedEvent {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

/** Writes Events the way controllers and the kubelet do: the same one again only counts up. */
export class EventRecorder {
  readonly #store: ObjectStore;
  readonly #component: string;
  /** What was said about an object, to the name of the Event that said it. */
  readonly #names = new Map<string, string>();

  /** @param component who speaks, e.g. `job-controller` or `kubelet` */
  constructor(store: ObjectStore, component: string) {
    this.#store = store;
    this.#component = component;
  }

  /** Says something about an object. */
  record(about: KubeObject, event: RecordedEvent): void {
    const { namespace = 'default', uid } = about.metadata;
    const key = `${uid} ${event.reason} ${event.message}`;
    const lastTimestamp = kubeTime(this.#store.now());
    const name = this.#names.get(key);
    const earlier = name === undefined ? undefined : this.#store.find('events', namespace, name);
    if (earlier === undefined) {
      this.#names.set(key, this.#create(about, event, lastTimestamp));
      return;
    }
    const count = (numberAt(earlier, 'count') ?? 1) + 1;
    const again = { ...earlier, count, lastTimestamp };
    this.#store.update('events', { namespace, name: earlier.metadata.name }, () => again);
  }

  #create(about: KubeObject, event: RecordedEvent, time: string): string {
    const { namespace = 'default', name, uid, resourceVersion } = about.metadata;
    const created = this.#store.create('events', {
      metadata: { name: `${name}.${randomBytes(8).toString('hex')}`, namespace },
      involvedObject: { kind: about.kind, namespace, name, uid, apiVersion: about.apiVersion, resourceVersion },
      ...event,
      source: { component: this.#component },
      firstTimestamp: time,
      lastTimestamp: time,
      count: 1,
      eventTime: null,
      reportingComponent: this.#component,
      reportingInstance: '',
    });
    return created.metadata.name;
  }
}

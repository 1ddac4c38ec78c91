import { textAt, type JsonRecord, type KubeObject } from './objects.js';

/** Names of the same field in `v1` and in `events.k8s.io/v1`. */
const RENAMED: readonly (readonly [core: string, events: string])[] = [
  ['involvedObject', 'regarding'],
  ['message', 'note'],
  ['source', 'deprecatedSource'],
  ['firstTimestamp', 'deprecatedFirstTimestamp'],
  ['lastTimestamp', 'deprecatedLastTimestamp'],
  ['count', 'deprecatedCount'],
  ['reportingComponent', 'reportingController'],
];

function renamed(object: JsonRecord, names: ReadonlyMap<string, string>): JsonRecord {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [names.get(key) ?? key, value]));
}

const toEvents = new Map(RENAMED);
const toCore = new Map(RENAMED.map(([core, events]) => [events, core]));

/** A stored event as `events.k8s.io/v1` shows it. */
export function eventsV1Of(event: KubeObject): KubeObject {
  return {
    ...renamed(event, toEvents),
    apiVersion: 'events.k8s.io/v1',
    kind: event.kind,
    metadata: event.metadata,
  };
}

/** An event written through `events.k8s.io/v1` as it is stored. */
export function coreEventOf(event: JsonRecord): JsonRecord {
  const core = renamed(event, toCore);
  return textAt(core, 'apiVersion') === '' ? core : { ...core, apiVersion: 'v1' };
}

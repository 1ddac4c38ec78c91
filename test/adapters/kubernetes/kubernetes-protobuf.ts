import type { ServerResponse } from 'node:http';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

/** A field by its number: text, a whole number, or the bytes of a message. */
export type Field = readonly [number: number, value: string | number | Uint8Array];

/** Objects as they are in JSON, as far as we encode them. */
export interface Meta {
  readonly name?: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

export interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
}

export interface Job {
  readonly metadata: Meta;
  readonly status: { readonly conditions?: readonly Condition[] };
}

interface TypeMeta {
  readonly apiVersion: string;
  readonly kind: string;
}

export type JobObject = TypeMeta & Job & { readonly kind: 'Job' };

export interface JobList extends TypeMeta {
  readonly kind: 'JobList';
  readonly metadata: { readonly resourceVersion?: string; readonly continue?: string };
  readonly items?: readonly Job[];
}

export interface PartialObjectMetadata extends TypeMeta {
  readonly kind: 'PartialObjectMetadata';
  readonly metadata: Meta;
}

export interface Status extends TypeMeta {
  readonly kind: 'Status';
  readonly message?: string;
  readonly reason?: string;
  readonly code?: number;
  readonly details?: { readonly retryAfterSeconds?: number };
}

export type KubernetesObject = JobObject | JobList | PartialObjectMetadata | Status;

/** The bytes of a message with these fields, in this order. */
export function message(...fields: readonly Field[]): Uint8Array {
  const writer = new BinaryWriter();
  for (const [number, value] of fields) {
    if (typeof value === 'number') writer.tag(number, WireType.Varint).int64(value);
    else if (typeof value === 'string') writer.tag(number, WireType.LengthDelimited).string(value);
    else writer.tag(number, WireType.LengthDelimited).bytes(value);
  }
  return writer.finish();
}

/**
 * The fields of an object's metadata as Go writes them: text also when there is none, and a time that is not set as a
 * message without content. Among them are some that nobody reads.
 */
export function metaFields(meta: Meta): Field[] {
  return [
    [1, meta.name ?? ''],
    [2, ''],
    [3, meta.namespace ?? ''],
    [4, ''],
    [5, meta.uid ?? ''],
    [6, meta.resourceVersion ?? ''],
    [7, 1],
    [8, meta.creationTimestamp === undefined ? message() : time(meta.creationTimestamp)],
    ...(meta.deletionTimestamp === undefined ? [] : [[9, time(meta.deletionTimestamp)] as const]),
    ...Object.entries(meta.labels ?? {}).map(([key, value]): Field => [11, entry(key, value)]),
    [12, entry('example.com/annotation', 'that nobody reads')],
    [17, message([1, 'kubectl'], [2, 'Apply'])],
  ];
}

/** An entry of a map from text to text. */
export function entry(key: string, value: string): Uint8Array {
  return message([1, key], [2, value]);
}

/** @param text as in JSON, in whole seconds */
export function time(text: string): Uint8Array {
  return message([1, Date.parse(text) / 1000], [2, 0]);
}

export function conditionFields({ type, status, reason = '', message: text = '' }: Condition): Field[] {
  return [
    [1, type],
    [2, status],
    [3, message()],
    [4, time('2026-11-21T12:00:00Z')],
    [5, reason],
    [6, text],
  ];
}

export function jobFields({ metadata, status }: Job): Field[] {
  const conditions = (status.conditions ?? []).map((condition): Field => [1, message(...conditionFields(condition))]);
  return [
    [1, message(...metaFields(metadata))],
    [2, message([1, 1], [6, message([2, 'a pod template'])])],
    [3, message(...conditions, [2, time('2026-11-21T12:00:00Z')], [4, 1])],
  ];
}

/** The fields of an object without its kind. */
export function fieldsOf(object: KubernetesObject): Field[] {
  switch (object.kind) {
    case 'Job':
      return jobFields(object);
    case 'JobList':
      return [
        [1, message([1, ''], [2, object.metadata.resourceVersion ?? ''], [3, object.metadata.continue ?? ''])],
        ...(object.items ?? []).map((job): Field => [2, message(...jobFields(job))]),
      ];
    case 'PartialObjectMetadata':
      return [[1, message(...metaFields(object.metadata))]];
    case 'Status':
      return statusFields(object);
  }
}

function statusFields({ message: text = '', reason = '', code = 0, details }: Status): Field[] {
  const retryAfterSeconds = details?.retryAfterSeconds ?? 0;
  return [
    [1, message([1, ''], [2, ''], [3, ''])],
    [2, 'Failure'],
    [3, text],
    [4, reason],
    ...(details === undefined
      ? []
      : [[5, message([1, ''], [2, ''], [3, ''], [5, retryAfterSeconds], [6, ''])] as const]),
    [6, code],
  ];
}

/** What an API server puts around the bytes of an object. */
export function envelope({ apiVersion, kind }: TypeMeta, raw: Uint8Array): Buffer {
  return Buffer.concat([
    Buffer.from('k8s\0'),
    message([1, message([1, apiVersion], [2, kind])], [2, raw], [3, ''], [4, '']),
  ]);
}

/** A Job with these fields. */
export function jobBytes(...fields: readonly Field[]): Buffer {
  return envelope(JOB_TYPE, message(...fields));
}

/** An answer that holds the object. */
export function encodeObject(object: KubernetesObject): Buffer {
  return envelope(object, message(...fieldsOf(object)));
}

/** One message of a watch, without its length. */
export function encodeWatchEvent(type: string, object: KubernetesObject): Uint8Array {
  return message([1, type], [2, message([1, encodeObject(object)])]);
}

/** Bytes with their length before them, as in a watch. */
export function frame(bytes: Uint8Array): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(bytes.length);
  return Buffer.concat([head, bytes]);
}

/** One message of a watch as it is on the wire. */
export function eventFrame(type: string, object: KubernetesObject): Buffer {
  return frame(encodeWatchEvent(type, object));
}

const CONTENT_TYPE = 'application/vnd.kubernetes.protobuf';

/** Answers a request. */
export function sendProtobuf(
  response: ServerResponse,
  status: number,
  body: KubernetesObject | Uint8Array,
  headers: Readonly<Record<string, string>> = {},
): void {
  const bytes = body instanceof Uint8Array ? body : encodeObject(body);
  response.writeHead(status, { 'content-type': CONTENT_TYPE, ...headers }).end(bytes);
}

/** Begins the answer to a watch, which goes on with frames. */
export function startProtobufWatch(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': `${CONTENT_TYPE};stream=watch` }).flushHeaders();
}

export const JOB_TYPE = { apiVersion: 'batch/v1', kind: 'Job' } as const;

/** A Job with everything that is read. */
export const job: JobObject = {
  ...JOB_TYPE,
  metadata: {
    name: 'buildkite-1',
    namespace: 'ci',
    uid: '0190a1b2-0000-7000-8000-000000000001',
    resourceVersion: '4711',
    creationTimestamp: '2026-11-21T11:22:33Z',
    deletionTimestamp: '2026-11-21T12:00:00Z',
    labels: { 'buildkite.com/job-uuid': '0190a1b2-0000-7000-8000-00000000000a', empty: '' },
  },
  status: {
    conditions: [
      { type: 'FailureTarget', status: 'True', reason: 'DeadlineExceeded', message: 'too slow' },
      { type: 'Failed', status: 'True', reason: 'DeadlineExceeded', message: 'Job was active longer than specified' },
    ],
  },
};
export const partial: PartialObjectMetadata = {
  apiVersion: 'meta.k8s.io/v1',
  kind: 'PartialObjectMetadata',
  metadata: job.metadata,
};
export const status: Status = {
  apiVersion: 'v1',
  kind: 'Status',
  message: 'please wait',
  reason: 'TooManyRequests',
  details: { retryAfterSeconds: 7 },
  code: 429,
};
export const listOf = (items: JobList['items']): JobList => ({
  apiVersion: 'batch/v1',
  kind: 'JobList',
  metadata: { resourceVersion: '99', continue: 'next' },
  ...(items === undefined ? {} : { items }),
});
export const item = (name: string) => ({ metadata: { name }, status: {} });

import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';

/** The API server's own encoding. For an object of which little is read, it costs both sides a fraction of JSON. */
export const PROTOBUF = 'application/vnd.kubernetes.protobuf';

/** Whether an answer is in it: a server that cannot do it answers in JSON. */
export function isProtobuf(contentType: string | undefined): boolean {
  return contentType?.startsWith(PROTOBUF) ?? false;
}

/** What a field is read as. Fields that a message does not list are passed over unread. */
type FieldType = 'text' | 'bytes' | 'integer' | 'time' | 'textMap' | Message | readonly [Message];

/** Fields by their number: the name in JSON and the type. Numbers are those of generated.proto in k8s.io/api and k8s.io/apimachinery. */
interface Message {
  readonly [number: number]: readonly [name: string, type: FieldType];
}

const OBJECT_META: Message = {
  1: ['name', 'text'],
  3: ['namespace', 'text'],
  5: ['uid', 'text'],
  6: ['resourceVersion', 'text'],
  8: ['creationTimestamp', 'time'],
  9: ['deletionTimestamp', 'time'],
  11: ['labels', 'textMap'],
};
const LIST_META: Message = { 2: ['resourceVersion', 'text'], 3: ['continue', 'text'] };

const JOB_CONDITION: Message = {
  1: ['type', 'text'],
  2: ['status', 'text'],
  5: ['reason', 'text'],
  6: ['message', 'text'],
};
const JOB: Message = { 1: ['metadata', OBJECT_META], 3: ['status', { 1: ['conditions', [JOB_CONDITION]] }] };

const STATUS: Message = {
  3: ['message', 'text'],
  4: ['reason', 'text'],
  5: ['details', { 5: ['retryAfterSeconds', 'integer'] }],
  6: ['code', 'integer'],
};

/** What is read of the objects that we ask for in this encoding, by kind. */
const KINDS: ReadonlyMap<string, Message> = new Map<string, Message>([
  ['Job', JOB],
  ['JobList', { 1: ['metadata', LIST_META], 2: ['items', [JOB]] }],
  ['PartialObjectMetadata', { 1: ['metadata', OBJECT_META] }],
  ['Status', STATUS],
]);

const MAGIC = Buffer.from('k8s\0');
const ENVELOPE: Message = {
  1: ['typeMeta', { 1: ['apiVersion', 'text'], 2: ['kind', 'text'] }],
  2: ['raw', 'bytes'],
};
const WATCH_EVENT: Message = { 1: ['type', 'text'], 2: ['object', { 1: ['raw', 'bytes'] }] };

type Fields = Record<string, unknown>;

/**
 * The object in an answer, in the shape it has in JSON but with no more fields than this module lists.
 * Throws when it is cut off, no Kubernetes object, or of a kind that is not listed.
 */
export function decodeObject(bytes: Uint8Array): unknown {
  if (MAGIC.compare(bytes, 0, MAGIC.length) !== 0) throw new Error('no Kubernetes object');
  const { typeMeta, raw } = decode(bytes.subarray(MAGIC.length), ENVELOPE) as {
    typeMeta?: { apiVersion?: string; kind?: string };
    raw?: Uint8Array;
  };
  const message = KINDS.get(typeMeta?.kind ?? '');
  if (message === undefined) throw new Error(`unexpected kind "${typeMeta?.kind}"`);
  if (raw === undefined) throw new Error('an envelope without an object');
  return { ...typeMeta, ...decode(raw, message) };
}

/** One message of a watch: `type` and `object`, as far as they are there. Throws as `decodeObject`. */
export function decodeWatchEvent(frame: Uint8Array): unknown {
  const { type, object } = decode(frame, WATCH_EVENT) as { type?: string; object?: { raw?: Uint8Array } };
  return { type, object: object?.raw === undefined ? undefined : decodeObject(object.raw) };
}

function decode(bytes: Uint8Array, message: Message): Fields {
  return decodeMessage(new BinaryReader(bytes), bytes.length, message);
}

/** Reads up to the position `end`. @param fields where to put them, when a part of the message has come before */
function decodeMessage(reader: BinaryReader, end: number, message: Message, fields: Fields = {}): Fields {
  while (reader.pos < end) {
    const [number, wireType] = reader.tag();
    const field = message[number];
    if (field === undefined) {
      reader.skip(wireType, number);
      continue;
    }
    const [name, type] = field;
    if (wireType !== (type === 'integer' ? WireType.Varint : WireType.LengthDelimited))
      throw new Error(`field "${name}" is encoded in another way`);
    const value = decodeField(reader, type, fields[name]);
    // Go writes what is empty, too; in JSON it is left out.
    if (value !== '' && value !== 0) fields[name] = value;
  }
  if (reader.pos !== end) throw new Error('a field goes beyond the end of its message');
  return fields;
}

/** @param soFar what the field holds already, when it has come before */
function decodeField(reader: BinaryReader, type: FieldType, soFar: unknown): unknown {
  if (type === 'text') return reader.string();
  if (type === 'bytes') return reader.bytes();
  if (type === 'integer') return Number(reader.int64());
  const end = reader.uint32() + reader.pos;
  if (type === 'time') return decodeTime(reader, end);
  if (type === 'textMap') return withEntry(soFar as Fields | undefined, decodeMessage(reader, end, ENTRY));
  if (!isList(type)) return decodeMessage(reader, end, type, soFar as Fields | undefined);
  const list = (soFar as unknown[] | undefined) ?? [];
  list.push(decodeMessage(reader, end, type[0]));
  return list;
}

function isList(type: Message | readonly [Message]): type is readonly [Message] {
  return Array.isArray(type);
}

const TIME: Message = { 1: ['seconds', 'integer'] };

/** Kubernetes keeps whole seconds. A time that is not set is a message without content. */
function decodeTime(reader: BinaryReader, end: number): string {
  if (reader.pos === end) return '';
  const { seconds = 0 } = decodeMessage(reader, end, TIME) as { seconds?: number };
  return `${new Date(seconds * 1000).toISOString().slice(0, -'.000Z'.length)}Z`;
}

const ENTRY: Message = { 1: ['key', 'text'], 2: ['value', 'text'] };

function withEntry(map: Fields = {}, { key = '', value = '' }: { key?: string; value?: string }): Fields {
  map[key] = value;
  return map;
}

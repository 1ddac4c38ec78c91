import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { expect } from 'chai';
import { decodeObject, decodeWatchEvent } from '../../../src/adapters/kubernetes/protobuf.js';
import {
  JOB_TYPE,
  conditionFields,
  encodeObject,
  encodeWatchEvent,
  entry,
  envelope,
  item,
  job,
  jobBytes,
  jobFields,
  listOf,
  message,
  metaFields,
  partial,
  status,
  time,
  type Field,
  type KubernetesObject,
} from './kubernetes-protobuf.js';

const jobOf = (...fields: readonly Field[]): unknown => decodeObject(jobBytes(...fields));
const metadataOf = (...fields: readonly Field[]): unknown =>
  (jobOf([1, message(...fields)]) as { metadata: unknown }).metadata;

describe('protobuf of Kubernetes', () => {
  describe('objects', () => {
    const table: readonly (readonly [what: string, object: KubernetesObject])[] = [
      ['a Job with labels, times and conditions', job],
      ['a Job with little more than a name', { ...JOB_TYPE, metadata: { name: 'a' }, status: {} }],
      ['a list of nothing', listOf(undefined)],
      ['a list of one Job', listOf([{ metadata: job.metadata, status: job.status }])],
      ['a list of many Jobs', listOf(Array.from({ length: 500 }, (_, index) => item(`job-${index}`)))],
      ['the last page of a list', { ...listOf([item('a')]), metadata: { resourceVersion: '99' } }],
      ['the metadata of an object', partial],
      ['a refusal that says when to come back', status],
      ['a refusal with no more than a code', { apiVersion: 'v1', kind: 'Status', code: 500 }],
      ['a code below zero', { ...status, code: -1 }],
    ];
    for (const [what, object] of table) {
      it(`reads ${what} into what it is in JSON`, () => {
        expect(decodeObject(encodeObject(object))).to.deep.equal(object);
      });
    }

    it('leaves out empty text, zeros and times that are not set, as JSON does, but keeps labels without a value', () => {
      const bare = jobOf(
        [1, message([1, 'a'], [3, ''], [8, message()], [11, entry('flag', '')])],
        [3, message([1, message([1, 'Complete'], [2, 'True'], [5, ''], [6, ''])])],
      );

      expect(bare).to.deep.equal({
        ...JOB_TYPE,
        metadata: { name: 'a', labels: { flag: '' } },
        status: { conditions: [{ type: 'Complete', status: 'True' }] },
      });
      expect(decodeObject(encodeObject({ ...status, code: 0, reason: '', details: {} }))).to.deep.equal({
        apiVersion: 'v1',
        kind: 'Status',
        message: 'please wait',
        details: {},
      });
    });

    it('reads times before and after the years of two or four digits', () => {
      for (const creationTimestamp of ['1970-01-01T00:00:00Z', '1969-12-31T23:59:59Z', '9999-12-31T23:59:59Z'])
        expect(metadataOf([8, time(creationTimestamp)]), creationTimestamp).to.deep.equal({ creationTimestamp });
    });

    it('reads text of every script, however long', () => {
      const texts = ['größe', '日本', '🚀', '\uFEFFmark', 'a\0b', 'ü'.repeat(31), 'x'.repeat(33), '語'.repeat(50_000)];
      for (const text of texts) {
        const object = { ...job, metadata: { ...job.metadata, name: text, labels: { [text]: text } } };
        expect(decodeObject(encodeObject(object))).to.deep.equal(object);
      }
    });

    it('takes the last of several entries of a map with the same key', () => {
      const metadata = metadataOf([11, entry('a', '1')], [11, entry('b', '2')], [11, entry('a', '3')]);

      expect(metadata).to.deep.equal({ labels: { a: '3', b: '2' } });
    });

    it('reads entries of a map in which the key or the value comes last or not at all', () => {
      const labels = [message([2, 'v'], [1, 'k']), message([1, 'no value']), message([2, 'no key']), message()];

      expect(metadataOf(...labels.slice(0, 3).map((bytes): Field => [11, bytes]))).to.deep.equal({
        labels: { k: 'v', 'no value': '', '': 'no key' },
      });
      expect(metadataOf([11, message()])).to.deep.equal({ labels: { '': '' } });
    });

    it('puts a message together that comes in parts', () => {
      const [first, second, ...rest] = metaFields(job.metadata);
      const conditions = (job.status.conditions ?? []).map((condition) => message(...conditionFields(condition)));

      const parts = jobOf(
        [1, message(first!)],
        [3, message([1, conditions[0]!])],
        [1, message(second!)],
        [1, message(...rest)],
        [3, message([1, conditions[1]!])],
      );

      expect(parts).to.deep.equal(job);
    });

    it('finds the object wherever it stands in the envelope', () => {
      const [typeMeta, raw] = [message([2, 'Job'], [1, 'batch/v1']), message(...jobFields(job))];
      const bytes = Buffer.concat([Buffer.from('k8s\0'), message([4, ''], [2, raw], [1, typeMeta])]);

      expect(decodeObject(bytes)).to.deep.equal(job);
    });
  });

  describe('fields that are not listed', () => {
    const tag = (number: number, wireType: WireType) => new BinaryWriter().tag(number, wireType);
    const simple: readonly (readonly [what: string, bytes: Uint8Array])[] = [
      ['a varint', tag(2000, WireType.Varint).uint32(1).finish()],
      ['a varint of ten bytes', tag(2000, WireType.Varint).int64(-1).finish()],
      ['eight bytes', tag(2001, WireType.Bit64).double(Math.PI).finish()],
      ['four bytes', tag(2002, WireType.Bit32).float(0.1).finish()],
      ['text', tag(2003, WireType.LengthDelimited).string('ü'.repeat(100)).finish()],
      [
        'bytes that look like fields',
        tag(2004, WireType.LengthDelimited)
          .bytes(message([1, 'not this']))
          .finish(),
      ],
      ['nothing at all', tag(2005, WireType.LengthDelimited).bytes(new Uint8Array()).finish()],
    ];
    const group = (content: Uint8Array, number = 2006): Uint8Array =>
      tag(number, WireType.StartGroup).raw(content).tag(number, WireType.EndGroup).finish();
    const junk = [
      ...simple,
      ['a group', group(message([1, 'not this'], [6, 5]))],
      ['an empty group', group(message())],
      ['groups in groups', group(Buffer.concat([...simple.map(([, bytes]) => bytes), group(message([1, 'x']), 7)]))],
    ] as const;

    /** A Job with the bytes between any two of its fields, however deep. */
    function jobAround(bytes: Uint8Array): Buffer {
      const around = (fields: readonly Field[]): Uint8Array =>
        Buffer.concat([bytes, ...fields.flatMap((field) => [message(field), bytes])]);
      const labels = Object.entries(job.metadata.labels ?? {}).map(([key, value]): Field => [
        11,
        around([
          [1, key],
          [2, value],
        ]),
      ]);
      const times = [8, 9].map((number): Field => [
        number,
        around([[1, Date.parse(job.metadata[number === 8 ? 'creationTimestamp' : 'deletionTimestamp'] ?? '') / 1000]]),
      ]);
      const metadata = metaFields(job.metadata).filter(([number]) => ![8, 9, 11].includes(number));
      const conditions = (job.status.conditions ?? []).map((one): Field => [1, around(conditionFields(one))]);
      const raw = around([
        [1, around([...metadata, ...times, ...labels])],
        [3, around(conditions)],
      ]);
      const typeMeta = around([
        [1, 'batch/v1'],
        [2, 'Job'],
      ]);
      return Buffer.concat([
        Buffer.from('k8s\0'),
        around([
          [1, typeMeta],
          [2, raw],
        ]),
      ]);
    }

    for (const [what, bytes] of junk) {
      it(`are passed over: ${what}`, () => {
        expect(decodeObject(jobAround(bytes))).to.deep.equal(job);
        expect(decodeWatchEvent(Buffer.concat([bytes, encodeWatchEvent('ADDED', job), bytes]))).to.deep.equal({
          type: 'ADDED',
          object: job,
        });
      });
    }

    const nested = (depth: number): Uint8Array => (depth === 0 ? message() : group(nested(depth - 1)));
    const broken: readonly (readonly [what: string, bytes: Uint8Array])[] = [
      ['a group without an end', tag(2006, WireType.StartGroup).finish()],
      ['the end of a group that did not begin', tag(2006, WireType.EndGroup).finish()],
      ['a group that ends as another', tag(2006, WireType.StartGroup).tag(2007, WireType.EndGroup).finish()],
      ['groups a thousand deep', nested(1000)],
      ['a field without a number', Uint8Array.of(0)],
      ['wire type 6', Uint8Array.of(6 + 8)],
      ['wire type 7', Uint8Array.of(7 + 8)],
      ['a tag without an end', new Uint8Array(20).fill(0xff)],
      ['four bytes of which two are there', tag(2002, WireType.Bit32).raw(new Uint8Array(2)).finish()],
      ['eight bytes of which seven are there', tag(2002, WireType.Bit64).raw(new Uint8Array(7)).finish()],
      ['four gigabytes that are not there', tag(2003, WireType.LengthDelimited).uint32(0xffff_ffff).finish()],
    ];
    for (const [what, bytes] of broken) {
      it(`are refused when they are broken: ${what}`, () => {
        expect(() => decodeObject(envelope(JOB_TYPE, bytes))).to.throw();
        expect(() => jobOf([1, bytes])).to.throw();
      });
    }
  });

  describe('events', () => {
    for (const [type, object] of [
      ['ADDED', job],
      ['DELETED', job],
      ['BOOKMARK', { ...JOB_TYPE, metadata: { resourceVersion: '12' }, status: {} }],
      ['ERROR', { ...status, code: 410, reason: 'Expired' }],
    ] as const) {
      it(`reads ${type} with its object`, () => {
        expect(decodeWatchEvent(encodeWatchEvent(type, object))).to.deep.equal({ type, object });
      });
    }

    it('tells what is not there', () => {
      expect(decodeWatchEvent(new Uint8Array())).to.deep.equal({ type: undefined, object: undefined });
      expect(decodeWatchEvent(message([2, message()]))).to.deep.equal({ type: undefined, object: undefined });
    });

    it('refuses an object that is none, or of a kind that is not listed', () => {
      const event = (raw: Uint8Array) => message([1, 'ADDED'], [2, message([1, raw])]);

      expect(() => decodeWatchEvent(event(message(...jobFields(job))))).to.throw();
      expect(() => decodeWatchEvent(event(envelope({ apiVersion: 'v1', kind: 'Pod' }, message())))).to.throw('Pod');
    });
  });
});

import { expect } from 'chai';
import fc from 'fast-check';
import { decodeObject, decodeWatchEvent } from '../../../src/adapters/kubernetes/protobuf.js';
import {
  JOB_TYPE,
  encodeObject,
  encodeWatchEvent,
  envelope,
  job,
  jobFields,
  message,
  metaFields,
  partial,
  type Field,
  type KubernetesObject,
} from './kubernetes-protobuf.js';

describe('protobuf of Kubernetes: any object', () => {
  const text = fc.oneof(
    fc.string({ minLength: 1, unit: 'grapheme', maxLength: 80 }),
    fc.string({ minLength: 1, unit: 'binary' }),
  );
  const instant = fc
    .integer({ min: Date.parse('0000-01-01T00:00:00Z') / 1000, max: Date.parse('9999-12-31T23:59:59Z') / 1000 })
    .map((seconds) => new Date(seconds * 1000).toISOString().replace('.000Z', 'Z'));
  const labels = fc
    .dictionary(fc.oneof(text, fc.constantFrom('constructor', 'toString', '')), fc.oneof(text, fc.constant('')), {
      minKeys: 1,
      maxKeys: 5,
      noNullPrototype: true,
    })
    // No label is called so: names of labels begin with a letter or digit.
    .filter((map) => !Object.hasOwn(map, '__proto__'));
  const optional = { requiredKeys: [], noNullPrototype: true };
  const metadata = fc.record(
    {
      name: text,
      namespace: text,
      uid: text,
      resourceVersion: text,
      creationTimestamp: instant,
      deletionTimestamp: instant,
      labels,
    },
    optional,
  );
  const conditions = fc.array(
    fc.record(
      { type: text, status: text, reason: text, message: text },
      { requiredKeys: ['type', 'status'], noNullPrototype: true },
    ),
    { minLength: 1, maxLength: 4 },
  );
  const aJob = fc.record({ metadata, status: fc.record({ conditions }, optional) });
  const whole = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }).filter((value) => value !== 0);
  const anObject = fc.oneof(
    aJob.map((rest): KubernetesObject => ({ ...JOB_TYPE, ...rest })),
    fc
      .record({
        metadata: fc.record({ resourceVersion: text, continue: text }, optional),
        items: fc.array(aJob, { minLength: 1, maxLength: 5 }),
      })
      .map((rest): KubernetesObject => ({ apiVersion: 'batch/v1', kind: 'JobList', ...rest })),
    metadata.map((rest): KubernetesObject => ({ ...partial, metadata: rest })),
    fc
      .record(
        { message: text, reason: text, code: whole, details: fc.record({ retryAfterSeconds: whole }, optional) },
        optional,
      )
      .map((rest): KubernetesObject => ({ apiVersion: 'v1', kind: 'Status', ...rest })),
  );

  it('is the same decoded as it is in JSON', () => {
    fc.assert(
      fc.property(anObject, fc.constantFrom('ADDED', 'ERROR', 'größe'), (object, type) => {
        const inJson: unknown = JSON.parse(JSON.stringify(object));
        expect(decodeObject(encodeObject(object))).to.deep.equal(inJson);
        expect(decodeWatchEvent(encodeWatchEvent(type, object))).to.deep.equal({ type, object: inJson });
      }),
      { numRuns: 300 },
    );
  });

  it('is the same in whatever order its fields come', () => {
    const shuffled = (fields: readonly Field[]) =>
      fc.shuffledSubarray([...fields], { minLength: fields.length }).map((some) => message(...some));

    fc.assert(
      fc.property(shuffled(metaFields(job.metadata)), fc.gen(), (metadataBytes, pick) => {
        const fields = jobFields(job).map((field): Field => (field[0] === 1 ? [1, metadataBytes] : field));
        expect(decodeObject(envelope(JOB_TYPE, pick(shuffled, fields)))).to.deep.equal(job);
      }),
    );
  });
});

import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { expect } from 'chai';
import fc from 'fast-check';
import { decodeObject, decodeWatchEvent } from '../../../src/adapters/kubernetes/protobuf.js';
import {
  JOB_TYPE,
  encodeObject,
  encodeWatchEvent,
  entry,
  envelope,
  fieldsOf,
  item,
  job,
  jobBytes,
  jobFields,
  listOf,
  message,
  partial,
  status,
  type Field,
} from './kubernetes-protobuf.js';

/** What decoding gives, or `threw`. */
function outcomeOf(decode: () => unknown): unknown {
  try {
    return decode();
  } catch (error) {
    expect(error).to.be.instanceOf(Error);
    return 'threw';
  }
}

/** Whether everything in `part` is in `whole`, too: no text shortened, nothing made up. */
function isPartOf(part: unknown, whole: unknown): boolean {
  if (typeof part !== 'object' || part === null || typeof whole !== 'object' || whole === null) return part === whole;
  return Object.entries(part).every(([key, value]) => isPartOf(value, (whole as Record<string, unknown>)[key]));
}

describe('protobuf of Kubernetes that is damaged', () => {
  describe('what is no object', () => {
    const bytes = encodeObject(job);
    const withoutMagic = bytes.subarray(4);
    const unreadable: readonly (readonly [what: string, bytes: Uint8Array])[] = [
      ['nothing', Buffer.alloc(0)],
      ['half of the magic', Buffer.from('k8')],
      ['the magic alone', Buffer.from('k8s\0')],
      ['no magic', withoutMagic],
      ['other magic', Buffer.concat([Buffer.from('k8s\x01'), withoutMagic])],
      ['JSON', Buffer.from(JSON.stringify(job))],
      ['an envelope without a type', Buffer.concat([Buffer.from('k8s\0'), message([2, message(...jobFields(job))])])],
      ['a type without an object', Buffer.concat([Buffer.from('k8s\0'), message([1, message([2, 'Job'])])])],
      ...['Pod', 'PodList', '', 'job', 'constructor', 'toString', '__proto__'].map(
        (kind) => [`the kind "${kind}"`, envelope({ apiVersion: 'v1', kind }, message(...jobFields(job)))] as const,
      ),
    ];
    for (const [what, input] of unreadable) {
      it(`is refused: ${what}`, () => {
        expect(() => decodeObject(input)).to.throw();
      });
    }

    const condition = (...fields: readonly Field[]): Field => [3, message([1, message(...fields)])];
    const mistaken: readonly (readonly [what: string, fields: readonly Field[]])[] = [
      ['metadata', [[1, 5]]],
      ['name', [[1, message([1, 5])]]],
      ['creationTimestamp', [[1, message([8, 5])]]],
      ['seconds', [[1, message([8, message([1, '5'])])]]],
      ['labels', [[1, message([11, 5])]]],
      ['key', [[1, message([11, message([1, 5])])]]],
      ['value', [[1, message([11, message([2, 5])])]]],
      ['status', [[3, 5]]],
      ['conditions', [[3, message([1, 5])]]],
      ['message', [condition([1, 'Failed'], [6, 5])]],
    ];
    for (const [name, fields] of mistaken) {
      it(`is refused: "${name}" in another wire type`, () => {
        expect(() => decodeObject(jobBytes(...fields))).to.throw(name);
      });
    }

    it('is refused: a number in the wire type of text, and fields as groups or fixed widths', () => {
      expect(() => decodeObject(envelope(status, message([6, '429'])))).to.throw('code');
      for (const wireType of [WireType.Bit32, WireType.Bit64, WireType.StartGroup, WireType.EndGroup]) {
        const field = new BinaryWriter().tag(1, wireType).raw(new Uint8Array(8)).finish();
        expect(() => decodeObject(envelope(JOB_TYPE, field)), String(wireType)).to.throw('metadata');
      }
    });

    const claim = (number: number, length: number, content: Uint8Array): Uint8Array =>
      new BinaryWriter().tag(number, WireType.LengthDelimited).uint32(length).raw(content).finish();
    const name = message([1, 'buildkite-1']);
    for (const [what, tooMuch] of [
      ['one byte', 1],
      ['what follows', message([3, message()]).length],
      ['more than there is in all', 1000],
      ['four gigabytes', 0xffff_ffff - name.length],
    ] as const) {
      it(`is refused: a message that claims to be longer than its parent, by ${what}`, () => {
        const labels = Buffer.concat([name, claim(11, entry('a', 'b').length + tooMuch, entry('a', 'b'))]);
        const metadata = claim(1, name.length + tooMuch, name);
        const seconds = claim(8, message([1, 5]).length + tooMuch, message([1, 5]));
        const inner = [message([1, labels]), message([1, seconds]), metadata];

        // Whether it stands last or something follows that it could take for its own.
        for (const fields of inner) expect(() => decodeObject(envelope(JOB_TYPE, fields))).to.throw();
        for (const fields of inner.slice(0, 2))
          expect(() => decodeObject(envelope(JOB_TYPE, Buffer.concat([fields, message([3, message()])])))).to.throw();
      });
    }

    it('is refused: text that is longer than its message, although more bytes follow', () => {
      const metadata = claim(1, 100, Buffer.from('abc'));

      expect(() => decodeObject(jobBytes([1, metadata], [3, new Uint8Array(200)]))).to.throw();
    });

    it('is refused: a time beyond all calendars', () => {
      expect(() => decodeObject(jobBytes([1, message([8, message([1, Number.MAX_SAFE_INTEGER])])]))).to.throw();
    });
  });

  describe('what is cut off', () => {
    for (const object of [job, listOf([item('a'), item('b')]), partial, status] as const) {
      it(`is refused, or whole already, at every byte of a ${object.kind}`, () => {
        const whole = encodeObject(object);
        for (let length = 0; length < whole.length; length++) {
          // The rest stands behind it in memory: reading on would go unnoticed otherwise.
          const outcome = outcomeOf(() => decodeObject(whole.subarray(0, length)));
          if (outcome !== 'threw') expect(outcome, `${length} bytes`).to.deep.equal(object);
          const alone = Buffer.from(whole.subarray(0, length));
          expect(outcomeOf(() => decodeObject(alone))).to.deep.equal(outcome);
        }
      });

      it(`gives nothing shortened or made up inside of the envelope of a ${object.kind}`, () => {
        const raw = message(...fieldsOf(object));
        for (let length = 0; length < raw.length; length++) {
          const outcome = outcomeOf(() => decodeObject(envelope(object, raw.subarray(0, length))));
          if (outcome !== 'threw') expect(isPartOf(outcome, object), `${length} bytes`).to.equal(true);
        }
      });
    }

    it('is refused at every byte of an event, but for an event whose object is not there', () => {
      const whole = encodeWatchEvent('ADDED', job);
      const withoutObject = message([1, 'ADDED']).length;
      for (let length = 1; length < whole.length; length++) {
        const outcome = outcomeOf(() => decodeWatchEvent(whole.subarray(0, length)));
        const expected = length === withoutObject ? { type: 'ADDED', object: undefined } : 'threw';
        expect(outcome, `${length} bytes`).to.deep.equal(expected);
      }
    });
  });

  describe('any bytes', () => {
    it('never hangs or throws other than errors, whatever the bytes', () => {
      const start = encodeObject(job);
      const damaged = fc
        .array(fc.tuple(fc.nat(start.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 })
        .map((changes) => {
          const bytes = Buffer.from(start);
          for (const [at, value] of changes) bytes[at] = value;
          return bytes;
        });
      const random = fc.uint8Array({ maxLength: 200 });

      fc.assert(
        fc.property(
          fc.oneof(
            damaged,
            random.map((raw) => envelope(JOB_TYPE, raw)),
            random,
          ),
          (bytes) => {
            outcomeOf(() => decodeObject(bytes));
            outcomeOf(() => decodeWatchEvent(bytes));
          },
        ),
        { numRuns: 500 },
      );
    });
  });
});

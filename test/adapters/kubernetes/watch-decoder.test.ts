import { inspect } from 'node:util';
import { expect } from 'chai';
import fc from 'fast-check';
import { splitFrames } from '../../../src/adapters/kubernetes/frame-splitter.js';
import { watchDecoder, type WatchEvent } from '../../../src/adapters/kubernetes/watch-decoder.js';
import { ExternalError } from '../../../src/core/errors.js';
import { encodeWatchEvent, envelope, eventFrame, frame, message, type JobObject } from './kubernetes-protobuf.js';

const PROTOBUF = 'application/vnd.kubernetes.protobuf;stream=watch';
const MOST = 16 * 1024 * 1024;

const job = (name: string): JobObject => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name, resourceVersion: '1', labels: { where: 'größe 日本 🚀' } },
  status: {},
});
const events: readonly (WatchEvent & { readonly object: JobObject })[] = [
  { type: 'ADDED', object: job('a') },
  { type: 'MODIFIED', object: job('a'.repeat(300)) },
  { type: 'BOOKMARK', object: job('ß') },
  { type: 'DELETED', object: job('a') },
];
const inProtobuf = Buffer.concat(events.map(({ type, object }) => eventFrame(type, object)));
const inJson = Buffer.from(events.map((event) => `${JSON.stringify(event)}\n`).join(''));

/** The bytes in chunks that end at these positions. */
function cutAt(bytes: Buffer, positions: readonly number[]): Buffer[] {
  const ends = [...positions, bytes.length].map((at) => Math.min(at, bytes.length)).sort((a, b) => a - b);
  return ends.map((end, index) => bytes.subarray(index === 0 ? 0 : ends[index - 1], end));
}

function thrownBy(run: () => void): any {
  try {
    run();
  } catch (error) {
    return error;
  }
  throw new Error('expected a failure');
}

interface Reading {
  readonly seen: WatchEvent[];
  readonly feed: (chunk: Buffer) => void;
}

function reading(contentType: string | undefined): Reading {
  const seen: WatchEvent[] = [];
  const feed = watchDecoder({ contentType, path: '/apis/batch/v1/jobs' }, (event) => seen.push(event));
  return { seen, feed };
}

describe('watch decoder', () => {
  const encodings: readonly (readonly [contentType: string | undefined, bytes: Buffer])[] = [
    [PROTOBUF, inProtobuf],
    ['application/vnd.kubernetes.protobuf', inProtobuf],
    ['application/json', inJson],
    ['application/json;stream=watch', inJson],
    [undefined, inJson],
  ];
  for (const [contentType, bytes] of encodings) {
    describe(`with the content type ${contentType}`, () => {
      it('tells the same events however their bytes are cut', () => {
        fc.assert(
          fc.property(fc.array(fc.nat(bytes.length), { maxLength: 12 }), (positions) => {
            const { seen, feed } = reading(contentType);
            for (const chunk of cutAt(bytes, positions)) feed(chunk);
            expect(seen).to.deep.equal(events);
          }),
          { numRuns: 50 },
        );
      });

      it('tells them when every byte comes alone, each as soon as it is there', () => {
        const { seen, feed } = reading(contentType);
        const first = contentType?.includes('protobuf')
          ? eventFrame('ADDED', job('a')).length
          : inJson.indexOf('\n') + 1;

        for (const [at, byte] of bytes.entries()) {
          feed(Buffer.of(byte));
          if (at === first - 2) expect(seen).to.have.length(0);
          if (at === first - 1) expect(seen).to.have.length(1);
        }

        expect(seen).to.deep.equal(events);
      });

      it('never tells an event that is not whole', () => {
        const { seen, feed } = reading(contentType);

        feed(bytes.subarray(0, -1));

        expect(seen).to.deep.equal(events.slice(0, -1));
      });

      it('lets out what its reader throws, and has told all events before', () => {
        const complaint = new Error('enough');
        let told = 0;
        const feed = watchDecoder({ contentType, path: '/w' }, () => {
          told += 1;
          if (told === 2) throw complaint;
        });

        expect(thrownBy(() => feed(bytes))).to.equal(complaint);
        expect(told).to.equal(2);
      });
    });
  }

  describe('a frame that is no event', () => {
    const secret = 'hunter2';
    const raw = Buffer.from(secret.repeat(3));
    const table: readonly (readonly [what: string, content: Uint8Array])[] = [
      ['garbage', raw],
      ['nothing', Buffer.alloc(0)],
      ['JSON', Buffer.from(JSON.stringify({ type: 'ADDED', object: { secret } }))],
      ['an event without a type', message([2, message([1, envelope({ apiVersion: 'v1', kind: 'Job' }, raw)])])],
      ['an event of an unreadable object', message([1, 'ADDED'], [2, message([1, raw])])],
      [
        'an object of another kind',
        message([1, 'ADDED'], [2, message([1, envelope({ apiVersion: 'v1', kind: secret }, raw)])]),
      ],
      ['half an event', encodeWatchEvent('ADDED', job(secret)).subarray(0, -5)],
    ];
    for (const [what, content] of table) {
      it(`ends the watch for now, with its length and without its content: ${what}`, () => {
        const { seen, feed } = reading(PROTOBUF);

        const error = thrownBy(() => feed(Buffer.concat([inProtobuf, frame(content), inProtobuf])));

        expect(error).to.be.instanceOf(ExternalError).and.to.include({ retryable: true });
        expect(error.message).to.contain('"/apis/batch/v1/jobs"').and.to.contain(`a frame of ${content.length} bytes`);
        expect(inspect(error, { depth: 9 })).not.to.contain(secret);
        expect(seen).to.deep.equal(events);
      });
    }

    it('ends the watch for now when a line is none, too', () => {
      for (const line of ['hunter2', 'null', '[]', '{"object":"hunter2"}', '{"type":5}']) {
        const error = thrownBy(() => reading('application/json').feed(Buffer.from(`${line}\n`)));

        expect(error).to.be.instanceOf(ExternalError).and.to.include({ retryable: true });
        expect(error.message).to.contain(`a line of ${line.length} characters`);
        expect(inspect(error, { depth: 9 })).not.to.contain(secret);
      }
    });

    it('passes over empty lines', () => {
      const { seen, feed } = reading('application/json');

      feed(Buffer.concat([Buffer.from('\n \r\n'), inJson]));

      expect(seen).to.deep.equal(events);
    });
  });

  describe('a frame that is too long', () => {
    const head = (length: number): Buffer => {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32BE(length);
      return bytes;
    };

    for (const length of [MOST + 1, 0x6874_7470, 0xffff_ffff]) {
      it(`is refused as soon as its length is known: ${length} bytes`, () => {
        const { seen, feed } = reading(PROTOBUF);
        feed(inProtobuf);
        feed(head(length).subarray(0, 3));

        const error = thrownBy(() => feed(head(length).subarray(3)));

        expect(error).to.be.instanceOf(ExternalError).and.to.include({ retryable: true });
        expect(error.message).to.contain(`a frame of ${length} bytes`);
        expect(seen).to.deep.equal(events);
      });
    }

    it('is one of more than 16 MiB: one of that length is read', () => {
      const { seen, feed } = reading(PROTOBUF);
      const event = encodeWatchEvent('ADDED', job('a'));
      const rest = MOST - event.length;
      const padding = message([9, new Uint8Array(rest - 5)]);
      const whole = frame(Buffer.concat([event, padding]));
      expect(whole).to.have.length(4 + MOST);

      for (let at = 0; at < whole.length; at += 1024 * 1024) feed(whole.subarray(at, at + 1024 * 1024));

      expect(seen).to.deep.equal(events.slice(0, 1));
    });
  });
});

describe('splitFrames', () => {
  const refuse = (length: number): never => {
    throw new Error(`${length} is too long`);
  };

  it('gives every frame once, in order, whatever is in it and however the bytes are cut', () => {
    const contents = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 8 });
    fc.assert(
      fc.property(contents, fc.array(fc.nat(2500), { maxLength: 12 }), (frames, positions) => {
        const seen: Buffer[] = [];
        const feed = splitFrames({ onFrame: (bytes) => seen.push(bytes), onOversized: refuse });

        for (const chunk of cutAt(Buffer.concat(frames.map(frame)), positions)) feed(chunk);

        // Compared in the end: a frame must not change after it was given away.
        expect(seen.map((bytes) => [...bytes])).to.deep.equal(frames.map((bytes) => [...bytes]));
      }),
    );
  });

  it('gives empty frames, too', () => {
    const seen: number[] = [];
    const feed = splitFrames({ onFrame: (bytes) => seen.push(bytes.length), onOversized: refuse });

    feed(Buffer.alloc(9));
    feed(Buffer.alloc(0));
    feed(Buffer.alloc(3));

    expect(seen).to.deep.equal([0, 0, 0]);
  });

  it('gives the frames before one that is too long, and not that one', () => {
    const seen: string[] = [];
    const feed = splitFrames({ onFrame: (bytes) => seen.push(bytes.toString()), onOversized: refuse });

    const error = thrownBy(() => feed(Buffer.concat([frame(Buffer.from('a')), Buffer.from('http/1.1')])));

    expect(error.message).to.equal('1752462448 is too long');
    expect(seen).to.deep.equal(['a']);
  });
});

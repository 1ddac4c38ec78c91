import { Writable } from 'node:stream';
import { expect } from 'chai';
import { createLogger, type LoggerOptions } from '../../../src/adapters/system/logger.js';
import { UsageError } from '../../../src/core/errors.js';

const AT = Date.parse('2026-11-21T10:20:30.045Z');

function capture() {
  const lines: string[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString());
      done();
    },
  });
  return { lines, stream };
}

function setUp(options: Partial<LoggerOptions> = {}) {
  const { lines, stream } = capture();
  const log = createLogger({ format: 'logfmt', level: 'debug', stream, clock: { now: () => AT }, ...options });
  return { lines, log, parsed: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

class Circle {
  readonly self = this;
}

describe('createLogger, logfmt', () => {
  it('writes time with milliseconds, level, message and fields on one line', () => {
    const { lines, log } = setUp();

    log.info('job created', { jobId: 'a-b', count: 3, ok: true });

    expect(lines).to.deep.equal([
      'time=2026-11-21T10:20:30.045Z level=info msg="job created" jobId=a-b count=3 ok=true\n',
    ]);
  });

  const values: readonly (readonly [string, unknown, string])[] = [
    ['plain text', 'abc/def:1', 'abc/def:1'],
    ['empty text', '', '""'],
    ['a space', 'a b', '"a b"'],
    ['a quote', 'a"b', String.raw`"a\"b"`],
    ['an equals sign', 'a=b', '"a=b"'],
    ['a backslash', 'a\\b', String.raw`"a\\b"`],
    ['a line break', 'a\nlevel=error', String.raw`"a\nlevel=error"`],
    ['a terminal escape', '\u001b[31m', String.raw`"\u001b[31m"`],
    ['a C1 control', '\u009b31m', String.raw`"\u009b31m"`],
    ['a line separator', 'a\u2028b', String.raw`"a\u2028b"`],
    ['half a surrogate pair', '\ud800', String.raw`"\ud800"`],
    ['other scripts', 'größe', 'größe'],
    ['null', null, 'null'],
    ['not a number', NaN, 'NaN'],
    ['a big integer', 10n, '10'],
    ['a list', [1, 'x'], String.raw`"[1,\"x\"]"`],
    ['a set', new Set([1]), '[1]'],
    ['a circle', new Circle(), String.raw`"{\"self\":\"[circular]\"}"`],
    ['a date', new Date(AT), '2026-11-21T10:20:30.045Z'],
    ['no date', new Date(NaN), 'null'],
    ['a function', () => 1, '[function]'],
  ];
  for (const [name, value, expected] of values) {
    it(`prints ${name}`, () => {
      const { lines, log } = setUp();

      log.info('m', { value });

      expect(lines[0]).to.equal(`time=2026-11-21T10:20:30.045Z level=info msg=m value=${expected}\n`);
    });
  }

  it('shows the same object twice when it is not a circle', () => {
    const { lines, log } = setUp();
    const shared = { a: 1 };

    log.info('m', { value: [shared, shared] });

    expect(lines[0]).to.contain(String.raw`value="[{\"a\":1},{\"a\":1}]"`);
  });

  it('leaves out undefined fields and keeps a hostile key from forging others', () => {
    const { lines, log } = setUp();

    log.info('m', { gone: undefined, 'a b="c': 1, time: 'mine' });

    expect(lines[0]).to.equal('time=2026-11-21T10:20:30.045Z level=info msg=m a_b_c=1 field.time=mine\n');
  });

  it('paints the level only when asked', () => {
    const { lines, log } = setUp({ colour: true });

    log.warn('m');

    expect(lines[0]).to.contain('level=\u001b[33mwarn\u001b[0m msg=m');
  });

  it('writes nothing below its level', () => {
    const { lines, log } = setUp({ level: 'warn' });

    log.debug('a');
    log.info('b');
    log.warn('c');
    log.error('d');

    expect(lines.map((line) => /msg=(\w)/.exec(line)?.[1])).to.deep.equal(['c', 'd']);
  });

  it('adds the fields of every ancestor, the youngest winning', () => {
    const { lines, log } = setUp();

    log.child({ component: 'monitor', jobId: '1' }).child({ jobId: '2' }).info('m', { extra: 3 });

    expect(lines[0]).to.contain('msg=m component=monitor jobId=2 extra=3');
  });
});

describe('createLogger, errors', () => {
  const failure = Object.assign(new Error('connect failed'), { code: 'ECONNREFUSED' });

  it('prints message and code, without the stack below level error', () => {
    const { parsed, log } = setUp({ format: 'json' });

    log.warn('m', { error: failure });

    expect(parsed()[0]).to.include({ error: 'connect failed', 'error.code': 'ECONNREFUSED' });
    expect(parsed()[0]).not.to.have.property('error.stack');
  });

  it('leaves out the stack of an expected error', () => {
    const { log, parsed } = setUp({ format: 'json' });

    log.error('m', { error: new UsageError('write it so') });

    expect(parsed()[0]).to.include({ error: 'write it so' }).and.not.to.have.property('error.stack');
  });

  it('adds the stack at level error, still on one line', () => {
    const { lines, log } = setUp();

    log.error('m', { error: failure });

    expect(lines[0]).to.contain('error="connect failed" error.code=ECONNREFUSED error.stack="Error: connect failed\\n');
    expect(lines[0]?.trimEnd()).not.to.contain('\n');
  });

  it('takes the code from the cause when the error has none', () => {
    const { parsed, log } = setUp({ format: 'json' });

    log.warn('m', { error: new Error('wrapped', { cause: failure }) });

    expect(parsed()[0]).to.include({ error: 'wrapped', 'error.code': 'ECONNREFUSED' });
  });
});

describe('createLogger, json', () => {
  it('writes one object a line with nested values intact', () => {
    const { parsed, log } = setUp({ format: 'json' });

    log.info('job created', { job: { id: 'x', tags: ['a'] }, level: 'mine', n: 1 });

    expect(parsed()).to.deep.equal([
      {
        time: '2026-11-21T10:20:30.045Z',
        level: 'info',
        msg: 'job created',
        job: { id: 'x', tags: ['a'] },
        'field.level': 'mine',
        n: 1,
      },
    ]);
  });
});

describe('createLogger, redaction', () => {
  const secret = 'top"secret\nkey';
  const redact = (text: string) => text.replaceAll(secret, '***');

  for (const format of ['logfmt', 'json'] as const) {
    it(`finds a secret that quoting would have disguised, wherever it stands (${format})`, () => {
      const { lines, log } = setUp({ format, redact });

      log.error(`m ${secret}`, { plain: secret, nested: { deep: [secret] }, error: new Error(secret) });

      expect(lines.join('')).not.to.match(/top|secret/);
      expect(lines.join('')).to.contain('***');
    });
  }

  it('redacts keys by the finished line', () => {
    const { lines, log } = setUp({ redact: (text) => text.replaceAll('hunter2', '***') });

    log.info('m', { hunter2: 1 });

    expect(lines[0]).to.contain('***=1');
  });

  it('withholds the line when the redaction fails', () => {
    const { lines, log } = setUp({
      redact: () => {
        throw new Error('broken');
      },
    });

    log.info('secret', { value: 'secret' });

    expect(lines).to.have.length(1);
    expect(lines[0]).to.contain('log line withheld').and.not.to.contain('secret');
  });
});

describe('createLogger, trouble', () => {
  it('survives values that cannot be read', () => {
    const { lines, log } = setUp();

    log.info('m', {
      value: {
        toJSON: () => {
          throw new Error('no');
        },
      },
    });

    expect(lines[0]).to.contain('value="[unprintable: no]"');
  });

  it('survives a reader that went away', async () => {
    const stream = new Writable({
      write(_chunk, _encoding, done) {
        done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
      },
    });
    const log = createLogger({ format: 'logfmt', level: 'info', stream });

    log.info('first');
    await new Promise((resolve) => setImmediate(resolve));
    log.info('second');

    expect(stream.destroyed).to.equal(true);
  });

  it('listens only once on a stream that serves many loggers', () => {
    const { stream } = capture();

    for (let i = 0; i < 20; i++) createLogger({ format: 'logfmt', level: 'info', stream });

    expect(stream.listenerCount('error')).to.equal(1);
  });
});

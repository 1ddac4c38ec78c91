import type { ServerResponse } from 'node:http';
import { inspect } from 'node:util';
import { expect } from 'chai';
import { createKubeClient } from '../../../src/adapters/kubernetes/kube-client.js';
import {
  runReflector,
  type ReflectorEvent,
  type ReflectorOptions,
} from '../../../src/adapters/kubernetes/reflector.js';
import { sendJson } from '../../../src/sandbox/http.js';
import {
  connectionTo,
  memoryLogger,
  startServer,
  until,
  virtualClock,
  type Handler,
  type TestServer,
} from './helpers.js';
import { eventFrame, frame, sendProtobuf, startProtobufWatch, type Status } from './kubernetes-protobuf.js';

const MINUTE = 60_000;

interface Thing {
  readonly name: string;
}

const object = (name: string, version: number) => ({ metadata: { name, resourceVersion: String(version) }, bulk: 'x' });
const eventLine = (type: string, name: string, version: number) =>
  `${JSON.stringify({ type, object: object(name, version) })}\n`;
const errorLine = (code: number, reason: string, message = 'sorry') =>
  `${JSON.stringify({ type: 'ERROR', object: { kind: 'Status', code, reason, message } })}\n`;

function sendList(response: ServerResponse, version: number, names: readonly string[] = [], token?: string): void {
  const items = names.map((name) => object(name, version));
  sendJson(response, 200, { metadata: { resourceVersion: String(version), continue: token }, items });
}

function refuse(response: ServerResponse, code: number, reason: string, headers = {}): void {
  sendJson(response, code, { kind: 'Status', code, reason, message: 'no' }, headers);
}

describe('runReflector', () => {
  let cleanUp: (() => Promise<void> | void)[] = [];
  afterEach(async () => {
    for (const step of cleanUp.reverse()) await step();
    cleanUp = [];
  });

  interface Run {
    readonly server: TestServer;
    readonly events: ReflectorEvent<Thing>[];
    readonly logger: ReturnType<typeof memoryLogger>;
    readonly clock: ReturnType<typeof virtualClock>;
    readonly lists: () => URL[];
    readonly watches: () => URL[];
    /** Aborts and waits for the end. */
    stop(): Promise<void>;
    readonly done: Promise<void>;
  }

  /** Runs against `list` and `watch`; stops by itself once `virtualMs` have passed in sleeps. */
  async function run(
    list: Handler,
    watch: Handler,
    options: Partial<ReflectorOptions<Thing>> & { readonly virtualMs?: number } = {},
  ): Promise<Run> {
    const server = await startServer((request, response, url) =>
      (url.searchParams.has('watch') ? watch : list)(request, response, url),
    );
    cleanUp.push(() => server.close());
    const client = createKubeClient({ connection: connectionTo(server.url), version: '0', maxConnections: 1 });
    cleanUp.push(() => client.close());
    const controller = new AbortController();
    const startedAt = virtualClock().now();
    const clock = virtualClock((now) => {
      if (now - startedAt >= (options.virtualMs ?? Infinity)) controller.abort(new Error('time is up'));
    });
    const events: ReflectorEvent<Thing>[] = [];
    const logger = memoryLogger();
    const done = runReflector<Thing>(
      {
        client,
        path: '/things',
        labelSelector: 'a,!b',
        toRecord: (thing) => ({ name: (thing as { metadata: { name: string } }).metadata.name }),
        onEvent: (event) => events.push(event),
        clock,
        logger,
        random: () => 0.999,
        ...options,
      },
      controller.signal,
    );
    const stop = async () => {
      controller.abort(new Error('stopped'));
      await done;
    };
    cleanUp.push(stop);
    const urls = () => server.requests.map(({ url }) => url);
    return {
      server,
      events,
      logger,
      clock,
      done,
      stop,
      lists: () => urls().filter((url) => !url.searchParams.has('watch')),
      watches: () => urls().filter((url) => url.searchParams.has('watch')),
    };
  }

  const holdOpen: Handler = (_request, response) => response.flushHeaders();

  describe('in good times', () => {
    it('lists page by page, tells the complete set once, then watches from the version of the list', async () => {
      const pages: Record<string, [string[], string | undefined]> = {
        '': [['a', 'b'], 'p2'],
        p2: [['c'], 'p3'],
        p3: [['d'], undefined],
      };
      const r = await run((_request, response, url) => {
        const [names, next] = pages[url.searchParams.get('continue') ?? ''] ?? [[], undefined];
        sendList(response, 7, names, next);
      }, holdOpen);

      await until(() => r.watches().length === 1, 'the watch is open');

      expect(r.events).to.deep.equal([{ type: 'synced', records: ['a', 'b', 'c', 'd'].map((name) => ({ name })) }]);
      expect(r.lists().map((url) => url.searchParams.get('limit'))).to.deep.equal(['500', '500', '500']);
      const query = Object.fromEntries(r.watches()[0]?.searchParams ?? []);
      expect(query).to.include({
        watch: 'true',
        allowWatchBookmarks: 'true',
        resourceVersion: '7',
        labelSelector: 'a,!b',
      });
      expect(Number(query['timeoutSeconds'])).to.be.within(240, 300);
    });

    it('understands an empty list written as null', async () => {
      const r = await run(
        (_request, response) => sendJson(response, 200, { metadata: { resourceVersion: '1' }, items: null }),
        holdOpen,
      );

      await until(() => r.events.length > 0, 'synced');

      expect(r.events).to.deep.equal([{ type: 'synced', records: [] }]);
    });

    it('tells additions, changes and deletions in order, and nothing of bookmarks', async () => {
      const r = await run(
        (_request, response) => sendList(response, 1),
        (_request, response) => {
          response.write(eventLine('ADDED', 'a', 2) + eventLine('MODIFIED', 'a', 3));
          response.write(eventLine('BOOKMARK', 'ignored', 9) + eventLine('DELETED', 'a', 10));
        },
      );

      await until(() => r.events.length === 4, 'all events');

      expect(r.events.slice(1)).to.deep.equal([
        { type: 'upserted', record: { name: 'a' } },
        { type: 'upserted', record: { name: 'a' } },
        { type: 'deleted', record: { name: 'a' } },
      ]);
    });

    for (const [what, last, expected] of [
      ['an event', eventLine('ADDED', 'a', 12), '12'],
      ['a bookmark', eventLine('ADDED', 'a', 12) + eventLine('BOOKMARK', '', 40), '40'],
      ['the last object that has one', `${eventLine('ADDED', 'a', 12)}{"type":"BOOKMARK","object":{}}\n`, '12'],
    ] as const) {
      it(`resumes after a stable watch at once, without a list, from the version of ${what}`, async () => {
        let round = 0;
        const r = await run(
          (_request, response) => sendList(response, 1),
          async (_request, response) => {
            if (round++ > 0) return response.flushHeaders();
            response.write(last);
            await until(() => r.events.length === 2, 'the event has arrived');
            r.clock.advance(5 * MINUTE);
            response.end();
          },
        );

        await until(() => r.watches().length === 2, 'the second watch');

        expect(r.watches()[1]?.searchParams.get('resourceVersion')).to.equal(expected);
        expect(r.lists()).to.have.length(1);
        expect(r.clock.sleeps).to.deep.equal([]);
        expect(r.logger.lines.filter(({ level }) => level !== 'debug')).to.deep.equal([]);
      });
    }

    it('spreads the length of watches', async () => {
      const lengths = [];
      for (const random of [0, 0.5, 0.999]) {
        const r = await run((_request, response) => sendList(response, 1), holdOpen, { random: () => random });
        await until(() => r.watches().length === 1, 'the watch is open');
        lengths.push(r.watches()[0]?.searchParams.get('timeoutSeconds'));
      }

      expect(lengths).to.deep.equal(['240', '270', '300']);
    });
  });

  describe('against servers that misbehave for ten minutes', () => {
    const goodList: Handler = (_request, response) => sendList(response, 5, ['a']);
    const table: readonly {
      readonly name: string;
      readonly list?: Handler;
      readonly watch: Handler;
      /** Lists allowed in all. */
      readonly lists: readonly [least: number, most: number];
    }[] = [
      { name: 'closes every watch cleanly at once', watch: (_q, response) => void response.end(), lists: [4, 7] },
      {
        name: 'sends one event, then closes',
        watch: (_q, response) => void response.end(eventLine('MODIFIED', 'a', 6)),
        lists: [4, 7],
      },
      {
        name: 'sends ERROR 410 Expired on every watch',
        watch: (_q, response) => void response.end(errorLine(410, 'Expired')),
        lists: [20, 50],
      },
      {
        name: 'sends ERROR 504 "too old resource version"',
        watch: (_q, response) => void response.end(errorLine(504, 'Timeout', 'too old resource version: 5 (9)')),
        lists: [20, 50],
      },
      {
        name: 'answers every watch with HTTP 410',
        watch: (_q, response) => refuse(response, 410, 'Gone'),
        lists: [20, 50],
      },
      {
        name: 'answers every watch with HTTP 500',
        watch: (_q, response) => refuse(response, 500, 'InternalError'),
        lists: [4, 7],
      },
      {
        name: 'sends ERROR 500 on every watch',
        watch: (_q, response) => void response.end(errorLine(500, 'InternalError')),
        lists: [4, 7],
      },
      {
        name: 'resets every watch',
        watch: (request) => void request.socket.resetAndDestroy(),
        lists: [4, 7],
      },
      {
        name: 'breaks every watch off in the middle of a line',
        watch: (request, response) => void response.write('{"type":"ADD', () => request.socket.destroy()),
        lists: [4, 7],
      },
      {
        name: 'sends garbage',
        watch: (_q, response) => void response.end('<html>\n'),
        lists: [4, 7],
      },
      {
        name: 'sends JSON that is no event',
        watch: (_q, response) => void response.end('null\n'),
        lists: [4, 7],
      },
      {
        name: 'answers every list with HTTP 503',
        list: (_q, response) => refuse(response, 503, 'ServiceUnavailable'),
        watch: holdOpen,
        lists: [20, 50],
      },
      {
        name: 'forgets the continue token of every list',
        list: (_q, response, url) =>
          url.searchParams.has('continue') ? refuse(response, 410, 'Expired') : sendList(response, 5, ['a'], 'next'),
        watch: holdOpen,
        lists: [40, 100],
      },
      {
        name: 'forbids the list',
        list: (_q, response) => refuse(response, 403, 'Forbidden'),
        watch: holdOpen,
        lists: [20, 50],
      },
    ];
    for (const { name, list = goodList, watch, lists } of table) {
      it(`keeps trying, unhurriedly: ${name}`, async () => {
        const r = await run(list, watch, { virtualMs: 10 * MINUTE });

        await r.done;

        // 1 + 2 + 4 + 8 + 16 + 30 + 30 … seconds: 24 rounds in ten minutes.
        expect(r.clock.sleeps).to.have.length.within(20, 30);
        expect(r.clock.sleeps.slice(0, 6).map((ms) => Math.round(ms / 1000))).to.deep.equal([1, 2, 4, 8, 16, 30]);
        expect(Math.max(...r.clock.sleeps)).to.be.at.most(30_000);
        expect(r.lists()).to.have.length.within(...lists);
        expect(r.watches().length).to.be.at.most(30);
      });
    }

    it('never waits less than the floor, whatever the dice say', async () => {
      const r = await run(goodList, (_q, response) => void response.end(), { virtualMs: MINUTE, random: () => 0 });

      await r.done;

      expect(new Set(r.clock.sleeps)).to.deep.equal(new Set([200]));
    });

    it('waits as long as the server asks', async () => {
      const r = await run(
        (_q, response) => refuse(response, 429, 'TooManyRequests', { 'retry-after': '45' }),
        holdOpen,
        {
          virtualMs: 3 * MINUTE,
        },
      );

      await r.done;

      expect(r.clock.sleeps).to.deep.equal([45_000, 45_000, 45_000, 45_000]);
    });

    it('is patient again after a stable watch', async () => {
      let round = 0;
      const r = await run(goodList, async (_q, response) => {
        round += 1;
        if (round === 4) {
          response.write(eventLine('MODIFIED', 'a', 6));
          await until(() => r.events.length === 2, 'the event has arrived');
          r.clock.advance(MINUTE);
        }
        response.end();
        if (round === 7) void r.stop();
      });

      await r.done;

      expect(r.clock.sleeps.map((ms) => Math.round(ms / 1000))).to.deep.equal([1, 2, 4, 1, 2]);
    });

    it('relists after a gap and tells the complete set, so that a missed deletion shows', async () => {
      let lists = 0;
      let watches = 0;
      const r = await run(
        (_q, response) => sendList(response, 5 * ++lists, lists === 1 ? ['a', 'b'] : ['b', 'c']),
        (_q, response) => {
          if (watches++ === 0) response.end(errorLine(410, 'Expired'));
          else response.flushHeaders();
        },
      );

      await until(() => r.watches().length === 2, 'the second watch');

      expect(r.events).to.deep.equal([
        { type: 'synced', records: [{ name: 'a' }, { name: 'b' }] },
        { type: 'synced', records: [{ name: 'b' }, { name: 'c' }] },
      ]);
      expect(r.watches()[1]?.searchParams.get('resourceVersion')).to.equal('10');
    });

    it('hears an event again that came garbled the first time', async () => {
      let watches = 0;
      const r = await run(goodList, (_q, response, url) => {
        if (watches++ === 0) return void response.end(`${eventLine('ADDED', 'b', 6)}{"type":"ADDED","obj\n`);
        if (url.searchParams.get('resourceVersion') === '6') response.write(eventLine('ADDED', 'c', 7));
      });

      await until(() => r.events.length === 3, 'all events');

      expect(r.events.slice(1)).to.deep.equal([
        { type: 'upserted', record: { name: 'b' } },
        { type: 'upserted', record: { name: 'c' } },
      ]);
      expect(r.lists()).to.have.length(1);
    });

    it('notices a connection that is silent', async () => {
      let watches = 0;
      const r = await run(
        goodList,
        (_q, response) => {
          if (watches++ === 0) response.flushHeaders();
          else response.write(eventLine('ADDED', 'b', 6));
        },
        { timing: { idleMs: 30 } },
      );

      await until(() => r.events.some(({ type }) => type === 'upserted'), 'the event on the second watch');

      expect(r.lists()).to.have.length(1);
    });
  });

  describe('with a server that speaks protobuf', () => {
    const job = (name: string, version: number) =>
      ({
        apiVersion: 'batch/v1',
        kind: 'Job',
        metadata: { name, resourceVersion: String(version), labels: { where: 'größe' } },
        status: {},
      }) as const;
    const sendPage = (response: ServerResponse, version: number, names: readonly string[], token?: string): void =>
      sendProtobuf(response, 200, {
        apiVersion: 'batch/v1',
        kind: 'JobList',
        metadata: { resourceVersion: String(version), ...(token === undefined ? {} : { continue: token }) },
        items: names.map((name) => job(name, 1)),
      });
    const expired: Status = { apiVersion: 'v1', kind: 'Status', code: 410, reason: 'Expired', message: 'too old' };
    const named = (name: string) => ({ name });

    it('lists, watches, keeps the version of bookmarks, and lists afresh when the server has forgotten it', async () => {
      let lists = 0;
      let watches = 0;
      const r = await run(
        (request, response, url) => {
          expect(request.headers.accept).to.contain('protobuf');
          lists += 1;
          if (lists === 3) return sendPage(response, 60, ['c']);
          if (url.searchParams.has('continue')) sendPage(response, 7, ['c']);
          else sendPage(response, 7, ['a', 'b'], 'p2');
        },
        async (_request, response) => {
          watches += 1;
          startProtobufWatch(response);
          if (watches === 1) {
            response.write(eventFrame('ADDED', job('d', 8)));
            response.write(eventFrame('MODIFIED', job('d', 9)));
            response.write(eventFrame('DELETED', job('d', 10)));
            response.write(eventFrame('BOOKMARK', job('', 50)));
            await until(() => r.events.length === 4, 'all events');
            r.clock.advance(5 * MINUTE);
            response.end();
          } else if (watches === 2) response.end(eventFrame('ERROR', expired));
        },
      );

      await until(() => r.watches().length === 3, 'the third watch');

      expect(r.events).to.deep.equal([
        { type: 'synced', records: ['a', 'b', 'c'].map(named) },
        { type: 'upserted', record: named('d') },
        { type: 'upserted', record: named('d') },
        { type: 'deleted', record: named('d') },
        { type: 'synced', records: [named('c')] },
      ]);
      expect(r.lists().map((url) => url.searchParams.get('continue'))).to.deep.equal([null, 'p2', null]);
      expect(r.watches().map((url) => url.searchParams.get('resourceVersion'))).to.deep.equal(['7', '50', '60']);
      const [warning, ...others] = r.logger.lines.filter(({ level }) => level !== 'debug');
      expect(others).to.deep.equal([]);
      expect(warning?.fields).to.include({ relist: true }).and.to.have.nested.property('error.status', 410);
      expect(warning).to.have.nested.property('fields.error.message').that.contains('too old');
    });

    it('understands a list without items', async () => {
      const r = await run((_request, response) => sendPage(response, 7, []), holdOpen);

      await until(() => r.watches().length === 1, 'the watch is open');

      expect(r.events).to.deep.equal([{ type: 'synced', records: [] }]);
    });

    for (const [what, garbage] of [
      ['garbled', frame(Buffer.from('hunter2'))],
      ['with half of it missing', frame(eventFrame('ADDED', job('c', 7)).subarray(4, 20))],
      ['of an absurd length', Buffer.from('HTTP/1.1 502 Bad Gateway')],
      ['cut off', eventFrame('ADDED', job('c', 7)).subarray(0, -1)],
    ] as const) {
      it(`hears an event again that came ${what} the first time`, async () => {
        let watches = 0;
        const r = await run(
          (_request, response) => sendPage(response, 5, ['a']),
          (_request, response, url) => {
            startProtobufWatch(response);
            if (watches++ === 0) response.end(Buffer.concat([eventFrame('ADDED', job('b', 6)), garbage]));
            else if (url.searchParams.get('resourceVersion') === '6') response.write(eventFrame('ADDED', job('c', 7)));
          },
        );

        await until(() => r.events.length === 3, 'all events');

        expect(r.events.slice(1)).to.deep.equal(['b', 'c'].map((name) => ({ type: 'upserted', record: named(name) })));
        expect(r.lists()).to.have.length(1);
        expect(inspect(r.logger.lines, { depth: 9 })).not.to.contain('hunter2');
      });
    }
  });

  describe('its callers', () => {
    it('outlives a handler that throws', async () => {
      const seen: string[] = [];
      const r = await run(
        (_q, response) => sendList(response, 5, ['a']),
        (_q, response) => void response.write(eventLine('ADDED', 'b', 6) + eventLine('ADDED', 'c', 7)),
        {
          onEvent: (event) => {
            seen.push(event.type);
            throw new Error('handler bug');
          },
        },
      );

      await until(() => seen.length === 3, 'all events');

      expect(r.watches()).to.have.length(1);
      expect(r.logger.lines.filter(({ level }) => level === 'error')).to.have.length(3);
    });

    it('passes over objects that make no record or cannot be read', async () => {
      const r = await run(
        (_q, response) => sendList(response, 5, ['skip', 'a', 'broken']),
        (_q, response) => void response.write(eventLine('ADDED', 'skip', 6) + eventLine('ADDED', 'b', 7)),
        {
          toRecord: (thing) => {
            const { name } = (thing as { metadata: { name: string } }).metadata;
            if (name === 'broken') throw new Error('unreadable');
            return name === 'skip' ? undefined : { name };
          },
        },
      );

      await until(() => r.events.length === 2, 'both events');

      expect(r.events).to.deep.equal([
        { type: 'synced', records: [{ name: 'a' }] },
        { type: 'upserted', record: { name: 'b' } },
      ]);
    });

    const moments: readonly (readonly [string, Handler, Handler])[] = [
      ['while the list is under way', () => undefined, holdOpen],
      ['while the watch is opening', (_q, response) => sendList(response, 1), () => undefined],
      ['while the watch is open', (_q, response) => sendList(response, 1), holdOpen],
    ];
    for (const [moment, list, watch] of moments) {
      it(`stops cleanly when aborted ${moment}: no error, no further request, no open connection in use`, async () => {
        const r = await run(list, watch);
        await until(() => r.server.requests.length === (moment.includes('list') ? 1 : 2), moment);
        await new Promise((resolve) => setTimeout(resolve, 10));
        const before = r.server.requests.length;

        await r.stop();

        await until(() => r.server.open() <= (moment.includes('list') ? 0 : 1), 'the connection is closed');
        expect(r.server.requests).to.have.length(before);
        expect(r.logger.lines).to.deep.equal([]);
      });
    }

    it('tells nothing more once its signal has aborted, not even what has arrived already', async () => {
      const told: string[] = [];
      const r = await run(
        (_q, response) => sendList(response, 5, ['a']),
        (_q, response) => void response.write(eventLine('ADDED', 'b', 6) + eventLine('ADDED', 'c', 7)),
        {
          onEvent: (event) => {
            told.push(event.type);
            if (event.type === 'upserted') void r.stop();
          },
        },
      );

      await r.done;

      expect(told).to.deep.equal(['synced', 'upserted']);
    });

    it('tells no list that came too late', async () => {
      const told: string[] = [];
      const r = await run((_q, response) => sendList(response, 5, ['a']), holdOpen, {
        onEvent: (event) => told.push(event.type),
        toRecord: () => {
          void r.stop();
          return { name: 'a' };
        },
      });

      await r.done;

      expect(told).to.deep.equal([]);
    });

    it('stops at once when aborted between two tries', async () => {
      const controller = new AbortController();
      const r = await run((_q, response) => refuse(response, 500, 'InternalError'), holdOpen, {
        clock: {
          now: () => 0,
          sleep: (_ms, signal) =>
            new Promise((_resolve, reject) => {
              signal.addEventListener('abort', () => reject(signal.reason as Error));
              controller.abort();
            }),
        },
      });
      await until(() => controller.signal.aborted, 'it sleeps');

      await r.stop();

      expect(r.lists()).to.have.length(1);
    });

    it('does nothing when the signal has aborted before', async () => {
      const logger = memoryLogger();
      const client = createKubeClient({
        connection: connectionTo('http://127.0.0.1:1'),
        version: '0',
        maxConnections: 1,
      });

      await runReflector<Thing>(
        { client, path: '/x', toRecord: () => undefined, onEvent: () => undefined, clock: virtualClock(), logger },
        AbortSignal.abort(),
      );

      expect(logger.lines).to.deep.equal([]);
    });
  });
});

import { isDeepStrictEqual } from 'node:util';
import { expect } from 'chai';
import { createKubeClient, type KubeClient, type KubeRequest } from '../../src/adapters/kubernetes/kube-client.js';
import { loadKubeConnection } from '../../src/adapters/kubernetes/kube-config.js';
import { KubeApiError } from '../../src/adapters/kubernetes/kube-errors.js';
import type { WatchEvent } from '../../src/adapters/kubernetes/watch-decoder.js';
import { failureOf } from '../adapters/kubernetes/helpers.js';
import { jobManifest, pathsOf } from '../contract/kubernetes/target.js';
import { startControlPlane, type ControlPlane } from './control-plane.js';
import { startCountingProxy, type CountingProxy } from './counting-proxy.js';
import { JOB, JOB_LIST, METADATA, only, STATUS } from './listed-fields.js';

const PROTOBUF = 'application/vnd.kubernetes.protobuf';
const JSON_TYPE = 'application/json';

/** A Job that Kubernetes' own controller leaves alone, so that it changes only when we change it. */
function quietJob(name: string, metadata: object = {}): any {
  return jobManifest(name, { metadata, spec: { managedBy: 'example.com/test' } });
}

describe('protobuf from a real kube-apiserver', () => {
  const { signal } = new AbortController();
  let plane: ControlPlane;
  let proxy: CountingProxy;
  let client: KubeClient;
  let namespace: string;
  let paths: ReturnType<typeof pathsOf>;
  let clients: KubeClient[] = [];
  before(async () => {
    plane = await startControlPlane();
    proxy = await startCountingProxy(plane);
  });
  beforeEach(async () => {
    namespace = await plane.createNamespace();
    paths = pathsOf(namespace);
    client = clientOf(plane.adminToken);
  });
  afterEach(() => {
    for (const one of clients) one.close();
    clients = [];
  });
  after(async () => {
    await proxy.stop();
    await plane.stop();
  });

  function clientOf(token: string): KubeClient {
    const connection = loadKubeConnection({ path: plane.writeKubeconfig(token, { namespace, url: proxy.url }) });
    const made = createKubeClient({ connection, version: 'test', maxConnections: 4 });
    clients.push(made);
    return made;
  }

  /** Without its parameters. */
  const lastContentType = (): string | undefined => proxy.requests().at(-1)?.contentType?.split(';')[0];

  async function create(...jobs: readonly any[]): Promise<void> {
    for (const body of jobs) await plane.admin.expect(201, 'POST', paths.jobs, { body });
  }

  async function merge(path: string, body: object): Promise<void> {
    await plane.admin.expect(200, 'PATCH', path, { body, contentType: 'application/merge-patch+json' });
  }

  async function remove(name: string): Promise<void> {
    const body = { propagationPolicy: 'Background' };
    await plane.admin.expect(200, 'DELETE', `${paths.jobs}/${name}`, { body });
  }

  /** The same state decoded and in JSON. The version of a list changes by itself: it is that of all that is stored. */
  async function bothWays(
    path: string,
    query: Record<string, string | number> = {},
  ): Promise<{ readonly decoded: any; readonly inJson: any }> {
    for (let attempt = 0; attempt < 50; attempt++) {
      const { body: before } = await plane.admin.expect(200, 'GET', path, { query });
      const { body: decoded } = await client.request({ method: 'GET', path, query, answer: 'slim' }, signal);
      expect(lastContentType()).to.equal(PROTOBUF);
      const { body: after } = await plane.admin.expect(200, 'GET', path, { query });
      if (isDeepStrictEqual(before, after)) return { decoded, inJson: before };
    }
    throw new Error(`"${path}" never stands still`);
  }

  /** Events are the one kind that the API server keeps no history of by itself: what etcd forgot is gone. */
  async function forgetEvents(): Promise<{ readonly resourceVersion: string; readonly continue: string }> {
    const involvedObject = { kind: 'Job', name: 'j', namespace };
    const say = (name: string) =>
      plane.admin.expect(201, 'POST', paths.events, { body: { metadata: { name }, involvedObject } });
    await say('a');
    await say('b');
    const { body } = await plane.admin.expect(200, 'GET', paths.events, { query: { limit: 1 } });
    await say('c');
    await say('d');
    await plane.forgetHistory();
    return body.metadata;
  }

  describe('says the same of a Job as JSON does', () => {
    const labels = { 'buildkite.com/job-uuid': '0190a1b2-0000-7000-8000-00000000000a', empty: '' };

    async function expectSame(name: string): Promise<any> {
      const { decoded, inJson } = await bothWays(`${paths.jobs}/${name}`);
      expect(decoded).to.deep.equal(only(JOB, inJson));
      return decoded;
    }

    it('that has labels', async () => {
      await create(quietJob('labels', { labels }));

      expect((await expectSame('labels')).metadata.labels).to.include(labels);
    });

    it('that has failed, with words in any script', async () => {
      await create(quietJob('failed'));
      const text = { reason: 'DeadlineExceeded', message: 'größer als erlaubt 日本 🚀' };
      const conditions = ['FailureTarget', 'Failed'].map((type) => ({ type, status: 'True', ...text }));
      await merge(`${paths.jobs}/failed/status`, {
        status: { startTime: '2026-11-21T12:00:00Z', conditions: [{ type: 'Bare', status: 'False' }, ...conditions] },
      });

      const decoded = await expectSame('failed');

      expect(decoded.status.conditions).to.deep.equal([{ type: 'Bare', status: 'False' }, ...conditions]);
    });

    it('that the job controller has suspended', async () => {
      await create(jobManifest('suspended', { spec: { suspend: true } }));
      const deadline = Date.now() + 20_000;
      while ((await expectSame('suspended')).status.conditions === undefined)
        if (Date.now() > deadline) throw new Error('the job controller does nothing');
    });

    it('that is being deleted', async () => {
      await create(quietJob('deleted', { finalizers: ['example.com/keep'] }));
      await remove('deleted');

      expect(await expectSame('deleted')).to.have.nested.property('metadata.deletionTimestamp');
    });
  });

  describe('says the same of lists as JSON does', () => {
    it('that are empty', async () => {
      const { decoded, inJson } = await bothWays(paths.jobs);

      expect(inJson.items).to.deep.equal([]);
      expect(decoded).to.deep.equal(only(JOB_LIST, inJson));
    });

    it('that come in pages', async () => {
      const names = ['a', 'b', 'c', 'd', 'e'];
      await create(...names.map((name) => quietJob(name, { labels: { name } })));
      const seen: string[] = [];
      let token: string | undefined;
      do {
        const query = { limit: 2, ...(token === undefined ? {} : { continue: token }) };
        const { decoded, inJson } = await bothWays(paths.jobs, query);
        expect(decoded).to.deep.equal(only(JOB_LIST, inJson));
        seen.push(...decoded.items.map((item: any) => item.metadata.name));
        token = decoded.metadata.continue;
      } while (token !== undefined);

      expect(seen).to.deep.equal(names);
    });
  });

  it('holds the metadata of what was created, and no more', async () => {
    const body = quietJob('made', { labels: { a: '1' }, annotations: { note: 'of no interest' } });

    const made = await client.request({ method: 'POST', path: paths.jobs, body, answer: 'metadata' }, signal);

    expect(lastContentType()).to.equal(PROTOBUF);
    expect(made.status).to.equal(201);
    const { body: inJson } = await plane.admin.expect(200, 'GET', `${paths.jobs}/made`);
    const expected = {
      apiVersion: 'meta.k8s.io/v1',
      kind: 'PartialObjectMetadata',
      ...only({ metadata: METADATA }, inJson),
    };
    expect(made.body).to.deep.equal(expected);
  });

  it('warns as JSON does', async () => {
    const body = { ...quietJob('misspelt'), spek: {} };
    const request = {
      method: 'POST',
      path: paths.jobs,
      query: { fieldValidation: 'Warn', dryRun: 'All' },
      body,
    } as const;

    const inProtobuf = await client.request({ ...request, answer: 'metadata' }, signal);
    const inJson = await client.request(request, signal);

    expect(inProtobuf.warnings).to.deep.equal(inJson.warnings);
    expect(inProtobuf.warnings.join()).to.contain('spek');
  });

  describe('says the same in watches as JSON does', () => {
    interface Both {
      readonly decoded: WatchEvent[];
      readonly inJson: WatchEvent[];
    }

    /** All events of two watches, until the server ends them. @param whenOpen runs once both have begun */
    async function watchBothWays(
      path: string,
      query: Record<string, string | number | boolean>,
      whenOpen: () => Promise<void> = () => Promise.resolve(),
    ): Promise<Both> {
      const decoded: WatchEvent[] = [];
      let ending: Promise<unknown> | undefined;
      await new Promise<void>((onOpen, reject) => {
        const onEvent = (event: WatchEvent) => decoded.push(event);
        ending = client.watch({ path, query: { ...query, watch: true }, idleMs: 30_000, onOpen, onEvent }, signal);
        ending.catch(reject);
      });
      expect(proxy.requests().at(-1)?.contentType).to.equal(`${PROTOBUF};stream=watch`);
      const inJson = await plane.admin.watch(path, query);
      await whenOpen();
      const events = await inJson.until(() => false);
      expect(await ending).to.equal('closed');
      return { decoded, inJson: events };
    }

    it('of additions, changes, deletions and bookmarks', async () => {
      const labels = { watched: 'yes' };
      const { body } = await plane.admin.expect(200, 'GET', paths.jobs);
      await create(quietJob('a', { labels }), quietJob('b', { labels, finalizers: ['example.com/keep'] }));
      await merge(`${paths.jobs}/a`, { metadata: { labels: { more: '' } } });
      const conditions = [{ type: 'Suspended', status: 'True', reason: 'JobSuspended', message: 'größe 日本' }];
      await merge(`${paths.jobs}/a/status`, { status: { conditions } });
      await remove('a');
      await remove('b');
      await merge(`${paths.jobs}/b`, { metadata: { finalizers: null } });

      // A server sends a bookmark two seconds before it ends a watch that has not seen all there was.
      const { decoded, inJson } = await watchBothWays(
        paths.jobs,
        {
          resourceVersion: body.metadata.resourceVersion,
          labelSelector: 'watched=yes',
          allowWatchBookmarks: true,
          timeoutSeconds: 5,
        },
        () => create(quietJob('unseen')),
      );

      const isTold = ({ type }: WatchEvent): boolean => type !== 'BOOKMARK';
      const brief = ({ type, object }: any): string => `${type} ${object.metadata.name}`;
      expect(decoded.filter(isTold).map(brief)).to.deep.equal([
        'ADDED a',
        'ADDED b',
        'MODIFIED a',
        'MODIFIED a',
        'DELETED a',
        'MODIFIED b',
        'DELETED b',
      ]);
      const listed = inJson.map(({ type, object }) => ({ type, object: only(JOB, object) }));
      expect(decoded.filter(isTold)).to.deep.equal(listed.filter(isTold));
      // Each watch has its own bookmarks, one or more.
      const bookmarks = [decoded, listed].map((events) => events.filter((event) => !isTold(event)));
      for (const ofOne of bookmarks) expect(ofOne).not.to.deep.equal([]);
      for (const { object } of bookmarks.flat() as { readonly object: any }[]) {
        const { resourceVersion } = object.metadata;
        expect(resourceVersion).to.match(/^\d+$/);
        expect(object).to.deep.equal({
          apiVersion: 'batch/v1',
          kind: 'Job',
          metadata: { resourceVersion },
          status: {},
        });
      }
    });

    it('from a version that the server has forgotten', async () => {
      const { resourceVersion } = await forgetEvents();

      const { decoded, inJson } = await watchBothWays(paths.events, { resourceVersion, timeoutSeconds: 5 });

      expect(decoded).to.deep.equal(inJson.map(({ type, object }) => ({ type, object: only(STATUS, object) })));
      expect(decoded).to.have.length(1);
      expect(decoded[0]).to.include({ type: 'ERROR' });
      expect(decoded[0]?.object).to.include({ kind: 'Status', code: 410, reason: 'Expired' });
    });
  });

  describe('refuses with the same words as JSON', () => {
    async function expectSameRefusal(request: KubeRequest, status: number, by = client): Promise<KubeApiError> {
      const refusal = async (answer: KubeRequest['answer']): Promise<KubeApiError> => {
        const error = await failureOf(by.request({ ...request, answer }, signal));
        expect(error).to.be.instanceOf(KubeApiError);
        return error;
      };
      const facts = ({ message, status, reason, retryable, retryAfterMs, serverMessage }: KubeApiError) =>
        ({ message, status, reason, retryable, retryAfterMs, serverMessage }) as const;
      const inJson = await refusal('whole');
      expect(inJson.status).to.equal(status);
      expect(lastContentType()).to.equal(JSON_TYPE);

      expect(facts(await refusal('slim'))).to.deep.equal(facts(inJson));
      expect(lastContentType()).to.equal(PROTOBUF);
      // Where metadata alone are asked for, refusals come in JSON; that is nothing to rely on.
      expect(facts(await refusal('metadata'))).to.deep.equal(facts(inJson));
      return inJson;
    }

    it('what is not there (404)', async () => {
      const error = await expectSameRefusal({ method: 'GET', path: `${paths.jobs}/missing` }, 404);

      expect(error).to.include({ reason: 'NotFound', serverMessage: 'jobs.batch "missing" not found' });
    });

    it('what is there already (409)', async () => {
      await create(quietJob('twice'));

      const error = await expectSameRefusal({ method: 'POST', path: paths.jobs, body: quietJob('twice') }, 409);

      expect(error).to.include({ reason: 'AlreadyExists' });
    });

    it('what is invalid, quoting it in its own script (422)', async () => {
      const body = jobManifest('größe', { podSpec: { containers: [{ name: 'main' }] } });

      const error = await expectSameRefusal({ method: 'POST', path: paths.jobs, body }, 422);

      expect(error.serverMessage).to.contain('größe').and.to.contain('containers[0].image: Required value');
    });

    it('what is misspelt (400)', async () => {
      const body = { ...quietJob('misspelt'), spek: {} };
      const query = { fieldValidation: 'Strict' };

      const error = await expectSameRefusal({ method: 'POST', path: paths.jobs, query, body }, 400);

      expect(error.serverMessage).to.contain('unknown field "spek"');
    });

    it('what is forbidden (403)', async () => {
      const restricted = clientOf(await plane.restrictedToken(namespace, []));

      for (const request of [
        { method: 'GET', path: paths.jobs },
        { method: 'POST', path: paths.jobs, body: quietJob('a') },
      ] as const)
        expect((await expectSameRefusal(request, 403, restricted)).serverMessage).to.match(/cannot \w+ resource/);
    });

    it('a page that is asked for too late (410)', async () => {
      const { continue: token } = await forgetEvents();

      const error = await expectSameRefusal(
        { method: 'GET', path: paths.events, query: { limit: 1, continue: token } },
        410,
      );

      expect(error).to.include({ reason: 'Expired' });
    });
  });
});

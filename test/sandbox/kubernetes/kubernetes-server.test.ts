import http from 'node:http';
import { expect } from 'chai';
import { parse } from 'yaml';
import type { Fault } from '../../../src/sandbox/kubernetes/faults.js';
import { startKubernetesServer, type KubernetesServer } from '../../../src/sandbox/kubernetes/kubernetes-server.js';

const PODS = '/api/v1/namespaces/default/pods';
const JOBS = '/apis/batch/v1/namespaces/default/jobs';

describe('embedded Kubernetes server', () => {
  let server: KubernetesServer;

  beforeEach(async () => {
    server = await startKubernetesServer();
  });

  afterEach(() => server.close());

  function call(path: string, init: RequestInit & { readonly token?: string } = {}): Promise<Response> {
    const headers = { authorization: `Bearer ${init.token ?? server.adminToken}`, 'content-type': 'application/json' };
    return fetch(server.url + path, { ...init, headers: { ...headers, ...(init.headers as object) } });
  }

  function createPod(name: string, containers: readonly string[] = ['main']): void {
    const spec = { containers: containers.map((container) => ({ name: container, image: 'x' })) };
    server.store.create('pods', { metadata: { name, namespace: 'default' }, spec });
  }

  async function outcome(answer: Promise<Response>): Promise<number | 'broken'> {
    try {
      const response = await answer;
      await response.text();
      return response.status;
    } catch {
      return 'broken';
    }
  }

  describe('tokens', () => {
    it('refuses an unknown and a removed token', async () => {
      const token = server.addToken({ name: 'someone', rules: [{ verbs: ['*'], resources: ['*'] }] });

      const known = await call(PODS, { token });
      server.removeToken(token);
      const removed = await call(PODS, { token });

      expect([known.status, removed.status]).to.deep.equal([200, 401]);
    });

    it('holds an account to its namespaces, resources and verbs', async () => {
      const rule = { verbs: ['list'], resources: ['jobs'], apiGroups: ['batch'], namespaces: ['default'] };
      const token = server.addToken({ name: 'lister', rules: [rule] });

      const allowed = await call(JOBS, { token });
      const elsewhere = await call('/apis/batch/v1/namespaces/kube-system/jobs', { token });
      const otherVerb = await call(JOBS, { token, method: 'POST', body: '{}' });
      const body = (await otherVerb.json()) as { message: string };

      expect([allowed.status, elsewhere.status, otherVerb.status]).to.deep.equal([200, 403, 403]);
      expect(body.message).to.equal(
        'jobs.batch is forbidden: User "lister" cannot create resource "jobs" in API group "batch" in the namespace "default"',
      );
    });

    it('prints a kubeconfig whose server URL alone is enough', async () => {
      const config = parse(server.kubeconfig()) as { clusters: { cluster: { server: string } }[] };
      const url = new URL(`${config.clusters[0]?.cluster.server ?? ''}${PODS}`);

      const status = await new Promise((resolve) => http.get(url, (response) => resolve(response.resume().statusCode)));

      expect(status).to.equal(200);
      expect(server.kubeconfig({ credentialsInUrl: false })).to.include(`server: "${server.url}"`);
    });
  });

  describe('faults', () => {
    const isPodRequest = ({ path }: { readonly path: string }): boolean => path === PODS;
    const failWith = (fault: Fault): (() => void) =>
      server.intercept((request) => (isPodRequest(request) ? fault : undefined));

    it('answers with a status and Retry-After, for the chosen requests only', async () => {
      const stop = failWith({ kind: 'status', code: 429, reason: 'TooManyRequests', retryAfterSeconds: 3 });

      const hit = await call(PODS);
      const other = await call(JOBS);
      stop();
      const later = await call(PODS);

      expect([hit.status, hit.headers.get('retry-after'), other.status, later.status]).to.deep.equal([
        429,
        '3',
        200,
        200,
      ]);
      expect(await hit.json()).to.include({ kind: 'Status', reason: 'TooManyRequests', code: 429 });
    });

    it('breaks the connection before anything is done', async () => {
      failWith({ kind: 'drop' });

      const result = await outcome(call(PODS, { method: 'POST', body: JSON.stringify({ metadata: { name: 'p' } }) }));

      expect(result).to.equal('broken');
      expect(server.store.list('pods')).to.be.empty;
    });

    it('breaks the connection after it was done', async () => {
      failWith({ kind: 'drop-answer' });
      const body = JSON.stringify({ metadata: { name: 'p' }, spec: { containers: [{ name: 'a', image: 'b' }] } });

      const result = await outcome(call(PODS, { method: 'POST', body }));

      expect(result).to.equal('broken');
      expect(server.store.list('pods')).to.have.length(1);
    });

    it('cuts a watch after some events', async () => {
      failWith({ kind: 'cut', afterEvents: 2, clean: true });
      for (const name of ['a', 'b', 'c']) createPod(name);

      const response = await call(`${PODS}?watch=1`);
      const lines = (await response.text()).trim().split('\n');

      expect(lines).to.have.length(2);
    });

    it('breaks a watch off without an end', async () => {
      failWith({ kind: 'cut', afterEvents: 1 });
      createPod('a');

      const result = await outcome(call(`${PODS}?watch=1`));

      expect(result).to.equal('broken');
    });

    it('goes silent on a watch', async () => {
      failWith({ kind: 'silence' });
      createPod('a');
      const gaveUp = new AbortController();

      const response = await call(`${PODS}?watch=1`, { signal: gaveUp.signal });
      const reading = response.text().then(
        () => 'ended',
        () => 'aborted',
      );
      const first = await Promise.race([reading, new Promise((resolve) => setTimeout(() => resolve('silent'), 50))]);
      gaveUp.abort();

      expect([response.status, first, await reading]).to.deep.equal([200, 'silent', 'aborted']);
    });
  });

  describe('watches', () => {
    it('sends bookmarks at the chosen pace and one before the end', async () => {
      await server.close();
      server = await startKubernetesServer({ bookmarkIntervalMs: 100 });

      const response = await call(`${PODS}?watch=1&allowWatchBookmarks=true&timeoutSeconds=1&resourceVersion=1`);
      const types = (await response.text())
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { type: string }).type);

      expect(types.length).to.be.greaterThan(1);
      expect(new Set(types)).to.deep.equal(new Set(['BOOKMARK']));
    });
  });

  describe('logs', () => {
    it('streams what the provider of logs yields, with the options of the request', async () => {
      createPod('p');
      const asked: unknown[] = [];
      server.setPodLogProvider(async function* (target, { follow, tailLines }) {
        asked.push({ ...target, follow, tailLines });
        yield 'one\n';
        await Promise.resolve();
        yield 'two\n';
      });

      const text = await (await call(`${PODS}/p/log?follow=true&tailLines=5`)).text();

      expect(text).to.equal('one\ntwo\n');
      expect(asked).to.deep.equal([{ namespace: 'default', pod: 'p', container: 'main', follow: true, tailLines: 5 }]);
    });

    it('wants to know which of several containers', async () => {
      createPod('p', ['a', 'b']);

      const unclear = await call(`${PODS}/p/log`);
      const unknown = await call(`${PODS}/p/log?container=c`);

      expect([unclear.status, unknown.status]).to.deep.equal([400, 400]);
      expect(await unclear.json()).to.have.property(
        'message',
        'a container name must be specified for pod p, choose one of: [a b]',
      );
    });

    it('has no log of a container that has not started', async () => {
      createPod('p');
      const containerStatuses = [{ name: 'main', state: { waiting: { reason: 'ImagePullBackOff' } } }];
      server.store.updateStatus('pods', { namespace: 'default', name: 'p' }, () => ({ containerStatuses }));

      const answer = await call(`${PODS}/p/log`);

      expect(await answer.json()).to.have.property(
        'message',
        'container "main" in pod "p" is waiting to start: ImagePullBackOff',
      );
    });
  });

  it('shows events in both API groups', async () => {
    server.store.create('events', {
      metadata: { name: 'e', namespace: 'default' },
      involvedObject: { kind: 'Pod', namespace: 'default', name: 'p' },
      reason: 'Pulled',
      message: 'image is there',
      type: 'Normal',
    });

    const answer = await call('/apis/events.k8s.io/v1/namespaces/default/events/e');
    const event = (await answer.json()) as object;

    expect(event).to.include({ apiVersion: 'events.k8s.io/v1', note: 'image is there', reason: 'Pulled' });
    expect(event).to.have.nested.property('regarding.name', 'p');
    expect(event).not.to.have.property('message');
  });

  it('is alive, ready and tells its version without a token', async () => {
    const paths = ['/healthz', '/livez', '/readyz', '/version'];

    const answers = await Promise.all(paths.map((path) => fetch(server.url + path)));

    expect(answers.map((answer) => answer.status)).to.deep.equal([200, 200, 200, 200]);
  });
});

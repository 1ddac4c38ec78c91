import { expect } from 'chai';
import type { Watch, WatchEvent } from '../kube-http.js';
import { configMap, jobManifest, pathsOf, podManifest, type Fixture } from './target.js';

const brief = (event: WatchEvent): string => `${event.type} ${event.object.metadata?.name ?? ''}`;
const named = (type: string, name: string) => (event: WatchEvent) => brief(event) === `${type} ${name}`;

/** watch: where it starts, what it tells, how it ends. */
export function describeWatching({ target, api, namespace }: Fixture): void {
  const open: Watch[] = [];
  afterEach(() => {
    for (const watch of open.splice(0)) watch.close();
  });
  async function watchOn(path: string, query: Record<string, string | number | boolean> = {}): Promise<Watch> {
    const watch = await api().watch(path, query);
    open.push(watch);
    return watch;
  }
  /** Leases are the one kind nothing else writes into a fresh namespace. */
  async function leasesWith(...names: string[]): Promise<string> {
    const { leases } = pathsOf(await namespace());
    for (const name of names) await create(leases, name);
    return leases;
  }
  async function create(leases: string, name: string, labels: Record<string, string> = {}): Promise<any> {
    return (await api().expect(201, 'POST', leases, { body: { metadata: { name, labels } } })).body;
  }
  async function merge(path: string, body: object): Promise<any> {
    return (await api().expect(200, 'PATCH', path, { body, contentType: 'application/merge-patch+json' })).body;
  }
  /** Events are the one kind a real API server does not keep a cache of its own for: what etcd forgot is gone. */
  async function createEvents(events: string, names: readonly string[]): Promise<void> {
    const involvedObject = { kind: 'Pod', name: 'p', namespace: /namespaces\/([^/]+)/.exec(events)?.[1] };
    for (const name of names) {
      await api().expect(201, 'POST', events, { body: { metadata: { name }, involvedObject } });
    }
  }
  async function versionOf(path: string): Promise<string> {
    return (await api().expect(200, 'GET', path)).body.metadata.resourceVersion;
  }

  it('starts with what exists when no resourceVersion is given', async () => {
    const leases = await leasesWith('a', 'b');

    const watch = await watchOn(leases);
    const initial = [await watch.next(), await watch.next()];
    await create(leases, 'c');
    const live = await watch.next();

    expect(initial.map((event) => brief(event!))).to.have.members(['ADDED a', 'ADDED b']);
    expect(brief(live!)).to.equal('ADDED c');
    expect(live!.object).to.include({ kind: 'Lease', apiVersion: 'coordination.k8s.io/v1' });
  });

  it('tells what happened after a list, in order, once', async () => {
    const leases = await leasesWith('old');
    const resourceVersion = await versionOf(leases);
    await create(leases, 'a');

    const watch = await watchOn(leases, { resourceVersion });
    await merge(`${leases}/a`, { spec: { holderIdentity: 'me' } });
    await api().expect(200, 'DELETE', `${leases}/a`);
    const events = await watch.until(named('DELETED', 'a'));

    expect(events.map(brief)).to.deep.equal(['ADDED a', 'MODIFIED a', 'DELETED a']);
    expect(events[2]!.object.spec.holderIdentity).to.equal('me');
    const versions = events.map((event) => Number(event.object.metadata.resourceVersion));
    expect(versions).to.deep.equal([...new Set(versions)].sort((left, right) => left - right));
  });

  it('resumes after any event without loss or repetition', async () => {
    const leases = await leasesWith();
    const watch = await watchOn(leases, { resourceVersion: await versionOf(leases) });
    for (const name of ['a', 'b', 'c']) await create(leases, name);
    const [first] = await watch.until(named('ADDED', 'c'));
    watch.close();
    await api().expect(200, 'DELETE', `${leases}/b`);

    const resumed = await watchOn(leases, { resourceVersion: first!.object.metadata.resourceVersion });
    const events = await resumed.until(named('DELETED', 'b'));

    expect(events.map(brief)).to.deep.equal(['ADDED b', 'ADDED c', 'DELETED b']);
  });

  it('shows an object entering a label selection as ADDED and leaving it as DELETED', async () => {
    const leases = await leasesWith();
    const resourceVersion = await versionOf(leases);
    const watch = await watchOn(leases, { resourceVersion, labelSelector: 'mine=yes' });

    await create(leases, 'other');
    await create(leases, 'a');
    await merge(`${leases}/a`, { metadata: { labels: { mine: 'yes' } } });
    await merge(`${leases}/a`, { metadata: { labels: { also: 'this' } } });
    await merge(`${leases}/a`, { metadata: { labels: { mine: null } } });
    const events = await watch.until(named('DELETED', 'a'));

    expect(events.map(brief)).to.deep.equal(['ADDED a', 'MODIFIED a', 'DELETED a']);
  });

  it('follows a single object by field selector', async () => {
    const leases = await leasesWith('a', 'b');
    const resourceVersion = await versionOf(leases);
    const watch = await watchOn(leases, { resourceVersion, fieldSelector: 'metadata.name=b' });

    await merge(`${leases}/a`, { metadata: { labels: { x: '1' } } });
    await merge(`${leases}/b`, { metadata: { labels: { x: '1' } } });

    expect(brief((await watch.next())!)).to.equal('MODIFIED b');
  });

  it('shows a pod leaving a field selection when its phase changes', async () => {
    const { pods } = pathsOf(await namespace());
    await api().expect(201, 'POST', pods, { body: podManifest('p') });
    const resourceVersion = await versionOf(pods);
    const watch = await watchOn(pods, { resourceVersion, fieldSelector: 'status.phase=Pending' });

    await merge(`${pods}/p/status`, { status: { phase: 'Running' } });

    expect(brief((await watch.next())!)).to.equal('DELETED p');
  });

  it('keeps namespaces apart, and sees all of them without one', async () => {
    const [here, there] = [await namespace(), await namespace()];
    const labels = { group: here };
    const resourceVersion = await versionOf('/apis/coordination.k8s.io/v1/leases');
    const one = await watchOn(pathsOf(here).leases, { resourceVersion });
    const all = await watchOn('/apis/coordination.k8s.io/v1/leases', {
      resourceVersion,
      labelSelector: `group=${here}`,
    });

    await create(pathsOf(there).leases, 'there', labels);
    await create(pathsOf(here).leases, 'here', labels);

    expect((await one.until(named('ADDED', 'here'))).map(brief)).to.deep.equal(['ADDED here']);
    expect((await all.until(named('ADDED', 'here'))).map(brief)).to.deep.equal(['ADDED there', 'ADDED here']);
  });

  it('tells status changes too', async () => {
    const { jobs } = pathsOf(await namespace());
    await api().expect(201, 'POST', jobs, { body: jobManifest('j', { spec: { suspend: true } }) });
    const watch = await watchOn(jobs, { resourceVersion: await versionOf(jobs) });

    await merge(`${jobs}/j/status`, { status: { ready: 0, terminating: 0 } });
    await merge(`${jobs}/j`, { metadata: { labels: { last: 'yes' } } });
    const events = await watch.until((event) => event.object.metadata.labels?.last === 'yes');

    expect(events.some((event) => event.object.status.terminating === 0)).to.equal(true);
  });

  it('ends by itself after timeoutSeconds', async () => {
    const leases = await leasesWith('a');
    const watch = await watchOn(leases, { resourceVersion: await versionOf(leases), timeoutSeconds: 1 });

    const end = await watch.next();

    expect(watch.status).to.equal(200);
    expect(end).to.equal(undefined);
  });

  it('sends a bookmark before the end to whom asked for it', async () => {
    const leases = await leasesWith('a');
    const query = { resourceVersion: await versionOf(leases), labelSelector: 'mine=yes', timeoutSeconds: 3 };
    const asking = await watchOn(leases, { ...query, allowWatchBookmarks: true });
    const silent = await watchOn(leases, query);
    const unseen = await create(leases, 'unseen');

    const [bookmark] = await asking.until(() => false);
    const nothing = await silent.until(() => false);

    expect(bookmark?.type).to.equal('BOOKMARK');
    expect(bookmark?.object).to.include({ kind: 'Lease', apiVersion: 'coordination.k8s.io/v1' });
    expect(Number(bookmark?.object.metadata.resourceVersion)).to.be.at.least(
      Number(unseen.metadata.resourceVersion),
      'a bookmark spares the reader what it did not select',
    );
    expect(nothing).to.deep.equal([]);
  });

  it('says Gone, by status or by event, when the resourceVersion is too old', async () => {
    const { events } = pathsOf(await namespace());
    const resourceVersion = await versionOf(events);
    await createEvents(events, ['a', 'b']);
    await target().forgetHistory();

    const watch = await watchOn(events, { resourceVersion });
    const event = await watch.next();

    expect(event?.type).to.be.oneOf(['ERROR', 'HTTP']);
    expect(event?.object).to.include({ kind: 'Status', status: 'Failure', code: 410 });
    expect(event?.object.reason).to.be.oneOf(['Expired', 'Gone']);
  });

  it('says Gone when a page of a list is asked for too late', async () => {
    const { events } = pathsOf(await namespace());
    await createEvents(events, ['a', 'b']);
    const first = await api().expect(200, 'GET', events, { query: { limit: 1 } });
    await createEvents(events, ['c']);
    await target().forgetHistory();

    const second = await api().request('GET', events, {
      query: { limit: 1, continue: first.body.metadata.continue },
    });

    expect(second.status).to.equal(410);
    expect(second.body).to.include({ kind: 'Status', reason: 'Expired', code: 410 });
  });

  it('keeps telling through a burst of changes', async () => {
    const leases = await leasesWith();
    const watch = await watchOn(leases, { resourceVersion: await versionOf(leases) });
    const names = Array.from({ length: 50 }, (_, index) => `n${String(index).padStart(2, '0')}`);

    await Promise.all(names.map((name) => create(leases, name)));
    const events: WatchEvent[] = [];
    while (events.length < names.length) events.push((await watch.next())!);

    expect(events.map((event) => event.object.metadata.name)).to.have.members(names);
  });

  it('carries whole objects in every event', async () => {
    const { configMaps } = pathsOf(await namespace());
    const watch = await watchOn(configMaps, { resourceVersion: await versionOf(configMaps), labelSelector: 'big' });
    const text = 'x'.repeat(200_000);

    await api().expect(201, 'POST', configMaps, { body: configMap('big', { big: '1' }, { text }) });

    expect((await watch.next())?.object.data.text).to.equal(text);
  });
}

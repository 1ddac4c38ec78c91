import { expect } from 'chai';
import { ApiError } from '../../../src/sandbox/kubernetes/api-error.js';
import { startGarbageCollector } from '../../../src/sandbox/kubernetes/garbage-collector.js';
import type { KubeObject } from '../../../src/sandbox/kubernetes/objects.js';
import { ObjectStore, type WatchEvent } from '../../../src/sandbox/kubernetes/object-store.js';
import { parseLabelSelector } from '../../../src/sandbox/kubernetes/selectors.js';

const namespace = 'default';

function newStore(historyLimit?: number): ObjectStore {
  const store = new ObjectStore(historyLimit === undefined ? {} : { historyLimit });
  store.create('namespaces', { metadata: { name: namespace } });
  return store;
}

function configMap(store: ObjectStore, name: string, metadata: object = {}): KubeObject {
  return store.create('configmaps', { metadata: { name, namespace, ...metadata }, data: { a: '1' } });
}

function codeOf(action: () => unknown): number | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    return error instanceof ApiError ? error.code : undefined;
  }
}

function relabel(store: ObjectStore, name: string, labels: Record<string, string>): KubeObject {
  return store.update('configmaps', { namespace, name }, (current) => ({
    ...current,
    metadata: { ...current?.metadata, labels },
  }));
}

describe('object store', () => {
  it('numbers all writes with one counter', () => {
    const store = newStore();

    const first = configMap(store, 'a');
    const second = store.create('secrets', { metadata: { name: 'b', namespace } });

    expect(Number(second.metadata.resourceVersion)).to.equal(Number(first.metadata.resourceVersion) + 1);
    expect(store.revisions.revision).to.equal(Number(second.metadata.resourceVersion));
  });

  it('does not count an update that changes nothing', () => {
    const store = newStore();
    const created = configMap(store, 'a');

    const same = store.update('configmaps', { namespace, name: 'a' }, () => ({ ...created }));

    expect(same.metadata.resourceVersion).to.equal(created.metadata.resourceVersion);
  });

  it('refuses an update of an older state', () => {
    const store = newStore();
    const created = configMap(store, 'a');
    relabel(store, 'a', { x: 'y' });

    const code = codeOf(() => store.update('configmaps', { namespace, name: 'a' }, () => ({ ...created, data: {} })));

    expect(code).to.equal(409);
  });

  it('refuses to delete another object of the same name', () => {
    const store = newStore();
    configMap(store, 'a');

    const code = codeOf(() => store.delete('configmaps', namespace, 'a', { uid: 'someone-else' }));

    expect(code).to.equal(409);
    expect(store.list('configmaps', namespace)).to.have.length(1);
  });

  it('tells a selecting watcher of objects that enter and leave the selection', () => {
    const store = newStore();
    const seen: string[] = [];
    store.watch('configmaps', { labels: parseLabelSelector('team=a') }, ({ type, object }) => {
      seen.push(`${type} ${object.metadata.name} ${object.metadata.labels?.team ?? ''}`);
    });

    configMap(store, 'a');
    relabel(store, 'a', { team: 'a' });
    relabel(store, 'a', { team: 'a', more: 'x' });
    const left = relabel(store, 'a', { team: 'b' });
    store.delete('configmaps', namespace, 'a');

    expect(seen).to.deep.equal(['ADDED a a', 'MODIFIED a a', 'DELETED a a']);
    expect(Number(left.metadata.resourceVersion)).to.be.greaterThan(0);
  });

  it('tells all watchers one order, also of writes made by a watcher', () => {
    const store = newStore();
    const orders: string[][] = [[], []];
    store.watch('configmaps', {}, ({ type, object }) => {
      orders[0]?.push(`${type} ${object.metadata.name}`);
      if (object.metadata.name === 'a' && type === 'ADDED') configMap(store, 'b');
    });
    store.watch('configmaps', {}, ({ type, object }) => void orders[1]?.push(`${type} ${object.metadata.name}`));

    configMap(store, 'a');

    expect(orders[0]).to.deep.equal(['ADDED a', 'ADDED b']);
    expect(orders[1]).to.deep.equal(orders[0]);
  });

  it('starts a watch at any remembered revision', () => {
    const store = newStore();
    const { metadata } = configMap(store, 'a');
    configMap(store, 'b');
    store.delete('configmaps', namespace, 'a');
    const seen: WatchEvent[] = [];

    store.watch('configmaps', { since: Number(metadata.resourceVersion) }, (event) => void seen.push(event));

    expect(seen.map(({ type, object }) => `${type} ${object.metadata.name}`)).to.deep.equal(['ADDED b', 'DELETED a']);
    expect(seen.at(-1)?.object.metadata.resourceVersion).to.equal(String(store.revisions.revision));
  });

  it('forgets the oldest changes beyond its limit, and says 410 then', () => {
    const store = newStore(10);
    const { metadata } = configMap(store, 'a');

    for (let index = 0; index < 50; index++) configMap(store, `n${index}`);
    const code = codeOf(() => store.watch('configmaps', { since: Number(metadata.resourceVersion) }, () => undefined));

    expect(code).to.equal(410);
  });

  it('shows the objects as they were at a revision', () => {
    const store = newStore();
    configMap(store, 'a');
    const then = Number(configMap(store, 'b').metadata.resourceVersion);
    store.delete('configmaps', namespace, 'a');
    relabel(store, 'b', { x: 'y' });
    configMap(store, 'c');

    const values = store.revisions.valuesAt('configmaps', namespace, then);

    expect(values.map((object) => [object.metadata.name, object.metadata.labels])).to.deep.equal([
      ['a', undefined],
      ['b', undefined],
    ]);
  });

  it('keeps a running pod for its grace period, and an idle one not', () => {
    const store = newStore();
    const spec = { containers: [{ name: 'main', image: 'x' }], terminationGracePeriodSeconds: 7 };
    for (const name of ['idle', 'running']) store.create('pods', { metadata: { name, namespace }, spec });
    store.bindPod(namespace, 'running', 'node');

    const idle = store.delete('pods', namespace, 'idle');
    const running = store.delete('pods', namespace, 'running');
    const forced = store.delete('pods', namespace, 'running', { gracePeriodSeconds: 0 });

    expect([idle.removed, running.removed, forced.removed]).to.deep.equal([true, false, true]);
    expect(running.object.metadata.deletionGracePeriodSeconds).to.equal(7);
    expect(store.list('pods')).to.be.empty;
  });

  it('keeps an object until its last finalizer is removed', () => {
    const store = newStore();
    configMap(store, 'a', { finalizers: ['example.com/wait'] });

    const { removed } = store.delete('configmaps', namespace, 'a');
    store.update('configmaps', { namespace, name: 'a' }, (current) => ({
      ...current,
      metadata: { ...current?.metadata, finalizers: [] },
    }));

    expect(removed).to.equal(false);
    expect(store.find('configmaps', namespace, 'a')).to.equal(undefined);
  });
});

describe('garbage collector', () => {
  const policies = [
    { propagationPolicy: 'Background', left: { owner: false, dependent: false } },
    { propagationPolicy: 'Foreground', left: { owner: false, dependent: false } },
    { propagationPolicy: 'Orphan', left: { owner: false, dependent: true } },
  ] as const;

  for (const { propagationPolicy, left } of policies) {
    it(`${propagationPolicy}: ${left.dependent ? 'dependents stay without their owner' : 'dependents go with their owner'}`, () => {
      const store = newStore();
      startGarbageCollector(store);
      const { metadata } = configMap(store, 'owner');
      const owner = { apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: metadata.uid };
      store.create('secrets', { metadata: { name: 'dependent', namespace, ownerReferences: [owner] } });

      store.delete('configmaps', namespace, 'owner', { propagationPolicy });

      const dependent = store.find('secrets', namespace, 'dependent');
      expect(store.find('configmaps', namespace, 'owner') !== undefined).to.equal(left.owner);
      expect(dependent !== undefined).to.equal(left.dependent);
      expect(dependent?.metadata.ownerReferences).to.equal(undefined);
    });
  }

  it('Foreground keeps the owner while a dependent is still ending', () => {
    const store = newStore();
    startGarbageCollector(store);
    const { metadata } = configMap(store, 'owner');
    const owner = { apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: metadata.uid };
    const spec = { containers: [{ name: 'main', image: 'x' }] };
    store.create('pods', { metadata: { name: 'p', namespace, ownerReferences: [owner] }, spec });
    store.bindPod(namespace, 'p', 'node');

    store.delete('configmaps', namespace, 'owner', { propagationPolicy: 'Foreground' });
    const waiting = store.find('configmaps', namespace, 'owner')?.metadata.finalizers;
    store.delete('pods', namespace, 'p', { gracePeriodSeconds: 0 });

    expect(waiting).to.deep.equal(['foregroundDeletion']);
    expect(store.find('configmaps', namespace, 'owner')).to.equal(undefined);
  });
});

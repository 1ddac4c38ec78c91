import { expect } from 'chai';
import { configMap, jobManifest, namesOf, pathsOf, podManifest, type Fixture } from './target.js';

const SELECTIONS: readonly (readonly [selector: string, names: readonly string[]])[] = [
  ['tier=web', ['a', 'b']],
  ['tier==web', ['a', 'b']],
  ['tier!=web', ['c', 'd']],
  ['tier in (web,db)', ['a', 'b', 'c']],
  ['tier notin (web,db)', ['d']],
  ['tier', ['a', 'b', 'c']],
  ['!tier', ['d']],
  ['tier=web,zone=1', ['a']],
  ['tier,zone notin (1)', ['b', 'c']],
  ['example.com/odd.key=x_y.z', ['d']],
  ['tier=nobody', []],
];

/** get and list: identity, paging, selectors, resource versions. */
export function describeReading({ api, namespace }: Fixture): void {
  it('answers a created object with what the server adds to it', async () => {
    const { jobs } = pathsOf(await namespace());
    const created = await api().expect(201, 'POST', jobs, { body: jobManifest('one') });

    const got = await api().expect(200, 'GET', `${jobs}/one`);

    expect(got.body).to.include({ apiVersion: 'batch/v1', kind: 'Job' });
    expect(got.body.metadata.uid).to.match(/^[0-9a-f-]{36}$/);
    expect(got.body.metadata.creationTimestamp).to.match(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    expect(got.body.metadata.resourceVersion).to.match(/^\d+$/);
    expect(got.body.metadata.generation).to.equal(1);
    expect(got.body.metadata.uid).to.equal(created.body.metadata.uid);
  });

  it('fills in the defaults of a Job and its pod template', async () => {
    const { jobs } = pathsOf(await namespace());

    const { body } = await api().expect(201, 'POST', jobs, { body: jobManifest('one') });

    expect(body.spec).to.include({ parallelism: 1, completions: 1, backoffLimit: 6, completionMode: 'NonIndexed' });
    expect(body.spec.suspend).to.equal(false);
    expect(body.spec.selector.matchLabels).to.deep.equal({ 'batch.kubernetes.io/controller-uid': body.metadata.uid });
    expect(body.spec.template.metadata.labels).to.deep.equal({
      'batch.kubernetes.io/controller-uid': body.metadata.uid,
      'batch.kubernetes.io/job-name': 'one',
      'controller-uid': body.metadata.uid,
      'job-name': 'one',
    });
    expect(body.spec.template.spec).to.include({
      dnsPolicy: 'ClusterFirst',
      schedulerName: 'default-scheduler',
      terminationGracePeriodSeconds: 30,
    });
    expect(body.spec.template.spec.containers[0]).to.deep.include({
      imagePullPolicy: 'Always',
      terminationMessagePath: '/dev/termination-log',
      terminationMessagePolicy: 'File',
      resources: {},
    });
  });

  it('says NotFound, with what was looked for, about a missing object', async () => {
    const { jobs } = pathsOf(await namespace());

    const answer = await api().request('GET', `${jobs}/nobody`);

    expect(answer.status).to.equal(404);
    expect(answer.body).to.deep.include({ kind: 'Status', apiVersion: 'v1', status: 'Failure', code: 404 });
    expect(answer.body).to.deep.include({
      reason: 'NotFound',
      message: 'jobs.batch "nobody" not found',
      details: { name: 'nobody', group: 'batch', kind: 'jobs' },
    });
  });

  it('answers 404 for a kind of object there is not', async () => {
    const answer = await api().request('GET', `/apis/batch/v1/namespaces/${await namespace()}/gizmos`);

    expect(answer.status).to.equal(404);
  });

  it('says which version it is', async () => {
    const { body } = await api().expect(200, 'GET', '/version');

    expect(body).to.include({ major: '1' });
    expect(body.gitVersion).to.match(/^v1\.\d+\.\d+/);
  });

  it('lists with a kind of its own, items without, in the order of names', async () => {
    const { jobs } = pathsOf(await namespace());
    for (const name of ['b', 'c', 'a']) await api().expect(201, 'POST', jobs, { body: jobManifest(name) });

    const list = await api().expect(200, 'GET', jobs);

    expect(list.body).to.include({ apiVersion: 'batch/v1', kind: 'JobList' });
    expect(list.body.metadata.resourceVersion).to.match(/^\d+$/);
    expect(namesOf(list)).to.deep.equal(['a', 'b', 'c']);
    expect(list.body.items[0]).to.not.have.any.keys('kind', 'apiVersion');
  });

  it('answers an empty list, not null, for an empty namespace', async () => {
    const { jobs } = pathsOf(await namespace());

    const list = await api().expect(200, 'GET', jobs);

    expect(list.body.items).to.deep.equal([]);
  });

  it('lists over all namespaces too', async () => {
    const [here, there] = [await namespace(), await namespace()];
    for (const name of [here, there]) {
      const body = configMap('marked', { everywhere: here });
      await api().expect(201, 'POST', pathsOf(name).configMaps, { body });
    }

    const list = await api().expect(200, 'GET', '/api/v1/configmaps', {
      query: { labelSelector: `everywhere=${here}` },
    });

    expect(list.body.items.map((item: any) => item.metadata.namespace)).to.have.members([here, there]);
  });

  it('pages through a list that does not change under the reader', async () => {
    const { configMaps } = pathsOf(await namespace());
    const labelSelector = 'page=yes';
    const create = (name: string) => api().expect(201, 'POST', configMaps, { body: configMap(name, { page: 'yes' }) });
    for (const name of ['a', 'b', 'c', 'd', 'e']) await create(name);

    const first = await api().expect(200, 'GET', configMaps, { query: { limit: 2, labelSelector } });
    await create('bb');
    await api().expect(200, 'DELETE', `${configMaps}/e`);
    const next = (page: typeof first) =>
      api().expect(200, 'GET', configMaps, {
        query: { limit: 2, labelSelector, continue: page.body.metadata.continue },
      });
    const second = await next(first);
    const third = await next(second);

    expect([first, second, third].map(namesOf)).to.deep.equal([['a', 'b'], ['c', 'd'], ['e']]);
    expect(second.body.metadata.resourceVersion).to.equal(first.body.metadata.resourceVersion);
    expect(third.body.metadata.resourceVersion).to.equal(first.body.metadata.resourceVersion);
    expect(third.body.metadata.continue ?? '').to.equal('');
  });

  it('says how many are left when no selector is in the way', async () => {
    const { leases } = pathsOf(await namespace());
    for (const name of ['a', 'b', 'c']) await api().expect(201, 'POST', leases, { body: { metadata: { name } } });

    const first = await api().expect(200, 'GET', leases, { query: { limit: 1 } });

    expect(first.body.metadata.remainingItemCount).to.equal(2);
  });

  it('refuses a continue token it did not make', async () => {
    const { configMaps } = pathsOf(await namespace());

    const answer = await api().request('GET', configMaps, { query: { limit: 2, continue: 'nonsense' } });

    expect(answer.status).to.equal(400);
    expect(answer.body.reason).to.equal('BadRequest');
  });

  it('accepts resourceVersion 0 and one it has answered before', async () => {
    const { leases } = pathsOf(await namespace());
    await api().expect(201, 'POST', leases, { body: { metadata: { name: 'a' } } });
    const known = await api().expect(200, 'GET', leases);

    const atLeast = await api().expect(200, 'GET', leases, {
      query: { resourceVersion: known.body.metadata.resourceVersion, resourceVersionMatch: 'NotOlderThan' },
    });
    const anything = await api().expect(200, 'GET', leases, { query: { resourceVersion: 0 } });

    expect(namesOf(atLeast)).to.deep.equal(['a']);
    expect(Number(anything.body.metadata.resourceVersion)).to.be.greaterThan(0);
  });

  for (const [selector, names] of SELECTIONS) {
    it(`selects by labels: ${selector}`, async () => {
      const { leases } = pathsOf(await namespace());
      const labelled = {
        a: { tier: 'web', zone: '1' },
        b: { tier: 'web', zone: '2' },
        c: { tier: 'db' },
        d: { 'example.com/odd.key': 'x_y.z' },
      };
      for (const [name, labels] of Object.entries(labelled)) {
        await api().expect(201, 'POST', leases, { body: { metadata: { name, labels } } });
      }

      const list = await api().expect(200, 'GET', leases, { query: { labelSelector: selector } });

      expect(namesOf(list)).to.deep.equal(names);
    });
  }

  it('selects by name and namespace fields', async () => {
    const here = await namespace();
    const { leases } = pathsOf(here);
    for (const name of ['a', 'b', 'c']) await api().expect(201, 'POST', leases, { body: { metadata: { name } } });
    const select = (fieldSelector: string) => api().expect(200, 'GET', leases, { query: { fieldSelector } });

    expect(namesOf(await select('metadata.name=b'))).to.deep.equal(['b']);
    expect(namesOf(await select('metadata.name!=b'))).to.deep.equal(['a', 'c']);
    expect(namesOf(await select(`metadata.namespace=${here},metadata.name==c`))).to.deep.equal(['c']);
  });

  it('selects pods by phase and node, events by what they are about', async () => {
    const here = await namespace();
    const { pods, events } = pathsOf(here);
    await api().expect(201, 'POST', pods, { body: podManifest('waiting') });
    await api().expect(201, 'POST', pods, { body: podManifest('placed', { spec: { nodeName: 'node-1' } }) });
    for (const about of ['waiting', 'placed']) {
      const involvedObject = { kind: 'Pod', name: about, namespace: here };
      const body = { metadata: { name: `${about}.1` }, involvedObject, reason: 'Test', type: 'Normal' };
      await api().expect(201, 'POST', events, { body });
    }
    const select = (path: string, fieldSelector: string) =>
      api().expect(200, 'GET', path, { query: { fieldSelector } });

    expect(namesOf(await select(pods, 'status.phase=Pending'))).to.deep.equal(['placed', 'waiting']);
    expect(namesOf(await select(pods, 'status.phase!=Pending'))).to.deep.equal([]);
    expect(namesOf(await select(pods, 'spec.nodeName=node-1'))).to.deep.equal(['placed']);
    expect(namesOf(await select(pods, 'spec.nodeName='))).to.deep.equal(['waiting']);
    expect(namesOf(await select(events, 'involvedObject.kind=Pod,involvedObject.name=placed'))).to.deep.equal([
      'placed.1',
    ]);
  });

  const badSelectors: readonly (readonly [string, Record<string, string>])[] = [
    ['a field that is not selectable', { fieldSelector: 'spec.parallelism=1' }],
    ['a label selector that does not parse', { labelSelector: 'tier in web' }],
    ['a label value that cannot exist', { labelSelector: 'tier=-web-' }],
  ];
  for (const [what, query] of badSelectors) {
    it(`answers 400 to ${what}`, async () => {
      const { jobs } = pathsOf(await namespace());

      const answer = await api().request('GET', jobs, { query });

      expect(answer.status).to.equal(400);
      expect(answer.body).to.include({ kind: 'Status', reason: 'BadRequest' });
    });
  }
}

import { expect } from 'chai';
import type { KubeAnswer } from '../kube-http.js';
import { configMap, jobManifest, namesOf, pathsOf, podManifest, type Fixture } from './target.js';

const MERGE = 'application/merge-patch+json';
const STRATEGIC = 'application/strategic-merge-patch+json';
const JSON_PATCH = 'application/json-patch+json';

/** create, update, patch, delete: what changes, what is refused, what is only tried. */
export function describeWriting(fixture: Fixture): void {
  describe('create', () => describeCreate(fixture));
  describe('update', () => describeUpdate(fixture));
  describe('patch', () => describePatch(fixture));
  describe('delete', () => describeDelete(fixture));
  describe('dry run', () => describeDryRun(fixture));
  describe('kinds', () => describeKinds(fixture));
}

function describeCreate({ api, namespace }: Fixture): void {
  it('says AlreadyExists about a second object of the same name', async () => {
    const { jobs } = pathsOf(await namespace());
    await api().expect(201, 'POST', jobs, { body: jobManifest('one') });

    const again = await api().request('POST', jobs, { body: jobManifest('one') });

    expect(again.status).to.equal(409);
    expect(again.body).to.deep.include({
      kind: 'Status',
      reason: 'AlreadyExists',
      message: 'jobs.batch "one" already exists',
      details: { name: 'one', group: 'batch', kind: 'jobs' },
    });
  });

  it('lets exactly one of many simultaneous creates win', async () => {
    const { jobs } = pathsOf(await namespace());

    const answers = await Promise.all(
      Array.from({ length: 8 }, () => api().request('POST', jobs, { body: jobManifest('one') })),
    );

    expect(answers.map((answer) => answer.status).sort()).to.deep.equal([201, ...Array<number>(7).fill(409)]);
  });

  it('makes up a name from generateName', async () => {
    const { configMaps } = pathsOf(await namespace());

    const { body } = await api().expect(201, 'POST', configMaps, {
      body: { metadata: { generateName: 'made-' }, data: {} },
    });

    expect(body.metadata.name).to.match(/^made-[a-z0-9]{5}$/);
    expect(body.metadata.generateName).to.equal('made-');
  });

  const misfits: readonly (readonly [what: string, change: (job: any) => void, status: number, reason: string])[] = [
    ['another namespace than the address says', (job) => (job.metadata.namespace = 'elsewhere'), 400, 'BadRequest'],
    ['another kind than the address says', (job) => (job.kind = 'CronJob'), 400, 'BadRequest'],
    ['text where a number belongs', (job) => (job.spec.backoffLimit = 'many'), 400, 'BadRequest'],
    ['a list where an object belongs', (job) => (job.spec.template.spec = []), 400, 'BadRequest'],
    ['a number where text belongs', (job) => (job.metadata.labels = { a: 1 }), 400, 'BadRequest'],
    ['a quantity that does not parse', (job) => (container(job).resources = limits('much')), 400, 'BadRequest'],
    ['no name at all', (job) => delete job.metadata.name, 422, 'Invalid'],
  ];
  for (const [what, change, status, reason] of misfits) {
    it(`refuses ${what}`, async () => {
      const { jobs } = pathsOf(await namespace());
      const body = jobManifest('one');
      change(body);

      const answer = await api().request('POST', jobs, { body });

      expect(answer.status).to.equal(status);
      expect(answer.body).to.include({ kind: 'Status', status: 'Failure', reason, code: status });
      expect((await api().expect(200, 'GET', jobs)).body.items).to.be.empty;
    });
  }

  it('refuses what is not JSON', async () => {
    const { jobs } = pathsOf(await namespace());

    const answer = await api().request('POST', jobs, { body: '{"metadata":' });

    expect(answer.status).to.equal(400);
    expect(answer.body.reason).to.equal('BadRequest');
  });

  it('says NotFound about a namespace there is not', async () => {
    const answer = await api().request('POST', pathsOf('no-such-namespace').jobs, { body: jobManifest('one') });

    expect(answer.status).to.equal(404);
    expect(answer.body).to.deep.include({
      reason: 'NotFound',
      details: { name: 'no-such-namespace', kind: 'namespaces' },
    });
  });

  it('accepts kind and apiVersion left out', async () => {
    const { jobs } = pathsOf(await namespace());
    const { metadata, spec } = jobManifest('one');

    const { body } = await api().expect(201, 'POST', jobs, { body: { metadata, spec } });

    expect(body.kind).to.equal('Job');
  });

  it('gives a Job without labels those of its pod template', async () => {
    const { jobs } = pathsOf(await namespace());
    const body = jobManifest('one');
    body.spec.template.metadata = { labels: { from: 'template' } };

    const created = await api().expect(201, 'POST', jobs, { body });

    expect(created.body.metadata.labels).to.include({ from: 'template' });
  });

  it('makes an emptyDir of a volume of no kind', async () => {
    const { jobs } = pathsOf(await namespace());

    const { body } = await api().expect(201, 'POST', jobs, {
      body: jobManifest('one', { podSpec: { volumes: [{ name: 'v' }] } }),
    });

    expect(body.spec.template.spec.volumes).to.deep.equal([{ name: 'v', emptyDir: {} }]);
  });

  it('ignores a status sent along', async () => {
    const { jobs } = pathsOf(await namespace());
    const manifest = { ...jobManifest('one', { spec: { suspend: true } }), status: { succeeded: 7 } };

    const { body } = await api().expect(201, 'POST', jobs, { body: manifest });

    expect(body.status.succeeded ?? 0).to.equal(0);
  });

  describe('fieldValidation', () => {
    const misspelt = () => jobManifest('one', { podSpec: { containrs: [] } });
    const field = 'unknown field "spec.template.spec.containrs"';

    it('Strict refuses an unknown field and names it', async () => {
      const { jobs } = pathsOf(await namespace());

      const answer = await api().request('POST', jobs, { body: misspelt(), query: { fieldValidation: 'Strict' } });

      expect(answer.status).to.equal(400);
      expect(answer.body.reason).to.equal('BadRequest');
      expect(answer.body.message).to.include('strict decoding error').and.include(field);
    });

    it('Strict names all unknown fields, also inside list items', async () => {
      const { jobs } = pathsOf(await namespace());
      const body = misspelt();
      container(body).comand = ['true'];
      body.spec.backofLimit = 1;

      const answer = await api().request('POST', jobs, { body, query: { fieldValidation: 'Strict' } });

      expect(answer.status).to.equal(400);
      expect(answer.body.message)
        .to.include('unknown field "spec.template.spec.containers[0].comand"')
        .and.include('unknown field "spec.backofLimit"')
        .and.include(field);
    });

    it('Strict refuses a field given twice', async () => {
      const { jobs } = pathsOf(await namespace());
      const body = JSON.stringify(jobManifest('one')).replace('"spec":{', '"spec":{"backoffLimit":1,"backoffLimit":2,');

      const answer = await api().request('POST', jobs, { body, query: { fieldValidation: 'Strict' } });

      expect(answer.status).to.equal(400);
      expect(answer.body.message).to.include('duplicate field "spec.backoffLimit"');
    });

    it('Strict accepts free maps: labels, annotations, limits', async () => {
      const { jobs } = pathsOf(await namespace());
      const body = jobManifest('one', { metadata: { labels: { anything: 'goes' }, annotations: { 'a.b/c': 'd e' } } });
      container(body).resources = { limits: { 'example.com/gpu': '1' }, requests: { cpu: '100m' } };

      const { warnings } = await api().expect(201, 'POST', jobs, { body, query: { fieldValidation: 'Strict' } });

      expect(warnings).to.be.empty;
    });

    it('Warn creates, drops the field and warns in a header', async () => {
      const { jobs } = pathsOf(await namespace());

      const answer = await api().expect(201, 'POST', jobs, { body: misspelt(), query: { fieldValidation: 'Warn' } });

      expect(answer.warnings).to.deep.equal([field]);
      expect(answer.body.spec.template.spec).to.not.have.property('containrs');
    });

    it('warns when nothing is said, and is silent on Ignore', async () => {
      const { jobs } = pathsOf(await namespace());

      const unsaid = await api().expect(201, 'POST', jobs, { body: misspelt() });
      await api().expect(200, 'DELETE', `${jobs}/one`, { query: { propagationPolicy: 'Background' } });
      const ignored = await api().expect(201, 'POST', jobs, { body: misspelt(), query: { fieldValidation: 'Ignore' } });

      expect(unsaid.warnings).to.deep.equal([field]);
      expect(ignored.warnings).to.be.empty;
    });
  });
}

function describeUpdate({ api, namespace }: Fixture): void {
  async function lease(): Promise<{ path: string; body: any }> {
    const { leases } = pathsOf(await namespace());
    const created = await api().expect(201, 'POST', leases, {
      body: { metadata: { name: 'l' }, spec: { holderIdentity: 'one', leaseDurationSeconds: 15 } },
    });
    return { path: `${leases}/l`, body: created.body };
  }

  it('takes a change and raises the resourceVersion', async () => {
    const { path, body } = await lease();
    body.spec.holderIdentity = 'two';

    const updated = await api().expect(200, 'PUT', path, { body });

    expect(updated.body.spec.holderIdentity).to.equal('two');
    expect(Number(updated.body.metadata.resourceVersion)).to.be.greaterThan(Number(body.metadata.resourceVersion));
    expect(updated.body.metadata.uid).to.equal(body.metadata.uid);
  });

  it('keeps the resourceVersion when nothing changes', async () => {
    const { path, body } = await lease();

    const updated = await api().expect(200, 'PUT', path, { body });

    expect(updated.body.metadata.resourceVersion).to.equal(body.metadata.resourceVersion);
  });

  it('says Conflict about an update of a state that is gone', async () => {
    const { path, body } = await lease();
    await api().expect(200, 'PUT', path, { body: { ...body, spec: { ...body.spec, holderIdentity: 'two' } } });

    const late = await api().request('PUT', path, {
      body: { ...body, spec: { ...body.spec, holderIdentity: 'three' } },
    });

    expect(late.status).to.equal(409);
    expect(late.body).to.deep.include({
      reason: 'Conflict',
      details: { name: 'l', group: 'coordination.k8s.io', kind: 'leases' },
    });
    expect((await api().expect(200, 'GET', path)).body.spec.holderIdentity).to.equal('two');
  });

  it('lets exactly one of two contenders take a Lease', async () => {
    const { path, body } = await lease();
    const contend = (holderIdentity: string): Promise<KubeAnswer> =>
      api().request('PUT', path, { body: { ...body, spec: { ...body.spec, holderIdentity } } });

    const answers = await Promise.all(['a', 'b', 'c', 'd'].map(contend));

    expect(answers.map((answer) => answer.status).sort()).to.deep.equal([200, 409, 409, 409]);
  });

  it('refuses another uid, and a Lease update that does not say what it saw', async () => {
    const { path, body } = await lease();
    const other = { ...body, metadata: { ...body.metadata, uid: '00000000-0000-4000-8000-000000000000' } };
    const unversioned = { ...body, metadata: { name: 'l' } };

    expect((await api().request('PUT', path, { body: other })).status).to.equal(409);
    const blind = await api().request('PUT', path, { body: unversioned });
    expect(blind.status).to.equal(422);
    expect(blind.body.details.causes[0].field).to.equal('metadata.resourceVersion');
  });

  it('says NotFound about an update of nothing, BadRequest about another name', async () => {
    const { path, body } = await lease();
    const { jobs } = pathsOf(await namespace());
    const other = { ...body, metadata: { name: 'other' } };

    expect((await api().request('PUT', path, { body: other })).status).to.equal(400);
    expect((await api().request('PUT', `${jobs}/j`, { body: jobManifest('j') })).status).to.equal(404);
  });

  it('counts generations of the spec, not of labels or status', async () => {
    const { jobs } = pathsOf(await namespace());
    await api().expect(201, 'POST', jobs, { body: jobManifest('j', { spec: { suspend: true } }) });
    const patch = (path: string, body: object) => api().expect(200, 'PATCH', path, { body, contentType: MERGE });

    const labelled = await patch(`${jobs}/j`, { metadata: { labels: { a: 'b' } } });
    const changed = await patch(`${jobs}/j`, { spec: { activeDeadlineSeconds: 100 } });

    expect(labelled.body.metadata.generation).to.equal(1);
    expect(changed.body.metadata.generation).to.equal(2);
  });

  it('keeps the pod template of a Job as it was created', async () => {
    const { jobs } = pathsOf(await namespace());
    const { body } = await api().expect(201, 'POST', jobs, { body: jobManifest('j') });
    container(body).image = 'alpine';

    const answer = await api().request('PATCH', `${jobs}/j`, {
      body: { spec: { template: body.spec.template } },
      contentType: MERGE,
    });

    expect(answer.status).to.equal(422);
    expect(answer.body.details.causes[0]).to.include({ field: 'spec.template', reason: 'FieldValueInvalid' });
    expect(answer.body.message).to.include('field is immutable');
  });

  it('keeps the status out of the main door, and everything else out of /status', async () => {
    const { pods } = pathsOf(await namespace());
    await api().expect(201, 'POST', pods, { body: podManifest('p') });
    const body = { metadata: { labels: { door: 'any' } }, status: { phase: 'Running' } };

    const main = await api().expect(200, 'PATCH', `${pods}/p`, { body, contentType: MERGE });
    const status = await api().expect(200, 'PATCH', `${pods}/p/status`, {
      body: { spec: { activeDeadlineSeconds: 5 }, status: { phase: 'Running' } },
      contentType: MERGE,
    });

    expect(main.body.status.phase).to.equal('Pending');
    expect(main.body.metadata.labels).to.deep.equal({ door: 'any' });
    expect(status.body.status.phase).to.equal('Running');
    expect(status.body.spec).to.not.have.property('activeDeadlineSeconds');
  });
}

function describePatch({ api, namespace }: Fixture): void {
  async function pod(): Promise<string> {
    const { pods } = pathsOf(await namespace());
    const containers = [
      { name: 'one', image: 'busybox:1' },
      { name: 'two', image: 'busybox:2' },
    ];
    await api().expect(201, 'POST', pods, {
      body: podManifest('p', { metadata: { labels: { a: '1', b: '2' } }, spec: { containers } }),
    });
    return `${pods}/p`;
  }

  it('merge replaces lists whole, sets and removes fields', async () => {
    const { configMaps } = pathsOf(await namespace());
    const body = configMap('c', { a: '1', b: '2' }, { x: 'y' });
    body.metadata.finalizers = ['example.com/one', 'example.com/two'];
    await api().expect(201, 'POST', configMaps, { body });

    const patched = await api().expect(200, 'PATCH', `${configMaps}/c`, {
      body: { metadata: { labels: { a: null, c: '3' }, finalizers: ['example.com/three'] } },
      contentType: MERGE,
    });

    expect(patched.body.metadata.labels).to.deep.equal({ b: '2', c: '3' });
    expect(patched.body.metadata.finalizers).to.deep.equal(['example.com/three']);
    expect(patched.body.data).to.deep.equal({ x: 'y' });
  });

  it('strategic merges containers by name', async () => {
    const path = await pod();

    const { body } = await api().expect(200, 'PATCH', path, {
      body: { spec: { containers: [{ name: 'two', image: 'busybox:3' }] } },
      contentType: STRATEGIC,
    });

    expect(body.spec.containers.map((each: any) => [each.name, each.image])).to.deep.equal([
      ['one', 'busybox:1'],
      ['two', 'busybox:3'],
    ]);
  });

  it('strategic merges conditions of a status by type', async () => {
    const path = await pod();
    const set = (type: string, status: string) =>
      api().expect(200, 'PATCH', `${path}/status`, {
        body: { status: { conditions: [{ type, status }] } },
        contentType: STRATEGIC,
      });

    await set('Initialized', 'True');
    await set('Ready', 'False');
    const { body } = await set('Ready', 'True');

    const conditions = Object.fromEntries(body.status.conditions.map((each: any) => [each.type, each.status]));
    expect(conditions).to.deep.equal({ Initialized: 'True', Ready: 'True' });
  });

  it('JSON patch adds, replaces and removes, and stops at a failed test', async () => {
    const path = await pod();

    const patched = await api().expect(200, 'PATCH', path, {
      body: [
        { op: 'test', path: '/metadata/labels/a', value: '1' },
        { op: 'replace', path: '/metadata/labels/a', value: '9' },
        { op: 'remove', path: '/metadata/labels/b' },
        { op: 'add', path: '/metadata/annotations', value: { 'example.com/x': 'y' } },
      ],
      contentType: JSON_PATCH,
    });
    const refused = await api().request('PATCH', path, {
      body: [
        { op: 'test', path: '/metadata/labels/a', value: '1' },
        { op: 'remove', path: '/metadata/labels/a' },
      ],
      contentType: JSON_PATCH,
    });

    expect(patched.body.metadata.labels).to.deep.equal({ a: '9' });
    expect(patched.body.metadata.annotations).to.deep.equal({ 'example.com/x': 'y' });
    expect(refused.status).to.equal(422);
    expect((await api().expect(200, 'GET', path)).body.metadata.labels).to.deep.equal({ a: '9' });
  });

  it('answers 415 to a patch of no known type', async () => {
    const path = await pod();

    const answer = await api().request('PATCH', path, { body: {}, contentType: 'application/json' });

    expect(answer.status).to.equal(415);
    expect(answer.body.reason).to.equal('UnsupportedMediaType');
  });

  it('says Conflict when the patch names a resourceVersion that is gone', async () => {
    const path = await pod();
    const { body: before } = await api().expect(200, 'GET', path);
    const label = (value: string) =>
      api().request('PATCH', path, {
        body: { metadata: { resourceVersion: before.metadata.resourceVersion, labels: { a: value } } },
        contentType: MERGE,
      });

    const statuses = [(await label('2')).status, (await label('3')).status];

    expect(statuses).to.deep.equal([200, 409]);
  });

  it('says NotFound about a patch of nothing', async () => {
    const { jobs } = pathsOf(await namespace());

    const answer = await api().request('PATCH', `${jobs}/nobody`, { body: {}, contentType: MERGE });

    expect(answer.status).to.equal(404);
  });
}

function describeDelete({ api, namespace }: Fixture): void {
  async function leasesWith(...names: string[]): Promise<string> {
    const { leases } = pathsOf(await namespace());
    for (const name of names) {
      await api().expect(201, 'POST', leases, { body: { metadata: { name, labels: { initial: name[0] } } } });
    }
    return leases;
  }

  it('removes the object and answers what it was', async () => {
    const leases = await leasesWith('a');
    const { body } = await api().expect(200, 'GET', `${leases}/a`);

    const deleted = await api().expect(200, 'DELETE', `${leases}/a`);

    expect(deleted.body).to.deep.include({
      kind: 'Status',
      status: 'Success',
      details: { name: 'a', group: 'coordination.k8s.io', kind: 'leases', uid: body.metadata.uid },
    });
    expect((await api().request('GET', `${leases}/a`)).status).to.equal(404);
    expect((await api().request('DELETE', `${leases}/a`)).status).to.equal(404);
  });

  it('heeds a UID precondition: the wrong one is a Conflict and nothing is deleted', async () => {
    const { jobs } = pathsOf(await namespace());
    const { body: job } = await api().expect(201, 'POST', jobs, { body: jobManifest('j') });
    const remove = (uid: string) =>
      api().request('DELETE', `${jobs}/j`, { body: { preconditions: { uid }, propagationPolicy: 'Background' } });

    const wrong = await remove('00000000-0000-4000-8000-000000000000');
    const still = await api().request('GET', `${jobs}/j`);
    const right = await remove(job.metadata.uid);

    expect([wrong.status, still.status, right.status]).to.deep.equal([409, 200, 200]);
    expect(wrong.body.reason).to.equal('Conflict');
    expect(wrong.body.details).to.include({ name: 'j', group: 'batch' });
  });

  it('heeds a resourceVersion precondition', async () => {
    const leases = await leasesWith('a');

    const answer = await api().request('DELETE', `${leases}/a`, { body: { preconditions: { resourceVersion: '1' } } });

    expect(answer.status).to.equal(409);
  });

  it('waits for finalizers', async () => {
    const { configMaps } = pathsOf(await namespace());
    const body = configMap('c');
    body.metadata.finalizers = ['example.com/hold'];
    await api().expect(201, 'POST', configMaps, { body });

    await api().expect(200, 'DELETE', `${configMaps}/c`);
    const held = await api().expect(200, 'GET', `${configMaps}/c`);
    await api().expect(200, 'PATCH', `${configMaps}/c`, {
      body: { metadata: { finalizers: null } },
      contentType: MERGE,
    });

    expect(held.body.metadata.deletionTimestamp).to.be.a('string');
    expect((await api().request('GET', `${configMaps}/c`)).status).to.equal(404);
  });

  it('warns that deleting a Job without a policy leaves its pods', async () => {
    const { jobs } = pathsOf(await namespace());
    await api().expect(201, 'POST', jobs, { body: jobManifest('j', { spec: { suspend: true } }) });

    const { warnings } = await api().expect(200, 'DELETE', `${jobs}/j`);

    expect(warnings.join()).to.include('child pods are preserved by default when jobs are deleted');
  });

  it('deletes a collection by selector', async () => {
    const leases = await leasesWith('a1', 'a2', 'b1');

    await api().expect(200, 'DELETE', leases, { query: { labelSelector: 'initial=a' } });

    expect(namesOf(await api().expect(200, 'GET', leases))).to.deep.equal(['b1']);
  });
}

function describeDryRun({ api, namespace }: Fixture): void {
  it('answers as if it had been done, and stores nothing', async () => {
    const { jobs } = pathsOf(await namespace());
    const query = { dryRun: 'All', fieldValidation: 'Strict' };

    const { body } = await api().expect(201, 'POST', jobs, { body: jobManifest('j'), query });

    expect(body.metadata.uid).to.be.a('string');
    expect(body.spec.backoffLimit).to.equal(6);
    expect((await api().expect(200, 'GET', jobs)).body.items).to.be.empty;
  });

  it('refuses what the real thing would refuse', async () => {
    const { jobs } = pathsOf(await namespace());
    await api().expect(201, 'POST', jobs, { body: jobManifest('j') });
    const query = { dryRun: 'All' };

    const twice = await api().request('POST', jobs, { body: jobManifest('j'), query });
    const invalid = await api().request('POST', jobs, {
      body: jobManifest('k', { podSpec: { containers: [] } }),
      query,
    });

    expect([twice.status, invalid.status]).to.deep.equal([409, 422]);
  });

  it('changes and deletes nothing', async () => {
    const { configMaps } = pathsOf(await namespace());
    await api().expect(201, 'POST', configMaps, { body: configMap('c') });
    const query = { dryRun: 'All' };

    const patched = await api().expect(200, 'PATCH', `${configMaps}/c`, {
      body: { data: { a: 'b' } },
      contentType: MERGE,
      query,
    });
    await api().expect(200, 'DELETE', `${configMaps}/c`, { query });

    expect(patched.body.data).to.deep.equal({ a: 'b' });
    expect((await api().expect(200, 'GET', `${configMaps}/c`)).body.data ?? {}).to.deep.equal({});
  });

  it('refuses a dry run of another name', async () => {
    const { jobs } = pathsOf(await namespace());

    const answer = await api().request('POST', jobs, { body: jobManifest('j'), query: { dryRun: 'Some' } });

    expect(answer.status).to.equal(422);
    expect((await api().expect(200, 'GET', jobs)).body.items).to.be.empty;
  });
}

function describeKinds({ api, namespace }: Fixture): void {
  it('Secrets: stringData becomes base64 data', async () => {
    const { secrets } = pathsOf(await namespace());
    const body = { metadata: { name: 's' }, data: { old: 'b2xk' }, stringData: { token: 'tøken' } };

    await api().expect(201, 'POST', secrets, { body });
    const read = (await api().expect(200, 'GET', `${secrets}/s`)).body;

    expect(read.type).to.equal('Opaque');
    expect(read.data).to.deep.equal({ old: 'b2xk', token: Buffer.from('tøken').toString('base64') });
    expect(read).to.not.have.property('stringData');
  });

  it('PodTemplates: keep their template, with defaults', async () => {
    const { podTemplates } = pathsOf(await namespace());
    const template = { metadata: { labels: { a: 'b' } }, spec: podManifest('x').spec };

    await api().expect(201, 'POST', podTemplates, { body: { metadata: { name: 't' }, template } });
    const read = (await api().expect(200, 'GET', `${podTemplates}/t`)).body;

    expect(read).to.include({ kind: 'PodTemplate', apiVersion: 'v1' });
    expect(read.template.metadata.labels).to.deep.equal({ a: 'b' });
    expect(read.template.spec.containers[0]).to.include({ name: 'main', image: 'busybox' });
  });

  it('Events: are created, counted up by a patch and deleted', async () => {
    const here = await namespace();
    const { events } = pathsOf(here);
    const involvedObject = { kind: 'Pod', name: 'p', namespace: here };
    const body = { metadata: { name: 'p.1' }, involvedObject, reason: 'BackOff', message: 'no image', count: 1 };
    await api().expect(201, 'POST', events, { body });

    await api().expect(200, 'PATCH', `${events}/p.1`, { body: { count: 2 }, contentType: STRATEGIC });
    const read = (await api().expect(200, 'GET', `${events}/p.1`)).body;
    await api().expect(200, 'DELETE', `${events}/p.1`);

    expect(read).to.deep.include({ reason: 'BackOff', message: 'no image', count: 2 });
    expect((await api().expect(200, 'GET', events)).body.items).to.be.empty;
  });

  it('Leases: keep microseconds', async () => {
    const { leases } = pathsOf(await namespace());
    const spec = { holderIdentity: 'me', leaseDurationSeconds: 15, renewTime: '2026-01-02T03:04:05.678900Z' };

    await api().expect(201, 'POST', leases, { body: { metadata: { name: 'l' }, spec } });

    expect((await api().expect(200, 'GET', `${leases}/l`)).body.spec).to.deep.equal(spec);
  });

  it('ConfigMaps: keep every key as written', async () => {
    const { configMaps } = pathsOf(await namespace());
    const data = { 'a.yaml': 'x: 1\n', empty: '' };

    await api().expect(201, 'POST', configMaps, { body: configMap('c', {}, data) });

    expect((await api().expect(200, 'GET', `${configMaps}/c`)).body.data).to.deep.equal(data);
  });

  it('Pods: a created pod is pending', async () => {
    const { pods } = pathsOf(await namespace());

    const { body } = await api().expect(201, 'POST', pods, { body: podManifest('p') });

    expect(body.status.phase).to.equal('Pending');
    expect(body.spec.serviceAccountName).to.equal('default');
  });
}

function container(job: any): any {
  return job.spec.template.spec.containers[0];
}

function limits(cpu: string): object {
  return { limits: { cpu } };
}

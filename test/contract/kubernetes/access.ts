import { expect } from 'chai';
import { configMap, jobManifest, pathsOf, type Fixture, type RoleRule } from './target.js';

const CONTROLLER_RULES: readonly RoleRule[] = [
  { apiGroups: ['batch'], resources: ['jobs'], verbs: ['get', 'list', 'watch', 'create', 'update', 'delete'] },
  { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'watch', 'delete'] },
  { apiGroups: [''], resources: ['podtemplates', 'secrets'], verbs: ['get'] },
  { apiGroups: [''], resources: ['events'], verbs: ['list'] },
];

/** Who may do what: 401, 403 and the words of the refusal. */
export function describeAccess({ target, api, namespace }: Fixture): void {
  it('answers 401 to a token nobody has', async () => {
    const { jobs } = pathsOf(await namespace());

    const answer = await api().as('not-a-token').request('GET', jobs);

    expect(answer.status).to.equal(401);
    expect(answer.body).to.include({ kind: 'Status', status: 'Failure', reason: 'Unauthorized', code: 401 });
  });

  it('answers 403 to somebody without a token', async () => {
    const { jobs } = pathsOf(await namespace());

    const answer = await api().as(undefined).request('GET', jobs);

    expect(answer.status).to.equal(403);
    expect(answer.body).to.include({ kind: 'Status', reason: 'Forbidden' });
    expect(answer.body.message).to.include('system:anonymous');
  });

  it('says who may not do what, where', async () => {
    const here = await namespace();
    const somebody = api().as(await target().restrictedToken(here, CONTROLLER_RULES));

    const answer = await somebody.request('GET', pathsOf(here).secrets);

    expect(answer.status).to.equal(403);
    expect(answer.body).to.deep.include({ kind: 'Status', reason: 'Forbidden', details: { kind: 'secrets' } });
    expect(answer.body.message).to.match(
      new RegExp(
        `^secrets is forbidden: User ".+" cannot list resource "secrets" in API group "" in the namespace "${here}"`,
      ),
    );
  });

  type Act = readonly [
    verb: string,
    status: number,
    method: string,
    path: (paths: ReturnType<typeof pathsOf>) => string,
    body?: unknown,
  ];
  const merge = { metadata: { labels: { a: 'b' } } };
  const acts: readonly Act[] = [
    ['create jobs', 201, 'POST', ({ jobs }) => jobs, jobManifest('new')],
    ['get jobs', 200, 'GET', ({ jobs }) => `${jobs}/there`],
    ['list jobs', 200, 'GET', ({ jobs }) => jobs],
    ['update jobs', 409, 'PUT', ({ jobs }) => `${jobs}/there`, jobManifest('there', { metadata: { uid: 'x' } })],
    ['patch jobs', 403, 'PATCH', ({ jobs }) => `${jobs}/there`, merge],
    ['patch jobs/status', 403, 'PATCH', ({ jobs }) => `${jobs}/there/status`, merge],
    ['delete a collection of jobs', 403, 'DELETE', ({ jobs }) => jobs],
    ['delete jobs', 200, 'DELETE', ({ jobs }) => `${jobs}/there`],
    ['list pods', 200, 'GET', ({ pods }) => pods],
    ['create pods', 403, 'POST', ({ pods }) => pods, {}],
    ['get a secret', 200, 'GET', ({ secrets }) => `${secrets}/there`],
    ['list secrets', 403, 'GET', ({ secrets }) => secrets],
    ['list events', 200, 'GET', ({ events }) => events],
    ['get an event', 403, 'GET', ({ events }) => `${events}/any`],
    ['get a config map', 403, 'GET', ({ configMaps }) => `${configMaps}/there`],
    ['get a missing config map', 403, 'GET', ({ configMaps }) => `${configMaps}/missing`],
  ];
  describe('the role of the controller', () => {
    let paths = pathsOf('');
    let token = '';
    before(async () => {
      const here = await namespace();
      paths = pathsOf(here);
      token = await target().restrictedToken(here, CONTROLLER_RULES);
      await api().expect(201, 'POST', paths.jobs, { body: jobManifest('there', { spec: { suspend: true } }) });
      await api().expect(201, 'POST', paths.configMaps, { body: configMap('there') });
      await api().expect(201, 'POST', paths.secrets, { body: { metadata: { name: 'there' } } });
    });
    for (const [verb, status, method, pathFrom, body] of acts) {
      it(`${status === 403 ? 'may not' : 'may'} ${verb}`, async () => {
        const contentType = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';

        const answer = await api().as(token).request(method, pathFrom(paths), { body, contentType });

        expect(answer.status).to.equal(status);
      });
    }

    it('may watch jobs, not config maps', async () => {
      const somebody = api().as(token);

      const allowed = await somebody.watch(paths.jobs, { timeoutSeconds: 1 });
      const refused = await somebody.watch(paths.configMaps, { timeoutSeconds: 1 });
      allowed.close();

      expect(allowed.status).to.equal(200);
      expect(refused.status).to.equal(403);
      expect((await refused.next())?.object.reason).to.equal('Forbidden');
    });

    it('ends at the border of the namespace', async () => {
      const elsewhere = pathsOf(await namespace());

      const there = await api().as(token).request('GET', elsewhere.jobs);
      const everywhere = await api().as(token).request('GET', '/apis/batch/v1/jobs');

      expect([there.status, everywhere.status]).to.deep.equal([403, 403]);
    });
  });
}

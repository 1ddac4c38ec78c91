import { readFileSync } from 'node:fs';
import type { V1Job } from '@kubernetes/client-node';
import { expect } from 'chai';
import { toJobRecord } from '../../../src/adapters/kubernetes/job-record.js';
import { createKubeClient } from '../../../src/adapters/kubernetes/kube-client.js';
import { createKubeCluster } from '../../../src/adapters/kubernetes/kube-cluster.js';
import { KubeApiError } from '../../../src/adapters/kubernetes/kube-errors.js';
import { ExternalError, UsageError } from '../../../src/core/errors.js';
import type { Cluster, JobEvent } from '../../../src/ports/cluster.js';
import { readBody, sendJson } from '../../../src/sandbox/http.js';
import {
  connectionTo,
  failureOf,
  memoryLogger,
  never,
  startServer,
  until,
  virtualClock,
  type Handler,
} from './helpers.js';

const ID = '0190046e-e199-453b-a302-a21a4d649d31';
const OTHER_ID = '0190046e-e199-453b-a302-ffffffffffff';

function jobOf(labels: Record<string, string> = {}, rest: object = {}): V1Job {
  const metadata = { name: 'buildkite-x', namespace: 'ci', labels: { 'buildkite.com/job-uuid': ID, ...labels } };
  return asJob({ apiVersion: 'batch/v1', kind: 'Job', metadata, ...rest });
}

/** The job as the API server would answer with it: plain JSON. */
function stored(job: object, metadata: object = {}): V1Job {
  const plain = JSON.parse(JSON.stringify(job)) as { metadata?: object };
  const added = { uid: 'uid-1', creationTimestamp: '2026-11-21T10:00:00Z', resourceVersion: '7' };
  return asJob({ ...plain, metadata: { ...plain.metadata, ...added, ...metadata } });
}

function asJob(value: unknown): V1Job {
  return value as V1Job;
}

const status = (code: number, reason: string, message: string) => ({ kind: 'Status', code, reason, message });

describe('createKubeCluster', () => {
  let cleanUp: (() => Promise<void> | void)[] = [];
  afterEach(async () => {
    for (const step of cleanUp.reverse()) await step();
    cleanUp = [];
  });

  async function setUp(handler: Handler, controllerId = '') {
    const server = await startServer(handler);
    const client = createKubeClient({ connection: connectionTo(server.url), version: '0', maxConnections: 2 });
    cleanUp.push(() => client.close());
    cleanUp.push(() => server.close());
    const options = { client, namespace: 'ci', controllerId, clock: virtualClock(), logger: memoryLogger() };
    const cluster: Cluster = createKubeCluster(options);
    return { server, cluster };
  }

  describe('createJob', () => {
    it('posts the job strictly validated and answers with its record and the warnings', async () => {
      let received: unknown;
      const { server, cluster } = await setUp(async (request, response) => {
        const job = JSON.parse((await readBody(request)).toString()) as object;
        received = job;
        response.setHeader('warning', '299 - "old field"');
        sendJson(response, 201, stored(job));
      });

      const outcome = await cluster.createJob(jobOf(), never);

      expect(outcome).to.deep.equal({
        outcome: 'created',
        record: {
          jobId: ID,
          name: 'buildkite-x',
          uid: 'uid-1',
          createdAt: Date.parse('2026-11-21T10:00:00Z'),
          ended: undefined,
        },
        warnings: ['old field'],
      });
      expect(received).to.deep.equal(jobOf());
      expect(server.requests[0]).to.include({ method: 'POST' });
      expect(server.requests[0]?.url.pathname).to.equal('/apis/batch/v1/namespaces/ci/jobs');
      expect(server.requests[0]?.url.searchParams.get('fieldValidation')).to.equal('Strict');
    });

    const existing: readonly {
      readonly name: string;
      readonly controllerId?: string;
      readonly labels: Record<string, string>;
      readonly ours: boolean;
    }[] = [
      { name: 'ours without an id', labels: {}, ours: true },
      {
        name: 'of a controller with an id, when we have none',
        labels: { 'buildkite.com/controller-id': 'a' },
        ours: false,
      },
      {
        name: 'ours with our id',
        controllerId: 'a',
        labels: { 'buildkite.com/controller-id': 'a' },
        ours: true,
      },
      { name: 'of another id', controllerId: 'a', labels: { 'buildkite.com/controller-id': 'b' }, ours: false },
      { name: 'without an id, when we have one', controllerId: 'a', labels: {}, ours: false },
      { name: 'of another Buildkite job', labels: { 'buildkite.com/job-uuid': OTHER_ID }, ours: false },
      { name: 'of somebody else entirely', labels: { 'buildkite.com/job-uuid': '' }, ours: false },
    ];
    for (const { name, controllerId = '', labels, ours } of existing) {
      it(`finds that a Job of that name exists, ${name}`, async () => {
        const found = stored(jobOf(labels), { uid: 'found' });
        const { cluster } = await setUp((request, response) => {
          if (request.method === 'GET') sendJson(response, 200, found);
          else sendJson(response, 409, status(409, 'AlreadyExists', 'jobs.batch "buildkite-x" already exists'));
        }, controllerId);

        const outcome = await cluster.createJob(jobOf(), never);

        expect(outcome).to.deep.equal({ outcome: 'exists', record: ours ? toJobRecord(found) : undefined });
        if (ours) expect(toJobRecord(found)?.uid).to.equal('found');
      });
    }

    it('asks for another try when the existing Job was gone a moment later', async () => {
      const { cluster } = await setUp((request, response) => {
        if (request.method === 'GET') sendJson(response, 404, status(404, 'NotFound', 'not found'));
        else sendJson(response, 409, status(409, 'AlreadyExists', 'exists'));
      });

      const error = await failureOf(cluster.createJob(jobOf(), never));

      expect(error).to.be.instanceOf(ExternalError).and.to.include({ retryable: true });
    });

    const refusals: readonly {
      readonly name: string;
      readonly body: ReturnType<typeof status>;
      readonly rejected?: true;
      readonly retryable?: boolean;
      readonly says?: RegExp;
    }[] = [
      {
        name: 'an unknown field',
        body: status(400, 'BadRequest', 'strict decoding error: unknown field "spec.foo"'),
        rejected: true,
      },
      {
        name: 'an invalid Job',
        body: status(422, 'Invalid', 'Job.batch "x" is invalid: spec.template: bad'),
        rejected: true,
      },
      { name: 'a Job too big', body: status(413, 'RequestEntityTooLarge', 'limit is 3145728'), rejected: true },
      {
        name: 'a webhook that denies',
        body: status(403, 'Forbidden', 'admission webhook "policy.example" denied the request: no latest tags'),
        rejected: true,
      },
      {
        name: 'a webhook that denies with a code of its own',
        body: status(418, 'Teapot', 'admission webhook "policy.example" denied the request without explanation'),
        rejected: true,
      },
      {
        name: 'a policy that denies',
        body: status(403, 'Forbidden', "ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no"),
        rejected: true,
      },
      {
        name: 'a webhook that cannot be called',
        body: status(500, 'InternalError', 'failed calling webhook "policy.example": context deadline exceeded'),
        retryable: true,
      },
      {
        name: 'a webhook that denies for now',
        body: status(429, 'TooManyRequests', 'admission webhook "busy" denied the request: later'),
        retryable: true,
      },
      {
        name: 'a used-up quota',
        body: status(
          403,
          'Forbidden',
          'jobs.batch "x" is forbidden: exceeded quota: jobs, requested: count/jobs.batch=1',
        ),
        retryable: true,
      },
      {
        name: 'a quota that changed meanwhile',
        body: status(409, 'Conflict', 'Operation cannot be fulfilled on resourcequotas "q": object has been modified'),
        retryable: true,
      },
      {
        name: 'missing rights',
        body: status(
          403,
          'Forbidden',
          'jobs.batch is forbidden: User "u" cannot create resource "jobs" in API group "batch"',
        ),
        retryable: false,
        says: /apiGroups: \["batch"\], resources: \["jobs"\], verbs: \["create"\].*namespace "ci"/,
      },
      { name: 'a missing namespace', body: status(404, 'NotFound', 'namespaces "ci" not found'), retryable: false },
      {
        name: 'a namespace being deleted',
        body: status(403, 'Forbidden', 'unable to create new content in namespace ci because it is being terminated'),
        retryable: false,
      },
      { name: 'an unknown user', body: status(401, 'Unauthorized', 'Unauthorized'), retryable: false },
      { name: 'an overload', body: status(429, 'TooManyRequests', 'slow down'), retryable: true },
      {
        name: 'trouble with etcd',
        body: status(500, 'InternalError', 'etcdserver: request timed out'),
        retryable: true,
      },
    ];
    for (const { name, body, rejected, retryable, says = /./ } of refusals) {
      it(`${rejected ? 'is rejected for good by' : 'throws for'} ${name}`, async () => {
        const { cluster } = await setUp((_request, response) =>
          sendJson(response, body.code, body, { 'retry-after': '3' }),
        );

        if (rejected) {
          expect(await cluster.createJob(jobOf(), never)).to.deep.equal({ outcome: 'rejected', message: body.message });
          return;
        }
        const error = await failureOf(cluster.createJob(jobOf(), never));

        expect(error)
          .to.be.instanceOf(ExternalError)
          .and.to.include({ retryable, status: body.code, reason: body.reason });
        expect(error.message).to.contain(body.message).and.to.match(says);
        if (retryable) expect(error.retryAfterMs).to.equal(3000);
      });
    }

    it('says so when a webhook took the label away that makes the Job ours', async () => {
      const { cluster } = await setUp((_request, response) =>
        sendJson(response, 201, stored({ metadata: { name: 'x' } })),
      );

      const error = await failureOf(cluster.createJob(jobOf(), never));

      expect(error).to.include({ retryable: false });
      expect(error.message).to.contain('webhook');
    });
  });

  describe('deleteJob', () => {
    it('deletes in the background and only the very object', async () => {
      let received: unknown;
      const { server, cluster } = await setUp(async (request, response) => {
        received = JSON.parse((await readBody(request)).toString());
        sendJson(response, 200, {});
      });

      expect(await cluster.deleteJob({ name: 'x', uid: 'uid-1' }, never)).to.equal(true);

      expect(received).to.include({ propagationPolicy: 'Background' });
      expect(received).to.have.deep.property('preconditions', { uid: 'uid-1' });
      expect(server.requests[0]).to.include({ method: 'DELETE' });
      expect(server.requests[0]?.url.pathname).to.equal('/apis/batch/v1/namespaces/ci/jobs/x');
    });

    for (const [code, reason] of [
      [404, 'NotFound'],
      [409, 'Conflict'],
    ] as const) {
      it(`answers false when the object is no longer that one (${code})`, async () => {
        const { cluster } = await setUp((_request, response) => sendJson(response, code, status(code, reason, 'no')));

        expect(await cluster.deleteJob({ name: 'x', uid: 'uid-1' }, never)).to.equal(false);
      });
    }

    it('names the missing rule when it may not', async () => {
      const body = status(403, 'Forbidden', 'jobs.batch "x" is forbidden: User "u" cannot delete resource "jobs"');
      const { cluster } = await setUp((_request, response) => sendJson(response, 403, body));

      const error = await failureOf(cluster.deleteJob({ name: 'x', uid: 'uid-1' }, never));

      expect(error.message).to.contain('verbs: ["delete"]');
    });
  });

  describe('getPodTemplateSpec', () => {
    it('answers with the spec as it is', async () => {
      const spec = { containers: [], futureField: 1 };
      const { server, cluster } = await setUp((_request, response) => sendJson(response, 200, { template: { spec } }));

      expect(await cluster.getPodTemplateSpec('big', never)).to.deep.equal(spec);
      expect(server.requests[0]?.url.pathname).to.equal('/api/v1/namespaces/ci/podtemplates/big');
    });

    it('answers undefined when there is none', async () => {
      const { cluster } = await setUp((_request, response) => sendJson(response, 404, status(404, 'NotFound', 'no')));

      expect(await cluster.getPodTemplateSpec('big', never)).to.equal(undefined);
    });

    for (const name of ['', '..', '../secrets/x', 'A', 'a b', 'x?watch=1', 'a'.repeat(254)]) {
      it(`does not ask for an impossible name ${JSON.stringify(name.slice(0, 20))}`, async () => {
        const { server, cluster } = await setUp((_request, response) => sendJson(response, 200, {}));

        expect(await cluster.getPodTemplateSpec(name, never)).to.equal(undefined);
        expect(server.requests).to.deep.equal([]);
      });
    }

    it('throws when it cannot know', async () => {
      const { cluster } = await setUp((_request, response) =>
        sendJson(response, 500, status(500, 'InternalError', 'no')),
      );

      expect(await failureOf(cluster.getPodTemplateSpec('big', never)))
        .to.be.instanceOf(KubeApiError)
        .and.to.include({ retryable: true });
    });
  });

  describe('getSecretValue', () => {
    it('decodes the value', async () => {
      const data = { BUILDKITE_AGENT_TOKEN: Buffer.from('größe').toString('base64') };
      const { server, cluster } = await setUp((_request, response) => sendJson(response, 200, { data }));

      expect(await cluster.getSecretValue('agent', 'BUILDKITE_AGENT_TOKEN', never)).to.equal('größe');
      expect(server.requests[0]?.url.pathname).to.equal('/api/v1/namespaces/ci/secrets/agent');
    });

    const missing: readonly (readonly [string, number, object])[] = [
      ['the Secret is missing', 404, status(404, 'NotFound', 'secrets "agent" not found')],
      ['the key is missing', 200, { data: { other: 'aHVudGVyMg==' } }],
      ['the Secret is empty', 200, {}],
    ];
    for (const [name, code, body] of missing) {
      it(`names Secret, namespace and key when ${name}`, async () => {
        const { cluster } = await setUp((_request, response) => sendJson(response, code, body));

        const error = await failureOf(cluster.getSecretValue('agent', 'TOKEN', never));

        expect(error).to.be.instanceOf(UsageError);
        expect(error.message).to.contain('"agent"').and.to.contain('"ci"').and.to.contain('"TOKEN"');
        expect(error.message).not.to.match(/hunter2|aHVudGVyMg/);
      });
    }

    it('names the missing rule when it may not', async () => {
      const body = status(403, 'Forbidden', 'secrets "agent" is forbidden: User "u" cannot get resource "secrets"');
      const { cluster } = await setUp((_request, response) => sendJson(response, 403, body));

      const error = await failureOf(cluster.getSecretValue('agent', 'TOKEN', never));

      expect(error).to.include({ retryable: false, status: 403 });
      expect(error.message).to.contain('{apiGroups: [""], resources: ["secrets"], verbs: ["get"]}');
    });
  });

  describe('watchJobs', () => {
    for (const [controllerId, selector] of [
      ['', 'buildkite.com/job-uuid,!buildkite.com/controller-id'],
      ['east', 'buildkite.com/job-uuid,buildkite.com/controller-id=east'],
    ] as const) {
      it(`selects the jobs of ${controllerId === '' ? 'a controller without an id' : 'its id'} and keeps slim records`, async () => {
        const items = [stored(jobOf()), stored(jobOf({ 'buildkite.com/job-uuid': 'not-a-uuid' }))];
        const ended = stored(jobOf({}, { status: { conditions: [{ type: 'Complete', status: 'True' }] } }));
        const { server, cluster } = await setUp((_request, response, url) => {
          if (url.searchParams.has('watch')) response.write(`${JSON.stringify({ type: 'MODIFIED', object: ended })}\n`);
          else sendJson(response, 200, { metadata: { resourceVersion: '1' }, items });
        }, controllerId);
        const events: JobEvent[] = [];
        const controller = new AbortController();
        const watching = cluster.watchJobs((event) => events.push(event), controller.signal);

        await until(() => events.length === 2, 'both events');
        controller.abort();
        await watching;

        expect(events).to.deep.equal([
          { type: 'synced', records: [toJobRecord(items[0])] },
          { type: 'upserted', record: toJobRecord(ended) },
        ]);
        expect(server.requests.map(({ url }) => url.searchParams.get('labelSelector'))).to.deep.equal([
          selector,
          selector,
        ]);
      });
    }
  });
});

describe('toJobRecord', () => {
  const conditions: readonly (readonly [string, unknown, unknown])[] = [
    ['no status', undefined, undefined],
    ['no conditions', {}, undefined],
    ['a failure that is not so', { conditions: [{ type: 'Failed', status: 'False' }] }, undefined],
    ['an unknown completion', { conditions: [{ type: 'Complete', status: 'Unknown' }] }, undefined],
    ['a suspension', { conditions: [{ type: 'Suspended', status: 'True' }] }, undefined],
    [
      'success criteria met, pods still ending',
      { conditions: [{ type: 'SuccessCriteriaMet', status: 'True' }] },
      undefined,
    ],
    ['a failure to come', { conditions: [{ type: 'FailureTarget', status: 'True' }] }, undefined],
    [
      'completion',
      {
        conditions: [
          { type: 'Suspended', status: 'False' },
          { type: 'Complete', status: 'True', reason: 'CompletionsReached' },
        ],
      },
      { result: 'complete', reason: 'CompletionsReached', message: undefined },
    ],
    [
      'failure',
      { conditions: [{ type: 'Failed', status: 'True', reason: 'DeadlineExceeded', message: 'too long' }] },
      { result: 'failed', reason: 'DeadlineExceeded', message: 'too long' },
    ],
  ];
  for (const [name, state, ended] of conditions) {
    it(`reads ${name}`, () => {
      expect(toJobRecord(stored(jobOf({}, { status: state })))?.ended).to.deep.equal(ended);
    });
  }

  for (const value of [undefined, null, 1, 'x', {}, { metadata: null }, stored(jobOf(), { uid: undefined })]) {
    it(`makes nothing of ${JSON.stringify({ value }).slice(0, 40)}`, () => {
      expect(toJobRecord(value)).to.equal(undefined);
    });
  }
});

describe('client-node', () => {
  it('is loaded by kube-config.ts alone', () => {
    for (const file of [
      'kube-client',
      'kube-transport',
      'kube-cluster',
      'kube-errors',
      'reflector',
      'job-record',
      'token-bucket',
    ]) {
      const compiled = readFileSync(new URL(`../../../src/adapters/kubernetes/${file}.js`, import.meta.url), 'utf8');

      expect(compiled, file).not.to.contain('@kubernetes/client-node');
    }
  });
});

import { expect } from 'chai';
import { verdictRows } from '../support/api-verdicts.js';
import { startControlPlane, type ControlPlane } from './control-plane.js';

describe('the recorded verdicts on Jobs, before a real API server', () => {
  let plane: ControlPlane;
  let namespace: string;

  before(async function () {
    this.timeout(120_000);
    plane = await startControlPlane();
    namespace = await plane.createNamespace();
    await plane.admin.expect(201, 'POST', '/apis/scheduling.k8s.io/v1/priorityclasses', {
      body: { metadata: { name: 'high' }, value: 1 },
    });
  });
  after(async function () {
    this.timeout(30_000);
    await plane.stop();
  });

  for (const { rule, expected, title, job, server } of verdictRows()) {
    it(`${rule}: ${expected} is ${title}`, async () => {
      const path = `/apis/batch/v1/namespaces/${namespace}/jobs?dryRun=All&fieldValidation=Strict`;
      const answer = await plane.admin.request('POST', path, { body: job });

      const causes: { readonly field: string }[] = answer.body.details?.causes ?? [];
      const verdict = { status: answer.status, fields: [...new Set(causes.map(({ field }) => field))].sort() };
      const recorded = { status: expected === 'refused' ? 422 : 201, fields: [...server].sort() };
      expect(verdict, JSON.stringify(answer.body.message)).to.deep.equal(recorded);
    });
  }
});

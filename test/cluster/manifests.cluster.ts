import { expect } from 'chai';
import { builderInputs, manifestOf } from '../support/builder-inputs.js';
import { startControlPlane, type ControlPlane } from './control-plane.js';

describe('what the builder makes, before a real API server', () => {
  let plane: ControlPlane;
  let namespace: string;

  before(async function () {
    this.timeout(120_000);
    plane = await startControlPlane();
    namespace = await plane.createNamespace();
  });
  after(async function () {
    this.timeout(30_000);
    await plane.stop();
  });

  it('is accepted, or was refused by the builder with a reason', async function () {
    this.timeout(120_000);
    const made = builderInputs().flatMap((input) => {
      const manifest = manifestOf(input);
      return manifest === undefined ? [] : [{ name: input.name, manifest }];
    });

    const refused: string[] = [];
    for (const { name, manifest } of made) {
      const body = { ...manifest, metadata: { ...manifest.metadata, namespace } };
      const path = `/apis/batch/v1/namespaces/${namespace}/jobs?dryRun=All&fieldValidation=Strict`;
      const answer = await plane.admin.request('POST', path, { body });
      if (answer.status !== 201) refused.push(`${name}: ${JSON.stringify(answer.body).slice(0, 1000)}`);
    }

    expect(made.length).to.be.greaterThan(10);
    expect(refused).to.deep.equal([]);
  });
});

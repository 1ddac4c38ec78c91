import { expect } from 'chai';
import { validateJob } from '../../../../src/core/lint/api/validate-job.js';
import { formatPath } from '../../../../src/core/schema/path.js';
import { builderInputs, manifestOf } from '../../../support/builder-inputs.js';

describe('validateJob and what the builder makes', () => {
  it('finds nothing in manifests that a real API server accepts', function () {
    // Hundreds of jobs are built, which takes a while on a busy machine.
    this.timeout(30_000);
    // `test/cluster/manifests.cluster.ts` shows the same manifests to a real one.
    const made = builderInputs().flatMap((input) => {
      const manifest = manifestOf(input);
      return manifest === undefined ? [] : [{ name: input.name, manifest }];
    });

    const found = made.flatMap(({ name, manifest }) =>
      validateJob(manifest, { isUnknown: () => false })
        .filter(({ verdict }) => verdict === 'refused')
        .map((problem) => `${name}: ${formatPath(problem.path)}: ${problem.message}`),
    );

    expect(made.length).to.be.greaterThan(10);
    expect(found).to.deep.equal([]);
  });
});

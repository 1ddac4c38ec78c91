import { expect } from 'chai';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { decode, formatIssue } from '../../src/core/schema/decode.js';
import { kubernetesDefinitions } from '../../src/core/schema/kubernetes-definitions.generated.js';
import { renderWith } from '../support/render.js';

const CORPUS = '../shared/corpus';
/** Begins every reason for not building a job. */
const REASON = /agent-stack-k8s failed to|Error fetching podTemplate/;

describe('render over real pipelines', () => {
  it('prints Jobs that the pinned Kubernetes schema accepts, or a clear reason', async function () {
    this.timeout(60_000);
    if (!existsSync(CORPUS)) {
      console.log('      corpus absent: skipped');
      return;
    }
    const counts = { manifests: 0, files: 0, failedJobs: 0 };

    for (const file of readdirSync(CORPUS).filter((name) => /\.(ya?ml|json)$/.test(name))) {
      const result = await renderWith({ pipeline: join(CORPUS, file) });

      if (result.kind !== 'jobs') throw new Error(result.kind);
      counts.files += 1;
      expect(result.jobs.length + result.errors.length + result.notes.length, file).to.be.greaterThan(0);
      for (const { manifest, failure } of result.jobs) {
        if (manifest === undefined) {
          expect(failure?.text, file).to.match(REASON);
          counts.failedJobs += 1;
          continue;
        }
        const schema = { $ref: '#/definitions/Job' };
        const { issues } = decode(manifest, schema, { definitions: kubernetesDefinitions, requireFields: true });
        expect(issues.map(formatIssue), file).to.deep.equal([]);
        counts.manifests += 1;
      }
    }

    expect(counts.files).to.be.at.least(346);
    expect(counts.manifests).to.be.at.least(890);
    expect(counts.failedJobs).to.be.below(150);
  });
});

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect } from 'chai';
import type { V1Job } from '@kubernetes/client-node';
import { buildJob, podTemplateName } from '../../src/core/manifest/build-job.js';
import { parseJobFile } from '../../src/core/job/job-file.js';
import { NO_POD_TEMPLATES, parsePodTemplates } from '../../src/core/manifest/pod-templates.js';
import { goldenCases, goldenFile } from '../support/goldens.js';
import { configOf, problemsOf } from '../core/config/resolve.js';
import { startControlPlane, type ControlPlane } from './control-plane.js';

const FIXTURES = resolve(import.meta.dirname, '../../../fixtures/render/jobs');

interface Input {
  readonly name: string;
  readonly config: string;
  readonly job: string;
  readonly templates: string | undefined;
}

/** Everything the builder is known to accept or refuse: our fixtures and, where they are, the reference's cases. */
function inputs(): Input[] {
  const own = readdirSync(FIXTURES).map((name) =>
    readInput(name, (file) => readIfThere(resolve(FIXTURES, name, file))),
  );
  return [...own, ...goldenCases().map((name) => readInput(name, (file) => goldenFile(name, file)))];
}

function readInput(name: string, read: (file: string) => string | undefined): Input {
  return {
    name,
    config: read('config.yaml') ?? '',
    job: read('job.json') ?? '',
    templates: read('pod-templates.yaml'),
  };
}

function readIfThere(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

/** The manifest, undefined when configuration or job are refused before anything is created. */
function manifestOf({ config: yaml, job: text, templates }: Input): V1Job | undefined {
  const jobs = parseJobFile(text);
  if (problemsOf({ yaml }).length > 0 || !jobs.ok || jobs.value[0] === undefined) return undefined;
  const [config, job] = [configOf({ yaml }), jobs.value[0]];
  const parsed = templates === undefined ? undefined : parsePodTemplates(templates);
  const source = parsed?.ok === true ? parsed.value : NO_POD_TEMPLATES;
  const name = podTemplateName({ job, config });
  const podTemplateSpec = name === undefined ? undefined : source.find(name, config.namespace);
  const built = buildJob({ job, config, version: 'test', podTemplateSpec });
  return built.ok ? built.value.manifest : undefined;
}

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
    const made = inputs().flatMap((input) => {
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

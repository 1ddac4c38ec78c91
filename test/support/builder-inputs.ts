import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { V1Job } from '@kubernetes/client-node';
import { parseJobFile } from '../../src/core/job/job-file.js';
import { buildJob, podTemplateName } from '../../src/core/manifest/build-job.js';
import { NO_POD_TEMPLATES, parsePodTemplates } from '../../src/core/manifest/pod-templates.js';
import { configOf, problemsOf } from '../core/config/resolve.js';
import { goldenCases, goldenFile } from './goldens.js';

const FIXTURES = resolve(import.meta.dirname, '../../../fixtures/render/jobs');

/** A job with the configuration it is built by, both as text. */
export interface BuilderInput {
  readonly name: string;
  readonly config: string;
  readonly job: string;
  readonly templates: string | undefined;
}

/** Everything the builder is known to accept or refuse: our fixtures and, where they are, the reference's cases. */
export function builderInputs(): BuilderInput[] {
  const own = readdirSync(FIXTURES).map((name) =>
    readInput(name, (file) => readIfThere(resolve(FIXTURES, name, file))),
  );
  return [...own, ...goldenCases().map((name) => readInput(name, (file) => goldenFile(name, file)))];
}

function readInput(name: string, read: (file: string) => string | undefined): BuilderInput {
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
export function manifestOf({ config: yaml, job: text, templates }: BuilderInput): V1Job | undefined {
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

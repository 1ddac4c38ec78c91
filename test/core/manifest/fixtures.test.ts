import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { toYaml } from '../../../src/cli/format/manifest-yaml.js';
import { parseJobFile } from '../../../src/core/job/job-file.js';
import { buildJob, podTemplateName } from '../../../src/core/manifest/build-job.js';
import { NO_POD_TEMPLATES, parsePodTemplates } from '../../../src/core/manifest/pod-templates.js';
import { configOf } from '../config/resolve.js';

const FIXTURES = 'fixtures/render/jobs';
/** Set to write what the builder makes now; then read the diff before committing it. */
const update = process.env['UPDATE_FIXTURES'] === '1';

/** The manifest, and the warnings as comments above it; or the text that fails the job. */
function outcomeOf(folder: string): { file: string; text: string } {
  const read = (name: string): string => readFileSync(join(folder, name), 'utf8');
  const config = configOf({ yaml: read('config.yaml') });
  const jobs = parseJobFile(read('job.json'));
  if (!jobs.ok || jobs.value[0] === undefined) throw new Error(`"${folder}/job.json" holds no job`);
  const [job] = jobs.value;
  const templates = existsSync(join(folder, 'pod-templates.yaml'))
    ? parsePodTemplates(read('pod-templates.yaml'))
    : { ok: true as const, value: NO_POD_TEMPLATES };
  if (!templates.ok) throw new Error(templates.error);
  const name = podTemplateName({ job, config });
  const podTemplateSpec = name === undefined ? undefined : templates.value.find(name, config.namespace);
  const built = buildJob({ job, config, version: 'v0.0.0', podTemplateSpec });
  if (!built.ok) return { file: 'expected-error.txt', text: `${built.error.text}\n` };
  const warnings = built.value.warnings.map(({ text }) => `# warning: ${text}\n`).join('');
  return { file: 'expected.yaml', text: warnings + toYaml(built.value.manifest) };
}

describe('jobs of fixtures/render/jobs', () => {
  for (const name of readdirSync(FIXTURES)) {
    it(name, () => {
      const folder = join(FIXTURES, name);

      const { file, text } = outcomeOf(folder);

      if (update) writeFileSync(join(folder, file), text);
      expect(existsSync(join(folder, file)), `${name} should have ${file}`).to.equal(true);
      expect(text).to.equal(readFileSync(join(folder, file), 'utf8'));
    });
  }
});

// Keeps schema/kubernetes-plugin.json and schema/pipeline.json equal to the tables of the linter.
// Run after a build: `node scripts/generate-lint-schemas.mjs` tells what differs, `--write` puts it right.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pipelineJsonSchema, pluginJsonSchema } from '../dist/src/core/lint/editor-schemas.js';

const root = join(import.meta.dirname, '..');
const schemas = {
  'schema/kubernetes-plugin.json': pluginJsonSchema(),
  'schema/pipeline.json': pipelineJsonSchema(),
};

for (const [name, schema] of Object.entries(schemas)) {
  const path = join(root, name);
  const fresh = `${JSON.stringify(schema, null, 2)}\n`;
  if (existsSync(path) && readFileSync(path, 'utf8') === fresh) continue;
  if (process.argv.includes('--write')) writeFileSync(path, fresh);
  else {
    console.error(`${name} is out of date: run with --write`);
    process.exitCode = 1;
  }
}

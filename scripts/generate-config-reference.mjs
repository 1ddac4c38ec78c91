// Keeps schema/controller-config.json and the tables of docs/configuration.md equal to the table of configuration keys.
// Run after a build: `node scripts/generate-config-reference.mjs` tells what differs, `--write` puts it right.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { configJsonSchema, configReference } from '../dist/src/core/config/config-reference.js';

const root = join(import.meta.dirname, '..');
const files = {
  'schema/controller-config.json': () => `${JSON.stringify(configJsonSchema(), null, 2)}\n`,
  'docs/configuration.md': (old) =>
    old.replace(/(<!-- generated: keys -->)[^]*(<!-- end of generated -->)/, (_, start, end) =>
      [start, configReference(), end].join('\n\n'),
    ),
};

for (const [name, generate] of Object.entries(files)) {
  const path = join(root, name);
  const old = readFileSync(path, { encoding: 'utf8', flag: 'a+' });
  const fresh = generate(old);
  if (fresh === old) continue;
  if (process.argv.includes('--write')) writeFileSync(path, fresh);
  else {
    console.error(`${name} is out of date: run with --write`);
    process.exitCode = 1;
  }
}

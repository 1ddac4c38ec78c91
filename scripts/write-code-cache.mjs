// Keeps the code that short commands compile, so that they need not compile it again: runs them here, silently, then saves V8's work.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { codeCacheOf, compileProgram, evaluateProgram, PROGRAMS, programOf } from '../bin/load-program.js';

const pipeline = join(import.meta.dirname, '../fixtures/render/plain/pipeline.yaml');
const commandLines = [
  ['render', pipeline],
  ['render', pipeline, '--output', 'json'],
  ['version'],
  ['--help'],
  ['lint', pipeline, '--shellcheck', 'never'],
];

process.stdout.write = process.stderr.write = () => true;
for (const name of PROGRAMS) {
  const script = compileProgram(name);
  const { main } = evaluateProgram(name, script);
  for (const argv of commandLines.filter((argv) => programOf(argv) === name)) await main(argv);
  if (process.exitCode) throw new Error('a command failed, so there is no code worth keeping');
  writeFileSync(codeCacheOf(name), script.createCachedData());
}

// Keeps the code that short commands compile, so that they need not compile it again: runs them here, silently, then saves V8's work.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { codeCache, compileProgram, evaluateProgram } from '../bin/load-program.js';

const pipeline = join(import.meta.dirname, '../fixtures/render/plain/pipeline.yaml');
const script = compileProgram();
const { main } = evaluateProgram(script);
const commandLines = [
  ['render', pipeline],
  ['render', pipeline, '--output', 'json'],
  ['lint', pipeline, '--shellcheck', 'never'],
  ['version'],
  ['--help'],
];

process.stdout.write = process.stderr.write = () => true;
for (const argv of commandLines) await main(argv);
if (process.exitCode) throw new Error('a command failed, so there is no code worth keeping');
writeFileSync(codeCache, script.createCachedData());

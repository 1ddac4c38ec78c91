// All checks of the project, one after the other, and a summary. Needs a build. `--no-tests` leaves out the tests.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const bin = (name) => join('node_modules', '.bin', name);
const CHECKS = [
  ['format (prettier)', bin('prettier'), '--check', '--log-level', 'warn', '.'],
  ['lint (eslint)', bin('eslint'), '.'],
  ['layers (dependency-cruiser)', process.execPath, 'scripts/check-layers.mjs'],
  ['unused code (knip)', bin('knip')],
  ['generated files', process.execPath, 'scripts/generate-config-reference.mjs'],
  ['generated schemas', process.execPath, 'scripts/generate-lint-schemas.mjs'],
  ['pages of lint rules', process.execPath, 'scripts/generate-rule-pages.mjs'],
  ...(process.argv.includes('--no-tests') ? [] : [['tests (mocha)', bin('mocha')]]),
];

function check([title, command, ...args]) {
  console.log(`\n== ${title}`);
  const start = performance.now();
  const { status } = spawnSync(command, args, { stdio: 'inherit' });
  return { title, passed: status === 0, seconds: (performance.now() - start) / 1000 };
}

const results = CHECKS.map(check);

console.log('\n== summary');
for (const { title, passed, seconds } of results) {
  console.log(`${passed ? 'ok    ' : 'FAILED'}  ${title.padEnd(30)} ${seconds.toFixed(1).padStart(6)} s`);
}
const failed = results.filter(({ passed }) => !passed).length;
console.log(failed === 0 ? 'all checks passed' : `${failed} of ${results.length} checks failed`);
if (failed > 0) process.exitCode = 1;

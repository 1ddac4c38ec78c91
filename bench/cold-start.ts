/**
 * How long short commands of the packaged build take, against a script that does nothing. Ends with 1 when a case takes more than its share.
 * Usage: npm run bench:cold-start [-- ROUNDS]
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { quantile } from './quantile.js';
import { type Case, emptyScript, figures, inScratch, measureAll, row } from './start-up.js';

const GOAL = 3;
const rounds = Number(process.argv[2] ?? 20);
const program = join(import.meta.dirname, '../../bin/run.js');
const pipeline = join(import.meta.dirname, '../../fixtures/render/plain/pipeline.yaml');

function makeCases(scratch: string): readonly [Case, ...Case[]] {
  const job = join(scratch, 'job.json');
  writeFileSync(job, JSON.stringify({ id: '0190046e-e199-453b-a302-a21a4d649d31', command: 'make', env: {} }));
  return [
    emptyScript(scratch),
    { name: '--version', args: [program, '--version'], times: [] },
    { name: '--help', args: [program, '--help'], times: [] },
    { name: 'render', args: [program, 'render', pipeline], times: [] },
    { name: 'render --job', args: [program, 'render', '--job', job, '--output', 'json'], times: [] },
  ];
}

function printTable(cases: readonly [Case, ...Case[]]): void {
  const [floor] = cases;
  console.log(
    `node ${process.version}, ${rounds} rounds, milliseconds; ratio to the empty script, goal ${GOAL.toFixed(1)}`,
  );
  console.log(row(['', 'min', 'median', 'min ratio', 'med ratio']));
  for (const { name, times } of cases) {
    console.log(row([name, ...figures(times, floor.times)]));
    if (quantile(times, 0) / quantile(floor.times, 0) > GOAL) process.exitCode = 1;
  }
}

inScratch('cold-start', (scratch) => {
  const cases = makeCases(scratch);
  measureAll(cases, { rounds, cwd: process.cwd(), statuses: [0] });
  printTable(cases);
});

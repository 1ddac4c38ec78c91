/**
 * How long short commands of the packaged build take, against a script that does nothing: runs of all cases take turns, so
 * that a busy machine slows all alike. Ends with 1 when a case takes more than its share.
 * Usage: npm run bench:cold-start [-- ROUNDS]
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const GOAL = 3;
const rounds = Number(process.argv[2] ?? 20);
const program = join(import.meta.dirname, '../../bin/run.js');
const pipeline = join(import.meta.dirname, '../../fixtures/render/plain/pipeline.yaml');
const scratch = mkdtempSync(join(tmpdir(), 'cold-start-'));

const environment = { ...process.env };
// Node 20 reads the whole file at every start, 30 ms that have nothing to do with us.
delete environment['NODE_EXTRA_CA_CERTS'];

interface Case {
  readonly name: string;
  readonly args: readonly string[];
  readonly times: number[];
}

function makeCases(): readonly [Case, ...Case[]] {
  const empty = join(scratch, 'empty.cjs');
  const job = join(scratch, 'job.json');
  writeFileSync(empty, '');
  writeFileSync(job, JSON.stringify({ id: '0190046e-e199-453b-a302-a21a4d649d31', command: 'make', env: {} }));
  return [
    { name: 'empty script', args: [empty], times: [] },
    { name: '--version', args: [program, '--version'], times: [] },
    { name: '--help', args: [program, '--help'], times: [] },
    { name: 'render', args: [program, 'render', pipeline], times: [] },
    { name: 'render --job', args: [program, 'render', '--job', job, '--output', 'json'], times: [] },
  ];
}

function measure({ name, args, times }: Case): void {
  const start = performance.now();
  const { status } = spawnSync(process.execPath, args, { env: environment });
  times.push(performance.now() - start);
  if (status !== 0) throw new Error(`"${name}" ended with status ${status ?? 'none'}, its time means nothing`);
}

function quantile(times: readonly number[], share: number): number {
  const sorted = [...times].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN;
}

function row(cells: readonly string[]): string {
  return cells.map((cell, column) => (column === 0 ? cell.padEnd(14) : cell.padStart(12))).join('');
}

function printTable(cases: readonly [Case, ...Case[]]): void {
  const [floor] = cases;
  console.log(
    `node ${process.version}, ${rounds} rounds, milliseconds; ratio to the empty script, goal ${GOAL.toFixed(1)}`,
  );
  console.log(row(['', 'min', 'median', 'min ratio', 'med ratio']));
  for (const { name, times } of cases) {
    const figures = [0, 0.5].map((share) => quantile(times, share));
    const ratios = [0, 0.5].map((share) => quantile(times, share) / quantile(floor.times, share));
    console.log(row([name, ...figures.map((ms) => ms.toFixed(1)), ...ratios.map((ratio) => ratio.toFixed(2))]));
    if ((ratios[0] ?? 0) > GOAL) process.exitCode = 1;
  }
}

try {
  const cases = makeCases();
  for (let round = 0; round < rounds; round++) for (const each of cases) measure(each);
  printTable(cases);
} finally {
  rmSync(scratch, { recursive: true });
}

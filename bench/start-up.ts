/** What the benchmarks of whole processes share: runs of all cases take turns, so that a busy machine slows all alike. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { quantile } from './quantile.js';

export interface Case {
  readonly name: string;
  readonly args: readonly string[];
  /** Milliseconds of each run. */
  readonly times: number[];
}

const environment = { ...process.env };
// Node 20 reads the whole file at every start, 30 ms that have nothing to do with us.
delete environment['NODE_EXTRA_CA_CERTS'];

/** Runs `body` with a scratch folder that is removed afterwards. */
export function inScratch(name: string, body: (scratch: string) => void): void {
  const scratch = mkdtempSync(join(tmpdir(), `${name}-`));
  try {
    body(scratch);
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

/** The floor of every comparison: a script that does nothing. */
export function emptyScript(scratch: string): Case {
  const empty = join(scratch, 'empty.cjs');
  writeFileSync(empty, '');
  return { name: 'empty script', args: [empty], times: [] };
}

/** Runs every case once a round, each in a fresh process that must end with one of `statuses`. */
export function measureAll(
  cases: readonly Case[],
  { rounds, cwd, statuses }: { readonly rounds: number; readonly cwd: string; readonly statuses: readonly number[] },
): void {
  for (let round = 0; round < rounds; round++) for (const each of cases) measure(each, cwd, statuses);
}

function measure({ name, args, times }: Case, cwd: string, statuses: readonly number[]): void {
  const start = performance.now();
  const { status, stderr } = spawnSync(process.execPath, args, { cwd, env: environment, maxBuffer: 2 ** 28 });
  times.push(performance.now() - start);
  // A program that cannot even be loaded ends with 1, too, but not without a word.
  if (status !== null && statuses.includes(status) && (status === 0 || stderr.length === 0)) return;
  throw new Error(`"${name}" ended with status ${status ?? 'none'}, its time means nothing: ${stderr.toString()}`);
}

/** Minimum and median in milliseconds, then both as ratios to the floor; as text. */
export function figures(times: readonly number[], floor: readonly number[]): readonly string[] {
  const shares = [0, 0.5];
  return [
    ...shares.map((share) => quantile(times, share).toFixed(1)),
    ...shares.map((share) => (quantile(times, share) / quantile(floor, share)).toFixed(2)),
  ];
}

export function row(cells: readonly string[]): string {
  return cells.map((cell, column) => (column === 0 ? cell.padEnd(14) : cell.padStart(12))).join('');
}

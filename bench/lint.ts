/**
 * How long the packaged build takes to lint one small file and all files of the corpus, each in a fresh process, against a script that does
 * nothing: runs of all cases take turns, so that a busy machine slows all alike. Ends with 1 when a case takes more than its share.
 * Usage: npm run bench:lint [-- ROUNDS]
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const rounds = Number(process.argv[2] ?? 10);
const root = join(import.meta.dirname, '..', '..');
const program = join(root, 'bin', 'run.js');
const pipeline = join(root, 'fixtures', 'render', 'plain', 'pipeline.yaml');
/** Real pipelines, which are not part of the project. */
const corpus = join(root, '..', 'shared', 'corpus');
const scratch = mkdtempSync(join(tmpdir(), 'bench-lint-'));

const environment = { ...process.env };
// Node 20 reads the whole file at every start, 30 ms that have nothing to do with us.
delete environment['NODE_EXTRA_CA_CERTS'];

interface Case {
  readonly name: string;
  readonly args: readonly string[];
  /** Most that it may take: a multiple of the empty script, or milliseconds. */
  readonly goal?: { readonly ratio: number } | { readonly ms: number };
  readonly times: number[];
}

function makeCases(): readonly [Case, ...Case[]] {
  const empty = join(scratch, 'empty.cjs');
  writeFileSync(empty, '');
  const floor: Case = { name: 'empty script', args: [empty], times: [] };
  const single: Case = { name: 'one file', args: [program, 'lint', pipeline], goal: { ratio: 4 }, times: [] };
  if (!existsSync(corpus)) {
    console.log(`no corpus in ${corpus}, so only one file is linted`);
    return [floor, single];
  }
  const count = readdirSync(corpus).filter((file) => /\.(?:ya?ml|json)$/.test(file)).length;
  const all: Case = {
    ...{ name: `${count} files`, args: [program, 'lint', corpus, '--format', 'json'], goal: { ms: 2000 }, times: [] },
  };
  return [floor, single, all];
}

function measure({ name, args, times }: Case): void {
  const start = performance.now();
  const { status, stderr } = spawnSync(process.execPath, args, { cwd: scratch, env: environment, maxBuffer: 2 ** 28 });
  times.push(performance.now() - start);
  if (status === 0 || status === 1) return;
  throw new Error(`"${name}" ended with status ${status ?? 'none'}, its time means nothing: ${stderr.toString()}`);
}

function quantile(times: readonly number[], share: number): number {
  const sorted = [...times].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN;
}

function row(cells: readonly string[]): string {
  return cells.map((cell, column) => (column === 0 ? cell.padEnd(14) : cell.padStart(12))).join('');
}

function goalText({ goal }: Case): string {
  if (goal === undefined) return '';
  return 'ratio' in goal ? `< ${goal.ratio} times` : `< ${goal.ms} ms`;
}

/** By the quickest run: what else the machine does can only add. */
function misses({ goal, times }: Case, floor: Case): boolean {
  if (goal === undefined) return false;
  const best = quantile(times, 0);
  return 'ratio' in goal ? best / quantile(floor.times, 0) > goal.ratio : best > goal.ms;
}

function printTable(cases: readonly [Case, ...Case[]]): void {
  const [floor] = cases;
  console.log(`node ${process.version}, ${rounds} rounds, milliseconds and ratio to the empty script`);
  console.log(row(['', 'min', 'median', 'min ratio', 'med ratio', 'goal']));
  for (const each of cases) {
    const figures = [0, 0.5].map((share) => quantile(each.times, share));
    const ratios = [0, 0.5].map((share) => quantile(each.times, share) / quantile(floor.times, share));
    const numbers = [...figures.map((ms) => ms.toFixed(1)), ...ratios.map((ratio) => ratio.toFixed(2))];
    console.log(row([each.name, ...numbers, goalText(each)]));
    if (misses(each, floor)) process.exitCode = 1;
  }
}

try {
  const cases = makeCases();
  for (let round = 0; round < rounds; round++) for (const each of cases) measure(each);
  printTable(cases);
} finally {
  rmSync(scratch, { recursive: true });
}

/**
 * How long the packaged build takes to lint one small file and all files of the corpus, each in a fresh process, against a script that does
 * nothing. Ends with 1 when a case takes more than its share.
 * Usage: npm run bench:lint [-- ROUNDS]
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { quantile } from './quantile.js';
import { type Case, emptyScript, figures, inScratch, measureAll, row } from './start-up.js';

const rounds = Number(process.argv[2] ?? 10);
const root = join(import.meta.dirname, '..', '..');
const program = join(root, 'bin', 'run.js');
const pipeline = join(root, 'fixtures', 'render', 'plain', 'pipeline.yaml');
/** Real pipelines, which are not part of the project. */
const corpus = join(root, '..', 'shared', 'corpus');

interface LintCase extends Case {
  /** Most that it may take: a multiple of the empty script, or milliseconds. */
  readonly goal?: { readonly ratio: number } | { readonly ms: number };
}

function makeCases(scratch: string): readonly [LintCase, ...LintCase[]] {
  const floor = emptyScript(scratch);
  const single: LintCase = { name: 'one file', args: [program, 'lint', pipeline], goal: { ratio: 4 }, times: [] };
  if (!existsSync(corpus)) {
    console.log(`no corpus in ${corpus}, so only one file is linted`);
    return [floor, single];
  }
  const count = readdirSync(corpus).filter((file) => /\.(?:ya?ml|json)$/.test(file)).length;
  const args = [program, 'lint', corpus, '--format', 'json'];
  return [floor, single, { name: `${count} files`, args, goal: { ms: 2000 }, times: [] }];
}

function goalText({ goal }: LintCase): string {
  if (goal === undefined) return '';
  return 'ratio' in goal ? `< ${goal.ratio} times` : `< ${goal.ms} ms`;
}

/** By the quickest run: what else the machine does can only add. */
function misses({ goal, times }: LintCase, floor: LintCase): boolean {
  if (goal === undefined) return false;
  const best = quantile(times, 0);
  return 'ratio' in goal ? best / quantile(floor.times, 0) > goal.ratio : best > goal.ms;
}

function printTable(cases: readonly [LintCase, ...LintCase[]]): void {
  const [floor] = cases;
  console.log(`node ${process.version}, ${rounds} rounds, milliseconds and ratio to the empty script`);
  console.log(row(['', 'min', 'median', 'min ratio', 'med ratio', 'goal']));
  for (const each of cases) {
    console.log(row([each.name, ...figures(each.times, floor.times), goalText(each)]));
    if (misses(each, floor)) process.exitCode = 1;
  }
}

inScratch('bench-lint', (scratch) => {
  const cases = makeCases(scratch);
  // 1 says that something was found.
  measureAll(cases, { rounds, cwd: scratch, statuses: [0, 1] });
  printTable(cases);
});

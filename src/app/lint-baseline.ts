import { existsSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { UsageError } from '../core/errors.js';
import {
  applyBaseline,
  type BaselineEntry,
  type BaselineInput,
  formatBaseline,
  parseBaseline,
  updateBaseline,
} from '../core/lint/baseline.js';
import type { Finding } from '../core/lint/finding.js';
import { ownSeverity } from '../core/lint/rules/run.js';
import { TextLines } from '../core/lint/text-lines.js';
import { toSlashes } from './file-walker.js';
import { readNamedFile } from './render-inputs.js';
import { writeFileWhole } from './write-file.js';

/** What is left of some findings when a baseline has been looked at. */
export interface Baselined {
  readonly findings: readonly Finding[];
  /** How many the baseline knew. */
  readonly known: number;
  /** Texts of files that findings were added for. */
  readonly sources: ReadonlyMap<string, string>;
  readonly notes: readonly string[];
}

type Lint = Omit<BaselineInput, 'nameOf'>;

/** Takes out what the baseline knows and reports its stale entries; with `update` the baseline learns all findings first. */
export async function useBaseline(
  file: string | undefined,
  lint: Lint,
  { update }: { readonly update: boolean },
): Promise<Baselined> {
  if (file === undefined) {
    if (update) throw new UsageError('--update-baseline does not know which file to write; add --baseline FILE');
    return { findings: lint.findings, known: 0, sources: new Map(), notes: [] };
  }
  const folder = dirname(resolve(file));
  const input = { ...lint, nameOf: (path: string) => toSlashes(relative(folder, resolve(path))) };
  if (update) return writeBaseline(file, input);
  const text = await readNamedFile(file);
  const outcome = applyBaseline(entriesOf(text, file), input);
  const findings = [...outcome.findings, ...staleFindings(outcome.stale, { file, text })];
  return { findings, known: outcome.known.length, sources: new Map([[file, text]]), notes: [] };
}

async function writeBaseline(file: string, input: BaselineInput): Promise<Baselined> {
  const before = existsSync(file) ? entriesOf(await readNamedFile(file), file) : [];
  const folder = dirname(resolve(file));
  const entries = updateBaseline(before, input, (path) => existsSync(join(folder, path)));
  await writeFileWhole(file, formatBaseline(entries));
  const known = input.findings.length;
  const notes = [`wrote ${file}; it knows ${known} ${known === 1 ? 'finding' : 'findings'} of this run`];
  return { findings: [], known, sources: new Map(), notes };
}

function entriesOf(text: string, file: string): readonly BaselineEntry[] {
  const parsed = parseBaseline(text);
  if (!parsed.ok) throw new UsageError(`the baseline "${file}" ${parsed.error}`);
  return parsed.value;
}

function staleFindings(
  stale: readonly BaselineEntry[],
  { file, text }: { readonly file: string; readonly text: string },
): readonly Finding[] {
  const lines = new TextLines(text);
  return stale.map((entry) => {
    const start = Math.max(text.indexOf(`"${entry.fingerprint}"`), 0);
    const span = { start, end: start + entry.fingerprint.length + 2 };
    const times = entry.count === 1 ? 'a finding' : `${entry.count} findings`;
    const message = `the baseline knows ${times} of "${entry.rule}" in "${entry.file}" that ${entry.count === 1 ? 'is' : 'are'} gone, so it would hide the same mistake when it comes back; run with --update-baseline`;
    return {
      ...{ rule: 'lint/stale-baseline', severity: ownSeverity('lint/stale-baseline'), message, file },
      ...{ ...lines.rangeOf(span), related: [], fix: undefined, span, step: undefined, uses: 1 },
    };
  });
}

import { isRecord } from '../../is-record.js';
import { fail, ok, type Result } from '../../result.js';
import type { Finding } from '../finding.js';
import { type Fingerprinted, fingerprintAll } from './fingerprint.js';
import { compareText } from './report.js';

/** Findings of one kind that are known and not reported. */
export interface BaselineEntry {
  /** From the folder of the baseline, with `/`. */
  readonly file: string;
  readonly rule: string;
  /** @see fingerprintAll */
  readonly fingerprint: string;
  /** How many there are of it. */
  readonly count: number;
}

export interface BaselineInput {
  /** In file order. */
  readonly findings: readonly Finding[];
  readonly sources: ReadonlyMap<string, string>;
  /** Name of a linted file in the baseline. */
  readonly nameOf: (file: string) => string;
  /** Whether a rule had what it needs to speak; of one that could not, entries are kept and not called stale. @default always */
  readonly couldSpeak?: (rule: string) => boolean;
}

export interface BaselineOutcome {
  /** What the baseline does not know. */
  readonly findings: readonly Finding[];
  readonly known: readonly Finding[];
  /** Entries, or the part of their count, of linted files that nothing matched. */
  readonly stale: readonly BaselineEntry[];
}

/** Reads a baseline; the error is a clause for a message that names the file. */
export function parseBaseline(text: string): Result<readonly BaselineEntry[], string> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return fail(
      `is not JSON (${error instanceof Error ? error.message : String(error)}); write it anew with --update-baseline`,
    );
  }
  const { version, findings }: Record<string, unknown> = isRecord(value) ? value : {};
  if (version !== 1 || !Array.isArray(findings)) {
    return fail(
      'is no baseline of this program, which has "version": 1 and "findings"; write it anew with --update-baseline',
    );
  }
  const entries = findings.filter(isEntry);
  if (entries.length === findings.length) return ok(entries);
  return fail('holds an entry without file, rule, fingerprint and count; write it anew with --update-baseline');
}

/** Tells known findings from new ones. */
export function applyBaseline(entries: readonly BaselineEntry[], input: BaselineInput): BaselineOutcome {
  const { couldSpeak = () => true } = input;
  const left = new Map<string, number>();
  for (const entry of entries) left.set(keyOf(entry), (left.get(keyOf(entry)) ?? 0) + entry.count);
  const known: Finding[] = [];
  const findings: Finding[] = [];
  for (const entry of fingerprintAll(input.findings, input.sources)) {
    const key = keyOf({ ...entry, rule: entry.finding.rule, file: input.nameOf(entry.finding.file) });
    const rest = left.get(key) ?? 0;
    if (rest > 0) left.set(key, rest - 1);
    (rest > 0 ? known : findings).push(entry.finding);
  }
  const linted = new Set([...input.sources.keys()].map(input.nameOf));
  const stale = entries.flatMap((entry) => {
    const count = left.get(keyOf(entry)) ?? 0;
    return count > 0 && linted.has(entry.file) && couldSpeak(entry.rule) ? [{ ...entry, count }] : [];
  });
  return { findings, known, stale };
}

/** The baseline that knows all findings; entries of files that were not linted, and of rules that could not speak, stay while `exists` says so. */
export function updateBaseline(
  entries: readonly BaselineEntry[],
  input: BaselineInput,
  exists: (file: string) => boolean,
): readonly BaselineEntry[] {
  const { couldSpeak = () => true } = input;
  const linted = new Set([...input.sources.keys()].map(input.nameOf));
  const counts = new Map<string, BaselineEntry>();
  for (const found of fingerprintAll(input.findings, input.sources)) {
    const entry = entryOf(found, input.nameOf(found.finding.file));
    counts.set(keyOf(entry), { ...entry, count: (counts.get(keyOf(entry))?.count ?? 0) + 1 });
  }
  const others = entries.filter(({ file, rule }) => !(linted.has(file) && couldSpeak(rule)) && exists(file));
  return [...others, ...counts.values()].sort(
    (a, b) => compareText(a.file, b.file) || compareText(a.rule, b.rule) || compareText(a.fingerprint, b.fingerprint),
  );
}

/** The text of a baseline file: the same findings make the same bytes. */
export function formatBaseline(entries: readonly BaselineEntry[]): string {
  return `${JSON.stringify({ version: 1, findings: entries }, undefined, 2)}\n`;
}

function entryOf({ finding, fingerprint }: Fingerprinted, file: string): BaselineEntry {
  return { file, rule: finding.rule, fingerprint, count: 1 };
}

function keyOf({ file, rule, fingerprint }: Omit<BaselineEntry, 'count'>): string {
  return `${file}\n${rule}\n${fingerprint}`;
}

function isEntry(value: unknown): value is BaselineEntry {
  if (!isRecord(value)) return false;
  const { file, rule, fingerprint, count } = value;
  return [file, rule, fingerprint].every((part) => typeof part === 'string') && Number.isInteger(count);
}

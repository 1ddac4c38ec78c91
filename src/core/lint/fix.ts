import { parseAllDocuments } from 'yaml';
import type { Finding, Fix, TextEdit } from './finding.js';

/** A new finding may make room for the next fix; more rounds than this mean that two fixes undo each other. */
const MOST_ROUNDS = 10;

export interface FixedText {
  readonly text: string;
  /** Descriptions of what was done, in order. */
  readonly applied: readonly string[];
}

/**
 * Mends what can be mended: applies the fixes of what `lint` reports and lints again, until nothing is left or no fix helps. A fix that would
 * break the YAML is left out. All text outside the edits stays as it is.
 */
export function fixText(text: string, lint: (text: string) => readonly Finding[]): FixedText {
  let current = text;
  const applied: string[] = [];
  const seen = new Set([text]);
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const next = fixOnce(
      current,
      lint(current).flatMap(({ fix }) => fix ?? []),
    );
    if (seen.has(next.text)) break;
    seen.add(next.text);
    applied.push(...next.applied);
    current = next.text;
  }
  return { text: current, applied };
}

/** Applies as many fixes as go together: of two that overlap the first one, and only those after which the text parses as well as before. */
export function fixOnce(text: string, fixes: readonly Fix[]): FixedText {
  const chosen = withoutOverlaps(fixes);
  const all = applyFixes(text, chosen);
  if (isSound(text, all)) return { text: all, applied: chosen.map(({ description }) => description) };
  const sound = chosen.filter((fix) => isSound(text, applyFixes(text, [fix])));
  const rest = applyFixes(text, sound);
  return isSound(text, rest)
    ? { text: rest, applied: sound.map(({ description }) => description) }
    : { text, applied: [] };
}

function withoutOverlaps(fixes: readonly Fix[]): readonly Fix[] {
  const taken: TextEdit[] = [];
  const chosen: Fix[] = [];
  const inOrder = fixes.filter(({ edits }) => edits.length > 0).sort((a, b) => startOf(a) - startOf(b));
  for (const fix of inOrder) {
    if (fix.edits.some((edit) => taken.some((other) => overlaps(edit, other)))) continue;
    taken.push(...fix.edits);
    chosen.push(fix);
  }
  return chosen;
}

function startOf({ edits }: Fix): number {
  return Math.min(...edits.map(({ start }) => start));
}

/** Two insertions at one place overlap as well: nobody can say which comes first. */
function overlaps(a: TextEdit, b: TextEdit): boolean {
  return (a.start < b.end && b.start < a.end) || a.start === b.start;
}

function applyFixes(text: string, fixes: readonly Fix[]): string {
  const edits = fixes.flatMap((fix) => fix.edits).sort((a, b) => b.start - a.start || b.end - a.end);
  const lineBreak = /\r?\n/.exec(text)?.[0] ?? '\n';
  return edits.reduce(
    (result, { start, end, text: added }) =>
      result.slice(0, start) + added.replaceAll(/\r?\n/g, lineBreak) + result.slice(end),
    text,
  );
}

function isSound(before: string, after: string): boolean {
  if (before === after) return true;
  return syntaxErrors(after) <= syntaxErrors(before);
}

function syntaxErrors(text: string): number {
  const documents = parseAllDocuments(text, { schema: 'failsafe', uniqueKeys: false, prettyErrors: false });
  return Array.isArray(documents) ? documents.reduce((count, { errors }) => count + errors.length, 0) : 0;
}

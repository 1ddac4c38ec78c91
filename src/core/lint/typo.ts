import { editDistance } from '../closest-name.js';

/** Words that differ by little and are both meant. */
const SIBLINGS: ReadonlySet<string> = new Set([
  'amd64',
  'arm64',
  'main',
  'maint',
  'stage',
  'stable',
  'small',
  'smaller',
]);

/**
 * The candidate that somebody meant who wrote `name`: the same letters in another spelling (`dependsOn`, `depends-on`), or one or two slips of
 * the finger in a long word. Much stricter than `closestName`, for findings that say "this is wrong" rather than "did you mean". Names that
 * differ in a number (`linux-1`, `linux-2`) or in words that are siblings (`amd64`, `arm64`) are different names.
 */
export function typoOf(name: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    if (candidate === name) continue;
    const distance = slips(name, candidate);
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

/** How many slips of the finger lie between two names; infinite when they are two names. */
function slips(name: string, candidate: string): number {
  if (bare(name) === bare(candidate)) return 0;
  if (digits(name) !== digits(candidate)) return Number.POSITIVE_INFINITY;
  const [ours, theirs] = [words(name), words(candidate)];
  if (ours.length !== theirs.length) return wordSlips(bare(name), bare(candidate));
  const each = ours.map((word, index) => wordSlips(word, theirs[index] ?? ''));
  return each.reduce((sum, distance) => sum + distance, 0);
}

function wordSlips(word: string, other: string): number {
  if (word === other) return 0;
  if (SIBLINGS.has(word) && SIBLINGS.has(other)) return Number.POSITIVE_INFINITY;
  const shortest = Math.min(word.length, other.length);
  const allowed = shortest >= 7 ? 2 : shortest >= 4 ? 1 : 0;
  if (Math.abs(word.length - other.length) > allowed) return Number.POSITIVE_INFINITY;
  const distance = editDistance(word, other);
  return distance <= allowed ? distance : Number.POSITIVE_INFINITY;
}

function words(name: string): readonly string[] {
  return name
    .replaceAll(/([a-z])([A-Z])/g, '$1-$2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '');
}

function bare(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
}

function digits(name: string): string {
  return name.replaceAll(/\D+/g, ' ').trim();
}

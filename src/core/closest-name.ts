/**
 * The candidate a mistyped `name` most likely meant, for a "did you mean"; undefined when nothing is close enough.
 * Case does not count as a difference. Of equally close candidates the first wins.
 */
export function closestName(name: string, candidates: Iterable<string>): string | undefined {
  const written = name.toLowerCase();
  let best: string | undefined;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    const distance = nameDistance(written, candidate.toLowerCase());
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** Infinity when the two are too different to be the same name mistyped. */
function nameDistance(written: string, candidate: string): number {
  const limit = Math.max(1, Math.floor(Math.max(written.length, candidate.length) / 3));
  const isAbbreviation = written.length >= 3 && candidate.startsWith(written);
  if (isAbbreviation) return Math.min(candidate.length - written.length, limit);
  if (Math.abs(written.length - candidate.length) > limit) return Number.POSITIVE_INFINITY;
  const distance = editDistance(written, candidate);
  const nothingShared = distance >= Math.min(written.length, candidate.length);
  return distance > limit || nothingShared ? Number.POSITIVE_INFINITY : distance;
}

/** Insertions, deletions, replacements and swaps of neighbours (optimal string alignment) that lead from `a` to `b`. */
export function editDistance(a: string, b: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min(cell(previous, j) + 1, cell(row, j - 1) + 1, cell(previous, j - 1) + (same ? 0 : 1));
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) cost = Math.min(cost, cell(beforePrevious, j - 2) + 1);
      row.push(cost);
    }
    beforePrevious = previous;
    previous = row;
  }
  return cell(previous, b.length);
}

function cell(row: readonly number[], index: number): number {
  return row[index] ?? Number.POSITIVE_INFINITY;
}

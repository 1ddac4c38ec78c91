export type PathSegment = string | number;

/** A path as people write it: `podSpec.containers[0].image`, `labels["app.kubernetes.io/name"]`; the root is the empty text. */
export function formatPath(path: readonly PathSegment[]): string {
  let text = '';
  for (const segment of path) {
    if (typeof segment === 'number') text += `[${segment}]`;
    else if (!/^\$?[\w-]+$/.test(segment)) text += `[${JSON.stringify(segment)}]`;
    else text += text === '' ? segment : `.${segment}`;
  }
  return text;
}

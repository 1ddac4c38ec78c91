/**
 * Cuts the part of `value` that a glob matches, like the shell's `${value#glob}` (shortest at the start), `##` (longest at the start),
 * `%` (shortest at the end) and `%%` (longest at the end). An empty match cuts nothing.
 */
export function removeAffix(value: string, operator: string, glob: string): string {
  const pattern = globToRegExp(glob);
  const atEnd = operator.startsWith('%');
  const lengths = Array.from({ length: value.length }, (_, index) => index + 1);
  if (operator.length === 2) lengths.reverse();
  for (const length of lengths) {
    const part = atEnd ? value.slice(-length) : value.slice(0, length);
    if (pattern.test(part)) return atEnd ? value.slice(0, -length) : value.slice(length);
  }
  return value;
}

/** `*`, `?`, `[a-z]`, `[!a-z]` and `\` of a shell pattern, over the whole text; `*` crosses slashes. */
export function globToRegExp(glob: string): RegExp {
  const source = glob.replaceAll(
    /\\(.)|\[([!^]?)([^\]]+)\]|[\s\S]/g,
    (token, escaped?: string, negated?: string, set?: string) => {
      if (escaped !== undefined) return escapeRegExp(escaped);
      if (set !== undefined) return `[${negated === '' ? '' : '^'}${set.replaceAll('\\', '\\\\')}]`;
      if (token === '*') return '[\\s\\S]*';
      return token === '?' ? '[\\s\\S]' : escapeRegExp(token);
    },
  );
  try {
    return new RegExp(`^${source}$`);
  } catch {
    // A set such as [z-a]: matches nothing, as in the shell.
    return /(?!)/;
  }
}

function escapeRegExp(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}

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

const PARTS: Readonly<Record<string, string>> = {
  '**/': '(?:.*/)?',
  '**': '.*',
  '*': '[^/]*',
  '?': '[^/]',
  '{': '(?:',
  '}': ')',
  ',': '|',
};

/** A glob of artifact paths (`*`, `**`, `?`, `[a-c]`, `{a,b}`) as a pattern for whole paths; `*` stays within a folder, unlike a shell pattern's. */
export function artifactGlob(glob: string): RegExp {
  const source = glob.replace(
    /\*\*\/|\*\*|\[([!^]?)([^\]/]+)\]|[*?{},.+^$()|[\]\\]/g,
    (part, negated?: string, set?: string) =>
      set === undefined
        ? (PARTS[part] ?? `\\${part}`)
        : `[${negated === '' ? '' : '^/'}${set.replace(/[\\[]/g, '\\$&')}]`,
  );
  try {
    return new RegExp(`^${source}$`);
  } catch {
    // A set such as [z-a] or a brace that is never closed.
    return /(?!)/;
  }
}

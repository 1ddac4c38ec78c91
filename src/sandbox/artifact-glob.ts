const PARTS: Readonly<Record<string, string>> = {
  '**/': '(?:.*/)?',
  '**': '.*',
  '*': '[^/]*',
  '?': '[^/]',
  '{': '(?:',
  '}': ')',
  ',': '|',
};

/** A glob of artifact paths (`*`, `**`, `?`, `{a,b}`) as a pattern for whole paths; `*` stays within a folder, unlike a shell pattern's. */
export function artifactGlob(glob: string): RegExp {
  const source = glob.replace(/\*\*\/|\*\*|[*?{},.+^$()|[\]\\]/g, (part) => PARTS[part] ?? `\\${part}`);
  return new RegExp(`^${source}$`);
}

import type { FixedFile } from './run-lint.js';

/** What `--fix` would change, as a diff that `git apply` and `patch -p1` take. */
export async function diffFixes(fixed: readonly FixedFile[]): Promise<string> {
  // Not before it is needed: most runs show no difference.
  const { createTwoFilesPatch } = await import('diff');
  return fixed
    .map(({ file, before, after }) => {
      const name = file.replace(/^\/+/, '');
      const patch = createTwoFilesPatch(`a/${name}`, `b/${name}`, before, after, undefined, undefined, { context: 3 });
      return patch.replace(/^=+\n/, '');
    })
    .join('');
}

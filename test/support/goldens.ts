import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';

/** The reference manifests lie beside the repository on the developers' machines; without them the suite says so and skips. */
const GOLDENS = resolve(process.cwd(), '../shared/goldens');

export interface GoldenDefect {
  readonly case: string;
  readonly path: string;
}

/** Names of all cases, none when the folder is absent. */
export function goldenCases(): string[] {
  if (!existsSync(GOLDENS)) return [];
  return readdirSync(GOLDENS, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
}

/** A file of a case, undefined when the case does not have it. */
export function goldenFile(name: string, file: string): string | undefined {
  const path = `${GOLDENS}/${name}/${file}`;
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

/** Parts of the reference that are known to be wrong and may be written differently. */
export function goldenDefects(): GoldenDefect[] {
  return readFileSync(`${GOLDENS}/defects.tsv`, 'utf8')
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => {
      const [name = '', path = ''] = line.split('\t');
      return { case: name, path };
    });
}

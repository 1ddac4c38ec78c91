import ignore, { type Ignore } from 'ignore';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { compareText } from '../core/lint/report.js';

/** Never walked, whatever .gitignore says. */
const SKIPPED_FOLDERS = new Set(['.git', 'node_modules']);

interface IgnoreFile {
  readonly folder: string;
  readonly rules: Ignore;
}

/**
 * All files below a folder in the order of their names, without what git ignores. Links to files are followed, links to folders are not.
 * Names are as `folder` was given, with `/`.
 */
export async function listFiles(folder: string): Promise<readonly string[]> {
  const above = ignoreFilesAbove(folder);
  // Who names an ignored folder wants it looked at.
  const inherited = isIgnored(`${folder}${sep}`, above) ? [] : above;
  return walk(folder, inherited);
}

async function walk(folder: string, inherited: readonly IgnoreFile[]): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const own = entries.some(({ name }) => name === '.gitignore') ? readIgnoreFile(folder) : undefined;
  const rules = own === undefined ? inherited : [...inherited, own];
  const files: string[] = [];
  for (const entry of entries.sort((a, b) => compareText(a.name, b.name))) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      if (!SKIPPED_FOLDERS.has(entry.name) && !isIgnored(`${path}${sep}`, rules))
        files.push(...(await walk(path, rules)));
    } else if ((entry.isFile() || isLinkToFile(path)) && !isIgnored(path, rules)) files.push(toSlashes(path));
  }
  return files;
}

/** With `/` on every system. */
export function toSlashes(path: string): string {
  return sep === '/' ? path : path.replaceAll(sep, '/');
}

/** The folder of the repository that a folder lies in; undefined when it lies in none. */
export function repositoryRoot(folder: string): string | undefined {
  for (let current = folder; ; current = dirname(current)) {
    if (existsSync(join(current, '.git'))) return current;
    if (current === dirname(current)) return undefined;
  }
}

function ignoreFilesAbove(folder: string): readonly IgnoreFile[] {
  const absolute = join(process.cwd(), relative(process.cwd(), folder));
  const root = repositoryRoot(absolute);
  if (root === undefined) return [];
  const found: IgnoreFile[] = [];
  for (let current = absolute; current !== root;) {
    current = dirname(current);
    const file = readIgnoreFile(current);
    if (file !== undefined) found.unshift(file);
  }
  return found;
}

function readIgnoreFile(folder: string): IgnoreFile | undefined {
  try {
    return { folder, rules: ignore().add(readFileSync(join(folder, '.gitignore'), 'utf8')) };
  } catch {
    // Not there, or not ours to read: nothing is ignored by it.
    return undefined;
  }
}

/** The nearest file that has an opinion decides, as in git. */
function isIgnored(path: string, files: readonly IgnoreFile[]): boolean {
  for (const { folder, rules } of files.toReversed()) {
    const inside = toSlashes(relative(folder, path)) + (path.endsWith(sep) ? '/' : '');
    if (inside === '/' || inside.startsWith('../')) continue;
    const { ignored, unignored } = rules.test(inside);
    if (ignored || unignored) return ignored;
  }
  return false;
}

function isLinkToFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

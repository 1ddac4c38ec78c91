import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { UsageError } from '../core/errors.js';
import { DEFAULT_PIPELINE_FILES } from '../core/pipeline/parse-pipeline.js';
import { listFiles, toSlashes } from './file-walker.js';

/** A file that a run looks at. */
export interface LintSource {
  /** As the user would name it, with `/`; `-` for standard input. */
  readonly file: string;
  /** Whether it is linted even if it does not look like a pipeline. */
  readonly isNamed: boolean;
}

export interface SourceRequest {
  /** Files, folders, globs and `-`; none = where Buildkite looks. */
  readonly paths: readonly string[];
  readonly allowNoFiles: boolean;
  /** Whether the settings leave a file out. */
  readonly isIgnored: (file: string) => boolean;
}

/** Where pipelines lie beside the one that Buildkite looks for. */
const PIPELINE_FOLDER = '.buildkite';
const EXTENSIONS = new Set(['.yml', '.yaml', '.json']);

/**
 * Finds the files to lint, each once: those that are named, then those of folders and globs in the order of their names. Throws a
 * `UsageError` that lists everything that is missing.
 */
export async function findLintSources({
  paths,
  allowNoFiles,
  isIgnored,
}: SourceRequest): Promise<readonly LintSource[]> {
  const found: LintSource[] = [];
  const missing: string[] = [];
  for (const path of paths) {
    const sources = await sourcesOf(path);
    if (typeof sources === 'string') missing.push(sources);
    else found.push(...sources);
  }
  if (paths.length === 0) found.push(...(await defaultSources()));
  if (missing.length > 0 && !allowNoFiles) throw new UsageError(missing.join('\n'));
  const unique = new Map<string, LintSource>();
  for (const source of found) {
    // `./a` and `a` are one file, called as it was named first.
    const key = join(source.file);
    const before = unique.get(key) ?? source;
    unique.set(key, { file: before.file, isNamed: source.isNamed || before.isNamed });
  }
  return [...unique.values()].filter(({ file }) => file === '-' || !isIgnored(file));
}

/** The error of a run without arguments that found no pipeline. */
export function nothingFound(): UsageError {
  const places = DEFAULT_PIPELINE_FILES.join(', ');
  return new UsageError(
    `no pipeline found here; name a file or folder, or create one of ${places} (--allow-no-files accepts this)`,
  );
}

/** The sources of one argument, or why there are none. */
async function sourcesOf(path: string): Promise<readonly LintSource[] | string> {
  if (path === '-') return [{ file: '-', isNamed: true }];
  const status = await stat(path).catch(() => undefined);
  if (status?.isDirectory() === true) return filesBelow(path);
  // Named files that cannot be looked at are for the reader to complain about.
  if (status !== undefined || existsSync(path)) return [{ file: toSlashes(path), isNamed: true }];
  if (!isGlob(path)) return `cannot read "${path}": there is no such file; check the path`;
  const matched = await expandGlob(path);
  if (matched.length > 0) return matched.map((file) => ({ file, isNamed: false }));
  return `no file matches "${path}"; check the pattern (--allow-no-files accepts this)`;
}

async function defaultSources(): Promise<readonly LintSource[]> {
  const standard = DEFAULT_PIPELINE_FILES.filter((file) => existsSync(file)).map((file) => ({ file, isNamed: true }));
  return [...standard, ...(existsSync(PIPELINE_FOLDER) ? await filesBelow(PIPELINE_FOLDER) : [])];
}

async function filesBelow(folder: string): Promise<readonly LintSource[]> {
  const files = await listFiles(folder);
  return files.filter((file) => EXTENSIONS.has(extname(file).toLowerCase())).map((file) => ({ file, isNamed: false }));
}

function isGlob(path: string): boolean {
  return /[*?[{]|[!+@]\(/.test(path);
}

async function expandGlob(pattern: string): Promise<readonly string[]> {
  const { minimatch } = await import('minimatch');
  const clean = toSlashes(pattern).replace(/^(?:\.\/)+/, '');
  const fixed = clean.slice(0, clean.search(/[*?[{]|[!+@]\(/));
  const base = fixed.includes('/') ? fixed.slice(0, Math.max(fixed.lastIndexOf('/'), 1)) : '.';
  if (!existsSync(base)) return [];
  const files = await listFiles(base);
  return files.filter((file) => minimatch(file, clean, { dot: true }));
}

import { existsSync } from 'node:fs';
import { dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { UsageError } from '../core/errors.js';
import type { Severity } from '../core/lint/finding.js';
import type { Preset } from '../core/lint/lint-document.js';
import {
  DEFAULT_SETTINGS,
  type LintSettings,
  readLintSettings,
  type RuleLevels,
  SettingsError,
  severityOf,
  unknownRule,
} from '../core/lint/settings.js';
import { repositoryRoot, toSlashes } from './file-walker.js';
import { readNamedFile } from './render-inputs.js';

/** Name of the settings file that is looked for. */
export const SETTINGS_FILE = '.agent-stack-lint.yaml';

/** Settings and the globs in them. */
export interface LoadedSettings {
  /** Paths of other files in here are from the working directory. */
  readonly settings: LintSettings;
  readonly matches: (file: string, globs: readonly string[]) => boolean;
}

/** Reads the settings: the named file, else the first `.agent-stack-lint.yaml` from here up to the root of the repository, else none. */
export async function loadSettings(named: string | undefined, ruleIds: readonly string[]): Promise<LoadedSettings> {
  const file = named ?? findSettingsFile(process.cwd());
  if (file === undefined) return { settings: DEFAULT_SETTINGS, matches: () => false };
  const shown = named ?? toSlashes(relative(process.cwd(), file));
  const read = readLintSettings(await readNamedFile(file), shown, ruleIds);
  if (!read.ok) throw new SettingsError(read.error);
  const folder = dirname(resolve(file));
  const settings = { ...read.value, ...pathsFrom(folder, read.value) };
  return { settings, matches: await globMatcher(folder, settings) };
}

/** From a folder up to the root of its repository; without a repository only in the folder itself. */
function findSettingsFile(start: string): string | undefined {
  const root = repositoryRoot(start) ?? start;
  for (let folder = start; ; folder = dirname(folder)) {
    const file = join(folder, SETTINGS_FILE);
    if (existsSync(file)) return file;
    if (folder === root || folder === dirname(folder)) return undefined;
  }
}

function pathsFrom(folder: string, { baseline, config, facts }: LintSettings): Partial<LintSettings> {
  const fromHere = (path: string | undefined): string | undefined =>
    path === undefined || isAbsolute(path) ? path : toSlashes(relative(process.cwd(), join(folder, path)));
  return { baseline: fromHere(baseline), config: fromHere(config), facts: fromHere(facts) };
}

/** Loads the library for globs only when there are any: most runs have none and start faster. */
async function globMatcher(folder: string, settings: LintSettings): Promise<LoadedSettings['matches']> {
  if (settings.ignore.length + settings.overrides.length === 0) return () => false;
  const { minimatch } = await import('minimatch');
  return (file, globs) => {
    const name = toSlashes(relative(folder, resolve(file)));
    // As in .gitignore: a pattern without a slash is for any depth, one that ends in a slash for all in the folder.
    return globs.some((glob) =>
      minimatch(name, glob.replace(/^\.\//, '').replace(/\/$/, '/**'), { dot: true, matchBase: !glob.includes('/') }),
    );
  };
}

/** The texts of `--rule`, as `area/name=severity`. Throws a `UsageError` that lists all that are wrong. */
export function parseRuleFlags(texts: readonly string[], ruleIds: readonly string[]): RuleLevels {
  const levels: Record<string, Severity | 'off'> = {};
  const problems: string[] = [];
  for (const text of texts) {
    const [, name = '', word] = /^([^=]*)=(.*)$/s.exec(text) ?? ['', text];
    const level = word === 'off' ? word : severityOf(word);
    const wrong = unknownRule(name, ruleIds);
    if (wrong !== undefined) problems.push(`--rule ${text}: ${wrong}`);
    else if (level === undefined) problems.push(`--rule ${text}: write ${name}=off, info, warning or error`);
    else levels[name] = level;
  }
  if (problems.length > 0) throw new UsageError(problems.join('\n'));
  return levels;
}

/** The word of `--preset`; oclif has checked it. */
export function parsePreset(word: string | undefined): Preset | undefined {
  return word === 'recommended' || word === 'strict' ? word : undefined;
}

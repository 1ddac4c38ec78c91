// Keeps docs/rules and schema/lint-config.json equal to the rules of the linter and their fixtures.
// Run after a build: `node scripts/generate-rule-pages.mjs` tells what differs, `--write` puts it right.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { ALL_RULES } from '../dist/src/app/all-rules.js';
import { ruleIndex, rulePage } from '../dist/src/core/lint/rule-page.js';
import { settingsJsonSchema } from '../dist/src/core/lint/settings-schema.js';

const root = join(import.meta.dirname, '..');
const pages = join(root, 'docs', 'rules');
const { rules } = ALL_RULES;

function examplesOf(id) {
  const folder = join(root, 'fixtures', 'lint', id);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((file) => file.endsWith('.yml'))
    .sort()
    .map((file) => ({ text: readFileSync(join(folder, file), 'utf8'), isBad: file.startsWith('bad') }));
}

const files = new Map([
  [join(root, 'schema', 'lint-config.json'), `${JSON.stringify(settingsJsonSchema(rules), null, 2)}\n`],
  [join(pages, 'README.md'), ruleIndex(rules)],
  ...rules.map((rule) => [join(pages, `${rule.id}.md`), rulePage(rule, examplesOf(rule.id))]),
]);

function outdated(path) {
  console.error(`${relative(root, path)} is out of date: run with --write`);
  process.exitCode = 1;
}

const isWriting = process.argv.includes('--write');
for (const [path, fresh] of files) {
  if (existsSync(path) && readFileSync(path, 'utf8') === fresh) continue;
  if (!isWriting) outdated(path);
  else {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, fresh);
  }
}
const present = existsSync(pages) ? readdirSync(pages, { recursive: true, withFileTypes: true }) : [];
for (const entry of present) {
  const path = join(entry.parentPath, entry.name);
  if (!entry.isFile() || files.has(path)) continue;
  if (isWriting) rmSync(path);
  else outdated(path);
}

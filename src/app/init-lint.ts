import { existsSync, readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { toSlashes } from './file-walker.js';
import { SETTINGS_FILE } from './lint-settings-file.js';
import { findLintSources } from './lint-sources.js';
import { readForLint } from './lint-texts.js';
import { looksLikePipeline } from '../core/lint/neighbours.js';
import { writeFileWhole } from './write-file.js';

const STARTER = `# Settings of \`agent-stack-k8s lint\`; all keys: docs/lint.md
preset: recommended   # or strict

# rules:
#   image/floating-tag: warning
#   security/*: error

# overrides:
#   - files: [.buildkite/experiments/]
#     rules: { resources/missing: off }

# Names of variables that are set when pipelines are uploaded:
# known-env: [DEPLOY_TARGET]

# The controller's configuration and a snapshot of the cluster; rules that need them are silent without:
# config: controller.yaml
# facts: facts.json
`;

const MODELINE = '# yaml-language-server: $schema=';

/** Writes settings to start from and the line by which editors find the schema; never overwrites. Says what it did, one line each. */
export async function initLint(paths: readonly string[], packageRoot: string): Promise<readonly string[]> {
  const done: string[] = [];
  if (existsSync(SETTINGS_FILE)) done.push(`${SETTINGS_FILE} is there already; left as it is`);
  else {
    await writeFileWhole(SETTINGS_FILE, STARTER);
    done.push(`wrote ${SETTINGS_FILE}`);
  }
  const pipeline = await firstPipeline(paths);
  if (pipeline === undefined) return [...done, 'found no pipeline to add the line for editors to'];
  const text = readFileSync(pipeline, 'utf8');
  if (text.includes('yaml-language-server:'))
    return [...done, `${pipeline} names a schema for editors already; left as it is`];
  const bom = text.startsWith('\uFEFF') ? '\uFEFF' : '';
  const lineBreak = /\r?\n/.exec(text)?.[0] ?? '\n';
  await writeFileWhole(pipeline, `${bom}${MODELINE}${schemaPlace(packageRoot)}${lineBreak}${text.slice(bom.length)}`);
  return [...done, `added the line for editors to ${pipeline}`];
}

/** The first pipeline in YAML; JSON has no comments. */
async function firstPipeline(paths: readonly string[]): Promise<string | undefined> {
  const sources = await findLintSources({ paths, allowNoFiles: true, isIgnored: () => false });
  return sources
    .map(({ file }) => file)
    .filter((file) => /\.ya?ml$/i.test(file))
    .find((file) => looksLikePipeline(readForLint(file, readFileSync(file, 'utf8'), { env: {}, interpolate: false })));
}

/** Relative when the package lies in the project, so that the line holds on other machines, too. */
function schemaPlace(packageRoot: string): string {
  const schema = join(packageRoot, 'schema', 'pipeline.json');
  const inside = toSlashes(relative(process.cwd(), schema));
  return inside.startsWith('../') ? pathToFileURL(resolve(schema)).href : `./${inside}`;
}

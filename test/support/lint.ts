import { readFileSync } from 'node:fs';
import { defaultConfig } from '../../src/core/config/default-config.js';
import { readConfigFile } from '../../src/core/config/read-config-file.js';
import { resolveConfig } from '../../src/core/config/resolve-config.js';
import { readLintDocument } from '../../src/core/lint/document.js';
import type { Finding } from '../../src/core/lint/finding.js';
import { lintDocument, type LintOptions } from '../../src/core/lint/lint-document.js';
import { RULES } from '../../src/core/lint/rules/index.js';
import type { LintWorld } from '../../src/core/lint/world.js';

/** A world of which nothing is known, with parts of it given. */
export function lintWorld(known: Partial<LintWorld> = {}): LintWorld {
  return {
    config: defaultConfig(),
    configName: undefined,
    facts: undefined,
    versions: { agent: undefined, controller: undefined, kubernetes: undefined },
    env: {},
    knownEnv: [],
    interpolate: true,
    queues: [],
    imagesWithoutShell: [],
    neighbours: { queues: new Map(), stepKeys: new Set() },
    version: 'v0.0.0',
    ...known,
  };
}

/** Findings of all rules in a text. */
export function lintText(
  text: string,
  known: Partial<LintWorld> = {},
  options: Partial<Omit<LintOptions, 'world'>> = {},
): readonly Finding[] {
  const world = lintWorld(known);
  const document = readLintDocument('pipeline.yml', text, world);
  return lintDocument(document, { ruleSet: RULES, ...options, world });
}

/** The controller configuration in a file, which must be valid. */
export function configFrom(path: string): Pick<LintWorld, 'config' | 'configName'> {
  const file = readConfigFile(readFileSync(path, 'utf8'), path);
  if (!file.ok) throw new Error(file.error.map(({ message }) => message).join('\n'));
  const resolved = resolveConfig({ file: file.value, environment: {} });
  if (!resolved.ok) throw new Error(resolved.error.map(({ message }) => message).join('\n'));
  return { config: resolved.value.config, configName: path };
}

/** A setting that makes a rule speak which is off by itself. */
export function switchOn(wanted: string): NonNullable<LintOptions['severityOf']> {
  const isOff = RULES.rules.some(({ id, severity }) => id === wanted && severity === 'off');
  return (rule) => (isOff && rule === wanted ? 'info' : undefined);
}

/** `line:rule` of each finding, in file order. */
export function placesOf(findings: readonly Finding[]): readonly string[] {
  return findings.map(({ line, rule }) => `${line}:${rule}`);
}

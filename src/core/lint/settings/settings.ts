import { isRecord } from '../../is-record.js';
import { isMap, isNode, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import { closestName } from '../../closest-name.js';
import { type ConfigProblem, formatProblem } from '../../config/config-problem.js';
import { UsageError } from '../../errors.js';
import { fail, ok, type Result } from '../../result.js';
import { decode, type DecodeIssue, formatIssue, type PathSegment } from '../../schema/decode.js';
import type { Severity } from '../finding.js';
import type { Preset } from '../lint-document.js';
import { areasOf, SETTINGS_SCHEMA, type SettingsKey } from './settings-schema.js';

/** Severity by rule id or `area/*`. */
export type RuleLevels = Readonly<Record<string, Severity | 'off'>>;

/** What holds for some files only. */
export interface SettingsOverride {
  readonly files: readonly string[];
  readonly preset: Preset | undefined;
  readonly rules: RuleLevels;
}

/** The settings of a run, from `.agent-stack-lint.yaml` and flags. */
export interface LintSettings {
  readonly preset: Preset;
  readonly rules: RuleLevels;
  readonly overrides: readonly SettingsOverride[];
  readonly ignore: readonly string[];
  readonly knownEnv: readonly string[];
  readonly interpolate: boolean;
  readonly requireIgnoreReason: boolean;
  /** Undefined = any number. */
  readonly maxWarnings: number | undefined;
  readonly failOn: Severity;
  readonly queues: readonly string[];
  readonly imagesWithoutShell: readonly string[];
  readonly baseline: string | undefined;
  readonly config: string | undefined;
  readonly facts: string | undefined;
  readonly agentVersion: string | undefined;
  readonly controllerVersion: string | undefined;
  readonly kubernetesVersion: string | undefined;
}

/** The settings cannot be used; the message lists all problems, one a line. Exit status 2. */
export class SettingsError extends UsageError {
  constructor(problems: readonly ConfigProblem[]) {
    const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`;
    super([`the settings of lint have ${count}:`, ...problems.map((each) => `  ${formatProblem(each)}`)].join('\n'));
  }
}

/** What holds without a settings file. */
export const DEFAULT_SETTINGS: LintSettings = settingsOf({});

/** Reads a settings file: strictly, every unknown key, rule and value is a problem with its place. An empty file sets nothing. */
export function readLintSettings(
  text: string,
  file: string,
  ruleIds: readonly string[],
): Result<LintSettings, readonly ConfigProblem[]> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, merge: true });
  const problem = (offset: number, message: string, key = ''): ConfigProblem => {
    const { line, col } = lines.linePos(offset);
    return { origin: { layer: 'file', file, line: Math.max(line, 1), column: Math.max(col, 1) }, key, message };
  };
  const [error] = document.errors;
  if (error !== undefined) {
    return fail([
      problem(error.pos[0], `not valid YAML: ${error.message.charAt(0).toLowerCase()}${error.message.slice(1)}`),
    ]);
  }
  const { contents } = document;
  const value: unknown = document.toJS() ?? {};
  if (!isRecord(value)) return fail([problem(0, 'the file must hold settings; write "key: value"')]);
  const { value: decoded, issues } = decode(value, SETTINGS_SCHEMA, { definitions: {}, requireFields: true });
  const problems = issues.map((issue) => problem(offsetAt(contents, issue), formatIssue(issue), String(issue.path[0])));
  for (const path of ruleKeys(value)) {
    const name = String(path.at(-1));
    const wrong = unknownRule(name, ruleIds);
    if (wrong !== undefined) problems.push(problem(keyOffset(contents, path), wrong, name));
  }
  if (problems.length > 0) return fail(problems.sort(byPlace));
  return ok(settingsOf(isRecord(decoded) ? decoded : {}));
}

/** Says what is wrong with the name of a rule, or of an area as `area/*`; undefined when there is such a one. */
export function unknownRule(name: string, ruleIds: readonly string[]): string | undefined {
  const areas = areasOf(ruleIds);
  if (ruleIds.includes(name) || areas.includes(name)) return undefined;
  // A name without its area is the likeliest mistake.
  const inArea = ruleIds.find((id) => id.endsWith(`/${name}`));
  const closest = inArea ?? closestName(name, [...ruleIds, ...areas]);
  const advice = closest === undefined ? 'lint --explain lists all rules' : `did you mean "${closest}"?`;
  return `unknown rule "${name}"; ${advice}`;
}

/** Paths of the keys that name rules. */
function ruleKeys(value: Readonly<Record<string, unknown>>): PathSegment[][] {
  const inRules = (rules: unknown, path: PathSegment[]): PathSegment[][] =>
    isRecord(rules) ? Object.keys(rules).map((key) => [...path, 'rules', key]) : [];
  const overrides = value['overrides'];
  const nested = Array.isArray(overrides)
    ? overrides.flatMap((entry: unknown, index) =>
        inRules(isRecord(entry) ? entry['rules'] : undefined, ['overrides', index]),
      )
    : [];
  return [...inRules(value['rules'], []), ...nested];
}

function settingsOf(value: Partial<Record<SettingsKey, unknown>>): LintSettings {
  const text = (key: SettingsKey): string | undefined => {
    const found = value[key];
    return typeof found === 'string' ? found : undefined;
  };
  const overrides: readonly unknown[] = Array.isArray(value.overrides) ? value.overrides : [];
  return {
    preset: presetOf(value.preset) ?? 'recommended',
    rules: levelsOf(value.rules),
    overrides: overrides.filter(isRecord).map((entry) => ({
      files: textsOf(entry['files']),
      preset: presetOf(entry['preset']),
      rules: levelsOf(entry['rules']),
    })),
    ignore: textsOf(value.ignore),
    knownEnv: textsOf(value['known-env']),
    interpolate: value['no-interpolation'] !== true,
    requireIgnoreReason: value['require-ignore-reason'] !== false,
    maxWarnings: typeof value['max-warnings'] === 'number' ? value['max-warnings'] : undefined,
    failOn: severityOf(value['fail-on']) ?? 'error',
    queues: textsOf(value.queues),
    imagesWithoutShell: textsOf(value['images-without-shell']),
    baseline: text('baseline'),
    config: text('config'),
    facts: text('facts'),
    agentVersion: text('agent-version'),
    controllerVersion: text('controller-version'),
    kubernetesVersion: text('kubernetes-version'),
  };
}

/** The word as a severity; undefined when it is none. */
export function severityOf(word: unknown): Severity | undefined {
  return word === 'error' || word === 'warning' || word === 'info' ? word : undefined;
}

function presetOf(word: unknown): Preset | undefined {
  return word === 'recommended' || word === 'strict' ? word : undefined;
}

function levelsOf(value: unknown): RuleLevels {
  if (!isRecord(value)) return {};
  return Object.fromEntries(
    Object.entries(value).flatMap(([rule, word]): [string, Severity | 'off'][] => {
      const level = word === 'off' ? word : severityOf(word);
      return level === undefined ? [] : [[rule, level]];
    }),
  );
}

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((entry) => typeof entry === 'string') : [];
}

/** An unknown key is marked itself, a bad value at the value. */
function offsetAt(root: Node | null, { kind, path }: DecodeIssue): number {
  return kind === 'unknown-field' || kind === 'wrong-case' ? keyOffset(root, path) : valueOffset(root, path);
}

function keyOffset(root: Node | null, path: readonly PathSegment[]): number {
  const parent = nodeAt(root, path.slice(0, -1));
  const name = String(path.at(-1));
  const pair = isMap(parent) ? parent.items.find(({ key }) => isScalar(key) && String(key.value) === name) : undefined;
  return isNode(pair?.key) ? (pair.key.range?.[0] ?? 0) : valueOffset(root, path);
}

function valueOffset(root: Node | null, path: readonly PathSegment[]): number {
  for (let length = path.length; length >= 0; length--) {
    const node = nodeAt(root, path.slice(0, length));
    if (isNode(node)) return node.range?.[0] ?? 0;
  }
  return 0;
}

function nodeAt(root: Node | null, path: readonly PathSegment[]): unknown {
  if (path.length === 0) return root;
  return isMap(root) || isSeq(root) ? root.getIn(path, true) : undefined;
}

function byPlace(a: ConfigProblem, b: ConfigProblem): number {
  if (a.origin.layer !== 'file' || b.origin.layer !== 'file') return 0;
  return a.origin.line - b.origin.line || a.origin.column - b.origin.column;
}

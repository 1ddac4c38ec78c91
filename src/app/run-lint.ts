import { EXIT, type ExitStatus } from '../core/errors.js';
import type { LintDocument } from '../core/lint/document.js';
import type { Finding, Severity } from '../core/lint/finding.js';
import { fixText } from '../core/lint/fix.js';
import { maskSecrets } from '../core/lint/mask-secrets.js';
import { looksLikePipeline, neighboursOf } from '../core/lint/neighbours.js';
import { type LintReport, type LintSummary, summarise, type SuppressedFinding } from '../core/lint/report.js';
import type { RuleSet } from '../core/lint/rule.js';
import { ALL_RULES } from './all-rules.js';
import { type LintSettings, severityOf } from '../core/lint/settings.js';
import { useBaseline } from './lint-baseline.js';
import { readLintSource } from './lint-file.js';
import { loadSettings, parsePreset, parseRuleFlags } from './lint-settings-file.js';
import { findLintSources, type LintSource, nothingFound } from './lint-sources.js';
import { hasWhatItNeeds, type LintContext, lintOne, readForLint, relevel } from './lint-texts.js';
import { loadWorld } from './lint-world.js';
import { withShellcheck } from './lint-shellcheck.js';
import type { ShellcheckMode } from './shellcheck.js';
import { writeFileWhole } from './write-file.js';

/** The command line of `lint`, parsed but not understood. What is undefined is left to the settings file. */
export interface LintFlags {
  readonly paths: readonly string[];
  readonly config: string | undefined;
  /** `key=value` each. */
  readonly set: readonly string[];
  readonly facts: string | undefined;
  readonly agentVersion: string | undefined;
  readonly controllerVersion: string | undefined;
  readonly kubernetesVersion: string | undefined;
  /** `NAME=value` each. */
  readonly env: readonly string[];
  readonly envFiles: readonly string[];
  readonly lintConfig: string | undefined;
  readonly preset: string | undefined;
  /** `area/name=severity` each. */
  readonly rules: readonly string[];
  readonly maxWarnings: number | undefined;
  readonly failOn: string | undefined;
  readonly fix: 'write' | 'dry-run' | undefined;
  readonly baseline: string | undefined;
  readonly updateBaseline: boolean;
  readonly honourIgnores: boolean;
  /** False = `--no-interpolation`; undefined = as the settings say. */
  readonly interpolate: boolean | undefined;
  readonly shellcheck: ShellcheckMode;
  readonly stdinFilename: string | undefined;
  readonly allowNoFiles: boolean;
  /** Report errors only. */
  readonly quiet: boolean;
}

export interface LintSurroundings {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Version of this program, e.g. `v0.1.0`. */
  readonly version: string;
  /** `YYYY-MM-DD`. */
  readonly today: string;
  /** @default all rules there are */
  readonly ruleSet?: RuleSet;
}

/** What `--fix` did, or would do, to a file. */
export interface FixedFile {
  readonly file: string;
  readonly before: string;
  readonly after: string;
  readonly applied: readonly string[];
}

export interface LintResult {
  readonly report: LintReport;
  readonly exit: ExitStatus;
  readonly notes: readonly string[];
  /** Files of folders and globs that are no pipelines. */
  readonly skipped: readonly string[];
  /** Files that could not be looked at, and why. */
  readonly errors: readonly string[];
  readonly fixed: readonly FixedFile[];
  /** Text of standard input after `--fix`. */
  readonly fixedInput: string | undefined;
}

/**
 * Lints what the command line asks for and, with `fix`, writes the mended files. Throws a `UsageError` (exit status 2) for contradictions, bad
 * settings and missing files.
 */
export async function runLint(flags: LintFlags, surroundings: LintSurroundings): Promise<LintResult> {
  const { ruleSet = ALL_RULES } = surroundings;
  const ruleIds = ruleSet.rules.map(({ id }) => id);
  const given = { preset: parsePreset(flags.preset), rules: parseRuleFlags(flags.rules, ruleIds) };
  const { settings: fromFile, matches } = await loadSettings(flags.lintConfig, ruleIds);
  const settings = withFlags(fromFile, flags);
  const levels = { settings, flags: given, matches };
  const loaded = await loadWorld({ ...flags, ...surroundings, settings });
  const files = await readAll(flags, (file) => matches(file, settings.ignore));
  const documents = files.texts.map(({ name, text }) => readForLint(name, text, loaded.world));
  const { pipelines, skipped } = sortOut(documents, files);
  if (flags.paths.length === 0 && !flags.allowNoFiles && pipelines.length + files.findings.length === 0) {
    if (files.errors.length === 0) throw nothingFound();
  }
  const own: LintContext = {
    ...{ ruleSet, levels, honourIgnores: flags.honourIgnores, today: surroundings.today },
    world: { ...loaded.world, neighbours: neighboursOf(pipelines) },
    requireReason: settings.requireIgnoreReason,
    hasShellcheck: false,
  };
  const settled = settleAll(pipelines, own, flags);
  const { context, ...asked } = await withShellcheck(
    settled.map(({ document }) => document),
    own,
    { mode: flags.shellcheck, environment: surroundings.environment },
  );
  const linted = await lintAll(settled, context, flags);
  const outside = [...loaded.findings, ...files.findings].flatMap((each) => relevel([each], each.file, context));
  const sources = new Map([
    ...loaded.sources,
    ...files.findings.map(({ file }) => [file, ''] as const),
    ...linted.sources,
  ]);
  const findings = [...outside, ...linted.findings];
  const couldSpeak = (id: string): boolean =>
    ruleSet.rules.every((rule) => rule.id !== id || hasWhatItNeeds(rule, context));
  const lint = { findings, sources, couldSpeak };
  const baselined = await useBaseline(settings.baseline, lint, { update: flags.updateBaseline });
  const secrets = [...findings, ...linted.suppressed.map(({ finding }) => finding)];
  const all = maskSecrets({ ...linted, ...baselined, sources: new Map([...sources, ...baselined.sources]) }, secrets);
  const errors = [...files.errors, ...asked.errors];
  const report = reportOf(all, { rules: ruleSet.rules, quiet: flags.quiet, files: sources.size });
  return {
    ...{ report, skipped, errors, fixed: linted.fixed, fixedInput: linted.fixedInput },
    notes: [...loaded.notes, ...asked.notes, ...baselined.notes],
    exit: errors.length > 0 ? EXIT.unable : exitOf(summariseAll(all), settings),
  };
}

/** Keys that a flag overrides with a value of the same kind. */
const OVERRIDABLE = [
  ...(['maxWarnings', 'interpolate', 'baseline', 'config', 'facts'] as const),
  ...(['agentVersion', 'controllerVersion', 'kubernetesVersion'] as const),
];

function withFlags(settings: LintSettings, flags: LintFlags): LintSettings {
  const given = OVERRIDABLE.filter((key) => flags[key] !== undefined).map((key) => [key, flags[key]] as const);
  const failOn = severityOf(flags.failOn) ?? settings.failOn;
  return { ...settings, ...Object.fromEntries(given), failOn };
}

interface SourceText extends LintSource {
  /** What findings call the file. */
  readonly name: string;
  readonly text: string;
}

interface ReadFiles {
  readonly texts: readonly SourceText[];
  readonly findings: readonly Finding[];
  readonly errors: readonly string[];
}

async function readAll(flags: LintFlags, isIgnored: (file: string) => boolean): Promise<ReadFiles> {
  const { paths, allowNoFiles, stdinFilename = '<stdin>' } = flags;
  const texts: SourceText[] = [];
  const findings: Finding[] = [];
  const errors: string[] = [];
  for (const source of await findLintSources({ paths, allowNoFiles, isIgnored })) {
    const name = source.file === '-' ? stdinFilename : source.file;
    const read = await readLintSource(source.file, name);
    if (read.kind === 'text') texts.push({ ...source, name, text: read.text });
    else if (read.kind === 'finding') findings.push(read.finding);
    else errors.push(`cannot read "${name}": ${read.reason}`);
  }
  return { texts, findings, errors };
}

interface SortedOut {
  readonly pipelines: readonly LintDocument[];
  readonly skipped: readonly string[];
}

function sortOut(documents: readonly LintDocument[], { texts }: ReadFiles): SortedOut {
  const named = new Set(texts.filter(({ isNamed }) => isNamed).map(({ name }) => name));
  const isLinted = (document: LintDocument): boolean => named.has(document.file) || looksLikePipeline(document);
  return {
    pipelines: documents.filter(isLinted),
    skipped: documents.filter((document) => !isLinted(document)).map(({ file }) => file),
  };
}

interface LintedAll {
  readonly findings: readonly Finding[];
  readonly suppressed: readonly SuppressedFinding[];
  readonly sources: ReadonlyMap<string, string>;
  readonly fixed: readonly FixedFile[];
  readonly fixedInput: string | undefined;
}

/** A file as it will be reported: mended, if that was asked for. */
interface Settled {
  readonly document: LintDocument;
  readonly fixed: FixedFile | undefined;
}

function settleAll(
  documents: readonly LintDocument[],
  context: LintContext,
  { fix }: Pick<LintFlags, 'fix'>,
): readonly Settled[] {
  return documents.map((document) => {
    const fixed = fix === undefined ? undefined : fixDocument(document, context);
    return { fixed, document: fixed === undefined ? document : readForLint(document.file, fixed.after, context.world) };
  });
}

async function lintAll(
  settled: readonly Settled[],
  context: LintContext,
  flags: Pick<LintFlags, 'fix' | 'paths' | 'stdinFilename'>,
): Promise<LintedAll> {
  const outcomes = settled.map((each) => ({ ...each, ...lintOne(each.document, context) }));
  const fixed = outcomes.flatMap((outcome) => outcome.fixed ?? []);
  const input = flags.paths.includes('-') ? (flags.stdinFilename ?? '<stdin>') : undefined;
  if (flags.fix === 'write') {
    for (const { file, after } of fixed) if (file !== input) await writeFileWhole(file, after);
  }
  return {
    findings: outcomes.flatMap(({ findings }) => findings),
    suppressed: outcomes.flatMap(({ suppressed }) => suppressed),
    sources: new Map(outcomes.map(({ document }) => [document.file, document.text])),
    fixed,
    fixedInput:
      flags.fix === 'write' ? outcomes.find(({ document }) => document.file === input)?.document.text : undefined,
  };
}

/** Undefined when there is nothing to mend. */
function fixDocument({ file, text }: LintDocument, context: LintContext): FixedFile | undefined {
  const lint = (current: string): readonly Finding[] =>
    lintOne(readForLint(file, current, context.world), context).findings;
  const { text: after, applied } = fixText(text, lint);
  return after === text ? undefined : { file, before: text, after, applied };
}

type Reported = Pick<LintedAll, 'findings' | 'suppressed' | 'sources'> & { readonly known: number };

function reportOf(
  all: Reported,
  { rules, quiet, files }: Pick<LintReport, 'rules'> & { readonly quiet: boolean; readonly files: number },
): LintReport {
  const findings = quiet ? all.findings.filter(({ severity }) => severity === 'error') : all.findings;
  const { suppressed, sources } = all;
  const counted = { files, suppressed: suppressed.length, baselined: all.known };
  return { findings, suppressed, sources, rules, summary: summarise(findings, counted) };
}

function summariseAll({ findings, suppressed, known }: Reported): LintSummary {
  return summarise(findings, { files: 0, suppressed: suppressed.length, baselined: known });
}

const WORSE: Readonly<Record<Severity, (summary: LintSummary) => number>> = {
  error: ({ errors }) => errors,
  warning: ({ errors, warnings }) => errors + warnings,
  info: ({ errors, warnings, infos }) => errors + warnings + infos,
};

function exitOf(summary: LintSummary, { failOn, maxWarnings = Infinity }: LintSettings): ExitStatus {
  return WORSE[failOn](summary) > 0 || summary.warnings > maxWarnings ? EXIT.problems : EXIT.ok;
}

import type { InferredFlags } from '@oclif/core/interfaces';
import { diffFixes } from '../app/diff-fixes.js';
import { explainRule } from '../app/explain-rule.js';
import { initLint } from '../app/init-lint.js';
import { type LintFlags, type LintResult, runLint } from '../app/run-lint.js';
import { appendToFile, writeFileWhole } from '../app/write-file.js';
import { BaseCommand } from '../cli/base-command.js';
import { joinExplainPath } from '../cli/explain-argument.js';
import { type LintOutput, parseLintOutputs } from '../cli/format/lint/index.js';
import { lintArgs, lintFlags } from '../cli/lint-flags.js';
import { printReport, ruleStatistics, stepSummary } from '../cli/lint-output.js';
import { packageRoot, packageVersion } from '../cli/package-version.js';

/** `agent-stack-k8s lint`: what is wrong with pipelines, and what will happen because of it. */
export default class Lint extends BaseCommand {
  static override readonly summary = 'Find mistakes in pipelines before they run, offline.';
  static override readonly description =
    'Settings come from the .agent-stack-lint.yaml nearest to here; flags are stronger. Exit status: 0 nothing at or above --fail-on, 1 findings, 2 wrong usage, settings or configuration, 3 could not run.';
  static override readonly usage = 'lint [PATH...] [FLAGS]';
  static override readonly examples = [
    '<%= config.bin %> lint',
    '<%= config.bin %> lint .buildkite/pipeline.yml --config config.yaml --facts facts.json',
    './generate.sh | <%= config.bin %> lint - --stdin-filename generated.yml',
    '<%= config.bin %> lint -f pretty -f sarif=lint.sarif',
    '<%= config.bin %> lint -f buildkite | buildkite-agent annotate --style error --context lint',
    '<%= config.bin %> lint --fix-dry-run',
    '<%= config.bin %> lint --explain kubernetes/unknown-key',
  ];
  static override readonly args = lintArgs;
  static override readonly flags = lintFlags;

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Lint, joinExplainPath(this.argv));
    const paths: readonly string[] = args.path ?? [];
    if (flags.explain !== undefined) return void process.stdout.write(explainRule(flags.explain, packageRoot()));
    if (flags.init) return void process.stdout.write(lines(await initLint(paths, packageRoot())));
    const outputs = parseLintOutputs(flags.format ?? []);
    const today = new Date().toISOString().slice(0, 10);
    const result = await runLint(requestOf(paths, flags), {
      environment: process.env,
      version: `v${packageVersion()}`,
      today,
    });
    this.tell(result, flags);
    await this.publish(result, outputs, { isDryRun: flags['fix-dry-run'] });
    this.setExitStatus(result.exit);
  }

  /** What is not a result goes to standard error. */
  private tell({ notes, skipped, errors, report, fixed }: LintResult, flags: TellFlags): void {
    for (const note of notes) this.logToStderr(`note: ${note}`);
    if (flags.verbose) for (const file of skipped) this.logToStderr(`note: ${file} is no pipeline and was left out`);
    if (flags.fix) for (const { file, applied } of fixed) this.logToStderr(`fixed ${file}: ${applied.join('; ')}`);
    for (const error of errors) this.logToStderr(`error: ${error}`);
    if (flags.stats) process.stderr.write(ruleStatistics(report));
  }

  /** Standard output carries one thing: the mended text, the diff, or a report, which else goes to standard error. */
  private async publish(
    { report, fixed, fixedInput }: LintResult,
    outputs: readonly LintOutput[],
    { isDryRun }: { readonly isDryRun: boolean },
  ): Promise<void> {
    const instead = isDryRun ? await diffFixes(fixed) : fixedInput;
    if (instead !== undefined) process.stdout.write(instead);
    const screen = instead === undefined ? process.stdout : process.stderr;
    for (const { file, text } of printReport(report, outputs, this.palette)) {
      if (file === undefined) screen.write(text);
      else await writeFileWhole(file, text);
    }
    const summary = stepSummary(report, outputs);
    const place = process.env['GITHUB_STEP_SUMMARY'] ?? '';
    if (summary !== undefined && place !== '') await appendToFile(place, summary);
  }
}

/** The command line, for the application. */
function requestOf(paths: readonly string[], flags: ParsedFlags): LintFlags {
  return {
    paths,
    config: flags.config,
    set: flags.set ?? [],
    facts: flags.facts,
    agentVersion: flags['agent-version'],
    controllerVersion: flags['controller-version'],
    kubernetesVersion: flags['kubernetes-version'],
    env: flags.env ?? [],
    envFiles: flags['env-file'] ?? [],
    lintConfig: flags['lint-config'],
    preset: flags.preset,
    rules: flags.rule ?? [],
    maxWarnings: flags['max-warnings'],
    failOn: flags['fail-on'],
    fix: flags.fix ? 'write' : flags['fix-dry-run'] ? 'dry-run' : undefined,
    baseline: flags.baseline,
    updateBaseline: flags['update-baseline'],
    honourIgnores: flags.ignore,
    interpolate: flags['no-interpolation'] ? false : undefined,
    shellcheck: flags.shellcheck,
    stdinFilename: flags['stdin-filename'],
    allowNoFiles: flags['allow-no-files'],
    quiet: flags.quiet,
  };
}

type ParsedFlags = InferredFlags<typeof lintFlags>;

interface TellFlags {
  readonly verbose: boolean;
  readonly fix: boolean;
  readonly stats: boolean;
}

function lines(texts: readonly string[]): string {
  return texts.map((text) => `${text}\n`).join('');
}

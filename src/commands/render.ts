import { Args, Flags } from '@oclif/core';
import { type RenderCommandFlags, type RenderResult, runRender } from '../app/run-render.js';
import { BaseCommand } from '../cli/base-command.js';
import { joinExplainPath } from '../cli/explain-argument.js';
import { formatExplanations } from '../cli/format/explain-output.js';
import { toSortedYaml } from '../cli/format/manifest-yaml.js';
import { checkFormat, formatRendering, RENDER_FORMATS, type RenderFormat } from '../cli/format/render-output.js';
import { packageVersion } from '../cli/package-version.js';

/** `agent-stack-k8s render`: the manifests the controller would create. */
export default class Render extends BaseCommand {
  static override readonly summary = 'Print the exact Kubernetes Jobs that the steps of a pipeline become.';
  static override readonly description =
    'Uses the same builder as the controller, offline. Results go to standard output, notes and errors to standard error. Exit status: 0 fine, 1 a step cannot be built (or --diff found a difference), 2 wrong usage or bad configuration, 3 could not run.';
  static override readonly examples = [
    '<%= config.bin %> render .buildkite/pipeline.yml --config config.yaml',
    '<%= config.bin %> render --step test --output table',
    '<%= config.bin %> render --job job.json --config config.yaml --output json',
    '<%= config.bin %> render pipeline.yml --step build --explain containers[agent].env',
    '<%= config.bin %> render pipeline.yml --diff --config old.yaml --config new.yaml',
  ];
  static override readonly args = {
    pipeline: Args.string({ description: "pipeline file; - is standard input; without it Buildkite's search order" }),
  };
  static override readonly flags = {
    config: Flags.string({
      char: 'f',
      helpValue: 'FILE',
      description: 'Configuration file of the controller; --diff takes two. [env: CONFIG]',
      multiple: true,
      multipleNonGreedy: true,
    }),
    step: Flags.string({
      helpValue: 'KEY|INDEX|LABEL',
      description: 'Only this step; may be repeated.',
      multiple: true,
      multipleNonGreedy: true,
    }),
    job: Flags.string({
      helpValue: 'FILE',
      description: 'A job as the API returns it, instead of a pipeline; may be repeated.',
      multiple: true,
      multipleNonGreedy: true,
      exclusive: ['step'],
    }),
    set: Flags.string({
      helpValue: 'KEY=VALUE',
      description: 'A configuration key, stronger than the file; may be repeated.',
      multiple: true,
      multipleNonGreedy: true,
    }),
    env: Flags.string({
      helpValue: 'NAME=VALUE',
      description: 'A variable of the upload or the build; may be repeated.',
      multiple: true,
      multipleNonGreedy: true,
    }),
    'job-uuid': Flags.string({ helpValue: 'UUID', description: 'UUID of the job, when there is just one.' }),
    'pod-template': Flags.string({
      helpValue: 'FILE',
      description: 'PodTemplates of the cluster; may be repeated.',
      multiple: true,
      multipleNonGreedy: true,
    }),
    output: Flags.string({
      char: 'o',
      description: 'Format of the result.',
      options: [...RENDER_FORMATS],
      default: 'yaml',
    }),
    explain: Flags.string({
      helpValue: '[PATH]',
      description: 'Tell which input sets each field (below PATH).',
      exclusive: ['diff'],
    }),
    diff: Flags.boolean({ description: 'Compare the jobs of two --config; exit status 1 when they differ.' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Render, joinExplainPath(this.argv));
    const request: RenderCommandFlags = {
      pipeline: args.pipeline,
      configs: all(flags.config),
      steps: all(flags.step),
      jobs: all(flags.job),
      set: all(flags.set),
      env: all(flags.env),
      jobUuid: flags['job-uuid'],
      podTemplates: all(flags['pod-template']),
      explain: flags.explain,
      diff: flags.diff,
    };
    const surroundings = { environment: process.env, version: `v${packageVersion()}`, print: toSortedYaml };
    checkFormat(flags);
    const result = await runRender(request, surroundings);
    this.printWarnings(result.warnings);
    for (const note of result.notes) this.logToStderr(`note: ${note}`);
    for (const error of result.errors) this.logToStderr(`error: ${error}`);
    process.stdout.write(printed(result, RENDER_FORMATS.find((format) => format === flags.output) ?? 'yaml'));
    this.setExitStatus(result.exit);
  }
}

function all(values: readonly string[] | undefined): readonly string[] {
  return values ?? [];
}

function printed(result: RenderResult, format: RenderFormat): string {
  switch (result.kind) {
    case 'jobs':
      return formatRendering(result.jobs, format);
    case 'explanations':
      return formatExplanations(result.jobs, format === 'json' ? 'json' : 'text');
    case 'diff':
      if (format === 'json') return `${JSON.stringify(result.jobs, undefined, 2)}\n`;
      return result.jobs.map(({ patch }) => patch).join('');
  }
}

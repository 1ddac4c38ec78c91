import { Args, Flags } from '@oclif/core';
import { dirname, join } from 'node:path';
import { parsePairs } from '../app/pairs.js';
import { type LocalRepository, localRepository } from '../app/local-repository.js';
import { readNamedFile, readPipelineText } from '../app/render-inputs.js';
import { BaseCommand } from '../cli/base-command.js';
import { packageRoot, packageVersion } from '../cli/package-version.js';
import { sandboxOutput } from '../cli/sandbox-output.js';
import { outputLostSignal, stopSignal } from '../cli/stop-signal.js';

/** `agent-stack-k8s sandbox`: the whole loop on one machine. */
export default class Sandbox extends BaseCommand {
  static override readonly summary =
    'Run a pipeline on this machine with the real controller, without Buildkite or a cluster.';
  static override readonly description =
    "Starts an embedded Buildkite and an embedded Kubernetes on loopback and the real controller between them. The pipeline's commands run HERE, as processes of yours in scratch directories: images are not used. Without PIPELINE a bundled example runs. Exit status: 0 the build passed, 1 it did not, 2 wrong usage or pipeline, 3 could not run.";
  static override readonly examples = [
    '<%= config.bin %> sandbox',
    '<%= config.bin %> sandbox .buildkite/pipeline.yml --source graphql',
    '<%= config.bin %> sandbox pipeline.yml --json | jq -r .type',
    '<%= config.bin %> sandbox --keep    # then: kubectl --kubeconfig … get jobs,pods',
  ];
  static override readonly args = {
    pipeline: Args.string({ description: 'pipeline file; - is standard input; without it a bundled example' }),
  };
  static override readonly flags = {
    source: Flags.string({
      description: 'How the controller finds jobs.',
      options: ['stacks', 'graphql'],
      default: 'stacks',
    }),
    env: Flags.string({
      helpValue: 'NAME=VALUE',
      description: 'A variable of the build; may be repeated.',
      multiple: true,
      multipleNonGreedy: true,
    }),
    'max-in-flight': Flags.integer({
      helpValue: 'N',
      description: 'Jobs that run at once; 0 is no limit.',
      default: 25,
      min: 0,
    }),
    keep: Flags.boolean({
      description: 'Leave the endpoints up after the build and print how to reach them; Ctrl-C ends it.',
    }),
    json: Flags.boolean({ description: 'Print one JSON event a line instead of the view.' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Sandbox);
    const example = join(packageRoot(), 'fixtures', 'sandbox', 'pipeline.yml');
    const pipeline =
      args.pipeline === undefined
        ? { file: 'the bundled example', text: await readNamedFile(example) }
        : await readPipelineText(args.pipeline);
    const repository = args.pipeline === undefined ? undefined : await repositoryOf(args.pipeline);
    // Not before it is needed: servers and Kubernetes client cost more than --help should.
    const { runSandbox } = await import('../app/run-sandbox.js');
    const output = sandboxOutput({ json: flags.json, colours: this.palette });
    const stop = stopSignal();
    const signal = AbortSignal.any([stop, outputLostSignal()]);
    try {
      const status = await runSandbox({
        pipeline,
        source: flags.source === 'graphql' ? 'graphql' : 'stacks',
        keep: flags.keep,
        repository,
        env: parsePairs(flags.env ?? [], '--env'),
        maxInFlight: flags['max-in-flight'],
        version: `v${packageVersion()}`,
        signal,
        tell: output.tell,
      });
      this.setExitStatus(status);
    } catch (error) {
      if (!signal.aborted) throw error;
      await output.close();
      if (stop.aborted) process.stderr.write('stopped: what was running has been ended, nothing is left behind\n');
      this.setExitStatus(1);
    } finally {
      await output.close();
    }
  }
}

/** The repository that the pipeline lies in, else the one of the working directory. */
async function repositoryOf(pipeline: string): Promise<LocalRepository | undefined> {
  const own = pipeline === '-' ? undefined : await localRepository(dirname(pipeline));
  return own ?? localRepository(process.cwd());
}

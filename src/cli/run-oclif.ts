import { Config, Errors, flush, Help, run, settings } from '@oclif/core';
import { closestName } from '../core/closest-name.js';
import { EXIT } from '../core/errors.js';
import { printError } from './base-command.js';
import { packageRoot } from './package-version.js';

const HELP_WORDS: readonly string[] = ['-h', '--help'];
const EXAMPLES = [
  '# run a bundled pipeline on this machine, with nothing else installed',
  '$ agent-stack-k8s sandbox',
  '# see the Kubernetes Jobs that a pipeline becomes',
  '$ agent-stack-k8s render .buildkite/pipeline.yml --config config.yaml',
  '# find the mistakes of all pipelines of this repository',
  '$ agent-stack-k8s lint',
  '# run the jobs of a queue in a cluster',
  '$ agent-stack-k8s controller --config config.yaml',
].join('\n');

/** Runs one command line; errors are printed and become the exit status. */
export async function runOclif(argv: string[]): Promise<void> {
  settings.enableAutoTranspile = false;
  const config = await Config.load(packageRoot());
  const [name] = argv;
  if (name === undefined || HELP_WORDS.includes(name)) return new RootHelp(config).showHelp([]);
  if (!config.commandIDs.includes(name)) return refuseCommand(name, config.commandIDs);
  try {
    await run(argv, config);
    await flush();
  } catch (error) {
    // Commands print their own errors. An ExitError is no error but a wish, which `process.exit` would grant too early for a pipe.
    if (error instanceof Errors.ExitError) process.exitCode = error.oclif.exit;
    else printError(error);
  }
}

/** Help of the program as a whole: oclif's, and where to start. */
class RootHelp extends Help {
  protected override async showRootHelp(): Promise<void> {
    await super.showRootHelp();
    this.log(`${this.section('EXAMPLES', EXAMPLES)}\n`);
  }
}

function refuseCommand(name: string, known: readonly string[]): void {
  const closest = closestName(name, known);
  const advice = closest === undefined ? 'see --help for all commands' : `did you mean "${closest}"?`;
  process.stderr.write(`error: unknown command "${name}"; ${advice}\n`);
  process.exitCode = EXIT.usage;
}

import { ApiRefusal } from './agent/agent-http.js';
import { UsageProblem } from './agent-cli/arguments.js';
import { artifactCommand } from './agent-cli/artifact-command.js';
import { annotateCommand, annotationCommand } from './agent-cli/annotate-command.js';
import type { JobContext } from './agent-cli/context.js';
import { contextOf } from './agent-cli/context.js';
import { metaDataCommand } from './agent-cli/meta-data-command.js';
import { secretCommand, stepCommand } from './agent-cli/step-command.js';

/** A subcommand: gets what follows its name, returns the exit status. */
type Command = (args: readonly string[], context: JobContext) => Promise<number>;

const COMMANDS: Readonly<Record<string, Command>> = {
  annotate: annotateCommand,
  annotation: annotationCommand,
  artifact: artifactCommand,
  'meta-data': metaDataCommand,
  // The pipeline reader is large and few jobs need it.
  pipeline: async (args, context) => (await import('./agent-cli/pipeline-command.js')).pipelineCommand(args, context),
  secret: secretCommand,
  step: stepCommand,
};

/** The sandbox's stand-in for the `buildkite-agent` program inside of jobs; the process's exit status is the result. */
async function main(argv: readonly string[]): Promise<number> {
  const [name = '', ...args] = argv;
  if (name === '--version' || name === '-v') {
    process.stdout.write('buildkite-agent version 3.136.2 (sandbox stand-in)\n');
    return 0;
  }
  const command = COMMANDS[name];
  if (command === undefined) {
    const known = Object.keys(COMMANDS).join(', ');
    process.stderr.write(`buildkite-agent: the sandbox does not know "${name}"; it knows ${known} and --version\n`);
    return 1;
  }
  try {
    return await command(args, contextOf(process.env));
  } catch (error) {
    if (!(error instanceof ApiRefusal) && !(error instanceof UsageProblem)) throw error;
    process.stderr.write(`buildkite-agent ${name}: ${error.message}\n`);
    return 1;
  }
}

process.exitCode = await main(process.argv.slice(2));

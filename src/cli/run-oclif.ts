import { Config, flush, handle, run, settings } from '@oclif/core';
import { closestName } from '../core/closest-name.js';
import { EXIT } from '../core/errors.js';
import { packageRoot } from './package-version.js';

/** Runs one command line; errors are printed and become the exit status. */
export async function runOclif(argv: string[]): Promise<void> {
  settings.enableAutoTranspile = false;
  try {
    await run(argv, packageRoot());
    await flush();
  } catch (error) {
    // Commands print their own errors; what arrives here is oclif's word on the command line itself.
    if (!(error instanceof Error) || !/^command .* not found$/s.test(error.message)) return handle(error as Error);
    const { commandIDs } = await Config.load(packageRoot());
    process.stderr.write(`error: ${unknownCommand(argv, commandIDs)}\nsee --help for all commands\n`);
    process.exitCode = EXIT.usage;
  }
}

function unknownCommand([command = '', extra = '']: readonly string[], known: readonly string[]): string {
  if (known.includes(command)) return `unexpected argument "${extra}": "${command}" takes none`;
  const closest = closestName(command, known);
  return `unknown command "${command}"${closest === undefined ? '' : `; did you mean "${closest}"?`}`;
}

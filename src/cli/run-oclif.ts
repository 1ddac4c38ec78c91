import { flush, handle, run, settings } from '@oclif/core';
import { packageRoot } from './package-version.js';

/** Runs one command line; errors are printed and become the exit status. */
export async function runOclif(argv: string[]): Promise<void> {
  settings.enableAutoTranspile = false;
  try {
    await run(argv, packageRoot());
    await flush();
  } catch (error) {
    // Commands print their own errors; what arrives here is oclif's word on the command line itself.
    await handle(error as Error);
  }
}

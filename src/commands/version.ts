import { Command } from '@oclif/core';
import { packageVersion } from '../cli/package-version.js';

/** `agent-stack-k8s version`, as the Go program has it. */
export default class Version extends Command {
  static override readonly summary = 'Print the version.';
  static override readonly examples = ['<%= config.bin %> version'];

  run(): Promise<void> {
    process.stdout.write(`v${packageVersion()}\n`);
    return Promise.resolve();
  }
}

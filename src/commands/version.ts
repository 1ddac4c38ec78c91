import { BaseCommand } from '../cli/base-command.js';
import { packageVersion } from '../cli/package-version.js';

/** `agent-stack-k8s version`, as the Go program has it. */
export default class Version extends BaseCommand {
  static override readonly summary = 'Print the version.';
  static override readonly examples = ['<%= config.bin %> version'];

  async run(): Promise<void> {
    await this.parse(Version);
    process.stdout.write(`v${packageVersion()}\n`);
  }
}

import { Flags } from '@oclif/core';
import { BaseCommand } from '../cli/base-command.js';
import { packageVersion } from '../cli/package-version.js';
import { stopSignal } from '../cli/stop-signal.js';

/** `agent-stack-k8s facts`: what `lint --facts` may know of a cluster. */
export default class Facts extends BaseCommand {
  static override readonly summary =
    'Write a snapshot of the cluster for lint: names, keys and sizes, never a secret value.';
  static override readonly description =
    'Lists service accounts, Secrets and ConfigMaps (names and keys), volume claims, PodTemplates, classes, limits, quotas and nodes. What the user may not list is left out of the file and told on standard error; lint then says nothing about it. Exit status: 0 written, 2 wrong usage, 3 could not run.';
  static override readonly examples = [
    '<%= config.bin %> facts --namespace buildkite --output facts.json',
    '<%= config.bin %> facts --context production | jq .serviceAccounts',
  ];
  static override readonly flags = {
    namespace: Flags.string({
      char: 'n',
      helpValue: 'NAMESPACE',
      description: "Namespace of the jobs. [default: the context's, else default]",
    }),
    context: Flags.string({
      helpValue: 'CONTEXT',
      description: 'Context of the kubeconfig. [default: the current one]',
    }),
    output: Flags.string({
      char: 'o',
      helpValue: 'FILE',
      description: 'File to write. [default: standard output]',
    }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Facts);
    // Not before it is needed: the Kubernetes client behind it costs 0.3 s, which --help need not pay.
    const { writeFacts } = await import('../app/write-facts.js');
    const { text, missing, facts } = await writeFacts({
      namespace: flags.namespace,
      context: flags.context,
      output: flags.output,
      version: `v${packageVersion()}`,
      now: new Date(),
      signal: stopSignal(),
    });
    for (const { what, why } of missing) this.logToStderr(`note: no ${what} in the facts: ${why}`);
    if (flags.output === undefined) process.stdout.write(text);
    else this.logToStderr(`wrote the facts of namespace "${facts.namespace ?? ''}" to "${flags.output}"`);
  }
}

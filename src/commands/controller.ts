import { loadConfig } from '../app/load-config.js';
import { BaseCommand } from '../cli/base-command.js';
import { configFileFlag, configFlags, pickConfigFlags, takeSwitches } from '../cli/config-flags.js';
import { packageVersion } from '../cli/package-version.js';
import { stopSignal } from '../cli/stop-signal.js';

/** `agent-stack-k8s controller`: the daemon that runs Buildkite jobs as Kubernetes Jobs. */
export default class ControllerCommand extends BaseCommand {
  static override readonly summary = 'Run the jobs of a Buildkite queue as Kubernetes Jobs, until stopped.';
  static override readonly description =
    'Configuration comes from defaults, the file, environment variables and flags; the later wins. A variable is named like its flag: --max-in-flight is MAX_IN_FLIGHT. SIGTERM and SIGINT stop it cleanly, jobs that run go on. Exit status: 0 stopped, 2 wrong usage or bad configuration, 3 could not run.';
  static override readonly usage = 'controller [-f FILE] [FLAGS]';
  static override readonly examples = [
    '<%= config.bin %> controller --config config.yaml',
    '<%= config.bin %> controller --queue kubernetes --namespace buildkite --max-in-flight 50',
    'BUILDKITE_TOKEN=… <%= config.bin %> controller --job-source graphql --org my-org --tags queue=kubernetes',
  ];
  static override readonly flags = { ...configFileFlag, ...configFlags };

  async run(): Promise<void> {
    const { argv, values } = takeSwitches(this.argv);
    const { flags } = await this.parse(ControllerCommand, [...argv]);
    const given = { ...pickConfigFlags(flags), ...values };
    const loaded = await loadConfig({ path: flags.config, environment: process.env, flags: given });
    if (!loaded.ok) return this.refuseConfig(loaded.error);
    this.printWarnings(loaded.value.warnings);
    // Not before it is needed: the Kubernetes client behind it costs 0.3 s, which --help need not pay.
    const { runController } = await import('../app/run-controller.js');
    const { config } = loaded.value;
    this.setExitStatus(await runController({ config, version: `v${packageVersion()}`, signal: stopSignal() }));
  }
}

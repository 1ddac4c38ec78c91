import { packageVersion } from './package-version.js';

/**
 * Entry of the program. Like the Go program it replaces, it takes flags without a command for the controller's, so that existing
 * deployments start unchanged.
 */
export async function main(argv: readonly string[] = process.argv.slice(2)): Promise<void> {
  if (argv.length === 1 && argv[0] === '--version') {
    process.stdout.write(
      `agent-stack-k8s/${packageVersion()} ${process.platform}-${process.arch} node-${process.version}\n`,
    );
    return;
  }
  const { runOclif } = await import('./run-oclif.js');
  await runOclif(withCommand(argv));
}

function withCommand(argv: readonly string[]): string[] {
  const [first, ...others] = argv;
  if (first === 'help') return [...others, '--help'];
  // oclif knows the long form only.
  if (argv.at(-1) === '-h') return [...argv.slice(0, -1), '--help'];
  const meansController =
    first === undefined ? (process.env['CONFIG'] ?? '') !== '' : first.startsWith('-') && first !== '--help';
  return meansController ? ['controller', ...argv] : [...argv];
}

/**
 * Lets `--explain` stand alone: the word after it is its PATH unless it looks like the next flag, standard input or a file, which
 * oclif's flags cannot tell. `--explain` becomes `--explain=` and `--explain PATH` becomes `--explain=PATH`.
 */
export function joinExplainPath(argv: readonly string[]): string[] {
  const at = argv.indexOf('--explain');
  if (at < 0) return [...argv];
  const next = argv[at + 1];
  const isPath = next !== undefined && !next.startsWith('-') && !/\.(?:ya?ml|json)$/i.test(next);
  return [...argv.slice(0, at), `--explain=${isPath ? next : ''}`, ...argv.slice(at + (isPath ? 2 : 1))];
}

/** The command line makes no sense; the message says why. */
export class UsageProblem extends Error {}

export interface Arguments {
  /** What is no flag, in order. */
  readonly words: readonly string[];
  /** Values of `--name value` and `--name=value`. */
  readonly values: ReadonlyMap<string, string>;
  /** Flags without a value that were given. */
  readonly switches: ReadonlySet<string>;
}

/** Flags of every subcommand of the agent. They concern its log and connection, so they are accepted and have no effect. */
const GLOBAL_FLAGS: Readonly<Record<string, 'value' | 'switch'>> = {
  'agent-access-token': 'value',
  debug: 'switch',
  'debug-http': 'switch',
  endpoint: 'value',
  experiment: 'value',
  'log-level': 'value',
  'no-color': 'switch',
  'no-http2': 'switch',
  profile: 'value',
  'redacted-vars': 'value',
  'trace-http': 'switch',
};

/**
 * Splits a command line.
 * @param known flags by name: whether they take a value.
 * @throws UsageProblem for an unknown flag or one that lacks its value.
 */
export function parseArguments(
  args: readonly string[],
  known: Readonly<Record<string, 'value' | 'switch'>>,
): Arguments {
  const flags = { ...GLOBAL_FLAGS, ...known };
  const words: string[] = [];
  const values = new Map<string, string>();
  const switches = new Set<string>();
  const rest = [...args];
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    const flag = /^--([^=]+)(?:=(.*))?$/s.exec(arg);
    if (flag === null) {
      words.push(arg);
      continue;
    }
    const [, name = '', attached] = flag;
    if (flags[name] === undefined) throw new UsageProblem(`the sandbox does not know the flag "--${name}"`);
    if (flags[name] === 'switch') {
      if (attached !== 'false') switches.add(name);
      continue;
    }
    const value = attached ?? rest.shift();
    if (value === undefined) throw new UsageProblem(`the flag "--${name}" needs a value`);
    values.set(name, value);
  }
  return { words, values, switches };
}

import { Flags } from '@oclif/core';
import type { FlagInput } from '@oclif/core/interfaces';
import { type ConfigKey, defaultText, envNames, flagNames } from '../core/config/config-key.js';
import { CONFIG_ENTRIES, type ConfigEntry } from '../core/config/schema.js';

/** Flags and values as typed, for `resolveConfig`; the layer of the command line. */
export type RawFlags = Readonly<Record<string, string | readonly string[]>>;

const FLAG_ENTRIES = CONFIG_ENTRIES.filter((entry) => flagNames(entry.key).length > 0);
const SWITCHES: ReadonlySet<string> = new Set(
  FLAG_ENTRIES.filter((entry) => entry.key.kind === 'boolean').flatMap((entry) => flagNames(entry.key)),
);

/** The flag that names the configuration file. */
export const configFileFlag = {
  config: Flags.string({
    char: 'f',
    helpValue: 'FILE',
    description: 'Configuration file in YAML; keys are named like the flags. [env: CONFIG]',
  }),
};

/** A flag for every configuration key that may be one, with values left as text so that all bad ones are reported together. */
export const configFlags: FlagInput = Object.fromEntries(FLAG_ENTRIES.map((entry) => [entry.key.key, oneFlag(entry)]));

function oneFlag({ key, group }: ConfigEntry): FlagInput[string] {
  const [, ...aliases] = flagNames(key);
  const shared = {
    description: description(key),
    helpGroup: group.toUpperCase(),
    hidden: key.noEffect !== undefined,
    aliases,
  };
  if (key.kind === 'boolean') return Flags.boolean(shared);
  const option = { ...shared, helpValue: helpValue(key) };
  // Non-greedy, so that the word after a value is not taken for another value.
  if (key.kind === 'list') return Flags.string({ ...option, multiple: true, multipleNonGreedy: true });
  const shown = defaultText(key);
  return Flags.string({ ...option, ...(shown === '' ? {} : { defaultHelp: () => Promise.resolve(shown) }) });
}

function description(key: ConfigKey): string {
  const [variable] = envNames(key);
  const isDerived = variable === key.key.toUpperCase().replaceAll('-', '_');
  const state = key.kind === 'boolean' && key.default === true ? ' [default: true]' : '';
  return `${key.description}${state}${isDerived ? '' : ` [env: ${variable ?? ''}]`}`;
}

function helpValue(key: ConfigKey): string {
  if (key.allowed !== undefined) return key.allowed.filter(Boolean).join('|');
  const words = { integer: 'N', duration: 'DURATION', quantity: 'QUANTITY', list: 'KEY=VALUE' } as const;
  return key.kind in words ? words[key.kind as keyof typeof words] : 'TEXT';
}

export interface TakenSwitches {
  /** The arguments without the switches. */
  readonly argv: readonly string[];
  readonly values: RawFlags;
}

/**
 * Takes boolean configuration flags out of the arguments: the Go controller knows `--debug`, `--debug=true` and
 * `--debug=false`, while oclif's boolean flags have no value.
 */
export function takeSwitches(argv: readonly string[]): TakenSwitches {
  const values: Record<string, string> = {};
  const end = argv.includes('--') ? argv.indexOf('--') : argv.length;
  const rest = argv.slice(0, end).filter((argument) => {
    const [, name = '', value] = /^--([a-z0-9-]+)(?:=(.*))?$/s.exec(argument) ?? [];
    if (!SWITCHES.has(name)) return true;
    values[name] = value ?? 'true';
    return false;
  });
  return { argv: [...rest, ...argv.slice(end)], values };
}

/** The configuration flags among all parsed flags of a command. */
export function pickConfigFlags(flags: Readonly<Record<string, unknown>>): RawFlags {
  const picked: Record<string, string | readonly string[]> = {};
  for (const { key } of FLAG_ENTRIES) {
    const value = flags[key.key];
    if (typeof value === 'string') picked[key.key] = value;
    else if (Array.isArray(value)) picked[key.key] = value.map(String);
  }
  return picked;
}

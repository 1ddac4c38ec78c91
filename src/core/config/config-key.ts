import { formatDurationMs } from '../duration.js';
import type { JsonSchema } from '../schema/json-schema.js';

/**
 * How a value is written and read: `duration` is Go syntax in every layer and milliseconds in `ControllerConfig`; `list`
 * is a list in the file and comma-separated text elsewhere; `section` is a value that only the file can hold.
 */
export type ValueKind = 'text' | 'integer' | 'boolean' | 'duration' | 'quantity' | 'list' | 'section';

/** Everything there is to know about one configuration key. */
export interface ConfigKey<T = unknown> {
  /** Name in the file; flag and variable derive from it. */
  readonly key: string;
  readonly kind: ValueKind;
  /** Durations in milliseconds; undefined = not set. */
  readonly default: T;
  /** One sentence for `--help` and the documentation. */
  readonly description: string;
  /** The release of the Go controller that brought the key, or `ours`. */
  readonly since: string;
  /** What a number counts, for the documentation. */
  readonly unit?: string;
  /** Environment variables, the first is the documented one. @default the key in capitals with underscores */
  readonly env?: readonly string[];
  /** Further spellings of the flag, hidden from `--help`. */
  readonly flagAliases?: readonly string[];
  /** Lowest and highest value; milliseconds for durations. */
  readonly min?: number;
  readonly max?: number;
  /** The only allowed words. */
  readonly allowed?: readonly string[];
  /** The value must not be empty. */
  readonly required?: boolean;
  /** The value must never be printed. */
  readonly secret?: boolean;
  /** Accepted for compatibility without any effect; says why. */
  readonly noEffect?: string;
  /** Shape of a `section` or `list`; definitions as in `sectionDefinitions`. */
  readonly schema?: JsonSchema;
}

type Details = Omit<ConfigKey, 'key' | 'kind' | 'since' | 'default'>;
type Builder<Allowed> = <const T extends Allowed>(
  key: string,
  since: string,
  value: T,
  details: Details,
) => ConfigKey<T>;

function builder<Allowed>(kind: ValueKind): Builder<Allowed> {
  return (key, since, value, details) => ({ key, kind, since, default: value, ...details });
}

/** A key that holds text. */
export const text = builder<string>('text');
/** A key that holds a whole number, or is not set. */
export const integer = builder<number | undefined>('integer');
/** A key that is on or off. */
export const boolean = builder<boolean>('boolean');
/** A key that holds a span of time; its default is in milliseconds. */
export const duration = builder<number>('duration');
/** A key that holds a Kubernetes quantity. */
export const quantity = builder<string>('quantity');
/** A key that holds a list of texts. */
export const list = builder<readonly string[]>('list');
/** A key that only the file can set. */
export const section = builder<string | readonly string[] | undefined>('section');

/** Environment variables that set the key; none when only the file can. */
export function envNames(key: ConfigKey): readonly string[] {
  if (key.kind === 'section') return [];
  return key.env ?? [key.key.toUpperCase().replaceAll('-', '_')];
}

/** Flags that set the key, without dashes, the documented one first; none when only the file can. */
export function flagNames(key: ConfigKey): readonly string[] {
  return key.kind === 'section' ? [] : [key.key, ...(key.flagAliases ?? [])];
}

/** The default as one would write it; empty when there is none to speak of. */
export function defaultText({ kind, default: value }: ConfigKey): string {
  if (typeof value === 'number') return kind === 'duration' ? shortDuration(value) : String(value);
  return typeof value === 'string' || typeof value === 'boolean' ? String(value) : '';
}

/** `10m` where Go prints `10m0s`. */
function shortDuration(ms: number): string {
  return formatDurationMs(ms)
    .replace(/(?<=[hm])0s$/, '')
    .replace(/(?<=h)0m$/, '');
}

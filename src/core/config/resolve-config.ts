import { deepFreeze } from '../deep-freeze.js';
import { fail, ok, type Result } from '../result.js';
import { configErrors, configWarnings, type Finding } from './check-config.js';
import type { ControllerConfig } from './config.js';
import type { ConfigOrigin, ConfigProblem } from './config-problem.js';
import {
  type LayerReading,
  readEnvironmentLayer,
  readFileLayer,
  readFlagLayer,
  readSettingLayer,
} from './read-layers.js';
import type { ConfigDocument } from './read-config-file.js';
import { CONFIG_ENTRIES, CONFIG_KEYS, type ConfigProperty } from './schema.js';

const MIN_POLL_INTERVAL_MS = 1000;

/** Where values may come from, weakest first; below them all are the defaults. */
export interface ConfigLayers {
  readonly file?: ConfigDocument | undefined;
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Raw text by flag name without dashes; a flag given several times as a list. */
  readonly flags?: Readonly<Record<string, string | readonly string[]>>;
  /** `key=value` for any key, also those of the file alone, whose value is then YAML on one line; the strongest layer. */
  readonly settings?: readonly string[];
}

export interface ResolvedConfig {
  readonly config: ControllerConfig;
  /** What works, but maybe not as meant. */
  readonly warnings: readonly ConfigProblem[];
  /** Which layer each value came from. */
  readonly origins: Readonly<Record<ConfigProperty, ConfigOrigin>>;
}

/**
 * Lays the layers over each other, a whole top-level key at a time, and checks the outcome. All problems of all layers
 * are reported at once, also those of values that a stronger layer replaces. The configuration is deeply frozen.
 */
export function resolveConfig(layers: ConfigLayers): Result<ResolvedConfig, readonly ConfigProblem[]> {
  const readings = [
    ...(layers.file === undefined ? [] : [readFileLayer(layers.file)]),
    readEnvironmentLayer(layers.environment ?? {}),
    readFlagLayer(layers.flags ?? {}),
    readSettingLayer(layers.settings ?? []),
  ];
  const { config, origins } = overlay(readings);
  const locate = (finding: Finding): ConfigProblem => toProblem(finding, origins[finding.property], layers.file);
  const problems = [...readings.flatMap((reading) => reading.problems), ...configErrors(config).map(locate)];
  if (problems.length > 0) return fail(problems);
  const warnings = [
    ...readings.flatMap((reading) => reading.warnings),
    ...[...configWarnings(config), ...adjustmentWarnings(config)].map(locate),
  ];
  return ok(deepFreeze({ config: adjusted(config), warnings, origins }));
}

/** The API that jobs come from: `auto` is GraphQL when a token and an organization are given, else the Stacks API. */
export function chosenJobSource(
  config: Pick<ControllerConfig, 'jobSource' | 'buildkiteToken' | 'org'>,
): 'graphql' | 'stacks' {
  if (config.jobSource !== 'auto') return config.jobSource;
  return config.buildkiteToken !== '' && config.org !== '' ? 'graphql' : 'stacks';
}

function overlay(readings: readonly LayerReading[]): Pick<ResolvedConfig, 'config' | 'origins'> {
  const config: Record<string, unknown> = {};
  const origins: Record<string, ConfigOrigin> = {};
  for (const { property, key } of CONFIG_ENTRIES) {
    const given = readings.findLast((reading) => reading.values.has(property))?.values.get(property);
    config[property] = given === undefined ? key.default : given.value;
    origins[property] = given?.origin ?? { layer: 'default' };
  }
  // Checked: the table has every property, and each value was read as its key's type.
  return { config, origins } as unknown as Pick<ResolvedConfig, 'config' | 'origins'>;
}

/** Values that are accepted but not used as written. */
function adjusted(config: ControllerConfig): ControllerConfig {
  return {
    ...config,
    pollIntervalMs: Math.max(config.pollIntervalMs, MIN_POLL_INTERVAL_MS),
    // 0 is how flag or variable takes back a rate that the file sets.
    k8sClientRateLimiterQps: config.k8sClientRateLimiterQps === 0 ? undefined : config.k8sClientRateLimiterQps,
    k8sClientRateLimiterBurst: config.k8sClientRateLimiterBurst === 0 ? undefined : config.k8sClientRateLimiterBurst,
  };
}

function adjustmentWarnings(config: ControllerConfig): Finding[] {
  if (config.pollIntervalMs >= MIN_POLL_INTERVAL_MS) return [];
  return [
    { property: 'pollIntervalMs', message: '"poll-interval" is less than 1s: 1s is used, to be gentle on the API' },
  ];
}

function toProblem(finding: Finding, origin: ConfigOrigin, file: ConfigDocument | undefined): ConfigProblem {
  const { key } = CONFIG_KEYS[finding.property];
  const { path = [], message } = finding;
  if (origin.layer !== 'file' || file === undefined) return { origin, key, message };
  return { origin: { ...origin, ...file.valuePosition([key, ...path]) }, key, message };
}

import { readFile } from 'node:fs/promises';
import type { ConfigOrigin, ConfigProblem } from '../core/config/config-problem.js';
import { type ConfigDocument, readConfigFile } from '../core/config/read-config-file.js';
import { type ConfigLayers, resolveConfig, type ResolvedConfig } from '../core/config/resolve-config.js';
import { fail, ok, type Result } from '../core/result.js';
import { whyUnreadable } from './why-unreadable.js';

export interface ConfigSources {
  /** From `--config`; without it the variable CONFIG names the file; empty or absent means no file. */
  readonly path?: string | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Raw text by flag name without dashes. */
  readonly flags?: NonNullable<ConfigLayers['flags']>;
  /** `key=value` for any key, as from `--set`; stronger than flags. */
  readonly settings?: readonly string[];
}

/** Reads the configuration file, if one is named, and resolves all layers; reports the problems of all of them at once. */
export async function loadConfig(sources: ConfigSources): Promise<Result<ResolvedConfig, readonly ConfigProblem[]>> {
  const { environment, flags = {}, settings = [] } = sources;
  const file = await loadFile(sources);
  const resolved = resolveConfig({ file: file.ok ? file.value : undefined, environment, flags, settings });
  if (file.ok) return resolved;
  return fail([...file.error, ...(resolved.ok ? [] : resolved.error)]);
}

async function loadFile(sources: ConfigSources): Promise<Result<ConfigDocument | undefined, readonly ConfigProblem[]>> {
  const path = sources.path ?? sources.environment['CONFIG'] ?? '';
  if (path === '') return ok(undefined);
  try {
    return readConfigFile(await readFile(path, 'utf8'), path);
  } catch (error) {
    const origin: ConfigOrigin =
      sources.path === undefined ? { layer: 'environment', name: 'CONFIG' } : { layer: 'flag', name: 'config' };
    return fail([
      { origin, key: 'config', message: `cannot read the configuration file "${path}": ${whyUnreadable(error)}` },
    ]);
  }
}

import { deepFreeze } from '../deep-freeze.js';
import type { ControllerConfig } from './config.js';
import { CONFIG_ENTRIES } from './schema.js';

/** The configuration when nobody configures anything, with `overrides` laid over it unchecked; frozen. */
export function defaultConfig(overrides: Partial<ControllerConfig> = {}): ControllerConfig {
  const defaults = Object.fromEntries(CONFIG_ENTRIES.map(({ property, key }) => [property, key.default]));
  return deepFreeze({ ...(defaults as unknown as ControllerConfig), ...structuredClone(overrides) }); // checked: the table has every property
}

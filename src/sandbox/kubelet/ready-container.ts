import type { JsonRecord } from '../kubernetes/objects.js';
import type { Env } from './container-env.js';
import { expandVariables } from './expand.js';
import type { LocalPaths } from './workspace.js';

/** A container with everything resolved that it needs to run here. */
export interface ReadyContainer {
  readonly name: string;
  readonly spec: JsonRecord;
  readonly env: Env;
  readonly paths: LocalPaths;
}

/** A container's command and arguments with variables expanded and mount paths made local; empty without a command. */
export function commandLine({ spec, env, paths }: ReadyContainer): readonly string[] {
  const words = (key: string): readonly string[] => {
    const value = spec[key];
    return Array.isArray(value) ? value.map(String) : [];
  };
  if (words('command').length === 0) return [];
  return [...words('command'), ...words('args')].map((word) =>
    paths.localize(expandVariables(word, (name) => env[name])),
  );
}

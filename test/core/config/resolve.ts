import { formatProblem } from '../../../src/core/config/config-problem.js';
import type { ControllerConfig } from '../../../src/core/config/config.js';
import { readConfigFile } from '../../../src/core/config/read-config-file.js';
import { type ConfigLayers, resolveConfig, type ResolvedConfig } from '../../../src/core/config/resolve-config.js';

export interface Layers extends Omit<ConfigLayers, 'file'> {
  /** YAML of the file `config.yaml`. */
  readonly yaml?: string;
}

/** Resolves layers that are right; throws with all problems otherwise. */
export function resolved(layers: Layers): ResolvedConfig {
  const { problems, value } = attempt(layers);
  if (value === undefined) throw new Error(problems.join('\n'));
  return value;
}

/** The configuration of layers that are right. */
export function configOf(layers: Layers): ControllerConfig {
  return resolved(layers).config;
}

/** The printed problems of layers, none when they are right. */
export function problemsOf(layers: Layers): readonly string[] {
  return attempt(layers).problems;
}

/** The printed warnings of layers that are right. */
export function warningsOf(layers: Layers): readonly string[] {
  return resolved(layers).warnings.map(formatProblem);
}

function attempt({ yaml, ...others }: Layers): { problems: readonly string[]; value?: ResolvedConfig } {
  const file = readConfigFile(yaml ?? '', 'config.yaml');
  if (!file.ok) return { problems: file.error.map(formatProblem) };
  const result = resolveConfig({ file: file.value, ...others });
  return result.ok ? { problems: [], value: result.value } : { problems: result.error.map(formatProblem) };
}

import type { V1EnvVar } from '@kubernetes/client-node';

/** One variable with a literal value. */
export function envVar(name: string, value: string): V1EnvVar {
  return { name, value };
}

/** Lays values over a list of variables: a known name keeps its place, a new one goes to the end. */
export function overlayEnv(env: readonly V1EnvVar[], values: readonly V1EnvVar[]): V1EnvVar[] {
  const result = [...env];
  for (const value of values) {
    const index = result.findIndex((existing) => existing.name === value.name);
    if (index === -1) result.push(value);
    else result[index] = value;
  }
  return result;
}

/**
 * Writes text so that the kubelet hands it to the process unchanged: in the value of a variable it reads `$$` as `$`
 * and replaces `$(NAME)`.
 * @see https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/
 */
export function escapeEnvExpansion(text: string): string {
  return text.replaceAll('$', '$$$$');
}

/** Variables for settings that are present (an empty string is): booleans as words, lists joined by commas, empty lists left out. */
export function settingEnv(
  settings: readonly (readonly [name: string, value: string | boolean | number | readonly string[] | undefined])[],
): V1EnvVar[] {
  const env: V1EnvVar[] = [];
  for (const [name, value] of settings) {
    if (value === undefined || (Array.isArray(value) && value.length === 0)) continue;
    env.push(envVar(name, Array.isArray(value) ? value.join(',') : String(value)));
  }
  return env;
}

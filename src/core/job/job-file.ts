import { fail, ok, type Result } from '../result.js';
import type { BuildkiteJob } from './job.js';

/**
 * Jobs as an API of Buildkite returns them, from JSON text: one object or a list. Understands the Stacks API (`env` is a map, `agent_query_rules`),
 * GraphQL (`uuid`, `env` is a list of `KEY=value`) and our own camelCase. Fails with a sentence that names what is missing.
 */
export function parseJobFile(text: string): Result<readonly BuildkiteJob[], string> {
  let root: unknown;
  try {
    root = JSON.parse(text);
  } catch (error) {
    return fail(`is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  const jobs: BuildkiteJob[] = [];
  for (const item of Array.isArray(root) ? (root as readonly unknown[]) : [root]) {
    const job = readJob(item);
    if (!job.ok) return job;
    jobs.push(job.value);
  }
  return jobs.length === 0 ? fail('holds no job') : ok(jobs);
}

function readJob(value: unknown): Result<BuildkiteJob, string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return fail('must hold a job: {"id", "command", "env", …}');
  }
  const field = (...names: readonly string[]): unknown =>
    names.map((name): unknown => Reflect.get(value, name)).find((found) => found !== undefined && found !== null);
  const id = field('id', 'uuid');
  if (typeof id !== 'string' || id === '') return fail('holds a job without an "id"; give it the UUID of the job');
  const facts = readFacts(field);
  return facts.ok ? ok({ id, ...facts.value }) : fail(`holds job "${id}", whose ${facts.error}`);
}

function readFacts(field: (...names: readonly string[]) => unknown): Result<Omit<BuildkiteJob, 'id'>, string> {
  const command = field('command') ?? '';
  if (typeof command !== 'string') return fail('"command" is not a string');
  const env = readEnv(field('env') ?? {});
  if (env === undefined) return fail('"env" is neither a map of strings nor a list of "KEY=value"');
  const agentQueryRules = field('agentQueryRules', 'agent_query_rules') ?? [];
  if (!isStrings(agentQueryRules)) return fail('"agentQueryRules" is not a list of strings');
  const priority = field('priority') ?? 0;
  if (!Number.isInteger(priority)) return fail('"priority" is not a whole number');
  return ok({ command, env, agentQueryRules, priority: Number(priority) });
}

function readEnv(env: unknown): Readonly<Record<string, string>> | undefined {
  if (isStrings(env)) {
    return Object.fromEntries(
      env.map((pair): [string, string] => {
        const split = pair.indexOf('=');
        return split < 0 ? [pair, ''] : [pair.slice(0, split), pair.slice(split + 1)];
      }),
    );
  }
  if (typeof env !== 'object' || env === null || Array.isArray(env)) return undefined;
  const pairs = Object.entries(env);
  return pairs.every((pair): pair is [string, string] => typeof pair[1] === 'string')
    ? Object.fromEntries(pairs)
    : undefined;
}

function isStrings(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

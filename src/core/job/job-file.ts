import { fail, ok, type Result } from '../result.js';
import type { BuildkiteJob } from './job.js';

/**
 * Jobs as an API of Buildkite returns them, from JSON text: one object or a list. Understands the Stacks API (`env` is a map, `agent_query_rules`),
 * GraphQL (`uuid`, `env` is a list of `KEY=value`) and our own camelCase. Fails with a sentence that names what is missing.
 */
export function parseJobFile(text: string): Result<readonly BuildkiteJob[], string> {
  // Windows editors put a byte order mark in front.
  const json = text.replace(/^\uFEFF/, '');
  if (json.trim() === '') return fail('is empty; it must hold a job: {"id", "command", "env", …}');
  let root: unknown;
  try {
    root = JSON.parse(json);
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
  if (!env.ok) return env;
  const agentQueryRules = field('agentQueryRules', 'agent_query_rules') ?? [];
  if (!isStrings(agentQueryRules)) return fail('"agentQueryRules" is not a list of strings');
  const priority = field('priority') ?? 0;
  if (!Number.isInteger(priority)) return fail('"priority" is not a whole number');
  return ok({ command, env: env.value, agentQueryRules, priority: Number(priority) });
}

function readEnv(env: unknown): Result<Readonly<Record<string, string>>, string> {
  if (isStrings(env)) return ok(Object.fromEntries(env.map(splitPair)));
  if (typeof env !== 'object' || env === null || Array.isArray(env))
    return fail('"env" is neither a map of strings nor a list of "KEY=value"');
  const texts: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (typeof value !== 'string') return fail(`"env" gives "${name}" a value that is not a string; put it in quotes`);
    texts[name] = value;
  }
  return ok(texts);
}

function splitPair(pair: string): [string, string] {
  const split = pair.indexOf('=');
  return split < 0 ? [pair, ''] : [pair.slice(0, split), pair.slice(split + 1)];
}

function isStrings(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

import { type ControllerConfig, effectiveQueue } from '../config/config.js';

type QueueConfig = Pick<ControllerConfig, 'queue' | 'tags'>;

/** Names for "the queue a cluster uses when a step names none". */
const DEFAULT_QUEUES: ReadonlySet<string> = new Set(['', '_default', '~', '-']);

/** Tags that are instructions to the controller, not properties of the agent: every controller matches them. */
const NOT_MATCHED: ReadonlySet<string> = new Set(['resource_class']);

/** `key=value` texts as a map; what has no "=" is left out, of equal keys the last counts, the value may hold "=". */
export function parseTags(tags: readonly string[]): ReadonlyMap<string, string> {
  return new Map(
    tags.flatMap((tag): [string, string][] => {
      const split = tag.indexOf('=');
      return split < 0 ? [] : [[tag.slice(0, split), tag.slice(split + 1)]];
    }),
  );
}

/** Whether a queue's name only says "the default one". */
export function isDefaultQueue(queue: string): boolean {
  return DEFAULT_QUEUES.has(queue);
}

/** Whether the controller serves its cluster's default queue rather than one with a name. */
export function servesDefaultQueue(config: QueueConfig): boolean {
  return isDefaultQueue(effectiveQueue(config));
}

/**
 * The rules of a job that was listed for this controller's queue, as the builder gets them: without `queue=` for the default queue, otherwise
 * with `queue=<the configured one>`, in the place where the job had it, else at the end.
 */
export function normaliseQueueRules(rules: readonly string[], config: QueueConfig): readonly string[] {
  const others = rules.filter((rule) => !isQueueRule(rule));
  if (servesDefaultQueue(config)) return others.length === rules.length ? rules : others;
  const own = `queue=${effectiveQueue(config)}`;
  const at = rules.findIndex(isQueueRule);
  if (at < 0) return [...rules, own];
  return rules.flatMap((rule, index) => {
    if (index === at) return [own];
    return isQueueRule(rule) ? [] : [rule];
  });
}

/**
 * Why a job with these rules is not for this controller; undefined = it is. Every rule must be met by a tag of the controller, `*` by any
 * value; the controller may have more tags. `resource_class` is never compared, nor is the queue of a controller that serves the default queue.
 */
export function matchAgentTags(rules: readonly string[], config: QueueConfig): string | undefined {
  const own = new Map(parseTags(config.tags));
  const anyQueue = servesDefaultQueue(config);
  if (!anyQueue) own.set('queue', effectiveQueue(config));
  for (const [key, wanted] of parseTags(rules)) {
    if (NOT_MATCHED.has(key) || (key === 'queue' && anyQueue)) continue;
    const value = own.get(key);
    if (value === undefined) return `the job asks for "${key}=${wanted}", but this controller has no tag "${key}"`;
    if (wanted !== '*' && wanted !== value)
      return `the job asks for "${key}=${wanted}", but this controller has "${key}=${value}"`;
  }
  return undefined;
}

function isQueueRule(rule: string): boolean {
  return rule.startsWith('queue=');
}

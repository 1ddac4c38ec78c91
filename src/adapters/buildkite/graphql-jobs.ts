import type { RunnableJob, ScheduledJob } from '../../core/job/job.js';
import { isObject, listOf, numberOf, objectOf, textOf, textsOf, type JsonObject } from './json.js';

/** Everything the `ScheduledJob` fragment says of a command job. */
export interface ListedJob extends ScheduledJob, RunnableJob {
  /** Lower case. */
  readonly state: string;
  readonly createdAt?: string | undefined;
}

/** Reads a `ScheduledJob` fragment; undefined for null and for jobs that are not command jobs. */
export function commandJob(node: unknown): ListedJob | undefined {
  const job = objectOf(node);
  const id = textOf(job['uuid']);
  if (id === undefined) return undefined;
  return {
    id,
    state: (textOf(job['state']) ?? '').toLowerCase(),
    priority: numberOf(objectOf(job['priority'])['number'], 0),
    agentQueryRules: textsOf(job['agentQueryRules']),
    createdAt: textOf(job['createdAt']),
    scheduledAt: textOf(job['scheduledAt']),
    command: textOf(job['command']) ?? '',
    env: envOf(textsOf(job['env'])),
  };
}

/** Nodes of a connection; both edges and nodes may be null. */
export function edgeNodes(connection: JsonObject): readonly JsonObject[] {
  return listOf(connection['edges'])
    .map((edge) => objectOf(edge)['node'])
    .filter(isObject);
}

/** `K=V` lines as an object; values may contain "=". */
function envOf(lines: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    lines
      .filter((line) => line.includes('='))
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
}

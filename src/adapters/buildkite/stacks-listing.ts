import { ExternalError } from '../../core/errors.js';
import type { RunnableJob, ScheduledJob } from '../../core/job/job.js';
import type { JobListing } from '../../ports/buildkite.js';
import type { HttpAnswer } from './http.js';
import type { HttpRequest } from './http-request.js';
import { isObject, numberOf, objectOf, textOf, textsOf, type JsonObject } from './json.js';

/** Our registration at Buildkite. */
export interface StackAddress {
  readonly key: string;
  /** Key of the cluster queue as Buildkite calls it. */
  readonly queueKey: string;
  /** `stacks/<key>`, escaped. */
  readonly path: string;
}

export interface ListPagesOptions {
  readonly stack: StackAddress;
  readonly pageSize: number;
  readonly maxPages: number;
  readonly send: (request: Omit<HttpRequest, 'signal'>) => Promise<HttpAnswer>;
}

/** Reads scheduled jobs page by page; stops at `maxPages` or as soon as an answer carries `Retry-After`. */
export async function listPages({ stack, pageSize, maxPages, send }: ListPagesOptions): Promise<JobListing> {
  const jobs = new Map<string, ScheduledJob>();
  let after: string | undefined;
  for (let page = 1; ; page += 1) {
    const query = { queue_key: stack.queueKey, limit: pageSize > 0 ? pageSize : undefined, after };
    const { body, retryAfterMs } = await send({ method: 'GET', path: `${stack.path}/scheduled-jobs`, query });
    const listing = objectOf(body);
    // Pages are no snapshot: a job may appear on two of them.
    for (const job of scheduledJobs(listing)) jobs.set(job.id, job);
    after = nextCursor(listing);
    if (after === undefined || page >= maxPages || retryAfterMs !== undefined) {
      return { jobs: [...jobs.values()], paused: isPaused(listing), retryAfterMs };
    }
  }
}

/** What `GET jobs/{uuid}` says of a job; members that are not strings are left out of its environment. */
export function runnableJob(id: string, body: unknown): RunnableJob {
  const { env, command } = objectOf(body);
  return { id, command: textOf(command) ?? '', env: textsIn(objectOf(env)) };
}

function textsIn(object: JsonObject): Readonly<Record<string, string>> {
  const isText = (entry: [string, unknown]): entry is [string, string] => typeof entry[1] === 'string';
  const entries = Object.entries(object);
  // Nearly always all of them are.
  return entries.every(isText) ? (object as Record<string, string>) : Object.fromEntries(entries.filter(isText));
}

function scheduledJobs(listing: JsonObject): ScheduledJob[] {
  const { jobs } = listing;
  if (!Array.isArray(jobs)) {
    throw new ExternalError('the answer of Buildkite\'s Stacks API to "list scheduled jobs" has no list "jobs"', {
      retryable: true,
    });
  }
  return jobs.filter(isObject).flatMap((job) => {
    const id = textOf(job['id']);
    if (id === undefined) return [];
    return {
      id,
      priority: numberOf(job['priority'], 0),
      agentQueryRules: textsOf(job['agent_query_rules']),
      scheduledAt: textOf(job['scheduled_at']),
    };
  });
}

function nextCursor(listing: JsonObject): string | undefined {
  const info = objectOf(listing['page_info']);
  return info['has_next_page'] === true ? textOf(info['end_cursor']) : undefined;
}

/** Documentation says `dispatch_paused`, Buildkite's Go library reads `paused`. */
function isPaused(listing: JsonObject): boolean {
  const queue = objectOf(listing['cluster_queue']);
  return (queue['dispatch_paused'] ?? queue['paused'] ?? false) === true;
}

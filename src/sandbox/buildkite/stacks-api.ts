import { requireAgentToken, type Sandbox } from './agent-api.js';
import { acquisitionToken } from './ids.js';
import { jobEnv } from './job-env.js';
import { isObject, number, objects, readObject, requireText, text, texts, type JsonObject } from './json.js';
import type { Job, Stack } from './model.js';
import { type Call, Refusal, type Reply, type Routes } from './router.js';
import { bySchedule, type Store } from './store.js';

export interface StacksOptions {
  /** Send `paused` instead of `dispatch_paused`, as an old client library expects. */
  readonly legacyPauseField: boolean;
  /** Answer 429 above the documented calls per second. */
  readonly enforceRateLimits: boolean;
  readonly stackQuota: number;
}

const MAX_JOBS = 1000;
const DEFAULT_EXPIRY_SECONDS = 900;
const MAX_EXPIRY_SECONDS = 3600;
const NOTES_PER_JOB = 100;
const NOTE_GRACE_MS = 300_000;

/** Calls a second and stack, by the scope the documentation names. */
const LIMITS = {
  'list-scheduled-jobs': 10,
  'batch-reserve': 10,
  'show-job': 1000,
  'batch-load-job-states': 20,
  'finish-job': 100,
  'stack-notification': 200,
  default: 10,
} as const;
type Scope = keyof typeof LIMITS;

/** Sliding window of one second per stack and scope. */
class RateLimiter {
  readonly #calls = new Map<string, number[]>();

  /** Counts a call; returns how many this window has seen, this one included. */
  count(key: string, now: number): number {
    const recent = this.#calls.get(key) ?? [];
    // Only the oldest can be over: a window of hundreds of calls is not looked through for each.
    while ((recent[0] ?? now) <= now - 1000) recent.shift();
    recent.push(now);
    this.#calls.set(key, recent);
    return recent.length;
  }
}

class StacksApi {
  readonly #sandbox: Sandbox;
  readonly #store: Store;
  readonly #options: StacksOptions;
  readonly #limiter = new RateLimiter();

  constructor(sandbox: Sandbox, options: StacksOptions) {
    this.#sandbox = sandbox;
    this.#store = sandbox.store;
    this.#options = options;
  }

  /** Wraps a handler of one stack: token, stack, rate limit, headers. */
  stackRoute(scope: Scope, handler: (call: Call, stack: Stack) => Reply): (call: Call) => Reply {
    return (call) => {
      requireAgentToken(call, this.#store);
      const key = call.params.key ?? '';
      const stack = this.#store.stacks.get(key);
      if (stack === undefined) throw new Refusal(404, `no stack "${key}"`);
      const limit = LIMITS[scope];
      const current = this.#limiter.count(`${key}:${scope}`, this.#store.now());
      const headers = {
        'ratelimit-scope': scope,
        'ratelimit-limit': String(limit),
        'ratelimit-remaining': String(Math.max(0, limit - current)),
        'ratelimit-reset': '1',
      };
      if (this.#options.enforceRateLimits && current > limit) {
        const message = `rate limit of ${limit} calls a second exceeded`;
        return { status: 429, body: { message, scope, limit, current, reset: 1 }, headers };
      }
      try {
        const reply = handler(call, stack);
        return { ...reply, headers: { ...headers, ...reply.headers } };
      } catch (error) {
        if (error instanceof Refusal) throw new Refusal(error.status, error.message, headers);
        throw error;
      }
    };
  }

  register(call: Call): Reply {
    requireAgentToken(call, this.#store);
    const body = readObject(call);
    const { key, type, metadata } = readRegistration(body);
    const wanted = requireText(body, 'queue_key');
    const queue = this.#store.findQueue(wanted);
    if (queue === undefined) throw new Refusal(404, `no queue "${wanted}" in this cluster`);
    const known = this.#store.stacks.get(key);
    if (known === undefined && this.#store.stacks.size >= this.#options.stackQuota) {
      throw new Refusal(403, `the organization has reached its limit of ${this.#options.stackQuota} stacks`);
    }
    const stack = known ?? { id: this.#store.ids.uuid(), key, type, queueKey: queue.key, metadata, state: 'connected' };
    const lastConnectedOn = stack.lastConnectedOn;
    Object.assign(stack, {
      type,
      metadata,
      queueKey: queue.key,
      state: 'connected',
      lastConnectedOn: this.#store.now(),
    });
    this.#store.stacks.set(key, stack);
    return {
      status: known === undefined ? 201 : 200,
      body: {
        id: stack.id,
        organization_uuid: this.#store.organization.id,
        cluster_queue_key: queue.key,
        key,
        type,
        metadata,
        last_connected_on: lastConnectedOn === undefined ? null : isoTime(lastConnectedOn),
        state: stack.state,
      },
    };
  }

  readonly deregister = (_call: Call, stack: Stack): Reply => {
    this.#store.stacks.delete(stack.key);
    return { status: 204 };
  };

  readonly listScheduledJobs = (call: Call, stack: Stack): Reply => {
    const wanted = call.query.get('queue_key');
    if (wanted === null || wanted === '') throw new Refusal(400, '"queue_key" is missing');
    const queue = this.#store.findQueue(wanted);
    if (queue === undefined) throw new Refusal(404, `no queue "${wanted}" in this cluster`);
    const limit = readLimit(call.query.get('limit'));
    const after = readCursor(call.query.get('after'));
    stack.lastConnectedOn = this.#store.now();
    const waiting = [...this.#store.scheduled].filter((job) => job.queueKey === queue.key).sort(bySchedule);
    const rest = after === undefined ? waiting : waiting.filter((job) => isBehind(job, after));
    const page = rest.slice(0, limit);
    const last = page.at(-1);
    return {
      status: 200,
      body: {
        jobs: page.map(scheduledJob),
        cluster_queue: {
          id: queue.id,
          [this.#options.legacyPauseField ? 'paused' : 'dispatch_paused']: queue.paused,
        },
        page_info: {
          has_next_page: rest.length > page.length,
          end_cursor: last === undefined ? null : writeCursor(last),
        },
      },
    };
  };

  readonly batchReserve = (call: Call, stack: Stack): Reply => {
    const body = readObject(call);
    const ids = readJobIds(body);
    const seconds = readSeconds(body, 'reservation_expiry_seconds', DEFAULT_EXPIRY_SECONDS);
    const reserved: string[] = [];
    const refused: string[] = [];
    for (const id of ids) {
      const job = this.#store.jobs.get(id);
      const done = this.#sandbox.lifecycle.reserve(job, stack, seconds * 1000);
      (done ? reserved : refused).push(id);
    }
    return { status: 200, body: { reserved, not_reserved: refused } };
  };

  readonly getJob = (call: Call): Reply => {
    const job = this.#findJob(call);
    if (job.state !== 'scheduled' && job.state !== 'reserved')
      throw new Refusal(404, `job "${job.id}" is ${job.state}`);
    return { status: 200, body: { id: job.id, env: jobEnv(job, this.#store), command: job.plan.command } };
  };

  readonly getStates = (call: Call): Reply => {
    const jobs = readJobIds(readObject(call)).map((id) => this.#store.jobs.get(id));
    const known = jobs.filter((job) => job !== undefined);
    return { status: 200, body: { states: Object.fromEntries(known.map((job) => [job.id, job.state])) } };
  };

  readonly finishJob = (call: Call): Reply => {
    const job = this.#findJob(call);
    const body = readObject(call);
    const detail = text(body.detail) ?? '';
    if (Buffer.byteLength(detail) > 4096) throw new Refusal(422, '"detail" is longer than 4096 bytes');
    this.#sandbox.lifecycle.finishByStack(job, number(body.exit_status) ?? -1, detail);
    return { status: 200, body: {} };
  };

  readonly notify = (call: Call): Reply => {
    const list = objects(readObject(call).notifications);
    if (list.length > MAX_JOBS) throw new Refusal(422, `more than ${MAX_JOBS} notifications`);
    const problems = new Map<string, number[]>();
    for (const [index, item] of list.entries()) {
      const problem = this.#addNote(item);
      if (problem !== undefined) problems.set(problem, [...(problems.get(problem) ?? []), index]);
    }
    return { status: 200, body: { errors: [...problems].map(([error, indexes]) => ({ error, indexes })) } };
  };

  readonly issueTokens = (call: Call, stack: Stack): Reply => {
    const body = readObject(call);
    const seconds = readSeconds(body, 'token_lifetime_seconds', DEFAULT_EXPIRY_SECONDS);
    const issued: JsonObject[] = [];
    const refused: string[] = [];
    for (const id of readJobIds(body)) {
      const job = this.#store.jobs.get(id);
      if (job !== undefined && job.queueKey !== stack.queueKey)
        throw new Refusal(403, `job "${id}" is not in queue "${stack.queueKey}"`);
      if (job?.state === 'reserved' && job.reservation?.stackKey === stack.key) issued.push(this.#issue(job, seconds));
      else refused.push(id);
    }
    return { status: 201, body: { job_acquisition_tokens: issued, not_issued: refused } };
  };

  #issue(job: Job, seconds: number): JsonObject {
    const expiresAt = Math.min(this.#store.now() + seconds * 1000, job.reservation?.expiresAt ?? 0);
    const token = acquisitionToken(job.id, expiresAt, this.#store.ids.token(''));
    this.#store.acquisitionTokens.set(token, { jobId: job.id, expiresAt });
    return { job_uuid: job.id, job_acquisition_token: token, expires_at: isoTime(expiresAt) };
  }

  /** Adds a line to a job's timeline; the returned text says why it was refused. */
  #addNote(item: JsonObject): string | undefined {
    const detail = text(item.detail) ?? '';
    const job = this.#store.jobs.get(text(item.job_uuid) ?? '');
    const now = this.#store.now();
    const stamp = text(item.timestamp);
    const at = stamp === undefined ? now : Date.parse(stamp);
    if (job === undefined) return 'job not found';
    const characters = Array.from(detail).length;
    if (characters < 1 || characters > 256) return 'detail must have 1 to 256 characters';
    if (job.notes.length >= NOTES_PER_JOB) return `job has ${NOTES_PER_JOB} notifications already`;
    const problem = checkNoteTime(job, at, now);
    if (problem !== undefined) return problem;
    job.notes.push({ detail, at });
    this.#store.emit({ type: 'notification', jobId: job.id, detail, at });
    return undefined;
  }

  #findJob(call: Call): Job {
    const id = call.params.id ?? '';
    const job = this.#store.jobs.get(id);
    if (job === undefined) throw new Refusal(404, `no job "${id}"`);
    return job;
  }
}

/** Clocks differ by a second between a controller and us; more than that is the caller's mistake. */
function checkNoteTime(job: Job, at: number, now: number): string | undefined {
  if (Number.isNaN(at)) return 'timestamp is not a time';
  if (at > now + 1000) return 'timestamp is in the future';
  if (at < job.createdAt - 1000) return 'timestamp is before the creation of the job';
  if (job.finishedAt !== undefined && at > job.finishedAt + NOTE_GRACE_MS) return 'job ended over 300 seconds earlier';
  return undefined;
}

function isoTime(at: number): string {
  return new Date(at).toISOString();
}

function readRegistration(body: JsonObject): Pick<Stack, 'key' | 'type' | 'metadata'> {
  const key = requireText(body, 'key');
  const type = requireText(body, 'type');
  const { metadata } = body;
  if (!/^[A-Za-z0-9_-]{1,80}$/.test(key)) {
    throw new Refusal(422, '"key" may hold letters, digits, "_" and "-", at most 80');
  }
  if (type !== 'kubernetes' && type !== 'custom')
    throw new Refusal(422, `"type" is "${type}", not "kubernetes" or "custom"`);
  if (!isObject(metadata)) throw new Refusal(422, '"metadata" is missing or not an object');
  const entries = Object.entries(metadata);
  const fits = entries.every(([name, value]) => name.length <= 64 && typeof value === 'string' && value.length <= 256);
  if (entries.length > 100 || !fits) {
    throw new Refusal(422, '"metadata" takes 100 flat entries of 64 characters a key and 256 a value');
  }
  return { key, type, metadata };
}

function readJobIds(body: JsonObject): readonly string[] {
  if (!Array.isArray(body.job_uuids)) throw new Refusal(422, '"job_uuids" is missing or not a list');
  const ids = texts(body.job_uuids);
  if (ids.length > MAX_JOBS)
    throw new Refusal(422, `"job_uuids" has ${ids.length} entries, at most ${MAX_JOBS} are allowed`);
  return ids;
}

function readSeconds(body: JsonObject, key: string, absent: number): number {
  const seconds = body[key] === undefined || body[key] === null ? absent : number(body[key]);
  if (seconds === undefined || seconds < 1 || seconds > MAX_EXPIRY_SECONDS) {
    throw new Refusal(422, `"${key}" must be 1 to ${MAX_EXPIRY_SECONDS}`);
  }
  return seconds;
}

function readLimit(value: string | null): number {
  if (value === null) return MAX_JOBS;
  const limit = number(value);
  if (limit === undefined || limit < 1 || limit > MAX_JOBS) throw new Refusal(400, `"limit" must be 1 to ${MAX_JOBS}`);
  return limit;
}

interface Cursor {
  readonly scheduledAt: number;
  readonly sequence: number;
}

function writeCursor(job: Job): string {
  return Buffer.from(`${job.scheduledAt ?? 0}:${job.sequence}`).toString('base64url');
}

function readCursor(value: string | null): Cursor | undefined {
  if (value === null || value === '') return undefined;
  const match = /^(\d+):(\d+)$/.exec(Buffer.from(value, 'base64url').toString('utf8'));
  if (match === null) throw new Refusal(400, '"after" is not a cursor');
  return { scheduledAt: Number(match[1]), sequence: Number(match[2]) };
}

function isBehind(job: Job, cursor: Cursor): boolean {
  return ((job.scheduledAt ?? 0) - cursor.scheduledAt || job.sequence - cursor.sequence) > 0;
}

function scheduledJob(job: Job): JsonObject {
  const { build, step, plan } = job;
  return {
    id: job.id,
    priority: plan.priority,
    agent_query_rules: job.agentQueryRules,
    scheduled_at: isoTime(job.scheduledAt ?? job.createdAt),
    pipeline: { slug: build.pipeline.slug, uuid: build.pipeline.id },
    build: { uuid: build.id, number: build.number, branch: build.branch },
    step: { key: step.plan.key ?? null },
  };
}

/** The nine routes of the Stacks API. */
export function stacksRoutes(sandbox: Sandbox, options: StacksOptions): Routes {
  const api = new StacksApi(sandbox, options);
  const base = '/v3/stacks/:key';
  return {
    'POST /v3/stacks/register': (call) => api.register(call),
    [`POST ${base}/deregister`]: api.stackRoute('default', api.deregister),
    [`GET ${base}/scheduled-jobs`]: api.stackRoute('list-scheduled-jobs', api.listScheduledJobs),
    [`PUT ${base}/scheduled-jobs/batch-reserve`]: api.stackRoute('batch-reserve', api.batchReserve),
    [`POST ${base}/jobs/get-states`]: api.stackRoute('batch-load-job-states', api.getStates),
    [`GET ${base}/jobs/:id`]: api.stackRoute('show-job', api.getJob),
    [`POST ${base}/jobs/:id/finish`]: api.stackRoute('finish-job', api.finishJob),
    [`POST ${base}/notifications`]: api.stackRoute('stack-notification', api.notify),
    [`POST ${base}/job-acquisition-tokens`]: api.stackRoute('show-job', api.issueTokens),
  };
}

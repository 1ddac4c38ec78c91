import type { Agent as HttpAgent } from 'node:http';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzip } from 'node:zlib';
import { promisify } from 'node:util';
import { at, numberAt, stringsAt, textAt } from '../../kubernetes/objects.js';
import type { Env } from '../container-env.js';
import { whenAborted } from '../local-process.js';
import { ApiRefusal, createAgentApi, type AgentApi } from './agent-http.js';
import { JobLog } from './job-log.js';
import { secretsOf } from './redactor.js';

/** A container of the pod that runs a part of the job when its turn comes: checkout first, then the commands. */
export interface BootstrapClient {
  /** Runs its part. */
  run(part: JobPart): Promise<PartResult>;
  /** Its turn will not come: an earlier part failed, or there is no job. */
  skip(): void;
}

/** What the agent hands to a client. */
export interface JobPart {
  /** The environment the agent registers: its own, overlaid with the job's. */
  readonly env: Env;
  readonly log: JobLog;
  readonly api: AgentApi;
  readonly jobId: string;
  /** Aborts when the part has to end: the job is cancelled or the pod goes away. */
  readonly interrupt: AbortSignal;
  /** Aborts when it has had its time to end. */
  readonly kill: AbortSignal;
}

export interface PartResult {
  /** As the container reports it. */
  readonly exitCode: number;
  /** True when it did not end within the grace period and was killed. */
  readonly killed: boolean;
}

export interface AgentOptions {
  /** Environment of the agent container. */
  readonly env: Env;
  /** In the order of their ids. */
  readonly clients: readonly BootstrapClient[];
  readonly httpAgent: HttpAgent;
  /** Aborts when the pod is told to go away. */
  readonly stop: AbortSignal;
  /** Aborts when the pod's grace period is over. */
  readonly kill: AbortSignal;
  /** Writes a line to the agent container's log. */
  readonly say: (line: string) => void;
}

interface Session {
  readonly options: AgentOptions;
  readonly api: AgentApi;
  /** Seconds between questions for the job's state. */
  readonly statusInterval: number;
}

const REJECTED = 27;
const VERSION = '3.136.2';
const OVER = new Set(['canceling', 'canceled', 'timing_out', 'timed_out']);
/** Opens the door to other jobs, so no container but the agent's may see it. */
const AGENT_ONLY = new Set(['BUILDKITE_AGENT_TOKEN', 'BUILDKITE_AGENT_ACQUIRE_JOB']);
const compress = promisify(gzip);

/**
 * Does what the agent container does with `start --acquire-job`: takes one job, lets the clients run it, reports it.
 * @returns the exit code of the agent: 0 whatever the job's result, 27 when the job is not to be had, 1 without a connection.
 */
export async function runAgent(options: AgentOptions): Promise<number> {
  try {
    return await registerAndWork(options);
  } catch (error) {
    options.say(`agent failed: ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  } finally {
    for (const client of options.clients) client.skip();
  }
}

async function registerAndWork(options: AgentOptions): Promise<number> {
  const endpoint = options.env['BUILDKITE_AGENT_ENDPOINT'] ?? '';
  if (endpoint === '')
    throw new Error('BUILDKITE_AGENT_ENDPOINT is not set, and the sandbox talks to no other Buildkite than its own');
  const api = createAgentApi(endpoint, options.env['BUILDKITE_AGENT_TOKEN'] ?? '', {
    agent: options.httpAgent,
    giveUp: options.kill,
  });
  const { body } = await api.send({ method: 'POST', path: 'register', json: registration(options.env) });
  const session = {
    options,
    api: api.withToken(textAt(body, 'access_token')),
    statusInterval: numberAt(body, 'job_status_interval') ?? 1,
  };
  options.say(`registered as agent "${textAt(body, 'name')}"`);
  const stopBeating = beat(session, numberAt(body, 'heartbeat_interval') ?? 60);
  try {
    await session.api.send({ method: 'POST', path: 'connect' });
    return await takeJob(session);
  } finally {
    stopBeating();
    await session.api.send({ method: 'POST', path: 'disconnect' }).catch(() => undefined);
  }
}

function registration(env: Env): object {
  const ownTags = (env['BUILDKITE_AGENT_TAGS'] ?? '').split(',').filter((tag) => tag !== '');
  const clusterTags = Object.entries(env)
    .filter(([name]) => name.startsWith('BUILDKITE_K8S_'))
    .map(([name, value]) => `k8s:${name.slice('BUILDKITE_K8S_'.length).toLowerCase().replaceAll('_', '-')}=${value}`);
  return {
    name: env['BUILDKITE_AGENT_NAME'] ?? '%hostname-%random',
    hostname: hostname(),
    os: process.platform,
    arch: process.arch,
    script_eval_enabled: true,
    ignore_in_dispatches: true,
    version: VERSION,
    build: 'sandbox',
    meta_data: [...ownTags, ...clusterTags],
    pid: process.pid,
    features: ['acquire-job'],
  };
}

/** Without heartbeats Buildkite takes the agent for lost after three minutes. */
function beat({ api }: Session, seconds: number): () => void {
  const timer = setInterval(() => {
    api.send({ method: 'POST', path: 'heartbeat', json: { sent_at: new Date().toISOString() } }).catch(() => undefined);
  }, seconds * 1000);
  return () => clearInterval(timer);
}

async function takeJob(session: Session): Promise<number> {
  const { env, say, stop } = session.options;
  const id = env['BUILDKITE_AGENT_ACQUIRE_JOB'] ?? '';
  let job: unknown;
  try {
    const headers = { 'x-buildkite-lock-acquire-job': '1' };
    const rule = { attempts: 7, delayMs: 1000, alsoOn: 423, signal: stop };
    job = (await session.api.send({ method: 'PUT', path: `jobs/${id}/acquire`, headers }, rule)).body;
  } catch (error) {
    if (!(error instanceof ApiRefusal) || error.status === 0) throw error;
    say(`job "${id}" was not acquired: ${error.message}`);
    return error.status === 422 ? REJECTED : 0;
  }
  say(`acquired job "${id}"`);
  await runJob(session, job);
  return 0;
}

async function runJob(session: Session, job: unknown): Promise<void> {
  const { options } = session;
  const id = textAt(job, 'id');
  const api = session.api.withToken(textAt(job, 'token'));
  try {
    await api.send({ method: 'PUT', path: `jobs/${id}/start`, json: { started_at: new Date().toISOString() } });
  } catch (error) {
    options.say(`job "${id}" was not started: ${error instanceof Error ? error.message : String(error)}`);
    return;
  }
  const env = registeredEnv(options.env, job, api);
  const log = new JobLog({
    send: (chunk) => sendChunk(api, id, chunk),
    maxBytes: numberAt(job, 'chunks_max_size_bytes') ?? 102_400,
    intervalMs: (numberAt(job, 'chunks_interval_seconds') ?? 1) * 1000,
    secrets: [
      textAt(job, 'token'),
      options.env['BUILDKITE_AGENT_TOKEN'] ?? '',
      ...secretsOf(env, options.env['BUILDKITE_REDACTED_VARS'] ?? ''),
    ],
  });
  const interrupt = new AbortController();
  const watching = watchForCancel({ api, id, interrupt, session });
  const result = await runParts(session, { env, log, api, jobId: id, interrupt: interrupt.signal });
  const why: unknown = interrupt.signal.aborted ? interrupt.signal.reason : undefined;
  watching.end();
  const failedChunks = await log.close();
  await finish(api, id, {
    exit_status: exitStatus(result, why),
    ...(typeof why === 'string' ? { signal_reason: why } : {}),
    chunks_failed_count: failedChunks,
  });
}

/** Section 2.4 of the agent's contract: the agent's own variables, then the job's, never the registration token. */
function registeredEnv(agentEnv: Env, job: unknown, api: AgentApi): Env {
  const own = Object.fromEntries(Object.entries(agentEnv).filter(([name]) => !AGENT_ONLY.has(name)));
  const env: Record<string, string> = {
    ...own,
    ...stringsAt(job, 'env'),
    BUILDKITE_AGENT_ACCESS_TOKEN: textAt(job, 'token'),
    BUILDKITE_AGENT_ENDPOINT: api.endpoint,
    BUILDKITE_KUBERNETES_EXEC: 'true',
  };
  const plugins = env['BUILDKITE_PLUGINS'];
  return plugins === undefined ? env : { ...env, BUILDKITE_PLUGINS: withoutKubernetesPlugin(plugins) };
}

function withoutKubernetesPlugin(text: string): string {
  try {
    const plugins: unknown = JSON.parse(text);
    if (!Array.isArray(plugins)) return text;
    const isOurs = (plugin: unknown): boolean => /(^|\/)kubernetes(-buildkite-plugin)?(#.*)?$/.test(pluginName(plugin));
    return JSON.stringify(plugins.filter((plugin) => !isOurs(plugin)));
  } catch {
    return text;
  }
}

function pluginName(plugin: unknown): string {
  if (typeof plugin === 'string') return plugin;
  return typeof plugin === 'object' && plugin !== null ? (Object.keys(plugin)[0] ?? '') : '';
}

async function runParts(session: Session, part: Omit<JobPart, 'kill'>): Promise<PartResult> {
  const { clients, env, kill } = session.options;
  const graceMs = Number(env['BUILDKITE_SIGNAL_GRACE_PERIOD_SECONDS'] ?? '9') * 1000;
  const patience = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const forget = [
    whenAborted(part.interrupt, () => (timer = setTimeout(() => patience.abort(), graceMs))),
    whenAborted(kill, () => patience.abort()),
  ];
  try {
    for (const client of clients) {
      if (part.interrupt.aborted) break;
      const result = await client.run({ ...part, kill: patience.signal });
      if (result.exitCode !== 0 || result.killed) return result;
    }
    return { exitCode: 0, killed: false };
  } finally {
    clearTimeout(timer);
    for (const off of forget) off();
  }
}

/** In Kubernetes a cancelled job ends with -1 when it went in time, with 137 when it had to be killed. */
function exitStatus(result: PartResult, interrupted: unknown): string {
  if (interrupted !== undefined) return result.killed ? '137' : '-1';
  return String(result.exitCode);
}

interface Watch {
  readonly api: AgentApi;
  readonly id: string;
  readonly interrupt: AbortController;
  readonly session: Session;
}

/** Aborts `interrupt` with the signal reason (`cancel` or `agent_stop`) when the job has to end early. */
function watchForCancel({ api, id, interrupt, session }: Watch): { end: () => void } {
  const over = new AbortController();
  const forgetStop = whenAborted(session.options.stop, () => interrupt.abort('agent_stop'));
  const poll = async (): Promise<void> => {
    while (!interrupt.signal.aborted) {
      await sleep(session.statusInterval * 1000 * (1 + Math.random()), undefined, { signal: over.signal });
      if (await isCancelled(api, id)) interrupt.abort('cancel');
    }
  };
  // The only rejection is the end of the wait.
  poll().catch(() => undefined);
  return {
    end: () => {
      over.abort();
      forgetStop();
    },
  };
}

async function isCancelled(api: AgentApi, id: string): Promise<boolean> {
  try {
    const { body } = await api.send({ method: 'GET', path: `jobs/${id}` }, { attempts: 1 });
    return OVER.has(String(at(body, 'state')));
  } catch (error) {
    return error instanceof ApiRefusal && error.status === 401;
  }
}

async function sendChunk(
  api: AgentApi,
  id: string,
  chunk: { bytes: Buffer; sequence: number; offset: number },
): Promise<boolean> {
  const path = `jobs/${id}/chunks?sequence=${chunk.sequence}&offset=${chunk.offset}&size=${chunk.bytes.length}`;
  const headers = { 'content-type': 'text/plain', 'content-encoding': 'gzip' };
  try {
    await api.send({ method: 'POST', path, raw: await compress(chunk.bytes), headers }, { attempts: 8 });
    return true;
  } catch {
    return false;
  }
}

async function finish(api: AgentApi, id: string, report: Readonly<Record<string, unknown>>): Promise<void> {
  try {
    const json = { ...report, finished_at: new Date().toISOString() };
    await api.send({ method: 'PUT', path: `jobs/${id}/finish`, json }, { attempts: 8 });
  } catch (error) {
    // 401 and 422: the job is over already.
    if (!(error instanceof ApiRefusal) || error.status === 0 || error.status >= 500) throw error;
  }
}

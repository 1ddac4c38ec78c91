import { gunzipSync } from 'node:zlib';
import { jobEnv } from './job-env.js';
import { number, readObject, text, texts, type JsonObject } from './json.js';
import type { BuildEngine } from './engine.js';
import type { JobLifecycle } from './lifecycle.js';
import type { Agent, Job } from './model.js';
import { type Call, Refusal, type Reply, type Routes } from './router.js';
import { type Store, withoutMarkers } from './store.js';

/** What the API modules share. */
export interface Sandbox {
  readonly store: Store;
  readonly engine: BuildEngine;
  readonly lifecycle: JobLifecycle;
  readonly settings: AgentSettings;
}

/** What the server tells agents to do; the defaults are those of a quick local run. */
export interface AgentSettings {
  /** Seconds; the agent panics at 0. */
  readonly pingInterval: number;
  readonly jobStatusInterval: number;
  readonly heartbeatInterval: number;
  readonly chunksMaxSizeBytes: number;
  readonly chunksIntervalSeconds: number;
}

/** The token of `Authorization: Token …`; 401 when there is none. */
export function tokenOf(call: Call): string {
  const match = /^Token (\S+)$/.exec(call.headers.authorization ?? '');
  if (match?.[1] === undefined) throw new Refusal(401, 'Authorization header with a token is missing');
  return match[1];
}

/** Refuses everything but the agent (cluster) token. */
export function requireAgentToken(call: Call, store: Store): void {
  if (tokenOf(call) !== store.agentToken) throw new Refusal(401, 'Invalid agent token');
}

function sessionOf(call: Call, { store, lifecycle }: Sandbox): Agent {
  const agent = store.sessions.get(tokenOf(call));
  if (agent === undefined) throw new Refusal(401, 'Invalid access token: not an agent session');
  lifecycle.see(agent);
  return agent;
}

/** The job of the path, for a caller that holds its live job token. 401 for any other token, as after the job's end. */
export function jobOfCall(call: Call, { lifecycle }: Sandbox): Job {
  const job = lifecycle.jobOfToken(tokenOf(call));
  if (job === undefined) throw new Refusal(401, 'Invalid access token: not the token of a live job');
  if (call.params.id !== job.id) throw new Refusal(404, `no job "${call.params.id ?? ''}" for this token`);
  if (job.agent !== undefined) lifecycle.see(job.agent);
  return job;
}

function expandName(name: string, body: JsonObject, random: string): string {
  return name
    .replaceAll('%hostname', text(body.hostname) ?? 'localhost')
    .replaceAll('%random', random)
    .replaceAll('%pid', String(number(body.pid) ?? 0))
    .replaceAll('%n', '1');
}

/** Who may register: the cluster's token, or a job acquisition token whose job is still reserved. */
function registrant(call: Call, { store }: Sandbox): { readonly onlyJob?: string } {
  const token = tokenOf(call);
  if (token === store.agentToken) return {};
  const issued = store.acquisitionTokens.get(token);
  if (issued === undefined) throw new Refusal(401, 'Invalid agent token');
  if (issued.expiresAt <= store.now() || store.jobs.get(issued.jobId)?.state !== 'reserved') {
    throw new Refusal(401, 'job acquisition token has expired');
  }
  return { onlyJob: issued.jobId };
}

function register(call: Call, sandbox: Sandbox): Reply {
  const { store, settings } = sandbox;
  const { onlyJob } = registrant(call, sandbox);
  const body = readObject(call);
  const id = store.ids.uuid();
  const agent: Agent = {
    id,
    name: expandName(text(body.name) ?? '%hostname-%random', body, id.slice(0, 6)),
    hostname: text(body.hostname) ?? '',
    version: text(body.version) ?? '',
    tags: texts(body.meta_data),
    token: store.ids.token('bkaa_'),
    onlyJob,
    ignoreInDispatches: body.ignore_in_dispatches === true,
    createdAt: store.now(),
    connection: 'never_connected',
    lastSeenAt: store.now(),
    paused: false,
  };
  store.agents.set(agent.id, agent);
  store.sessions.set(agent.token, agent);
  return {
    status: 201,
    body: {
      id: agent.id,
      name: agent.name,
      access_token: agent.token,
      ping_interval: settings.pingInterval,
      job_status_interval: settings.jobStatusInterval,
      heartbeat_interval: settings.heartbeatInterval,
      meta_data: agent.tags,
    },
  };
}

function connect(call: Call, sandbox: Sandbox): Reply {
  const agent = sessionOf(call, sandbox);
  agent.connection = 'connected';
  sandbox.lifecycle.see(agent);
  return { status: 200, body: { id: agent.id, connection_state: 'connected' } };
}

function disconnect(call: Call, sandbox: Sandbox): Reply {
  const agent = sessionOf(call, sandbox);
  sandbox.lifecycle.dropAgent(agent, 'disconnected');
  return { status: 200, body: { id: agent.id, connection_state: 'disconnected' } };
}

function heartbeat(call: Call, sandbox: Sandbox): Reply {
  sessionOf(call, sandbox);
  const received = new Date(sandbox.store.now()).toISOString();
  return { status: 200, body: { sent_at: text(readObject(call).sent_at) ?? received, received_at: received } };
}

function ping(call: Call, sandbox: Sandbox): Reply {
  const agent = sessionOf(call, sandbox);
  if (agent.connection === 'stopping' || agent.connection === 'stopped') {
    return { status: 200, body: { action: 'disconnect', message: 'this agent was asked to stop' } };
  }
  if (agent.paused) return { status: 200, body: { action: 'pause', message: 'this agent is paused' } };
  const job = sandbox.lifecycle.assign(agent);
  return { status: 200, body: job === undefined ? {} : { job: { id: job.id } } };
}

/** The job as `acquire` and `accept` answer it. Every environment value is a string: anything else cannot be decoded. */
function jobObject(job: Job, { store, settings }: Sandbox): JsonObject {
  return {
    id: job.id,
    state: job.state,
    token: job.token,
    env: jobEnv(job, store),
    step: job.step.plan.definition,
    ...(job.plan.matrix === undefined ? {} : { matrix_permutation: job.plan.matrix }),
    chunks_max_size_bytes: settings.chunksMaxSizeBytes,
    chunks_interval_seconds: settings.chunksIntervalSeconds,
    log_max_size_bytes: 1024 ** 3,
    priority: job.plan.priority,
    runnable_at: new Date(job.scheduledAt ?? job.createdAt).toISOString(),
  };
}

function acquire(call: Call, sandbox: Sandbox): Reply {
  const agent = sessionOf(call, sandbox);
  const job = sandbox.lifecycle.acquire(sandbox.store.jobs.get(call.params.id ?? ''), agent);
  return { status: 200, body: jobObject(job, sandbox) };
}

function accept(call: Call, sandbox: Sandbox): Reply {
  const agent = sessionOf(call, sandbox);
  const job = sandbox.lifecycle.accept(sandbox.store.jobs.get(call.params.id ?? ''), agent);
  return { status: 200, body: jobObject(job, sandbox) };
}

/** Shows listeners what of the log has become contiguous. */
function showLog(job: Job, store: Store): void {
  for (let chunk = job.log.get(job.logShown); chunk !== undefined; chunk = job.log.get(job.logShown)) {
    job.logShown += 1;
    store.emit({ type: 'log', jobId: job.id, text: withoutMarkers(chunk.toString('utf8')), at: store.now() });
  }
}

function chunks(call: Call, sandbox: Sandbox): Reply {
  const job = jobOfCall(call, sandbox);
  if (!['running', 'canceling', 'timing_out'].includes(job.state))
    throw new Refusal(422, `job "${job.id}" is ${job.state}`);
  const sequence = number(call.query.get('sequence'));
  if (sequence === undefined || sequence < 1) throw new Refusal(422, '"sequence" must be a number from 1');
  const bytes = call.headers['content-encoding'] === 'gzip' ? gunzipSync(call.body) : call.body;
  const size = number(call.query.get('size'));
  if (size !== undefined && size !== bytes.length)
    throw new Refusal(422, `"size" is ${size}, the chunk has ${bytes.length} bytes`);
  if (!job.log.has(sequence)) job.log.set(sequence, bytes);
  showLog(job, sandbox.store);
  return { status: 201, body: {} };
}

function finish(call: Call, sandbox: Sandbox): Reply {
  const job = jobOfCall(call, sandbox);
  const body = readObject(call);
  if (typeof body.exit_status !== 'string') throw new Refusal(422, '"exit_status" must be a string holding an integer');
  const exitStatus = number(body.exit_status);
  if (exitStatus === undefined) throw new Refusal(422, `"exit_status" is "${body.exit_status}", not an integer`);
  const { agent } = job;
  sandbox.lifecycle.finish(job, {
    exitStatus,
    signal: text(body.signal),
    signalReason: text(body.signal_reason),
    chunksFailed: number(body.chunks_failed_count) ?? 0,
  });
  if (agent !== undefined && body.ignore_agent_in_dispatches === true) agent.ignoreInDispatches = true;
  return { status: 200, body: {} };
}

function tokenIdentity(call: Call, { store }: Sandbox): Reply {
  requireAgentToken(call, store);
  return {
    status: 200,
    body: {
      uuid: store.cluster.id,
      description: 'sandbox',
      token_type: 'cluster',
      organization_slug: store.organization.slug,
      organization_uuid: store.organization.id,
      cluster_uuid: store.cluster.id,
      cluster_name: store.cluster.name,
      organization_queue_uuid: null,
      organization_queue_key: null,
    },
  };
}

/** Routes of section "lifecycle" of the agent API, mounted under `/v3`. */
export function agentRoutes(sandbox: Sandbox): Routes {
  return {
    'POST /v3/register': (call) => register(call, sandbox),
    'POST /v3/connect': (call) => connect(call, sandbox),
    'POST /v3/disconnect': (call) => disconnect(call, sandbox),
    'POST /v3/heartbeat': (call) => heartbeat(call, sandbox),
    'GET /v3/ping': (call) => ping(call, sandbox),
    'PUT /v3/jobs/:id/acquire': (call) => acquire(call, sandbox),
    'PUT /v3/jobs/:id/accept': (call) => accept(call, sandbox),
    'PUT /v3/jobs/:id/start': (call) => {
      sandbox.lifecycle.start(jobOfCall(call, sandbox));
      return { status: 200, body: {} };
    },
    'GET /v3/jobs/:id': (call) => ({ status: 200, body: { state: jobOfCall(call, sandbox).state } }),
    'POST /v3/jobs/:id/chunks': (call) => chunks(call, sandbox),
    'POST /v3/jobs/:id/header_times': (call) => {
      jobOfCall(call, sandbox);
      return { status: 200, body: {} };
    },
    'PUT /v3/jobs/:id/finish': (call) => finish(call, sandbox),
    'POST /v3/stop': (call) => {
      const agent = lifecycleAgent(call, sandbox);
      agent.connection = 'stopping';
      if (readObject(call).force === true && agent.job !== undefined) sandbox.lifecycle.cancel(agent.job);
      return { status: 200, body: {} };
    },
    'POST /v3/pause': (call) => {
      lifecycleAgent(call, sandbox).paused = true;
      return { status: 200, body: {} };
    },
    'POST /v3/resume': (call) => {
      lifecycleAgent(call, sandbox).paused = false;
      return { status: 200, body: {} };
    },
    'GET /v3/token': (call) => tokenIdentity(call, sandbox),
  };
}

/** The agent behind a session token or behind the token of the job it runs. */
function lifecycleAgent(call: Call, sandbox: Sandbox): Agent {
  return sandbox.lifecycle.jobOfToken(tokenOf(call))?.agent ?? sessionOf(call, sandbox);
}

import { arch, hostname, type as osType } from 'node:os';
import { gzipSync } from 'node:zlib';
import { ExternalError } from '../../core/errors.js';
import type { ControllerConfig } from '../../core/config/config.js';
import type { Clock, Logger } from '../../ports/runtime.js';
import { createHttpClient, pathSegment, type HttpAnswer, type HttpClient } from './http.js';
import type { HttpRequest } from './http-request.js';
import { isObject, numberOf, objectOf, textOf } from './json.js';
import { withRetry } from './retry.js';

/** Where Buildkite's agent API lives unless `agent-config.endpoint` says otherwise. */
const DEFAULT_AGENT_ENDPOINT = 'https://agent.buildkite.com/v3';

export interface TemporaryAgentOptions {
  /** Base of the agent API. */
  readonly endpoint: string;
  /** Agent token that may register agents for the job's queue. */
  readonly token: string;
  /** Where the token came from, for messages. */
  readonly tokenOrigin: string;
  readonly config: Pick<ControllerConfig, 'queue' | 'tags' | 'httpTimeoutMs' | 'logHttpPayloads'>;
  readonly version: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Uniform in [0, 1), for the jitter of retries. */
  readonly random: () => number;
}

export interface FailedJob {
  readonly id: string;
  /** Its agent query rules; they become the tags of the temporary agent. */
  readonly agentQueryRules?: readonly string[];
  /** What the person reading the build's log sees. */
  readonly text: string;
}

/** The base of the agent API for this configuration. */
export function agentEndpoint(config: Pick<ControllerConfig, 'agentConfig'>): string {
  return config.agentConfig?.endpoint ?? DEFAULT_AGENT_ENDPOINT;
}

/**
 * Fails a job the only way there is without the Stacks API: as an agent that takes the job, writes `text` to its log and
 * finishes it with exit status 1. A job that is over or that another agent has is left alone; that is no error.
 */
export async function failJobAsAgent(
  options: TemporaryAgentOptions,
  job: FailedJob,
  signal: AbortSignal,
): Promise<void> {
  const http = agentClient(options, options.endpoint, options.token);
  try {
    const registered = await withRetry(() => register(http, options, job, signal), { ...options, signal });
    await actAsAgent(options, registered, job, signal);
  } finally {
    http.close();
  }
}

interface Registered {
  readonly endpoint: string;
  readonly sessionToken: string;
  /** `Buildkite-…` headers the server wants back on every later call. */
  readonly headers: Readonly<Record<string, string>>;
}

async function actAsAgent(
  options: TemporaryAgentOptions,
  agent: Registered,
  job: FailedJob,
  signal: AbortSignal,
): Promise<void> {
  const http = agentClient(options, agent.endpoint, agent.sessionToken, agent.headers);
  try {
    await sendRetrying(http, options, { method: 'POST', path: 'connect', ignoreBody: true, signal });
    await takeAndFail(options, http, agent, { job, signal });
  } finally {
    await sayGoodbye(http, options);
    http.close();
  }
}

async function takeAndFail(
  options: TemporaryAgentOptions,
  http: HttpClient,
  agent: Registered,
  { job, signal }: { readonly job: FailedJob; readonly signal: AbortSignal },
): Promise<void> {
  const path = `jobs/${pathSegment(job.id)}`;
  const acquired = await acquire(http, options, path, signal);
  if (acquired === undefined) return;
  const jobToken = textOf(acquired['token']) ?? agent.sessionToken;
  const jobHttp = agentClient(options, agent.endpoint, jobToken, agent.headers);
  try {
    if (!(await start(jobHttp, options, path, signal))) return;
    const maxBytes = numberOf(acquired['chunks_max_size_bytes'], 0);
    const failedChunks = await sendLog(jobHttp, options, { path, text: job.text, maxBytes, signal });
    await finish(jobHttp, options, { path, failedChunks, signal });
  } finally {
    jobHttp.close();
  }
}

function agentClient(
  options: TemporaryAgentOptions,
  endpoint: string,
  token: string,
  headers: Readonly<Record<string, string>> = {},
): HttpClient {
  return createHttpClient({
    endpoint,
    api: "Buildkite's agent API",
    headers: { ...headers, authorization: `Token ${token}`, 'user-agent': `agent-stack-k8s/${options.version}` },
    secrets: [options.token, token],
    unauthorizedHint: `the agent token from ${options.tokenOrigin} is not accepted: put a current agent token there`,
    timeoutMs: options.config.httpTimeoutMs,
    logPayloads: options.config.logHttpPayloads,
    clock: options.clock,
    logger: options.logger,
  });
}

async function register(
  http: HttpClient,
  options: TemporaryAgentOptions,
  job: FailedJob,
  signal: AbortSignal,
): Promise<Registered> {
  const json = {
    name: `buildkite-${job.id}`,
    hostname: hostname(),
    os: osType().toLowerCase(),
    arch: arch(),
    script_eval_enabled: true,
    ignore_in_dispatches: true,
    version: options.version,
    build: 'agent-stack-k8s',
    meta_data: job.agentQueryRules ?? ownTags(options.config),
    pid: process.pid,
    features: ['agent-core'],
  };
  const { body } = await http.send({ method: 'POST', path: 'register', json, signal });
  const answer = objectOf(body);
  const sessionToken = textOf(answer['access_token']);
  if (sessionToken === undefined) {
    throw new ExternalError(`buildkite registered an agent to fail job "${job.id}" but gave it no access token`, {
      retryable: false,
    });
  }
  return {
    endpoint: textOf(answer['endpoint']) ?? options.endpoint,
    sessionToken,
    headers: requestedHeaders(answer['request_headers']),
  };
}

function ownTags({ queue, tags }: TemporaryAgentOptions['config']): readonly string[] {
  return queue === '' ? tags : [`queue=${queue}`, ...tags.filter((tag) => !tag.startsWith('queue='))];
}

function requestedHeaders(value: unknown): Record<string, string> {
  const entries = Object.entries(objectOf(value)).filter(([name]) => name.startsWith('Buildkite-'));
  return Object.fromEntries(entries.map(([name, text]) => [name, String(text)]));
}

/** @returns the job as Buildkite hands it to agents, or undefined when it is over or somebody else's. */
async function acquire(
  http: HttpClient,
  options: TemporaryAgentOptions,
  path: string,
  signal: AbortSignal,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  const headers = { 'x-buildkite-lock-acquire-job': '1' };
  try {
    const { body } = await withRetry(() => http.send({ method: 'PUT', path: `${path}/acquire`, headers, signal }), {
      ...options,
      signal,
      // 423: the job still waits for something; it may become acquirable in a moment.
      alsoRetry: (error) => error.status === 423,
    });
    return isObject(body) ? body : {};
  } catch (error) {
    if (error instanceof ExternalError && error.status === 422) return undefined;
    throw error;
  }
}

/** @returns false when the job was cancelled in the meantime. */
async function start(
  http: HttpClient,
  options: TemporaryAgentOptions,
  path: string,
  signal: AbortSignal,
): Promise<boolean> {
  const json = { started_at: new Date(options.clock.now()).toISOString() };
  return unlessOver(
    sendRetrying(http, options, { method: 'PUT', path: `${path}/start`, json, ignoreBody: true, signal }),
  );
}

interface LogToSend {
  readonly path: string;
  readonly text: string;
  /** Largest chunk in bytes before compression; 0 = no limit. */
  readonly maxBytes: number;
  readonly signal: AbortSignal;
}

/** @returns how many chunks could not be sent: a job without its log is still better failed than left waiting. */
async function sendLog(http: HttpClient, options: TemporaryAgentOptions, log: LogToSend): Promise<number> {
  const bytes = Buffer.from(log.text.endsWith('\n') ? log.text : `${log.text}\n`);
  const size = log.maxBytes > 0 ? log.maxBytes : bytes.length;
  let failed = 0;
  for (let offset = 0, sequence = 1; offset < bytes.length; offset += size, sequence += 1) {
    const chunk = bytes.subarray(offset, offset + size);
    try {
      await sendRetrying(http, options, {
        method: 'POST',
        path: `${log.path}/chunks`,
        query: { sequence, offset, size: chunk.length },
        raw: gzipSync(chunk),
        headers: { 'content-type': 'text/plain', 'content-encoding': 'gzip' },
        ignoreBody: true,
        signal: log.signal,
      });
    } catch (error) {
      log.signal.throwIfAborted();
      failed += 1;
      options.logger.warn('could not write to the job log', { error, path: log.path });
    }
  }
  return failed;
}

async function finish(
  http: HttpClient,
  options: TemporaryAgentOptions,
  {
    path,
    failedChunks,
    signal,
  }: { readonly path: string; readonly failedChunks: number; readonly signal: AbortSignal },
): Promise<void> {
  const json = {
    exit_status: '1',
    signal_reason: 'stack_error',
    finished_at: new Date(options.clock.now()).toISOString(),
    chunks_failed_count: failedChunks,
  };
  await unlessOver(
    sendRetrying(http, options, { method: 'PUT', path: `${path}/finish`, json, ignoreBody: true, signal }),
  );
}

/** Buildkite answers 401 (dead job token) or 422 for a job that is over. */
async function unlessOver(call: Promise<HttpAnswer>): Promise<boolean> {
  try {
    await call;
    return true;
  } catch (error) {
    if (error instanceof ExternalError && (error.status === 401 || error.status === 422)) return false;
    throw error;
  }
}

/** Also after an abort: an agent that does not say goodbye is listed as lost for minutes. */
async function sayGoodbye(http: HttpClient, options: TemporaryAgentOptions): Promise<void> {
  try {
    const signal = new AbortController().signal;
    await http.send({ method: 'POST', path: 'disconnect', ignoreBody: true, timeoutMs: 5000, signal });
  } catch (error) {
    options.logger.debug('the temporary agent could not say goodbye', { error });
  }
}

function sendRetrying(http: HttpClient, options: TemporaryAgentOptions, request: HttpRequest): Promise<HttpAnswer> {
  return withRetry(() => http.send(request), { ...options, signal: request.signal });
}

/** A Buildkite agent that does nothing for its job but say so, and says it the way the real one does. */
export interface AgentRun {
  /** Base of the Agent API, without `/v3`. */
  readonly endpoint: string;
  /** The token from the pod's Secret. */
  readonly token: string;
  readonly jobId: string;
  /** @default 0 */
  readonly exitStatus?: number;
}

/**
 * The calls of `buildkite-agent start --acquire-job`: register, connect, acquire, start, log, finish, disconnect.
 * @returns false when Buildkite did not let this agent have the job.
 * @throws when any other call is refused.
 */
export async function runStandInAgent({ endpoint, token, jobId, exitStatus = 0 }: AgentRun): Promise<boolean> {
  const call = async (bearer: string, method: string, path: string, body?: unknown): Promise<any> => {
    const answer = await fetch(`${endpoint}/v3/${path}`, {
      method,
      headers: { authorization: `Token ${bearer}`, 'content-type': 'application/json' },
      body: body === undefined ? null : JSON.stringify(body),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Refused(answer.status, `${method} ${path}: ${answer.status} ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  };
  const agent = await call(token, 'POST', 'register', {
    name: `stand-in-${jobId}`,
    hostname: 'stand-in',
    version: '3.136.2',
    meta_data: [],
    ignore_in_dispatches: true,
    features: ['acquire-job'],
  });
  await call(agent.access_token, 'POST', 'connect');
  const job = await call(agent.access_token, 'PUT', `jobs/${jobId}/acquire`).catch((error: unknown) => {
    if (error instanceof Refused && error.status === 422) return undefined;
    throw error;
  });
  if (job !== undefined) {
    await call(job.token, 'PUT', `jobs/${jobId}/start`, { started_at: new Date().toISOString() });
    await call(job.token, 'PUT', `jobs/${jobId}/finish`, {
      exit_status: String(exitStatus),
      finished_at: new Date().toISOString(),
      chunks_failed_count: 0,
    });
  }
  await call(agent.access_token, 'POST', 'disconnect');
  return job !== undefined;
}

class Refused extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

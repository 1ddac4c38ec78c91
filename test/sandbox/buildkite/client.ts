import { gzipSync } from 'node:zlib';
import type { BuildkiteServer } from '../../../src/sandbox/buildkite/server.js';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: any;
}

/** Speaks plain HTTP with JSON; an empty body reads as undefined. */
export async function request(
  method: string,
  url: string,
  options: { token?: string; body?: unknown; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const raw = Buffer.isBuffer(options.body);
  const response = await fetch(url, {
    method,
    headers: {
      ...(options.token === undefined ? {} : { authorization: options.token }),
      ...(options.body === undefined || raw ? {} : { 'content-type': 'application/json' }),
      ...options.headers,
    },
    body:
      options.body === undefined ? null : raw ? new Uint8Array(options.body as Buffer) : JSON.stringify(options.body),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) };
}

/** What `buildkite-agent start --acquire-job` does, call by call. */
export class FakeAgent {
  session = '';
  jobToken = '';
  job: any;
  readonly server: BuildkiteServer;

  constructor(server: BuildkiteServer) {
    this.server = server;
  }

  async join(options: { token?: string; tags?: string[]; acquire?: boolean } = {}): Promise<Answer> {
    const registered = await request('POST', `${this.server.agentEndpoint}/register`, {
      token: `Token ${options.token ?? this.server.agentToken}`,
      body: {
        name: '%hostname-%pid',
        hostname: 'pod',
        pid: 7,
        meta_data: options.tags ?? ['queue=default'],
        ignore_in_dispatches: options.acquire ?? true,
      },
    });
    this.session = registered.body.access_token ?? '';
    if (registered.status < 300) await this.asAgent('POST', 'connect');
    return registered;
  }

  asAgent(method: string, path: string, body?: unknown): Promise<Answer> {
    return request(method, `${this.server.agentEndpoint}/${path}`, { token: `Token ${this.session}`, body });
  }

  asJob(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    return request(method, `${this.server.agentEndpoint}/${path}`, { token: `Token ${this.jobToken}`, body, headers });
  }

  async acquire(jobId: string): Promise<Answer> {
    const answer = await this.asAgent('PUT', `jobs/${jobId}/acquire`);
    if (answer.status === 200) {
      this.job = answer.body;
      this.jobToken = answer.body.token;
    }
    return answer;
  }

  start(): Promise<Answer> {
    return this.asJob('PUT', `jobs/${this.job.id}/start`, { started_at: '2026-01-02T03:04:05.123456789Z' });
  }

  chunk(sequence: number, text: string): Promise<Answer> {
    const query = `sequence=${sequence}&offset=0&size=${Buffer.byteLength(text)}`;
    const headers = { 'content-type': 'text/plain', 'content-encoding': 'gzip' };
    return this.asJob('POST', `jobs/${this.job.id}/chunks?${query}`, gzipSync(text), headers);
  }

  finish(exitStatus: number, extra: Record<string, unknown> = {}): Promise<Answer> {
    const report = {
      exit_status: String(exitStatus),
      finished_at: '2026-01-02T03:05:05Z',
      chunks_failed_count: 0,
      ...extra,
    };
    return this.asJob('PUT', `jobs/${this.job.id}/finish`, report);
  }

  /** Takes a job from acquire to finish. */
  async run(jobId: string, exitStatus = 0): Promise<void> {
    await this.join();
    await this.acquire(jobId);
    await this.start();
    await this.finish(exitStatus);
    await this.asAgent('POST', 'disconnect');
  }
}

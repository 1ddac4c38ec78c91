import { createAgentApi, type AgentApi } from '../agent/agent-http.js';
import { UsageProblem } from './arguments.js';

/** The job this program was called from. */
export interface JobContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly jobId: string;
  readonly buildId: string;
  /** Opens the API with the job's token. @throws UsageProblem outside of a job. */
  api(): AgentApi;
}

/** Reads the job from the environment a job runs with. */
export function contextOf(env: Readonly<Record<string, string | undefined>>): JobContext {
  return {
    env,
    jobId: env['BUILDKITE_JOB_ID'] ?? '',
    buildId: env['BUILDKITE_BUILD_ID'] ?? '',
    api: () => {
      const endpoint = env['BUILDKITE_AGENT_ENDPOINT'] ?? '';
      const token = env['BUILDKITE_AGENT_ACCESS_TOKEN'] ?? '';
      if (endpoint === '' || token === '') {
        throw new UsageProblem(
          'BUILDKITE_AGENT_ENDPOINT or BUILDKITE_AGENT_ACCESS_TOKEN is not set: this works in a job only',
        );
      }
      return createAgentApi(endpoint, token);
    },
  };
}

/** Everything on standard input. */
export async function readStandardInput(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer); // no encoding is set, so these are buffers
  return Buffer.concat(chunks).toString('utf8');
}

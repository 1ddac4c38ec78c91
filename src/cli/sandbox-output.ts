import type { ChalkInstance } from 'chalk';
import type { SandboxEvent } from '../core/sandbox-event.js';
import { listView, plainView, type JobView } from './sandbox-view.js';

export interface SandboxOutput {
  readonly tell: (event: SandboxEvent) => void;
  close(): Promise<void>;
}

/** Shows events on standard output: JSON lines, a living list on a terminal, or plain lines. */
export function sandboxOutput({ json, colours }: { json: boolean; colours: ChalkInstance }): SandboxOutput {
  const write = (text: string): void => void process.stdout.write(text);
  if (json) return { tell: (event) => write(`${JSON.stringify(event)}\n`), close: () => Promise.resolve() };
  const view = process.stdout.isTTY ? listView(write, colours) : plainView(write, colours);
  return { tell: (event) => showEvent(event, view, colours), close: () => view.close() };
}

function showEvent(event: SandboxEvent, view: JobView, colours: ChalkInstance): void {
  if (event.type === 'job') return view.show(event);
  if (event.type === 'finished') view.end();
  for (const line of describe(event, colours)) view.say(line);
}

function describe(
  event: Exclude<SandboxEvent, { type: 'job' }>,
  { bold, dim, green, red, yellow }: ChalkInstance,
): string[] {
  switch (event.type) {
    case 'started':
      return [
        `${bold('sandbox')} runs ${event.pipeline} with the real controller (${event.source} source)`,
        dim(`  embedded Buildkite   ${event.buildkite}`),
        dim(`  embedded Kubernetes  ${event.kubernetes}`),
        yellow(`  ${event.notice}`),
      ];
    case 'note':
      return [dim(`note: ${event.text}`)];
    case 'artifact':
      return [dim(`artifact  ${event.path} (${event.size} bytes)`)];
    case 'annotation':
      return [`annotation (${event.style || 'default'}): ${event.body.trim()}`];
    case 'finished': {
      const colour = event.state === 'passed' ? green : red;
      return [
        `${bold(colour(`build ${event.state}`))}: ${event.jobs} ${event.jobs === 1 ? 'job' : 'jobs'} in ${(event.durationMs / 1000).toFixed(1)} s`,
      ];
    }
    case 'kept':
      return [
        `${bold('kept')}: the endpoints stay up until Ctrl-C`,
        `  kubectl --kubeconfig=${event.kubeconfig} get jobs,pods`,
        `  GraphQL ${event.graphql}   Agent API ${event.agentEndpoint}`,
      ];
  }
}

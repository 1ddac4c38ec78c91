import { requireAgentToken, type Sandbox } from './agent-api.js';
import { agentQueueKey } from './lifecycle.js';
import type { JobState } from './model.js';
import { type Call, Refusal, type Reply, type Routes } from './router.js';
import type { Store } from './store.js';

interface Counts {
  readonly agents: { idle: number; busy: number; total: number };
  readonly jobs: { scheduled: number; running: number; waiting: number; total: number };
}

const KIND: Partial<Readonly<Record<JobState, 'scheduled' | 'running' | 'waiting'>>> = {
  scheduled: 'scheduled',
  reserved: 'scheduled',
  assigned: 'running',
  accepted: 'running',
  running: 'running',
  canceling: 'running',
  timing_out: 'running',
  waiting: 'waiting',
  limited: 'waiting',
};

/** Counts jobs and connected agents of one queue, or of all. */
function countQueue(store: Store, queueKey?: string): Counts {
  const counts: Counts = {
    agents: { idle: 0, busy: 0, total: 0 },
    jobs: { scheduled: 0, running: 0, waiting: 0, total: 0 },
  };
  for (const job of store.jobs.values()) {
    const kind = KIND[job.state];
    if (kind === undefined || (queueKey !== undefined && job.queueKey !== queueKey)) continue;
    counts.jobs[kind] += 1;
    counts.jobs.total += 1;
  }
  for (const agent of store.agents.values()) {
    if (agent.connection !== 'connected') continue;
    if (queueKey !== undefined && agentQueueKey(store, agent) !== queueKey) continue;
    counts.agents[agent.job === undefined ? 'idle' : 'busy'] += 1;
    counts.agents.total += 1;
  }
  return counts;
}

const HEADERS = { 'buildkite-agent-metrics-poll-duration': '1' };

function allMetrics(call: Call, { store }: Sandbox): Reply {
  requireAgentToken(call, store);
  const all = countQueue(store);
  const queues = [...store.queues.keys()].map((key) => [key, countQueue(store, key)] as const);
  const part = (name: 'agents' | 'jobs'): object =>
    Object.fromEntries(queues.map(([key, counts]) => [key, counts[name]]));
  const body = {
    agents: { ...all.agents, queues: part('agents') },
    jobs: { ...all.jobs, queues: part('jobs') },
    organization: { slug: store.organization.slug },
  };
  return { status: 200, body, headers: HEADERS };
}

function queueMetrics(call: Call, { store }: Sandbox): Reply {
  requireAgentToken(call, store);
  const name = call.query.get('name') ?? '';
  const queue = store.findQueue(name);
  if (queue === undefined) throw new Refusal(404, `no queue "${name}" in this cluster`);
  const body = { ...countQueue(store, queue.key), organization: { slug: store.organization.slug } };
  return { status: 200, body, headers: HEADERS };
}

/** `GET metrics` and `GET metrics/queue?name=` of the agent API. */
export function metricsRoutes(sandbox: Sandbox): Routes {
  return {
    'GET /v3/metrics': (call) => allMetrics(call, sandbox),
    'GET /v3/metrics/queue': (call) => queueMetrics(call, sandbox),
  };
}

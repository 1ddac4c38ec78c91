import type { BuildEngine } from './engine.js';
import { nodeId } from './ids.js';
import type { Agent, Build, Job, JobState, Stack } from './model.js';
import { TERMINAL } from './model.js';
import { Refusal } from './router.js';
import { bySchedule, type Store } from './store.js';

const ASSIGNMENT_MS = 30_000;
const NEVER = Number.POSITIVE_INFINITY;

/** Waiting for something other than an agent: `acquire` answers 423. */
const NOT_YET: ReadonlySet<JobState> = new Set<JobState>(['pending', 'waiting', 'limited']);
const ENDING: ReadonlySet<JobState> = new Set<JobState>(['running', 'canceling', 'timing_out']);

/** How an agent reports the end of a job. */
export interface FinishReport {
  readonly exitStatus: number;
  readonly signal?: string | undefined;
  readonly signalReason?: string | undefined;
  readonly chunksFailed: number;
}

/** The queue an agent serves: its `queue` tag, or the default queue. */
export function agentQueueKey(store: Store, agent: Agent): string {
  const tag = agent.tags.find((candidate) => candidate.startsWith('queue='));
  const key = tag?.slice('queue='.length) ?? '';
  return store.findQueue(key)?.key ?? key;
}

function isPresent({ connection }: Agent): boolean {
  return connection === 'connected' || connection === 'stopping' || connection === 'never_connected';
}

function matchesRules(job: Job, agent: Agent): boolean {
  return job.agentQueryRules
    .filter((rule) => !rule.startsWith('queue='))
    .every((rule) =>
      rule.endsWith('=*') ? agent.tags.some((tag) => tag.startsWith(rule.slice(0, -1))) : agent.tags.includes(rule),
    );
}

/** The job state machine: every move a stack, an agent, a user or the clock can make. Illegal moves are refused. */
export class JobLifecycle {
  readonly #store: Store;
  readonly #engine: BuildEngine;
  readonly #lostAgentMs: number;
  /** Job tokens that still open doors. */
  readonly #tokens = new Map<string, Job>();
  /** Nothing expires before this moment. */
  #nextExpiry = NEVER;
  readonly #clocks = new Map<Job, { readonly at: number; readonly ring: () => void }>();

  constructor(store: Store, engine: BuildEngine, options: { readonly lostAgentMs: number }) {
    this.#store = store;
    this.#engine = engine;
    this.#lostAgentMs = options.lostAgentMs;
  }

  /** The job a live job token belongs to. */
  jobOfToken(token: string): Job | undefined {
    return this.#tokens.get(token);
  }

  /** Claims a job for a stack, or extends or shortens its claim; false when it is not to be had. */
  reserve(job: Job | undefined, stack: Stack, expiryMs: number): boolean {
    if (job?.queueKey !== stack.queueKey) return false;
    const renewal = job.state === 'reserved' && job.reservation?.stackKey === stack.key;
    if (!renewal && job.state !== 'scheduled') return false;
    const expiresAt = this.#store.now() + expiryMs;
    job.reservation = { stackKey: stack.key, expiresAt };
    if (!renewal) this.#store.setJobState(job, 'reserved');
    this.#arm(job, expiresAt, () => this.#release(job));
    return true;
  }

  /** Gives a job to an acquiring agent; repeating a lost answer gives it again. */
  acquire(job: Job | undefined, agent: Agent): Job {
    if (job === undefined || (agent.onlyJob !== undefined && agent.onlyJob !== job.id)) {
      throw new Refusal(404, 'no such job, or this agent may not take it');
    }
    const queueKey = agentQueueKey(this.#store, agent);
    if (queueKey !== job.queueKey) {
      throw new Refusal(404, `job "${job.id}" is in queue "${job.queueKey}", the agent serves queue "${queueKey}"`);
    }
    if (NOT_YET.has(job.state)) throw new Refusal(423, `job "${job.id}" is ${job.state}: try again later`);
    if (job.state === 'accepted' && job.agent === agent) return job;
    if (job.state !== 'scheduled' && job.state !== 'reserved') {
      job.refusals += 1;
      throw new Refusal(422, `job "${job.id}" cannot be acquired: it is ${job.state}`);
    }
    return this.#handOver(job, agent);
  }

  /** Offers a plain agent the best waiting job: highest priority, then oldest. Undefined when there is none. */
  assign(agent: Agent): Job | undefined {
    if (agent.job !== undefined && !TERMINAL.has(agent.job.state))
      return agent.job.state === 'assigned' ? agent.job : undefined;
    const queue = this.#store.findQueue(agentQueueKey(this.#store, agent));
    if (agent.ignoreInDispatches || agent.paused || queue === undefined || queue.paused) return undefined;
    const [job] = [...this.#store.scheduled]
      .filter((candidate) => candidate.queueKey === queue.key && matchesRules(candidate, agent))
      .sort((a, b) => b.plan.priority - a.plan.priority || bySchedule(a, b));
    if (job === undefined) return undefined;
    agent.job = job;
    job.agent = agent;
    this.#store.setJobState(job, 'assigned');
    this.#arm(job, this.#store.now() + ASSIGNMENT_MS, () => this.#release(job));
    return job;
  }

  /** The agent takes the job it was offered. */
  accept(job: Job | undefined, agent: Agent): Job {
    if (job === undefined) throw new Refusal(404, 'no such job');
    if (job.agent !== agent) throw new Refusal(422, `job "${job.id}" was not assigned to this agent`);
    if (job.state === 'accepted') return job;
    if (job.state !== 'assigned') throw new Refusal(422, `job "${job.id}" cannot be accepted: it is ${job.state}`);
    return this.#handOver(job, agent);
  }

  /** The agent begins the job. A repeat by the same agent is harmless and counted once. */
  start(job: Job): void {
    if (job.state === 'running') return;
    if (job.state !== 'accepted') throw new Refusal(422, `job "${job.id}" cannot start: it is ${job.state}`);
    job.starts += 1;
    job.startedAt = this.#store.now();
    job.build.startedAt ??= this.#store.now();
    if (job.build.state === 'scheduled') job.build.state = 'running';
    this.#store.setJobState(job, 'running');
    this.armTimeout(job);
  }

  /** Starts the clock of `timeout_in_minutes`, again after the agent changed it. */
  armTimeout(job: Job): void {
    if (job.state !== 'running') return;
    const limit = job.timeoutInMinutes;
    if (limit === undefined || limit <= 0) this.#disarm(job);
    else
      this.#arm(job, (job.startedAt ?? this.#store.now()) + limit * 60_000, () => {
        if (job.state === 'running') this.#store.setJobState(job, 'timing_out');
      });
  }

  /** The agent ends the job. */
  finish(job: Job, report: FinishReport): void {
    if (!ENDING.has(job.state)) throw new Refusal(422, `job "${job.id}" cannot finish: it is ${job.state}`);
    job.chunksFailed = report.chunksFailed;
    const ends = { running: 'finished', canceling: 'canceled', timing_out: 'timed_out' } as const;
    const state = job.state === 'canceling' || job.state === 'timing_out' ? ends[job.state] : ends.running;
    this.#end(job, { state, exitStatus: report.exitStatus, signal: report.signal, signalReason: report.signalReason });
  }

  /** A stack ends a job that cannot run; at most once per job. */
  finishByStack(job: Job, exitStatus: number, detail: string): void {
    if (TERMINAL.has(job.state)) throw new Refusal(422, `job "${job.id}" is already ${job.state}`);
    const signalReason = exitStatus === 0 ? undefined : 'stack_error';
    this.#end(job, { state: 'finished', exitStatus, signalReason, stackError: detail });
  }

  /** Cancels a job: at once unless it runs, then it is up to its agent. Refused when it has ended. */
  cancel(job: Job): void {
    if (TERMINAL.has(job.state)) throw new Refusal(422, `job "${job.id}" cannot be canceled: it is ${job.state}`);
    if (job.state === 'running') this.#store.setJobState(job, 'canceling');
    else if (!ENDING.has(job.state)) this.#end(job, { state: 'canceled', signalReason: 'cancel' });
  }

  cancelBuild(build: Build): void {
    if (build.finishedAt !== undefined) return;
    this.#engine.cancelPending(build);
    for (const step of build.steps) {
      for (const job of step.jobs) if (!TERMINAL.has(job.state)) this.cancel(job);
    }
  }

  /** The agent is gone for good: what it held ends with -1, as for a lost agent. */
  dropAgent(agent: Agent, connection: 'disconnected' | 'lost'): void {
    agent.connection = connection;
    const { job } = agent;
    if (job === undefined || TERMINAL.has(job.state)) return;
    if (job.state === 'assigned') this.#release(job);
    else this.#end(job, { state: job.state === 'canceling' ? 'canceled' : 'finished', exitStatus: -1 });
  }

  /** Lets pass what the clock decides: reservations, assignments, timeouts, lost agents. Cheap; call it before every answer. */
  sweep(): void {
    const now = this.#store.now();
    if (now < this.#nextExpiry) return;
    const due = [...this.#clocks].filter(([, clock]) => clock.at <= now);
    for (const [job] of due) this.#clocks.delete(job);
    for (const [, clock] of due) clock.ring();
    for (const agent of this.#store.agents.values()) {
      if (isPresent(agent) && now - agent.lastSeenAt >= this.#lostAgentMs) this.dropAgent(agent, 'lost');
    }
    this.#nextExpiry = this.#earliest();
  }

  /** Notes that an agent was heard of. */
  see(agent: Agent): void {
    agent.lastSeenAt = this.#store.now();
    this.#nextExpiry = Math.min(this.#nextExpiry, agent.lastSeenAt + this.#lostAgentMs);
  }

  #handOver(job: Job, agent: Agent): Job {
    job.agent = agent;
    agent.job = job;
    job.assignedAt = this.#store.now();
    job.token = this.#store.ids.token('bkaj_');
    this.#tokens.set(job.token, job);
    delete job.reservation;
    this.#disarm(job);
    this.#store.setJobState(job, 'accepted');
    return job;
  }

  #release(job: Job): void {
    if (job.state !== 'reserved' && job.state !== 'assigned') return;
    delete job.reservation;
    if (job.agent?.job === job) delete job.agent.job;
    delete job.agent;
    this.#store.setJobState(job, 'scheduled');
  }

  #end(job: Job, end: Parameters<BuildEngine['endJob']>[1]): void {
    this.#disarm(job);
    if (job.token !== undefined) this.#tokens.delete(job.token);
    const { build } = job;
    const failing = build.state === 'failing';
    this.#engine.endJob(job, end);
    if (!failing && build.state === 'failing') this.#cancelFailing(build);
  }

  /** `cancel_on_build_failing`: jobs whose result nobody needs once the build is lost. */
  #cancelFailing(build: Build): void {
    for (const step of build.steps.filter(({ plan }) => plan.cancelOnBuildFailing === true)) {
      for (const job of step.jobs) if (!TERMINAL.has(job.state)) this.cancel(job);
    }
  }

  #arm(job: Job, at: number, ring: () => void): void {
    this.#clocks.set(job, { at, ring });
    this.#nextExpiry = Math.min(this.#nextExpiry, at);
  }

  #disarm(job: Job): void {
    this.#clocks.delete(job);
  }

  #earliest(): number {
    let earliest = NEVER;
    for (const clock of this.#clocks.values()) earliest = Math.min(earliest, clock.at);
    for (const agent of this.#store.agents.values()) {
      if (isPresent(agent)) earliest = Math.min(earliest, agent.lastSeenAt + this.#lostAgentMs);
    }
    return earliest;
  }
}

/** The GraphQL id of a job. */
export function jobNodeId(job: Job): string {
  return nodeId('Job', job.id);
}

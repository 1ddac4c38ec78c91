import type { Build, BuildState, Job, JobPlan, JobState, Pipeline, Step, StepPlan } from './model.js';
import { TERMINAL } from './model.js';
import { assessSteps, type Readiness } from './readiness.js';
import { isSoftFailure, shouldRetry } from './retry.js';
import type { Store } from './store.js';

/** How a job ended, as the agent, a stack or the clock reports it. */
export interface JobEnd {
  readonly state: 'finished' | 'canceled' | 'timed_out' | 'waiting_failed';
  readonly exitStatus?: number | undefined;
  readonly signal?: string | undefined;
  readonly signalReason?: string | undefined;
  readonly stackError?: string | undefined;
}

export interface BuildRequest {
  readonly pipeline: Pipeline;
  readonly branch: string;
  readonly commit: string;
  readonly message: string;
  readonly source: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Jobs that hold a place in their concurrency group. */
function holdsPlace(job: Job): boolean {
  return !TERMINAL.has(job.state) && job.state !== 'waiting' && job.state !== 'limited' && job.state !== 'pending';
}

/** A promised failure is binding: neither success nor a softer failure takes its place. */
function exitStatusOf({ promisedExitStatus: promised, plan }: Job, { state, exitStatus }: JobEnd): number | undefined {
  if (promised === undefined || state !== 'finished' || exitStatus === undefined) return exitStatus;
  const isHard = (status: number): boolean => status !== 0 && !isSoftFailure(plan.softFail, status);
  return exitStatus === 0 || (isHard(promised) && !isHard(exitStatus)) ? promised : exitStatus;
}

function recordEnd(job: Job, end: JobEnd): void {
  const exitStatus = exitStatusOf(job, end);
  if (exitStatus !== undefined) job.exitStatus = exitStatus;
  if (end.stackError !== undefined) job.stackError = end.stackError;
  job.signal = end.signal;
  job.signalReason = end.signalReason;
  delete job.reservation;
  if (job.agent?.job === job) delete job.agent.job;
  if (end.state !== 'finished') return;
  job.finishes += 1;
  job.softFailed = exitStatus !== 0 && isSoftFailure(job.plan.softFail, exitStatus ?? -1);
}

function isGood(job: Job): boolean {
  return job.softFailed || (job.state === 'finished' && job.exitStatus === 0);
}

function initialState(step: Step, plan: JobPlan): JobState {
  if (step.plan.left !== undefined) return 'broken';
  return plan.skip === undefined ? 'waiting' : 'skipped';
}

/** Drives builds: starts steps whose time has come, repeats failed jobs, ends builds. */
export class BuildEngine {
  readonly #store: Store;
  /** Unfinished jobs by concurrency group, in order of creation. */
  readonly #groups = new Map<string, Set<Job>>();

  constructor(store: Store) {
    this.#store = store;
  }

  createBuild(request: BuildRequest): Build {
    const { ids, now, organization } = this.#store;
    request.pipeline.builds += 1;
    const number = request.pipeline.builds;
    const build: Build = {
      ...request,
      id: ids.uuid(),
      number,
      url: `https://buildkite.com/${organization.slug}/${request.pipeline.slug}/builds/${number}`,
      createdAt: now(),
      state: 'scheduled',
      steps: [],
      metaData: new Map(),
      annotations: new Map(),
      uploads: new Map(),
    };
    this.#store.builds.set(build.id, build);
    this.#store.emit({ type: 'build-created', buildId: build.id, number, at: now() });
    return build;
  }

  /** Puts steps behind `after`, or at the end, and starts what may start. */
  addSteps(build: Build, plans: readonly StepPlan[], after?: Step): void {
    const steps = plans.map((plan) => this.#createStep(build, plan));
    build.steps.splice(after === undefined ? build.steps.length : build.steps.indexOf(after) + 1, 0, ...steps);
    this.advance(build);
  }

  /** The steps behind `after` that have not begun: those an upload with `replace` takes away. */
  replaceable(build: Build, after: Step): readonly Step[] {
    return build.steps.slice(build.steps.indexOf(after) + 1).filter(({ status }) => status === 'pending');
  }

  /** Takes steps out of a build as if they had never been in it. */
  dropSteps(build: Build, steps: readonly Step[]): void {
    for (const step of steps) {
      build.steps.splice(build.steps.indexOf(step), 1);
      for (const job of step.jobs) {
        this.#store.setJobState(job, 'skipped');
        this.#store.jobs.delete(job.id);
      }
    }
  }

  /** Records the end of a job, repeats it when its rules say so, and moves the build on. */
  endJob(job: Job, end: JobEnd): void {
    job.finishedAt = this.#store.now();
    recordEnd(job, end);
    this.#store.setJobState(job, end.state);
    this.#closeJob(job);
    this.advance(job.build);
  }

  /** Starts every step that may start, until nothing changes; ends the build when nothing is left. */
  advance(build: Build): void {
    let changed = true;
    while (changed) {
      changed = false;
      for (const [step, readiness] of assessSteps(build.steps)) {
        if (readiness === 'waiting') continue;
        this.#moveStep(build, step, readiness);
        changed = true;
      }
      if (!changed) changed = this.#failStuckSteps(build);
    }
    this.#endBuild(build);
  }

  /** Ends everything of a build that has not begun to run; the caller cancels the rest. */
  cancelPending(build: Build): void {
    build.state = 'canceling';
    for (const step of build.steps) {
      if (step.status === 'pending') this.#failStep(step, 'canceled');
    }
    this.#endBuild(build);
  }

  /** Starts jobs that waited for a place in their concurrency group. */
  #fillGroup(group: string, limit: number): void {
    const members = [...(this.#groups.get(group) ?? [])];
    let free = limit - members.filter(holdsPlace).length;
    for (const job of members) {
      if (free <= 0) return;
      if (job.state !== 'limited') continue;
      this.#store.setJobState(job, 'scheduled');
      free -= 1;
    }
  }

  #closeJob(job: Job): void {
    const { step, build } = job;
    step.open -= 1;
    if (build.state !== 'canceling' && shouldRetry(job)) {
      this.#retryJob(job);
    } else if (!isGood(job)) {
      step.failures += 1;
      if (build.state === 'running' || build.state === 'scheduled') build.state = 'failing';
    }
    this.#leaveGroup(job);
    if (step.open === 0 && step.status === 'active') step.status = step.failures > 0 ? 'failed' : 'passed';
  }

  #leaveGroup(job: Job): void {
    const { concurrency } = job.step.plan;
    if (concurrency === undefined) return;
    this.#groups.get(concurrency.group)?.delete(job);
    this.#fillGroup(concurrency.group, concurrency.limit);
  }

  #retryJob(job: Job): void {
    const next = this.#createJob(job.build, job.step, job.plan, job);
    job.retriedInJobId = next.id;
    this.#scheduleJob(next);
  }

  #moveStep(build: Build, step: Step, readiness: Exclude<Readiness, 'waiting'>): void {
    if (readiness === 'failed') {
      this.#failStep(step);
      return;
    }
    if (step.plan.kind === 'command') {
      step.status = step.open === 0 ? 'passed' : 'active';
      for (const job of step.jobs.filter(({ state }) => state === 'waiting')) this.#scheduleJob(job);
      return;
    }
    step.status = 'passed';
    for (const [key, value] of Object.entries(step.plan.defaults)) build.metaData.set(key, value);
    if (step.plan.kind === 'trigger')
      this.#note(build, `trigger step "${step.plan.label}" is not run: the sandbox runs one pipeline`);
    if (step.plan.kind === 'block' || step.plan.kind === 'input') {
      this.#note(build, `${step.plan.kind} step "${step.plan.label}" is unblocked at once: nobody is there to click`);
    }
  }

  #failStep(step: Step, state: 'waiting_failed' | 'canceled' = 'waiting_failed'): void {
    step.status = 'failed';
    for (const job of step.jobs) {
      if (job.state !== 'waiting') continue;
      job.finishedAt = this.#store.now();
      step.open -= 1;
      this.#store.setJobState(job, state);
    }
  }

  /** Ends steps that wait for a key nobody has, or for each other, once nothing else can happen. */
  #failStuckSteps(build: Build): boolean {
    if (build.steps.some((step) => step.status === 'active')) return false;
    const pending = build.steps.filter((step) => step.status === 'pending');
    const culprits = pending.filter(({ plan }) => (plan.dependsOn ?? plan.group?.dependsOn ?? []).length > 0);
    for (const step of culprits.length > 0 ? culprits : pending) {
      const keys = (step.plan.dependsOn ?? step.plan.group?.dependsOn ?? [])
        .map(({ step: key }) => `"${key}"`)
        .join(', ');
      this.#note(build, `step "${step.plan.label}" can never run: it waits for ${keys === '' ? 'itself' : keys}`);
      this.#failStep(step);
    }
    return pending.length > 0;
  }

  #endBuild(build: Build): void {
    if (build.finishedAt !== undefined || build.steps.some((step) => step.status === 'pending' || step.open > 0))
      return;
    const failed = build.steps.some((step) => step.status === 'failed');
    const state: BuildState = build.state === 'canceling' ? 'canceled' : failed ? 'failed' : 'passed';
    build.state = state;
    build.finishedAt = this.#store.now();
    this.#store.emit({
      type: 'build-finished',
      buildId: build.id,
      number: build.number,
      state,
      at: build.finishedAt,
    });
  }

  #createStep(build: Build, plan: StepPlan): Step {
    const step: Step = {
      id: this.#store.ids.uuid(),
      plan,
      status: plan.left === undefined ? 'pending' : 'skipped',
      updates: new Map(),
      updatesDone: new Set(),
      jobs: [],
      open: 0,
      failures: 0,
    };
    for (const job of plan.jobs) this.#createJob(build, step, job);
    return step;
  }

  #createJob(build: Build, step: Step, plan: JobPlan, retried?: Job): Job {
    const job: Job = {
      id: this.#store.ids.uuid(),
      sequence: this.#store.nextSequence(),
      build,
      step,
      plan,
      ...this.#placing(plan),
      createdAt: this.#store.now(),
      retriesCount: retried === undefined ? 0 : retried.retriesCount + 1,
      retryOf: retried?.id,
      state: initialState(step, plan),
      softFailed: false,
      timeoutInMinutes: step.plan.timeoutInMinutes,
      starts: 0,
      finishes: 0,
      refusals: 0,
      chunksFailed: 0,
      log: new Map(),
      logShown: 1,
      notes: [],
      artifacts: [],
    };
    step.jobs.push(job);
    if (job.state === 'waiting') step.open += 1;
    this.#store.jobs.set(job.id, job);
    this.#store.emitJobState(job, undefined);
    return job;
  }

  /** Which queue a job waits in, and the rules that say so. */
  #placing(plan: JobPlan): Pick<Job, 'queueKey' | 'agentQueryRules'> {
    const rule = plan.agentQueryRules.find((candidate) => candidate.startsWith('queue='));
    const key = rule?.slice('queue='.length) ?? '';
    const queueKey = this.#store.findQueue(key)?.key ?? key;
    const named = rule === undefined ? [`queue=${queueKey}`] : [];
    return { queueKey, agentQueryRules: [...named, ...plan.agentQueryRules] };
  }

  #scheduleJob(job: Job): void {
    const { concurrency } = job.step.plan;
    if (concurrency === undefined) {
      this.#store.setJobState(job, 'scheduled');
      return;
    }
    const members = this.#groups.get(concurrency.group) ?? new Set<Job>();
    this.#groups.set(concurrency.group, members.add(job));
    this.#store.setJobState(job, 'limited');
    this.#fillGroup(concurrency.group, concurrency.limit);
  }

  #note(build: Build, text: string): void {
    this.#store.emit({ type: 'note', buildId: build.id, text, at: this.#store.now() });
  }
}

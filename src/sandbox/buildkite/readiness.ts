import type { StepDependency } from '../../core/pipeline/pipeline.js';
import type { Step, StepGroup } from './model.js';

/** What a pending step may do now: start, keep waiting, or never start because something it needs has failed. */
export type Readiness = 'ready' | 'waiting' | 'failed';

/** What a `wait` or `block` lets through, per level: the top of the pipeline, or the inside of one group. */
interface Scope {
  gate: Readiness;
  unfinished: number;
  failed: number;
}

const isOpen = (step: Step): boolean => step.status === 'pending' || step.status === 'active';

function worst(...parts: readonly Readiness[]): Readiness {
  if (parts.includes('failed')) return 'failed';
  return parts.includes('waiting') ? 'waiting' : 'ready';
}

/** Steps by key and by id, and the steps of a group by the group's key. */
function indexSteps(steps: readonly Step[]): ReadonlyMap<string, readonly Step[]> {
  const index = new Map<string, Step[]>();
  const add = (key: string | undefined, step: Step): void => {
    if (key === undefined) return;
    const known = index.get(key);
    if (known === undefined) index.set(key, [step]);
    else known.push(step);
  };
  for (const step of steps) {
    add(step.plan.key, step);
    add(step.id, step);
    add(step.plan.group?.key, step);
  }
  return index;
}

function assessDependencies(
  dependencies: readonly StepDependency[],
  index: ReadonlyMap<string, readonly Step[]>,
  allowFailure: boolean,
): Readiness {
  const assessOne = (dependency: StepDependency): Readiness => {
    const targets = index.get(dependency.step);
    // A key nobody has may still arrive with an upload.
    if (targets === undefined) return 'waiting';
    const tolerant = allowFailure || dependency.allowFailure;
    if (!tolerant && targets.some((step) => step.status === 'failed')) return 'failed';
    return targets.some(isOpen) ? 'waiting' : 'ready';
  };
  return worst(...dependencies.map(assessOne));
}

function isBarrier(step: Step): boolean {
  return step.plan.kind === 'wait' || step.plan.kind === 'block';
}

function assessBarrier(step: Step, scope: Scope): Readiness {
  if (scope.unfinished > 0) return 'waiting';
  return scope.failed > 0 && !step.plan.continueOnFailure ? 'failed' : 'ready';
}

function gateOfBarrier(step: Step): Readiness {
  if (isOpen(step)) return 'waiting';
  return step.status === 'failed' ? 'failed' : 'ready';
}

function count(scope: Scope, step: Step): void {
  if (isOpen(step)) scope.unfinished += 1;
  if (step.status === 'failed') scope.failed += 1;
}

/**
 * Says of every pending step whether it may start, in one walk through the pipeline.
 *
 * Order comes from `wait` and `block` unless a step names `depends_on`, which replaces it (Buildkite documentation,
 * "Managing step dependencies"). A group's steps obey the group's dependencies, and the barriers inside the group.
 */
export function assessSteps(steps: readonly Step[]): ReadonlyMap<Step, Readiness> {
  const index = indexSteps(steps);
  const scopes = new Scopes(index);
  const verdicts = new Map<Step, Readiness>();
  for (const step of steps) {
    const { scope, entry } = scopes.around(step);
    if (step.status === 'pending') verdicts.set(step, assessOne(step, { scope, entry, index }));
    scopes.pass(step);
  }
  return verdicts;
}

/** A level of the pipeline as seen by one step: its own scope, and what holds back the group as a whole. */
interface Surroundings {
  readonly scope: Scope;
  readonly entry: Readiness;
}

/** The levels of the pipeline while it is walked through. */
class Scopes {
  readonly #index: ReadonlyMap<string, readonly Step[]>;
  readonly #top: Surroundings = { scope: { gate: 'ready', unfinished: 0, failed: 0 }, entry: 'ready' };
  readonly #groups = new Map<string, Surroundings>();

  constructor(index: ReadonlyMap<string, readonly Step[]>) {
    this.#index = index;
  }

  around({ plan }: Step): Surroundings {
    return plan.group === undefined ? this.#top : this.#group(plan.group);
  }

  /** Leaves a step behind: later ones see it as done, failed or in the way. */
  pass(step: Step): void {
    const { scope } = this.around(step);
    if (isBarrier(step) && step.status !== 'skipped') scope.gate = gateOfBarrier(step);
    count(scope, step);
    if (scope !== this.#top.scope) count(this.#top.scope, step);
  }

  #group(group: StepGroup): Surroundings {
    const known = this.#groups.get(group.id);
    if (known !== undefined) return known;
    const { dependsOn, allowDependencyFailure } = group;
    const entry =
      dependsOn === undefined
        ? this.#top.scope.gate
        : assessDependencies(dependsOn, this.#index, allowDependencyFailure);
    const fresh: Surroundings = { scope: { gate: 'ready', unfinished: 0, failed: 0 }, entry };
    this.#groups.set(group.id, fresh);
    return fresh;
  }
}

function assessOne(
  step: Step,
  { scope, entry, index }: Surroundings & { readonly index: ReadonlyMap<string, readonly Step[]> },
): Readiness {
  const { dependsOn, allowDependencyFailure, group } = step.plan;
  if (dependsOn === undefined) return worst(entry, isBarrier(step) ? assessBarrier(step, scope) : scope.gate);
  const own = assessDependencies(dependsOn, index, allowDependencyFailure);
  // Naming dependencies lifts the order of the pipeline, but not the condition under which the whole group runs.
  return group?.dependsOn === undefined ? own : worst(own, entry);
}

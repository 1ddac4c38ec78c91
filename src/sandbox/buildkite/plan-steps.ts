import { describePermutation, expandStep, type StepVariant } from '../../core/pipeline/matrix.js';
import { parsePipeline } from '../../core/pipeline/parse-pipeline.js';
import type { CommandStep, GroupStep, ManualStep, PipelineProblem, Step } from '../../core/pipeline/pipeline.js';
import { formatPlace } from '../../core/pipeline/source-tree.js';
import { buildVariables, pluginsJson, stepToJob } from '../../core/pipeline/step-to-job.js';
import { fail, ok, type Result } from '../../core/result.js';
import { branchAllowed, evaluateCondition } from './conditions.js';
import { buildContext } from './job-env.js';
import { objects, text } from './json.js';
import type { Build, JobPlan, StepGroup, StepPlan } from './model.js';
import type { Store } from './store.js';

export interface PlanContext {
  readonly build: Build;
  readonly store: Store;
  /** Replace `$NAME` as `pipeline upload` does; what agents upload has been through that already. @default false */
  readonly interpolate?: boolean;
  /** Name of the pipeline's file in messages. @default 'pipeline.yml' */
  readonly file?: string | undefined;
}

export interface PlannedSteps {
  readonly steps: readonly StepPlan[];
  /** What the sandbox does differently, or the pipeline's author should know. */
  readonly notes: readonly string[];
}

/** Reads a pipeline and turns it into steps and jobs of a build; the error is what Buildkite would refuse the upload with. */
export function planSteps(source: string, context: PlanContext): Result<PlannedSteps, string> {
  const { build, store, file = 'pipeline.yml' } = context;
  const facts = buildContext(build, store);
  const env = context.interpolate === true ? { ...build.env, ...buildVariables(facts) } : undefined;
  const parsed = parsePipeline(source, { file, env });
  const planner = new Planner(context);
  const steps = (parsed.pipeline?.steps ?? []).flatMap((step) => planner.plan(step));
  const problems = [...parsed.problems, ...planner.problems];
  const errors = problems.filter(({ severity }) => severity === 'error');
  if (errors.length > 0 || parsed.pipeline === undefined) return fail(errors.map(problemLine).join('\n'));
  const remarks = problems.filter(({ severity }) => severity !== 'error');
  return ok({ steps, notes: [...remarks.map(problemLine), ...planner.notes] });
}

function problemLine({ at, message }: PipelineProblem): string {
  return `${formatPlace(at)}: ${message}`;
}

/** What every kind of step has; the rest is for command steps alone. */
type CommonParts =
  | 'kind'
  | 'key'
  | 'label'
  | 'group'
  | 'dependsOn'
  | 'allowDependencyFailure'
  | 'continueOnFailure'
  | 'left'
  | 'defaults';

class Planner {
  readonly notes: string[] = [];
  readonly problems: ReturnType<typeof expandStep>['problems'][number][] = [];
  readonly #build: Build;
  readonly #store: Store;

  constructor({ build, store }: PlanContext) {
    this.#build = build;
    this.#store = store;
  }

  plan(step: Step, group?: StepGroup, groupLeft?: string): readonly StepPlan[] {
    if (step.kind === 'unknown') return [];
    const left = groupLeft ?? this.#whyLeft(step);
    if (step.kind === 'group') {
      const inner = this.#group(step);
      return step.steps.flatMap((member) => this.plan(member, inner, left));
    }
    if (left !== undefined) this.notes.push(`step "${nameOf(step)}" does not run: ${left}`);
    const base = {
      kind: step.kind,
      key: step.key,
      label: nameOf(step),
      group,
      dependsOn: step.dependsOn,
      allowDependencyFailure: step.allowDependencyFailure,
      continueOnFailure: step.kind === 'wait' && step.continueOnFailure,
      left,
      defaults: step.kind === 'block' || step.kind === 'input' ? fieldDefaults(step) : {},
      retry: [],
      definition: {},
      jobs: [],
    };
    return [step.kind === 'command' ? { ...base, ...this.#commandParts(step) } : base];
  }

  #commandParts(step: CommandStep): Omit<StepPlan, CommonParts> {
    return {
      retry: step.retry.automatic,
      concurrency: concurrencyOf(step),
      timeoutInMinutes: step.timeoutInMinutes,
      cancelOnBuildFailing: step.otherFields.cancel_on_build_failing === true,
      definition: definitionOf(step),
      jobs: this.#jobs(step),
    };
  }

  #group(step: GroupStep): StepGroup {
    return {
      id: this.#store.ids.uuid(),
      key: step.key,
      label: step.label ?? '',
      dependsOn: step.dependsOn,
      allowDependencyFailure: step.allowDependencyFailure,
    };
  }

  #jobs(step: CommandStep): readonly JobPlan[] {
    const { variants, problems } = expandStep(step);
    this.problems.push(...problems);
    return variants.map((variant) => this.#job(variant));
  }

  #job(variant: StepVariant): JobPlan {
    const { step, parallel, permutation } = variant;
    const { command, env, agentQueryRules, priority } = stepToJob(variant, {
      build: buildContext(this.#build, this.#store),
      jobId: '',
    });
    const number = parallel === undefined ? '' : ` ${parallel.index + 1}/${parallel.count}`;
    const described = permutation === undefined ? '' : describePermutation(permutation);
    // A label with {{matrix}} in it says which one already.
    const choice = described === '' || title(step).includes(described) ? '' : ` (${described})`;
    return {
      label: step.label ?? '',
      title: `${title(step)}${number}${choice}`,
      command,
      env,
      agentQueryRules: this.#store.ignoreAgentRules ? [`queue=${this.#store.defaultQueue.key}`] : agentQueryRules,
      priority,
      matrix: permutation,
      parallel,
      skip: variant.skip,
      softFail: variant.softFail,
    };
  }

  /** Buildkite leaves a step out for its `skip`, its `branches` and its `if`. A condition not understood here lets it run. */
  #whyLeft(step: Exclude<Step, { kind: 'unknown' }>): string | undefined {
    if (step.skip !== undefined && step.kind !== 'command') return `skipped: ${step.skip}`;
    if (!branchAllowed(step.branches, this.#build.branch)) return `not for branch "${this.#build.branch}"`;
    if (step.if === undefined) return undefined;
    const verdict = evaluateCondition(step.if, { variables: this.#variables(), env: this.#build.env });
    if (verdict.ok) return verdict.value ? undefined : `"if: ${step.if}" is false`;
    this.notes.push(`step "${nameOf(step)}" runs: its "if: ${step.if}" is beyond the sandbox (${verdict.error})`);
    return undefined;
  }

  #variables(): Readonly<Record<string, string | number | boolean | null>> {
    const { pipeline, ...build } = this.#build;
    return {
      'build.id': build.id,
      'build.number': build.number,
      'build.branch': build.branch,
      'build.commit': build.commit,
      'build.message': build.message,
      'build.source': build.source,
      'build.state': build.state,
      'build.tag': null,
      'build.pull_request.id': null,
      'build.pull_request.base_branch': null,
      'build.pull_request.draft': false,
      'build.pull_request.repository': null,
      'build.pull_request.repository.fork': false,
      'pipeline.id': pipeline.id,
      'pipeline.slug': pipeline.slug,
      'pipeline.default_branch': pipeline.defaultBranch,
      'pipeline.repository': pipeline.repository,
      'organization.id': this.#store.organization.id,
      'organization.slug': this.#store.organization.slug,
    };
  }
}

/** What people call a step. */
function nameOf(step: Exclude<Step, { kind: 'unknown' }>): string {
  if (step.kind === 'command') return title(step);
  return step.label ?? (step.kind === 'trigger' ? step.trigger : step.kind);
}

function title(step: CommandStep): string {
  const [line = ''] = step.command.split('\n');
  const command = line === '' ? 'plugins' : line;
  return step.label ?? step.key ?? command;
}

function concurrencyOf(step: CommandStep): StepPlan['concurrency'] {
  if (step.concurrency === undefined || step.concurrencyGroup === undefined) return undefined;
  return { group: step.concurrencyGroup, limit: step.concurrency };
}

/** What the agent reads of the step: command and plugins for signatures, secrets to fetch before the hooks. */
function definitionOf(step: CommandStep): StepPlan['definition'] {
  const secrets = Object.entries({ ...step.defaults.secrets, ...step.secrets });
  return {
    command: step.command,
    plugins: JSON.parse(pluginsJson(step)) as unknown,
    ...(secrets.length === 0
      ? {}
      : { secrets: secrets.map(([variable, key]) => ({ key, environment_variable: variable })) }),
  };
}

/** Default answers to the fields of a block or input step, which become meta-data. */
function fieldDefaults(step: ManualStep): Readonly<Record<string, string>> {
  const answers = objects(step.otherFields.fields).map((field) => [text(field.key), text(field.default)] as const);
  return Object.fromEntries(
    answers.filter((pair): pair is [string, string] => pair[0] !== undefined && pair[1] !== undefined),
  );
}

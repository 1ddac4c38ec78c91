import type { Place, PipelineProblem, SourceNode } from './source-tree.js';
import type { JsonValue } from './yaml-scalar.js';

export type { JsonValue, PipelineProblem };

/** A pipeline as Buildkite would have it after the upload: typed, with the place of everything. */
export interface Pipeline {
  /** Name of the file as given, for messages. */
  readonly file: string;
  /** In file order; the steps of several YAML documents follow each other, as several uploads would. */
  readonly steps: readonly Step[];
  readonly notify: readonly JsonValue[];
}

export interface ParsedPipeline {
  /** Undefined only when the text is not YAML or holds nothing like a pipeline; then `problems` has an error that says why. */
  readonly pipeline: Pipeline | undefined;
  /** In file order. An error means Buildkite (or the agent) refuses the upload; what could be read is in `pipeline` all the same. */
  readonly problems: readonly PipelineProblem[];
}

/** What the top of the pipeline gives to each of its command steps. */
export interface StepDefaults {
  readonly env: Readonly<Record<string, string>>;
  /** `key=value` rules; used by steps without `agents` of their own. */
  readonly agents: readonly string[];
  readonly image: string | undefined;
  readonly secrets: Readonly<Record<string, string>>;
  readonly priority: number;
}

export type Step = CommandStep | WaitStep | ManualStep | TriggerStep | GroupStep | UnknownStep;

/** What every step has. */
export interface StepBase {
  /** Counts all steps from 0 in file order, groups before their members: identifies a step within its pipeline. */
  readonly position: number;
  readonly at: Place;
  /** The step as written (after interpolation): `placeAt(step.source, ['plugins', 0])` finds the place of any field. */
  readonly source: SourceNode;
  readonly key: string | undefined;
  readonly label: string | undefined;
  /** Condition in Buildkite's expression language; not evaluated here. */
  readonly if: string | undefined;
  /** Branch patterns (`main`, `release/*`, `!dev`); empty = all branches. */
  readonly branches: readonly string[];
  /** Undefined = not given: the step waits for the `wait` and `block` steps before it. Empty = explicitly waits for nothing. */
  readonly dependsOn: readonly StepDependency[] | undefined;
  readonly allowDependencyFailure: boolean;
  /** Why the step is skipped; undefined = it is not. */
  readonly skip: string | undefined;
  /** Fields that carry no meaning for the jobs, and unknown ones, as plain values. */
  readonly otherFields: Readonly<Record<string, JsonValue>>;
}

export interface StepDependency {
  /** Key of a step or group. */
  readonly step: string;
  readonly allowFailure: boolean;
}

export interface CommandStep extends StepBase {
  readonly kind: 'command';
  /** All commands, one a line; empty for a step that runs plugins only. */
  readonly command: string;
  readonly env: Readonly<Record<string, string>>;
  /** Undefined = the pipeline's agents apply; a step's own agents replace them as a whole. */
  readonly agents: readonly string[] | undefined;
  readonly plugins: readonly PluginUse[];
  readonly image: string | undefined;
  /** Environment variable → name of the Buildkite secret. */
  readonly secrets: Readonly<Record<string, string>>;
  readonly artifactPaths: readonly string[];
  readonly timeoutInMinutes: number | undefined;
  readonly priority: number | undefined;
  /** Number of like jobs; undefined = a single, unnumbered one. */
  readonly parallelism: number | undefined;
  readonly matrix: Matrix | undefined;
  readonly retry: Retry;
  readonly softFail: SoftFail;
  readonly concurrency: number | undefined;
  readonly concurrencyGroup: string | undefined;
  readonly defaults: StepDefaults;
  /** Key or label of the group around the step. */
  readonly group: { readonly key: string | undefined; readonly label: string | undefined } | undefined;
}

export interface PluginUse {
  /** As written, e.g. `docker#v5.0.0`. */
  readonly name: string;
  /** As Buildkite sends it, e.g. `github.com/buildkite-plugins/docker-buildkite-plugin#v5.0.0`. */
  readonly source: string;
  /** Null for a plugin without configuration. */
  readonly config: JsonValue;
  /** Where the configuration stands below the step, for `placeAt(step.source, path)`. */
  readonly path: readonly (string | number)[];
}

/** Exit statuses that count as a soft failure; true = every failure, false = none. */
export type SoftFail = boolean | readonly number[];

export interface Retry {
  /** The first rule that matches a failed job decides. */
  readonly automatic: readonly AutomaticRetry[];
  readonly manual: { readonly allowed: boolean; readonly permitOnPassed: boolean; readonly reason: string | undefined };
}

export interface AutomaticRetry {
  readonly exitStatus: '*' | readonly number[];
  /** `*`, `none` or a signal name such as `SIGKILL`; one of several. */
  readonly signal: string | readonly string[];
  /** `*`, `none` or a reason such as `agent_stop`; one of several. */
  readonly signalReason: string | readonly string[];
  /** How often this rule may retry. */
  readonly limit: number;
}

export interface Matrix {
  /** Dimension → elements; the single unnamed dimension of a plain list is `''`. */
  readonly setup: ReadonlyMap<string, readonly string[]>;
  readonly adjustments: readonly MatrixAdjustment[];
}

export interface MatrixAdjustment {
  readonly with: Readonly<Record<string, string>>;
  readonly skip: string | undefined;
  readonly softFail: SoftFail | undefined;
}

export interface WaitStep extends StepBase {
  readonly kind: 'wait';
  readonly continueOnFailure: boolean;
}

/** Waits for a person: `block` also stops the steps after it, `input` does not. */
export interface ManualStep extends StepBase {
  readonly kind: 'block' | 'input';
}

export interface TriggerStep extends StepBase {
  readonly kind: 'trigger';
  /** Slug of the pipeline to build. */
  readonly trigger: string;
  readonly async: boolean;
  readonly softFail: SoftFail;
}

export interface GroupStep extends StepBase {
  readonly kind: 'group';
  readonly steps: readonly Step[];
}

/** A step of no known type; there is an error in `problems` for it. */
export interface UnknownStep extends StepBase {
  readonly kind: 'unknown';
}

/** All command steps in file order, those inside groups included. */
export function commandSteps(steps: readonly Step[]): readonly CommandStep[] {
  return steps.flatMap((step) => {
    if (step.kind === 'group') return commandSteps(step.steps);
    return step.kind === 'command' ? [step] : [];
  });
}

import type {
  CommandStep,
  JsonValue,
  Matrix,
  MatrixAdjustment,
  PipelineProblem,
  PluginUse,
  SoftFail,
} from './pipeline.js';
import { placeAt } from './source-tree.js';

/** One job a step becomes: all fields are final, nothing of matrix or parallelism is left to do. */
export interface StepVariant {
  readonly step: CommandStep;
  /** The chosen elements by dimension (`''` for the unnamed one); undefined without a matrix. */
  readonly permutation: Readonly<Record<string, string>> | undefined;
  /** Which of how many like jobs, counted from 0; undefined without `parallelism`. */
  readonly parallel: { readonly index: number; readonly count: number } | undefined;
  /** Why this job is skipped (step or matrix adjustment); undefined = it runs. */
  readonly skip: string | undefined;
  readonly softFail: SoftFail;
}

export interface ExpandedStep {
  readonly variants: readonly StepVariant[];
  readonly problems: readonly PipelineProblem[];
}

/** More jobs than this Buildkite does not take from one step. */
const MAX_VARIANTS = 10_000;

/**
 * Turns a command step into its jobs: the matrix combinations in setup order (the last dimension turns fastest), then combinations that only
 * an adjustment adds, or `parallelism` like jobs. `{{matrix}}` and `{{matrix.dimension}}` are replaced in label, command, environment values,
 * plugins, agents and image, which is where Buildkite replaces them.
 */
export function expandStep(step: CommandStep): ExpandedStep {
  const single = { step, permutation: undefined, skip: step.skip, softFail: step.softFail };
  const count = step.parallelism;
  if (step.matrix === undefined) {
    if (count === undefined) return { variants: [{ ...single, parallel: undefined }], problems: [] };
    const indexes = Array.from({ length: Math.min(Math.max(count, 0), MAX_VARIANTS) }, (_, index) => index);
    return { variants: indexes.map((index) => ({ ...single, parallel: { index, count } })), problems: [] };
  }
  const problems = [...checkMatrix(step, step.matrix)];
  const variants = permutations(step.matrix).map((permutation) => {
    const adjustment = step.matrix?.adjustments.find((candidate) => matches(candidate, permutation));
    return {
      step: substitute(step, permutation),
      permutation,
      parallel: undefined,
      skip: step.skip ?? adjustment?.skip,
      softFail: adjustment?.softFail ?? step.softFail,
    };
  });
  return { variants, problems };
}

/** The matrix choice as people write it: `linux` or `os=linux arch=arm64`. */
export function describePermutation(permutation: Readonly<Record<string, string>>): string {
  return Object.entries(permutation)
    .map(([dimension, element]) => (dimension === '' ? element : `${dimension}=${element}`))
    .join(' ');
}

function permutations(matrix: Matrix): readonly Readonly<Record<string, string>>[] {
  let found: Record<string, string>[] = [{}];
  for (const [dimension, elements] of matrix.setup) {
    found = found
      .flatMap((partial) => elements.map((element) => ({ ...partial, [dimension]: element })))
      .slice(0, MAX_VARIANTS);
  }
  for (const adjustment of matrix.adjustments) {
    const complete = [...matrix.setup.keys()].every((dimension) => adjustment.with[dimension] !== undefined);
    if (complete && !found.some((permutation) => matches(adjustment, permutation))) found.push({ ...adjustment.with });
  }
  return found;
}

function matches(adjustment: MatrixAdjustment, permutation: Readonly<Record<string, string>>): boolean {
  return Object.entries(adjustment.with).every(([name, element]) => permutation[name] === element);
}

const TOKEN = /\{\{\s*matrix(?:\.([\w.-]+))?\s*\}\}/g;

function substitute(step: CommandStep, permutation: Readonly<Record<string, string>>): CommandStep {
  const text = (value: string): string =>
    value.replaceAll(TOKEN, (token: string, dimension: string | undefined) => permutation[dimension ?? ''] ?? token);
  const json = (value: JsonValue): JsonValue => {
    if (typeof value === 'string') return text(value);
    if (value === null || typeof value !== 'object') return value;
    if (Array.isArray(value)) return value.map((item: JsonValue) => json(item));
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [text(key), json(item)]));
  };
  const plugin = (use: PluginUse): PluginUse => ({
    ...use,
    name: text(use.name),
    source: text(use.source),
    config: json(use.config),
  });
  return {
    ...step,
    label: step.label === undefined ? undefined : text(step.label),
    command: text(step.command),
    env: Object.fromEntries(Object.entries(step.env).map(([name, value]) => [name, text(value)])),
    agents: step.agents?.map(text),
    plugins: step.plugins.map(plugin),
    image: step.image === undefined ? undefined : text(step.image),
  };
}

function* checkMatrix(step: CommandStep, matrix: Matrix): Generator<PipelineProblem> {
  const at = placeAt(step.source, ['matrix']);
  if (step.parallelism !== undefined) {
    yield {
      severity: 'error',
      at,
      rule: 'matrix/token',
      message: '"matrix" and "parallelism" cannot be combined in one step; Buildkite refuses the upload',
    };
  }
  const dimensions = [...matrix.setup.keys()];
  for (const adjustment of matrix.adjustments) {
    const given = Object.keys(adjustment.with);
    if (given.every((name) => dimensions.includes(name))) continue;
    const names = dimensions.map((name) => `"${name}"`).join(', ');
    yield {
      severity: 'error',
      at,
      rule: 'matrix/token',
      message: `a matrix adjustment can name elements of the dimensions ${names} only; Buildkite refuses the upload`,
    };
  }
  const fields = [
    step.label,
    step.command,
    step.image,
    ...(step.agents ?? []),
    ...Object.values(step.env),
    JSON.stringify(step.plugins),
  ];
  const tokens = fields.flatMap((field) => [...(field ?? '').matchAll(TOKEN)]);
  for (const [token, dimension = ''] of tokens) {
    if (dimensions.includes(dimension)) continue;
    const known = dimensions.map((name) => (name === '' ? '{{matrix}}' : `{{matrix.${name}}}`)).join(', ');
    yield {
      severity: 'error',
      at,
      rule: 'matrix/token',
      message: `${token} names no dimension of this matrix, so it stays as it is; known are ${known}`,
    };
  }
}

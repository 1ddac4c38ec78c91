import type { Env } from './interpolate.js';
import { interpolateTree } from './interpolate-tree.js';
import { parseSteps, type StepScope } from './parse-step.js';
import type { ParsedPipeline, Pipeline, Step } from './pipeline.js';
import { FieldReader, isNull } from './read-fields.js';
import { readAgents, readSecrets } from './read-step-fields.js';
import {
  entryOf,
  type MapNode,
  parseSourceTree,
  type PipelineProblem,
  type SourceNode,
  valueOf,
} from './source-tree.js';

export interface ParsePipelineOptions {
  /** Name for places in messages. */
  readonly file: string;
  /** Variables of the upload; undefined = leave `$` alone, as `pipeline upload --no-interpolation` does. */
  readonly env?: Env | undefined;
}

/** Where `buildkite-agent pipeline upload` looks when no file is named, in this order. */
export const DEFAULT_PIPELINE_FILES: readonly string[] = [
  'buildkite.yml',
  'buildkite.yaml',
  'buildkite.json',
  '.buildkite/pipeline.yml',
  '.buildkite/pipeline.yaml',
  '.buildkite/pipeline.json',
  'buildkite/pipeline.yml',
  'buildkite/pipeline.yaml',
  'buildkite/pipeline.json',
];

/**
 * Reads a pipeline as the agent and Buildkite do together: YAML or JSON, interpolated when `env` is given, every accepted spelling
 * normalised. Never throws; whatever is wrong, ignored or doubtful is a problem with its place.
 */
export function parsePipeline(text: string, options: ParsePipelineOptions): ParsedPipeline {
  const tree = parseSourceTree(text, options.file);
  const { env } = options;
  const expanded = tree.documents.map((document) =>
    env === undefined ? { root: document, problems: [] } : interpolateTree(document, text, env),
  );
  const problems = [...tree.problems, ...expanded.flatMap((document) => document.problems)];
  return readPipeline(
    expanded.map(({ root }) => root),
    options.file,
    problems,
  );
}

/** The pipeline that the documents of a file hold; `problems` are those of reading them, to which its own are added. */
export function readPipeline(
  documents: readonly SourceNode[],
  file: string,
  known: readonly PipelineProblem[],
): ParsedPipeline {
  const problems = [...known];
  if (documents.length === 0) {
    if (problems.length === 0) {
      problems.push({
        severity: 'error',
        at: { file, line: 1, column: 1 },
        message: 'the file is empty; a pipeline needs "steps"',
        rule: 'pipeline/shape',
      });
    }
    return { pipeline: undefined, problems };
  }
  const pipelines = documents.flatMap((root) => parseDocument(root, problems) ?? []);
  return { pipeline: pipelines.length === 0 ? undefined : join(file, pipelines), problems: tidy(problems) };
}

type Document = Omit<Pipeline, 'file'>;

function join(file: string, documents: readonly Document[]): Pipeline {
  let position = 0;
  const renumber = (step: Step): Step => {
    const own = { ...step, position: position++ };
    return own.kind === 'group' ? { ...own, steps: own.steps.map(renumber) } : own;
  };
  return {
    file,
    steps: documents.flatMap((document) => document.steps.map(renumber)),
    notify: documents.flatMap((document) => document.notify),
  };
}

function parseDocument(root: SourceNode, problems: PipelineProblem[]): Document | undefined {
  if (root.kind === 'list') return { steps: parseSteps(root, NO_SCOPE, problems), notify: [] };
  if (root.kind === 'scalar') {
    problems.push({
      severity: 'error',
      at: root.at,
      message: 'this is not a pipeline: it must be a mapping with "steps", or a list of steps',
      rule: 'pipeline/shape',
    });
    return undefined;
  }
  return parseMapping(root, problems);
}

const NO_SCOPE: StepScope = {
  defaults: { env: {}, agents: [], image: undefined, secrets: {}, priority: 0 },
  group: undefined,
};

function parseMapping(root: MapNode, problems: PipelineProblem[]): Document | undefined {
  const fields = new FieldReader(root, 'pipeline', problems);
  const defaults = {
    env: fields.stringMap('env'),
    agents: readAgents(fields) ?? [],
    image: fields.string('image'),
    secrets: readSecrets(fields),
    priority: fields.integer('priority') ?? 0,
  };
  const notify = fields.take('notify');
  const steps = fields.take('steps');
  if (steps === undefined) {
    const near = entryOf(root, 'step') === undefined ? '' : '; did you mean "steps" where it says "step"?';
    const message = `no "steps" found, so this uploads nothing${near}`;
    problems.push({ severity: 'error', at: root.at, message, rule: 'pipeline/shape' });
    return undefined;
  }
  if (steps.kind !== 'list' && !isNull(steps)) {
    const message = '"steps" must be a list; the upload fails';
    problems.push({ severity: 'error', at: steps.at, message, rule: 'pipeline/shape' });
    return undefined;
  }
  return {
    steps: steps.kind === 'list' ? parseSteps(steps, { defaults, group: undefined }, problems) : [],
    notify: notify?.kind === 'list' ? notify.items.map(valueOf) : [],
  };
}

/** File order, each once: an anchor that is used ten times is one mistake. */
function tidy(problems: readonly PipelineProblem[]): readonly PipelineProblem[] {
  const unique = new Map(
    problems.map((problem) => [`${problem.at.line}:${problem.at.column}:${problem.message}`, problem]),
  );
  return [...unique.values()].sort((a, b) => a.at.line - b.at.line || a.at.column - b.at.column);
}

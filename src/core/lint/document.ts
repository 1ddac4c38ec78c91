import { interpolateTree } from '../pipeline/interpolate-tree.js';
import { readPipeline } from '../pipeline/parse-pipeline.js';
import type { CommandStep, Pipeline, PluginUse, Step } from '../pipeline/pipeline.js';
import { isNull } from '../pipeline/read-fields.js';
import { stepTitle } from '../pipeline/select-steps.js';
import { KUBERNETES_PLUGIN } from '../job/kubernetes-plugin.js';
import {
  entryOf,
  type MapEntry,
  parseSourceTree,
  type PipelineProblem,
  type SourceNode,
  type SourceTree,
} from '../pipeline/source-tree.js';
import { placeholderEnv } from './placeholder.js';
import { isRayciGroup } from './rayci.js';
import { TextLines } from './text-lines.js';

/** A file as the rules see it. */
export interface LintDocument {
  readonly file: string;
  readonly text: string;
  readonly lines: TextLines;
  /** As written: nothing is expanded. */
  readonly tree: SourceTree;
  /**
   * The documents with variables expanded, unknown ones by the placeholder: one root each. Scalars that held variables keep what was written in
   * `written`; offsets are those of the file.
   */
  readonly roots: readonly SourceNode[];
  /** Undefined when the file holds nothing like a pipeline. */
  readonly pipeline: Pipeline | undefined;
  readonly problems: readonly PipelineProblem[];
  /** All steps in file order, groups before their members. */
  readonly steps: readonly LintStep[];
  /** The command steps among them. */
  readonly commandSteps: readonly LintCommandStep[];
}

export interface LintStep {
  readonly step: Step;
  /** What people call it; see `stepTitle`. */
  readonly title: string;
  /** The group around it. */
  readonly group: LintStep | undefined;
  /** The root of its document. */
  readonly root: SourceNode;
}

export interface LintCommandStep extends LintStep {
  readonly step: CommandStep;
  readonly plugins: readonly LintPlugin[];
  /** Those that the controller takes for itself; the last one's fields win. Usually one or none. */
  readonly kubernetes: readonly LintPlugin[];
}

export interface LintPlugin {
  readonly use: PluginUse;
  /** The entry `name: config`, undefined for a plugin without configuration (`- name`). */
  readonly entry: MapEntry | undefined;
  /** The name as written: the key of the entry, or the scalar. */
  readonly name: { readonly start: number; readonly end: number };
  /** Undefined when there is none, or nothing in it. */
  readonly config: SourceNode | undefined;
}

export interface LintDocumentOptions {
  readonly env: Readonly<Record<string, string>>;
  /** `false`: the pipeline is uploaded with `--no-interpolation`. */
  readonly interpolate: boolean;
}

/** Reads a file for the rules. Never throws: what cannot be read is a problem. */
export function readLintDocument(file: string, text: string, options: LintDocumentOptions): LintDocument {
  const tree = parseSourceTree(text, file);
  const env = placeholderEnv(text, options.env);
  // Problems of the interpolation are found by rules of their own, all of them and with their exact places.
  const roots = options.interpolate
    ? tree.documents.map((root) => interpolateTree(root, text, env).root)
    : tree.documents;
  const { pipeline, problems } = roots.some(isRayciGroup)
    ? { pipeline: undefined, problems: tree.problems }
    : readPipeline(roots, file, tree.problems);
  const steps = (pipeline?.steps ?? []).flatMap((step) => lintSteps(step, { roots, group: undefined }));
  return {
    file,
    text,
    lines: new TextLines(text),
    tree,
    roots,
    pipeline,
    problems,
    steps,
    commandSteps: numberCommandSteps(steps),
  };
}

interface Surroundings {
  readonly roots: readonly SourceNode[];
  readonly group: LintStep | undefined;
}

function lintSteps(step: Step, { roots, group }: Surroundings): LintStep[] {
  const { start } = step.source;
  const root = roots.findLast((candidate) => candidate.start <= start) ?? step.source;
  const own: LintStep = { step, title: step.key ?? step.label ?? step.kind, group, root };
  if (step.kind !== 'group') return [own];
  return [own, ...step.steps.flatMap((member) => lintSteps(member, { roots, group: own }))];
}

function numberCommandSteps(steps: readonly LintStep[]): LintCommandStep[] {
  const found: LintCommandStep[] = [];
  for (const lintStep of steps) {
    const { step } = lintStep;
    if (step.kind !== 'command') continue;
    const plugins = step.plugins.map((use) => lintPlugin(step, use));
    found.push({
      ...lintStep,
      step,
      title: stepTitle({ number: found.length + 1, step }),
      plugins,
      kubernetes: plugins.filter(({ use }) => use.source === KUBERNETES_PLUGIN),
    });
  }
  return found;
}

function lintPlugin(step: CommandStep, use: PluginUse): LintPlugin {
  let entry: MapEntry | undefined;
  let node: SourceNode = step.source;
  for (const segment of use.path) {
    entry = typeof segment === 'number' ? undefined : entryOf(node, segment);
    node = entry?.value ?? itemOf(node, segment) ?? node;
  }
  const config = entry === undefined || isNull(entry.value) ? undefined : entry.value;
  return { use, entry, name: entry?.keySpan ?? node, config };
}

function itemOf(node: SourceNode, segment: string | number): SourceNode | undefined {
  return node.kind === 'list' && typeof segment === 'number' ? node.items[segment] : undefined;
}

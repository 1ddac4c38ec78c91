import type { ControllerConfig } from '../core/config/config.js';
import { ConfigError, type ConfigProblem } from '../core/config/config-problem.js';
import type { ResolvedConfig } from '../core/config/resolve-config.js';
import { EXIT, type ExitStatus, UsageError } from '../core/errors.js';
import type { PodTemplates } from '../core/manifest/pod-templates.js';
import type { JobDiff } from './diff-rendering.js';
import type { ExplainedJob } from './explain-render.js';
import { parsePairs } from './pairs.js';
import { loadConfig } from './load-config.js';
import { type PipelineText, readJobs, readPipelineText, readPodTemplates } from './render-inputs.js';
import { type RenderedJob, type Rendering, renderJobs, renderPipeline, type RenderRequest } from './render-jobs.js';

/** The command line of `render`, parsed but not understood. */
export interface RenderCommandFlags {
  readonly pipeline: string | undefined;
  /** Two for `diff`, at most one otherwise. */
  readonly configs: readonly string[];
  readonly steps: readonly string[];
  readonly jobs: readonly string[];
  /** `key=value` each. */
  readonly set: readonly string[];
  /** `NAME=value` each. */
  readonly env: readonly string[];
  readonly jobUuid: string | undefined;
  readonly podTemplates: readonly string[];
  /** Path in the manifest; empty = all of it; undefined = do not explain. */
  readonly explain: string | undefined;
  readonly diff: boolean;
}

export interface RenderSurroundings {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Version of this program, e.g. `v0.1.0`. */
  readonly version: string;
  /** Text of a manifest, for `--diff`. */
  readonly print: (manifest: unknown) => string;
}

export type RenderResult = {
  readonly warnings: readonly ConfigProblem[];
  readonly notes: readonly string[];
  readonly errors: readonly string[];
  readonly exit: ExitStatus;
} & (
  | { readonly kind: 'jobs'; readonly jobs: readonly RenderedJob[] }
  | { readonly kind: 'explanations'; readonly jobs: readonly ExplainedJob[] }
  | { readonly kind: 'diff'; readonly jobs: readonly JobDiff[] }
);

/**
 * Does what the command line of `render` asks for. Throws a `UsageError` (exit status 2) for a contradiction, an unknown step or path, an
 * unreadable file and a bad configuration.
 */
export async function runRender(flags: RenderCommandFlags, surroundings: RenderSurroundings): Promise<RenderResult> {
  checkUsage(flags);
  const configs = await loadConfigs(flags, surroundings);
  const podTemplates = await readPodTemplates(flags.podTemplates);
  const renderWith = await renderer(flags, { podTemplates, version: surroundings.version });
  const [resolved, changed] = configs;
  if (resolved === undefined) throw new UsageError('no configuration was read');
  const rendering = renderWith(resolved.config);
  const warnings = configs.flatMap((config) => config.warnings);
  if (changed !== undefined)
    return diffResult({ flags, surroundings, warnings }, rendering, renderWith(changed.config));
  const { notes } = rendering;
  const errors = [...rendering.errors, ...rendering.jobs.flatMap(failureLines)];
  const exit = errors.length > 0 ? EXIT.problems : EXIT.ok;
  if (flags.explain === undefined) return { kind: 'jobs', warnings, notes, errors, exit, jobs: rendering.jobs };
  // Loaded when asked for: a plain rendering is to start fast.
  const { explainRendering } = await import('./explain-render.js');
  const jobs = await explainRendering(rendering.jobs, { resolved, path: flags.explain.replace(/^\./, '') });
  return { kind: 'explanations', warnings, notes, errors, exit, jobs };
}

type RenderWith = (config: ControllerConfig) => Rendering;

async function renderer(
  flags: RenderCommandFlags,
  common: { readonly podTemplates: PodTemplates; readonly version: string },
): Promise<RenderWith> {
  const env = parsePairs(flags.env, '--env');
  const request = (config: ControllerConfig): RenderRequest => ({ ...common, env, config, jobUuid: flags.jobUuid });
  if (flags.jobs.length > 0) {
    const jobs = await readJobs(flags.jobs);
    return (config) => renderJobs(jobs, request(config));
  }
  const pipeline = await readPipelineText(flags.pipeline);
  return (config) => {
    const rendering = renderPipeline({ ...request(config), pipeline, steps: flags.steps });
    return { ...rendering, notes: [...othersNote(pipeline), ...rendering.notes] };
  };
}

function othersNote({ file, others = [] }: PipelineText): readonly string[] {
  if (others.length === 0) return [];
  return [
    `${file} is taken, but ${others.join(', ')} would be found, too, and \`buildkite-agent pipeline upload\` refuses to choose; keep one`,
  ];
}

function checkUsage(flags: RenderCommandFlags): void {
  if (flags.jobs.length > 0 && flags.pipeline !== undefined) {
    throw new UsageError(`--job and the pipeline "${flags.pipeline}" exclude each other; give one of them`);
  }
  if (flags.diff && flags.configs.length !== 2) {
    throw new UsageError(
      `--diff compares two configurations, but --config was given ${times(flags.configs.length)}; write --diff --config OLD --config NEW`,
    );
  }
  if (!flags.diff && flags.configs.length > 1)
    throw new UsageError('--config was given several times; only --diff takes two');
}

async function loadConfigs(
  flags: RenderCommandFlags,
  { environment }: RenderSurroundings,
): Promise<readonly ResolvedConfig[]> {
  const loaded: ResolvedConfig[] = [];
  for (const path of flags.configs.length === 0 ? [undefined] : flags.configs) {
    const resolved = await loadConfig({ path, environment, settings: flags.set });
    if (!resolved.ok) throw new ConfigError(resolved.error);
    loaded.push(resolved.value);
  }
  return loaded;
}

interface DiffContext {
  readonly flags: RenderCommandFlags;
  readonly surroundings: RenderSurroundings;
  readonly warnings: readonly ConfigProblem[];
}

async function diffResult(
  { flags, surroundings, warnings }: DiffContext,
  before: Rendering,
  after: Rendering,
): Promise<RenderResult> {
  const { diffRenderings } = await import('./diff-rendering.js');
  const [oldName = '', newName = ''] = flags.configs;
  const jobs = diffRenderings(before, after, { oldName, newName, print: surroundings.print });
  const notes = [...new Set([...before.notes, ...after.notes])];
  const errors = [...new Set([...before.errors, ...after.errors])];
  return {
    kind: 'diff',
    jobs,
    warnings,
    notes,
    errors,
    exit: jobs.length + errors.length > 0 ? EXIT.problems : EXIT.ok,
  };
}

function failureLines({ title, failure, origin }: RenderedJob): readonly string[] {
  if (failure === undefined) return [];
  const { file, line, column } = origin?.step.at ?? {};
  const place = file === undefined ? '' : `${file}:${String(line)}:${String(column)}: `;
  return [`${place}job "${title}" cannot be built: ${failure.text}`];
}

function times(count: number): string {
  if (count === 0) return 'not at all';
  return count === 1 ? 'once' : `${count} times`;
}

import { createTwoFilesPatch } from 'diff';
import type { RenderedJob, Rendering } from './render-jobs.js';

/** What a change of configuration does to one job. */
export interface JobDiff {
  readonly title: string;
  /** Unified diff of the manifests. */
  readonly patch: string;
}

export interface DiffOptions {
  readonly oldName: string;
  readonly newName: string;
  /** Text of a manifest. */
  readonly print: (manifest: unknown) => string;
}

/** Compares two renderings of the same steps job by job; jobs that are alike are not in the result. */
export function diffRenderings(before: Rendering, after: Rendering, options: DiffOptions): readonly JobDiff[] {
  const old = new Map(before.jobs.map((job) => [identity(job), job]));
  const now = new Map(after.jobs.map((job) => [identity(job), job]));
  return [...new Set([...old.keys(), ...now.keys()])].flatMap((id) => {
    const [left, right] = [old.get(id), now.get(id)];
    const [leftText, rightText] = [textOf(left, options), textOf(right, options)];
    if (leftText === rightText) return [];
    const title = right?.title ?? left?.title ?? id;
    const patch = createTwoFilesPatch(
      `${options.oldName}: ${title}`,
      `${options.newName}: ${title}`,
      leftText,
      rightText,
      undefined,
      undefined,
      { context: 3 },
    );
    return [{ title, patch: patch.replace(/^=+\n/, '') }];
  });
}

/** The job's id is derived from its step, or given: the same before and after. */
function identity({ input }: RenderedJob): string {
  return input.job.id;
}

function textOf(job: RenderedJob | undefined, options: DiffOptions): string {
  if (job === undefined) return '';
  if (job.manifest !== undefined) return options.print(job.manifest);
  return `# cannot be built: ${job.failure?.text ?? ''}\n`;
}

import { readFile } from 'node:fs/promises';
import { text as readStream } from 'node:stream/consumers';
import { UsageError } from '../core/errors.js';
import { parseJobFile } from '../core/job/job-file.js';
import type { BuildkiteJob } from '../core/job/job.js';
import { NO_POD_TEMPLATES, parsePodTemplates, type PodTemplates } from '../core/manifest/pod-templates.js';
import { DEFAULT_PIPELINE_FILES } from '../core/pipeline/parse-pipeline.js';
import { whyUnreadable } from './why-unreadable.js';

/** A text and the name to call it in messages. */
export interface NamedText {
  readonly file: string;
  readonly text: string;
}

export interface PipelineText extends NamedText {
  /** Files that lie in places where Buildkite looks, too. */
  readonly others?: readonly string[];
}

/** A job and the file it was read from. */
export interface FiledJob {
  readonly file: string;
  readonly job: BuildkiteJob;
}

/**
 * The pipeline to work on: the named file, standard input for `-`, else the first of the places where Buildkite looks.
 * Throws a `UsageError` that names the file, or all places, when there is nothing to read.
 */
export async function readPipelineText(path: string | undefined): Promise<PipelineText> {
  if (path === '-') return { file: '<stdin>', text: checkedText(await readStream(process.stdin), '<stdin>') };
  if (path !== undefined) return { file: path, text: await readNamedFile(path) };
  const found: NamedText[] = [];
  for (const file of DEFAULT_PIPELINE_FILES) {
    const text = await readIfPresent(file);
    if (text !== undefined) found.push({ file, text });
  }
  const [first, ...others] = found;
  if (first === undefined)
    throw new UsageError(
      `no pipeline found here; name its file, or create one of ${DEFAULT_PIPELINE_FILES.join(', ')}`,
    );
  return { ...first, others: others.map(({ file }) => file) };
}

/** The jobs of the files of `--job`. Throws a `UsageError` when one cannot be read or understood. */
export async function readJobs(paths: readonly string[]): Promise<readonly FiledJob[]> {
  const jobs: FiledJob[] = [];
  for (const path of paths) {
    const parsed = parseJobFile(path === '-' ? await readStream(process.stdin) : await readNamedFile(path));
    if (!parsed.ok) throw new UsageError(`"${path}" ${parsed.error}`);
    jobs.push(...parsed.value.map((job) => ({ file: path, job })));
  }
  return jobs;
}

/** The PodTemplates of the files of `--pod-template`. Throws a `UsageError` when one cannot be read or understood. */
export async function readPodTemplates(paths: readonly string[]): Promise<PodTemplates> {
  if (paths.length === 0) return NO_POD_TEMPLATES;
  const texts: string[] = [];
  for (const path of paths) {
    const text = await readNamedFile(path);
    const alone = parsePodTemplates(text);
    if (!alone.ok) throw new UsageError(`"${path}" ${alone.error}`);
    texts.push(text);
  }
  const together = parsePodTemplates(texts.join('\n---\n'));
  if (!together.ok) throw new UsageError(together.error);
  return together.value;
}

/** The text of a file a user named. Throws a `UsageError` when it cannot be read. */
export async function readNamedFile(path: string): Promise<string> {
  try {
    return checkedText(await readFile(path, 'utf8'), path);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`cannot read "${path}": ${whyUnreadable(error)}`, { cause: error });
  }
}

/** No text of ours has a NUL in it, but UTF-16 and programs are full of them, which YAML would take for odd letters. */
function checkedText(text: string, path: string): string {
  if (text.includes('\0'))
    throw new UsageError(`cannot read "${path}": it is not text in UTF-8; check the path or convert it`);
  return text;
}

async function readIfPresent(path: string): Promise<string | undefined> {
  try {
    return checkedText(await readFile(path, 'utf8'), path);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined;
    throw new UsageError(`cannot read "${path}": ${whyUnreadable(error)}`, { cause: error });
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

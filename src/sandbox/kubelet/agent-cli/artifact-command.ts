import { mkdir, stat, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { isRecord, textAt, type JsonRecord } from '../../kubernetes/objects.js';
import { downloadTarget, findArtifacts, uploadArtifacts } from '../agent/artifacts.js';
import { parseArguments, UsageProblem, type Arguments } from './arguments.js';
import type { JobContext } from './context.js';

const FLAGS = {
  step: 'value',
  build: 'value',
  format: 'value',
  job: 'value',
  'content-type': 'value',
  'include-retried-jobs': 'switch',
  'allow-empty-results': 'switch',
  sha256: 'switch',
} as const;

/** `artifact upload PATTERNS | download QUERY DIRECTORY | search QUERY | shasum QUERY`, the last three with `[--step KEY]` */
export async function artifactCommand(args: readonly string[], context: JobContext): Promise<number> {
  const [action = '', ...rest] = args;
  const parsed = parseArguments(rest, FLAGS);
  if ((parsed.words[0] ?? '') === '') throw new UsageProblem(`"artifact ${action}" needs a pattern`);
  switch (action) {
    case 'upload':
      return upload(parsed, context);
    case 'download':
      return download(parsed, context);
    case 'search':
      return search(parsed, context);
    case 'shasum':
      return shasum(parsed, context);
    default:
      throw new UsageProblem(
        `the sandbox does not know "artifact ${action}"; it knows upload, download, search and shasum`,
      );
  }
}

async function upload({ words }: Arguments, context: JobContext): Promise<number> {
  const files = await findArtifacts(words[0] ?? '', process.cwd());
  await uploadArtifacts(context.api(), context.jobId, files);
  for (const file of files) process.stderr.write(`uploaded ${file.path}\n`);
  if (files.length === 0) process.stderr.write(`no files matched "${words[0] ?? ''}"\n`);
  return 0;
}

async function download(parsed: Arguments, context: JobContext): Promise<number> {
  const [query = '', destination] = parsed.words;
  if (destination === undefined) throw new UsageProblem('"artifact download" needs a directory to download to');
  const directory = await downloadDirectory(destination);
  const found = await findRemote(parsed, context);
  if (found.length === 0) {
    process.stderr.write(`no artifacts matched "${query}"\n`);
    return 1;
  }
  for (const artifact of found) {
    const target = downloadTarget(textAt(artifact, 'path'), directory);
    const { bytes } = await context.api().send({ method: 'GET', path: textAt(artifact, 'url') });
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, bytes);
    process.stderr.write(`downloaded ${textAt(artifact, 'path')}\n`);
  }
  return 0;
}

/** The agent makes no directory and downloads to none but a directory. */
async function downloadDirectory(destination: string): Promise<string> {
  const directory = resolve(destination);
  const info = await stat(directory).catch(() => undefined);
  if (info === undefined) throw new UsageProblem(`there is no directory "${directory}" to download to`);
  if (!info.isDirectory()) throw new UsageProblem(`"${directory}" is not a directory`);
  return directory;
}

async function shasum(parsed: Arguments, context: JobContext): Promise<number> {
  const [artifact, another] = await findRemote(parsed, context);
  if (artifact === undefined) throw new UsageProblem('no artifacts matched the search query');
  if (another !== undefined) throw new UsageProblem('several artifacts matched: be more specific, or name the --step');
  process.stdout.write(`${textAt(artifact, parsed.switches.has('sha256') ? 'sha256sum' : 'sha1sum')}\n`);
  return 0;
}

async function search(parsed: Arguments, context: JobContext): Promise<number> {
  const found = await findRemote(parsed, context, { include_duplicates: 'true' });
  const line = (artifact: JsonRecord): string => {
    const format = parsed.values.get('format');
    if (format === undefined) {
      return `${textAt(artifact, 'job_id')} ${textAt(artifact, 'path')} ${textAt(artifact, 'created_at')}\n`;
    }
    const fields: Readonly<Record<string, string>> = {
      '%i': textAt(artifact, 'id'),
      '%p': textAt(artifact, 'path'),
      '%c': textAt(artifact, 'created_at'),
      '%j': textAt(artifact, 'job_id'),
      '%s': String(artifact['file_size']),
      '%S': textAt(artifact, 'sha1sum'),
      '%T': textAt(artifact, 'sha256sum'),
      '%u': textAt(artifact, 'url'),
      '\\n': '\n',
    };
    return format.replace(/%[a-zA-Z]|\\n/g, (code) => fields[code] ?? code);
  };
  for (const artifact of found) process.stdout.write(line(artifact));
  return found.length > 0 || parsed.switches.has('allow-empty-results') ? 0 : 1;
}

async function findRemote(
  { words, values, switches }: Arguments,
  context: JobContext,
  more: Readonly<Record<string, string>> = {},
): Promise<readonly JsonRecord[]> {
  const query = new URLSearchParams({ query: words[0] ?? '', state: 'finished', ...more });
  const scope = values.get('step');
  if (scope !== undefined) query.set('scope', scope);
  if (switches.has('include-retried-jobs')) query.set('include_retried_jobs', 'true');
  const build = values.get('build') ?? context.buildId;
  const { body } = await context
    .api()
    .send({ method: 'GET', path: `builds/${build}/artifacts/search?${query.toString()}` });
  return Array.isArray(body) ? body.filter(isRecord) : [];
}

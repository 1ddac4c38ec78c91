import { createHash, randomUUID } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, sep } from 'node:path';
import { artifactGlob } from '../../artifact-glob.js';
import type { AgentApi } from './agent-http.js';

/** A file to upload. */
export interface ArtifactFile {
  readonly absolutePath: string;
  /** As it is shown and searched for: relative to the directory the job ran in, with "/". */
  readonly path: string;
  /** The pattern that found it. */
  readonly glob: string;
}

const BATCH = 30;
const CONTENT_TYPES: Readonly<Record<string, string>> = {
  css: 'text/css',
  csv: 'text/csv',
  gz: 'application/gzip',
  html: 'text/html',
  json: 'application/json',
  log: 'text/plain',
  md: 'text/markdown',
  png: 'image/png',
  svg: 'image/svg+xml',
  txt: 'text/plain',
  xml: 'application/xml',
  zip: 'application/zip',
};

/** Finds the files of patterns that are separated by ";" or line ends; knows `*`, `**`, `?` and `{a,b}`. */
export async function findArtifacts(patterns: string, directory: string): Promise<readonly ArtifactFile[]> {
  const found = new Map<string, ArtifactFile>();
  const globs = patterns.split(/[;\n]/).map((glob) => glob.trim());
  for (const glob of globs.filter((one) => one !== '')) {
    const absoluteGlob = isAbsolute(glob) ? glob : join(directory, glob);
    const pattern = artifactGlob(absoluteGlob);
    for await (const file of filesBelow(fixedPart(absoluteGlob))) {
      if (!pattern.test(file) || found.has(file)) continue;
      const inside = relative(directory, file).split(sep).join('/');
      const path = inside.startsWith('..') ? file.replace(/^\/+/, '') : inside;
      found.set(file, { absolutePath: file, path, glob });
    }
  }
  return [...found.values()];
}

/** The directory or file before the first wildcard. */
function fixedPart(glob: string): string {
  const segments = glob.split('/');
  const wild = segments.findIndex((segment) => /[*?{[]/.test(segment));
  return wild === -1 ? glob : segments.slice(0, wild).join('/') || '/';
}

async function* filesBelow(start: string): AsyncGenerator<string> {
  const info = await stat(start).catch(() => undefined);
  if (info?.isFile() === true) yield start;
  if (info?.isDirectory() !== true) return;
  const entries = await readdir(start, { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(start, entry.name);
    if (entry.isDirectory()) yield* filesBelow(path);
    else if (entry.isFile()) yield path;
  }
}

/** Uploads files through Buildkite's form upload. @throws ApiRefusal */
export async function uploadArtifacts(api: AgentApi, jobId: string, files: readonly ArtifactFile[]): Promise<void> {
  for (let start = 0; start < files.length; start += BATCH)
    await uploadBatch(api, jobId, files.slice(start, start + BATCH));
}

async function uploadBatch(api: AgentApi, jobId: string, files: readonly ArtifactFile[]): Promise<void> {
  const contents = await Promise.all(files.map((file) => readFile(file.absolutePath)));
  const { body } = await api.send({
    method: 'POST',
    path: `jobs/${jobId}/artifacts`,
    json: {
      id: randomUUID(),
      artifacts: files.map((file, index) => announcement(file, contents[index] ?? Buffer.alloc(0))),
      upload_destination: '',
      multipart_supported: false,
    },
  });
  const batch = batchOf(body);
  const ids = batch.artifact_ids;
  for (const [index, file] of files.entries()) {
    const target = batch.per_artifact_instructions?.[ids[index] ?? ''] ?? batch.upload_instructions;
    if (target !== undefined) await uploadFile(api, target, file, contents[index] ?? Buffer.alloc(0));
  }
  const artifacts = ids.map((id) => ({ id, state: 'finished' }));
  await api.send({ method: 'PUT', path: `jobs/${jobId}/artifacts`, json: { artifacts } });
}

interface UploadInstructions {
  readonly data: Readonly<Record<string, string>>;
  readonly action: { readonly url: string; readonly path: string; readonly file_input: string };
}

interface Batch {
  readonly artifact_ids: readonly string[];
  readonly upload_instructions?: UploadInstructions;
  readonly per_artifact_instructions?: Readonly<Record<string, UploadInstructions>>;
}

function batchOf(body: unknown): Batch {
  if (typeof body !== 'object' || body === null || !('artifact_ids' in body)) {
    throw new Error('buildkite did not say where to upload artifacts');
  }
  return body as Batch; // the shape documented for "POST jobs/{id}/artifacts"
}

function announcement(file: ArtifactFile, content: Buffer): object {
  return {
    path: file.path,
    absolute_path: file.absolutePath,
    glob_path: file.glob,
    file_size: content.length,
    sha1sum: createHash('sha1').update(content).digest('hex'),
    sha256sum: createHash('sha256').update(content).digest('hex'),
    content_type: CONTENT_TYPES[file.path.split('.').at(-1) ?? ''] ?? 'application/octet-stream',
  };
}

async function uploadFile(
  api: AgentApi,
  target: UploadInstructions,
  file: ArtifactFile,
  content: Buffer,
): Promise<void> {
  const boundary = `sandbox-${randomUUID()}`;
  const fields = Object.entries(target.data).map(
    ([name, value]) =>
      `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n` +
      `${value.replaceAll('${artifact:path}', file.path)}\r\n`,
  );
  const filename = file.path.replaceAll('"', '%22');
  const head = `--${boundary}\r\nContent-Disposition: form-data; name="${target.action.file_input}"; filename="${filename}"\r\nContent-Type: application/octet-stream\r\n\r\n`;
  await api.send({
    method: 'POST',
    path: new URL(target.action.path, target.action.url).href,
    raw: Buffer.concat([Buffer.from(fields.join('') + head), content, Buffer.from(`\r\n--${boundary}--\r\n`)]),
    headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
  });
}

/** Where a downloaded artifact goes: `pkg/foo.txt` goes to `foo.txt` of a directory that is called `pkg` already. */
export function downloadTarget(path: string, directory: string): string {
  const [first = ''] = path.split('/');
  return join(basename(directory) === first ? dirname(directory) : directory, path);
}

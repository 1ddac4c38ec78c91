import { jobOfCall, tokenOf, type Sandbox } from './agent-api.js';
import { number, objects, readObject, text, type JsonObject } from './json.js';
import type { Artifact, Build, Job } from './model.js';
import { type Call, Refusal, type Reply, type Routes } from './router.js';

const BATCH = 30;
const PER_JOB = 5000;

function createArtifacts(call: Call, sandbox: Sandbox): Reply {
  const job = jobOfCall(call, sandbox);
  const body = readObject(call);
  const items = objects(body.artifacts);
  if (items.length > BATCH) throw new Refusal(422, `more than ${BATCH} artifacts in one batch`);
  const batch = text(body.id) ?? sandbox.store.ids.uuid();
  // A repeated batch after a lost answer gets the ids it already has.
  const known = job.artifacts.filter((artifact) => artifact.batch === batch);
  if (known.length === 0 && job.artifacts.length + items.length > PER_JOB) {
    throw new Refusal(403, `a job may have ${PER_JOB} artifacts`);
  }
  const artifacts = known.length > 0 ? known : items.map((item) => createArtifact(item, { job, batch, sandbox }));
  return {
    status: 201,
    body: {
      id: batch,
      artifact_ids: artifacts.map((artifact) => artifact.id),
      upload_instructions: {
        data: { key: '${artifact:path}' },
        action: { url: call.origin, method: 'POST', path: `/uploads/${encodeURIComponent(batch)}`, file_input: 'file' },
      },
    },
  };
}

function createArtifact(
  item: JsonObject,
  { job, batch, sandbox }: { readonly job: Job; readonly batch: string; readonly sandbox: Sandbox },
): Artifact {
  const artifact: Artifact = {
    id: sandbox.store.ids.uuid(),
    batch,
    job,
    path: text(item.path) ?? '',
    absolutePath: text(item.absolute_path) ?? '',
    contentType: text(item.content_type) ?? 'application/octet-stream',
    fileSize: number(item.file_size) ?? 0,
    sha1sum: text(item.sha1sum) ?? '',
    sha256sum: text(item.sha256sum) ?? '',
    uploadDestination: text(item.upload_destination) ?? '',
    url: text(item.url) ?? '',
    createdAt: sandbox.store.now(),
    state: 'new',
  };
  job.artifacts.push(artifact);
  sandbox.store.artifacts.set(artifact.id, artifact);
  return artifact;
}

/** The form upload target. It carries no token: the batch id in the path is the secret. */
async function receiveUpload(call: Call, sandbox: Sandbox): Promise<Reply> {
  const form = await readForm(call);
  const key = form.get('key');
  const file = form.get('file');
  if (file === null || typeof file === 'string') throw new Refusal(400, 'the form has no file in "file"');
  const content = Buffer.from(await file.arrayBuffer());
  const targets = [...sandbox.store.artifacts.values()].filter(
    (artifact) => artifact.batch === call.params.batch && artifact.path === key,
  );
  if (targets.length === 0) throw new Refusal(404, 'no artifact of this batch has that path');
  for (const artifact of targets) {
    if (artifact.fileSize !== content.length) {
      throw new Refusal(
        400,
        `"${artifact.path}" was announced with ${artifact.fileSize} bytes, ${content.length} arrived`,
      );
    }
    artifact.content = content;
  }
  return { status: 201, body: {} };
}

async function readForm(call: Call): Promise<FormData> {
  try {
    const headers = { 'content-type': call.headers['content-type'] ?? '' };
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- unfit for hostile uploads of any size; ours are small and local
    return await new Response(call.body, { headers }).formData();
  } catch (error) {
    throw new Refusal(400, `the upload is not multipart/form-data: ${error instanceof Error ? error.message : ''}`);
  }
}

function updateArtifacts(call: Call, sandbox: Sandbox): Reply {
  const job = jobOfCall(call, sandbox);
  for (const item of objects(readObject(call).artifacts)) {
    const artifact = job.artifacts.find((candidate) => candidate.id === item.id);
    if (artifact === undefined) throw new Refusal(404, `no artifact "${text(item.id) ?? ''}" of this job`);
    const done = item.state === 'finished';
    if (done && artifact.state !== 'finished') {
      sandbox.store.emit({
        type: 'artifact',
        buildId: job.build.id,
        jobId: job.id,
        path: artifact.path,
        size: artifact.fileSize,
        at: sandbox.store.now(),
      });
    }
    artifact.state = done ? 'finished' : 'error';
  }
  return { status: 200, body: {} };
}

/**
 * Turns the query of a search or download into a test of paths. Unlike in the globs of an upload, `*` crosses folders and
 * nothing else is special: `*.zip` finds `out/a.zip`, and `dist/**\/*` finds nothing that lies directly in `dist`.
 * @see https://github.com/buildkite/agent/issues/1087
 */
export function artifactMatcher(query: string): (path: string) => boolean {
  const literals = query.split('*').map((literal) => literal.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  const pattern = new RegExp(`^${literals.join('.*')}$`, 's');
  return (path) => query === '' || pattern.test(path);
}

function searchArtifacts(call: Call, sandbox: Sandbox): Reply {
  const build = ownBuild(call, sandbox);
  const matches = artifactMatcher(call.query.get('query') ?? '');
  const scope = call.query.get('scope') ?? '';
  const state = call.query.get('state') ?? '';
  const retried = call.query.get('include_retried_jobs') === 'true';
  const found = build.steps
    .flatMap((step) => step.jobs)
    .filter((job) => retried || job.retriedInJobId === undefined)
    .filter((job) => scope === '' || [job.id, job.step.id, job.step.plan.key, job.plan.label].includes(scope))
    .flatMap((job) => job.artifacts)
    .filter((artifact) => (state === '' || artifact.state === state) && matches(artifact.path));
  const chosen = call.query.get('include_duplicates') === 'true' ? found : newestPerPath(found);
  return { status: 200, body: chosen.map((artifact) => artifactObject(artifact, call.origin)) };
}

function newestPerPath(artifacts: readonly Artifact[]): readonly Artifact[] {
  return [...new Map(artifacts.map((artifact) => [artifact.path, artifact])).values()];
}

function ownBuild(call: Call, sandbox: Sandbox): Build {
  const job = sandbox.lifecycle.jobOfToken(tokenOf(call));
  if (job === undefined) throw new Refusal(401, 'Invalid access token: not the token of a live job');
  const build = sandbox.store.builds.get(call.params.id ?? '');
  if (build === undefined) throw new Refusal(404, `no build "${call.params.id ?? ''}"`);
  return build;
}

function artifactObject(artifact: Artifact, origin: string): JsonObject {
  return {
    id: artifact.id,
    path: artifact.path,
    url: artifact.url === '' ? `${origin}/artifacts/${artifact.id}` : artifact.url,
    file_size: artifact.fileSize,
    sha1sum: artifact.sha1sum,
    sha256sum: artifact.sha256sum,
    job_id: artifact.job.id,
    created_at: new Date(artifact.createdAt).toISOString(),
    upload_destination: artifact.uploadDestination,
  };
}

function download(call: Call, sandbox: Sandbox): Reply {
  const artifact = sandbox.store.artifacts.get(call.params.id ?? '');
  if (artifact?.content === undefined) throw new Refusal(404, 'no such artifact, or its upload never arrived');
  return { status: 200, body: artifact.content, headers: { 'content-type': artifact.contentType } };
}

/** Artifact routes of the agent API, the upload target and the download. Contents stay in memory. */
export function artifactRoutes(sandbox: Sandbox): Routes {
  return {
    'POST /v3/jobs/:id/artifacts': (call) => createArtifacts(call, sandbox),
    'PUT /v3/jobs/:id/artifacts': (call) => updateArtifacts(call, sandbox),
    'GET /v3/builds/:id/artifacts/search': (call) => searchArtifacts(call, sandbox),
    'POST /uploads/:batch': (call) => receiveUpload(call, sandbox),
    'GET /artifacts/:id': (call) => download(call, sandbox),
  };
}

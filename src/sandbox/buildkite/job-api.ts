import { jobOfCall, tokenOf, type Sandbox } from './agent-api.js';
import { number, objects, readObject, requireText, text, type JsonObject } from './json.js';
import type { Annotation, Build, Job, Step, StepPlan, UploadOutcome } from './model.js';
import { planSteps } from './plan-steps.js';
import { type Call, Refusal, type Reply, type Routes } from './router.js';

const JOBS_PER_UPLOAD = 500;
const JOBS_PER_BUILD = 4000;
const ANNOTATION_BYTES = 1024 * 1024;

/** The job whose token the caller holds, whatever the path names. */
function caller(call: Call, { lifecycle }: Sandbox): Job {
  const job = lifecycle.jobOfToken(tokenOf(call));
  if (job === undefined) throw new Refusal(401, 'Invalid access token: not the token of a live job');
  return job;
}

/** The build of `jobs/{id}` or `builds/{id}`, which must be the caller's own. */
function buildOfCall(call: Call, sandbox: Sandbox): Build {
  const job = caller(call, sandbox);
  const { id } = call.params;
  if (id !== job.id && id !== job.build.id) throw new Refusal(404, `no job or build "${id ?? ''}" for this token`);
  return job.build;
}

function setMetaData(build: Build, items: readonly JsonObject[]): Reply {
  const pairs = items.map((item) => {
    if (typeof item.value !== 'string') throw new Refusal(422, '"value" is missing or not a string');
    return [requireText(item, 'key'), item.value] as const;
  });
  for (const [key, value] of pairs) build.metaData.set(key, value);
  return { status: 200, body: {} };
}

function getMetaData(build: Build, key: string): Reply {
  const value = build.metaData.get(key);
  if (value === undefined) throw new Refusal(404, `no meta-data "${key}" in this build`);
  return { status: 200, body: { key, value } };
}

function metaDataRoutes(sandbox: Sandbox): Routes {
  const owner = (call: Call): Build => buildOfCall(call, sandbox);
  const key = (call: Call): string => requireText(readObject(call), 'key');
  const get = (call: Call): Reply => getMetaData(owner(call), key(call));
  const exists = (call: Call): Reply => ({ status: 200, body: { exists: owner(call).metaData.has(key(call)) } });
  const keys = (call: Call): Reply => ({ status: 200, body: [...owner(call).metaData.keys()] });
  return {
    'POST /v3/jobs/:id/data/set': (call) => setMetaData(owner(call), [readObject(call)]),
    'POST /v3/jobs/:id/data/set-batch': (call) => setMetaData(owner(call), objects(readObject(call).items)),
    'POST /v3/jobs/:id/data/get': get,
    'POST /v3/builds/:id/data/get': get,
    'POST /v3/jobs/:id/data/exists': exists,
    'POST /v3/builds/:id/data/exists': exists,
    'POST /v3/jobs/:id/data/keys': keys,
    'POST /v3/builds/:id/data/keys': keys,
  };
}

/** Annotations of scope `job` live beside those of the build without meeting them. */
function annotationId(context: string, scope: string | undefined, job: Job): string {
  return scope === 'job' ? `${job.id}/${context}` : context;
}

function annotate(call: Call, sandbox: Sandbox): Reply {
  const job = jobOfCall(call, sandbox);
  const body = readObject(call);
  const content = text(body.body) ?? '';
  if (Buffer.byteLength(content) > ANNOTATION_BYTES) throw new Refusal(422, '"body" is longer than 1 MiB');
  const context = text(body.context) ?? 'default';
  const id = annotationId(context, text(body.scope), job);
  const known = job.build.annotations.get(id);
  const annotation: Annotation = known ?? { context, jobId: job.id, style: 'default', body: '' };
  annotation.style = text(body.style) ?? annotation.style;
  annotation.body = body.append === true ? annotation.body + content : content;
  job.build.annotations.set(id, annotation);
  sandbox.store.emit({
    type: 'annotation',
    buildId: job.build.id,
    jobId: job.id,
    context,
    style: annotation.style,
    body: annotation.body,
    at: sandbox.store.now(),
  });
  return { status: 201, body: {} };
}

function removeAnnotation(call: Call, sandbox: Sandbox): Reply {
  const job = jobOfCall(call, sandbox);
  const context = call.params.context ?? '';
  const scope = call.query.get('scope') ?? undefined;
  if (!job.build.annotations.delete(annotationId(context, scope, job)))
    throw new Refusal(404, `no annotation "${context}"`);
  return { status: 200, body: {} };
}

/** Steps and groups share one space of keys. */
function keysOf(plans: readonly StepPlan[]): ReadonlySet<string> {
  return new Set(plans.flatMap(({ key, group }) => [key, group?.key]).filter((key) => key !== undefined));
}

function applyUpload(job: Job, body: JsonObject, sandbox: Sandbox): UploadOutcome {
  const { build } = job;
  const planned = planSteps(JSON.stringify(body.pipeline), { build, store: sandbox.store });
  if (!planned.ok) return { state: 'rejected', message: planned.error };
  const count = planned.value.steps.reduce((sum, step) => sum + step.jobs.length, 0);
  if (count > JOBS_PER_UPLOAD) return { state: 'rejected', message: `more than ${JOBS_PER_UPLOAD} jobs in one upload` };
  const before = build.steps.reduce((sum, step) => sum + step.jobs.length, 0);
  if (before + count > JOBS_PER_BUILD)
    return { state: 'rejected', message: `more than ${JOBS_PER_BUILD} jobs in one build` };
  const replaced = body.replace === true ? sandbox.engine.replaceable(build, job.step) : [];
  const taken = keysOf(build.steps.filter((step) => !replaced.includes(step)).map(({ plan }) => plan));
  const again = [...keysOf(planned.value.steps)].find((key) => taken.has(key));
  if (again !== undefined) {
    return { state: 'rejected', message: `the key "${again}" has already been used by another step in this build` };
  }
  sandbox.engine.dropSteps(build, replaced);
  for (const note of planned.value.notes) {
    sandbox.store.emit({ type: 'note', buildId: build.id, text: note, at: sandbox.store.now() });
  }
  sandbox.engine.addSteps(build, planned.value.steps, job.step);
  return { state: 'applied', message: '' };
}

/** A repeated upload is recognised by the client's uuid; `?async=true` answers 202 and a place to ask. */
function uploadPipeline(call: Call, sandbox: Sandbox): Reply {
  const job = jobOfCall(call, sandbox);
  const body = readObject(call);
  const uuid = requireText(body, 'uuid');
  const outcome = job.build.uploads.get(uuid) ?? applyUpload(job, body, sandbox);
  job.build.uploads.set(uuid, outcome);
  if (call.query.get('async') === 'true') {
    const location = `${call.origin}/v3/jobs/${job.id}/pipelines/${uuid}`;
    return { status: 202, body: {}, headers: { location, 'retry-after': '0.1' } };
  }
  if (outcome.state === 'rejected') throw new Refusal(422, outcome.message);
  return { status: 200, body: {} };
}

function uploadStatus(call: Call, sandbox: Sandbox): Reply {
  const outcome = jobOfCall(call, sandbox).build.uploads.get(call.params.uuid ?? '');
  if (outcome === undefined) throw new Refusal(404, 'no such pipeline upload');
  return { status: 200, body: outcome };
}

function findStep(call: Call, sandbox: Sandbox): Step {
  const { build } = caller(call, sandbox);
  const wanted = call.params.step ?? '';
  const step = build.steps.find((candidate) => candidate.id === wanted || candidate.plan.key === wanted);
  if (step === undefined) throw new Refusal(404, `no step "${wanted}" in this build`);
  return step;
}

const STEP_STATES = {
  pending: 'ready',
  active: 'running',
  passed: 'finished',
  failed: 'finished',
  skipped: 'skipped',
} as const;
const STEP_OUTCOMES = {
  pending: 'neutral',
  active: 'neutral',
  passed: 'passed',
  failed: 'hard_failed',
  skipped: 'neutral',
} as const;

function exportStep(call: Call, sandbox: Sandbox): Reply {
  const step = findStep(call, sandbox);
  const facts: JsonObject = {
    id: step.id,
    key: step.plan.key ?? null,
    label: step.plan.label,
    type: step.plan.kind,
    state: STEP_STATES[step.status],
    outcome: STEP_OUTCOMES[step.status],
    ...Object.fromEntries(step.updates),
  };
  const attribute = text(readObject(call).attribute);
  const value = attribute === undefined ? facts : (facts[attribute] ?? null);
  return { status: 200, body: { output: typeof value === 'string' ? value : JSON.stringify(value) } };
}

/** Sets an attribute or appends to it; a repeat after a lost answer is recognised by the client's uuid. */
function updateStep(call: Call, sandbox: Sandbox): Reply {
  const step = findStep(call, sandbox);
  const body = readObject(call);
  const attribute = requireText(body, 'attribute');
  const uuid = text(body.idempotency_uuid) ?? sandbox.store.ids.uuid();
  if (!step.updatesDone.has(uuid)) {
    step.updatesDone.add(uuid);
    const before = step.updates.get(attribute) ?? (attribute === 'label' ? step.plan.label : '');
    step.updates.set(attribute, `${body.append === true ? before : ''}${text(body.value) ?? ''}`);
  }
  return { status: 200, body: {} };
}

function cancelStep(call: Call, sandbox: Sandbox): Reply {
  const step = findStep(call, sandbox);
  for (const job of step.jobs) if (job.finishedAt === undefined) sandbox.lifecycle.cancel(job);
  return { status: 200, body: { uuid: step.id } };
}

function updateJob(call: Call, sandbox: Sandbox): Reply {
  const job = jobOfCall(call, sandbox);
  const timeout = number(readObject(call).timeout);
  if (timeout !== undefined) {
    job.timeoutInMinutes = timeout;
    sandbox.lifecycle.armTimeout(job);
  }
  return { status: 200, body: { id: job.id } };
}

function promiseFailure(call: Call, sandbox: Sandbox): Reply {
  const job = jobOfCall(call, sandbox);
  const status = number(readObject(call).exit_status);
  if (status === undefined || status === 0) throw new Refusal(422, '"exit_status" must be a number other than 0');
  if ((job.promisedExitStatus ?? status) !== status) {
    throw new Refusal(422, `job "${job.id}" has promised exit status ${job.promisedExitStatus ?? ''} already`);
  }
  job.promisedExitStatus = status;
  return { status: 204 };
}

function getSecret(call: Call, sandbox: Sandbox): Reply {
  jobOfCall(call, sandbox);
  const key = call.query.get('key') ?? '';
  const value = sandbox.store.secrets.get(key);
  if (value === undefined) throw new Refusal(404, `no secret "${key}" in this cluster`);
  return { status: 200, body: { key, value, uuid: sandbox.store.ids.uuid() } };
}

function cancelBuild(call: Call, sandbox: Sandbox): Reply {
  const build = buildOfCall(call, sandbox);
  sandbox.lifecycle.cancelBuild(build);
  return { status: 200, body: { uuid: build.id } };
}

/** Routes that `buildkite-agent` subcommands use inside a running job. */
export function jobRoutes(sandbox: Sandbox): Routes {
  return {
    ...metaDataRoutes(sandbox),
    'POST /v3/jobs/:id/annotations': (call) => annotate(call, sandbox),
    'DELETE /v3/jobs/:id/annotations/:context': (call) => removeAnnotation(call, sandbox),
    'POST /v3/jobs/:id/pipelines': (call) => uploadPipeline(call, sandbox),
    'GET /v3/jobs/:id/pipelines/:uuid': (call) => uploadStatus(call, sandbox),
    'POST /v3/steps/:step/export': (call) => exportStep(call, sandbox),
    'PUT /v3/steps/:step': (call) => updateStep(call, sandbox),
    'POST /v3/steps/:step/cancel': (call) => cancelStep(call, sandbox),
    'PUT /v3/jobs/:id': (call) => updateJob(call, sandbox),
    'PUT /v3/jobs/:id/promise_failure': (call) => promiseFailure(call, sandbox),
    'GET /v3/jobs/:id/secrets': (call) => getSecret(call, sandbox),
    'POST /v3/builds/:id/cancel': (call) => cancelBuild(call, sandbox),
  };
}

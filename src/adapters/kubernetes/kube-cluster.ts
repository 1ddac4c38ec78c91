import type { V1Job } from '@kubernetes/client-node';
import { ExternalError, UsageError } from '../../core/errors.js';
import type { Cluster, CreateOutcome, JobEvent, JobRecord } from '../../ports/cluster.js';
import type { Clock, Logger } from '../../ports/runtime.js';
import { LABELS } from '../../core/job/identity.js';
import { labelOf, toJobRecord } from './job-record.js';
import type { KubeClient } from './kube-client.js';
import { KubeApiError, memberOf, textAt } from './kube-errors.js';
import { LateCreations } from './late-creations.js';
import { runReflector, type ReflectorTiming } from './reflector.js';

export interface KubeClusterOptions {
  readonly client: KubeClient;
  readonly namespace: string;
  /** `id` of the configuration; empty when there is none. */
  readonly controllerId: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** 0 <= n < 1. @default Math.random */
  readonly random?: (() => number) | undefined;
  readonly watchTiming?: Partial<ReflectorTiming> | undefined;
}

interface Resource {
  readonly group: '' | 'batch';
  readonly plural: 'jobs' | 'secrets' | 'podtemplates';
  /** Empty for the collection. */
  readonly name: string;
}

const JOBS: Resource = { group: 'batch', plural: 'jobs', name: '' };

/** The cluster behind the API server's REST interface, seen from one namespace and one controller id. */
export function createKubeCluster(options: KubeClusterOptions): Cluster {
  const { client, namespace, controllerId } = options;
  const objects = objectsIn(options);
  const late = new LateCreations();
  return {
    async createJob(job, signal) {
      try {
        const query = { fieldValidation: 'Strict', fieldManager: 'agent-stack-k8s' };
        const path = objects.pathOf(JOBS);
        const { body, warnings } = await client.request(
          { method: 'POST', path, query, body: job, answer: 'metadata' },
          signal,
        );
        const record = createdRecord(body);
        late.created(record);
        return { outcome: 'created', record, warnings };
      } catch (error) {
        if (!(error instanceof KubeApiError)) throw error;
        if (isForGood(error)) return { outcome: 'rejected', message: error.serverMessage };
        if (!isAlreadyExists(error)) throw createFailure(error, namespace);
      }
      const found = await objects.get({ ...JOBS, name: job.metadata?.name ?? '' }, signal);
      return existingOutcome(job, found, controllerId);
    },

    async deleteJob({ name, uid }, signal) {
      const path = objects.pathOf({ ...JOBS, name });
      const body = { kind: 'DeleteOptions', apiVersion: 'v1', propagationPolicy: 'Background', preconditions: { uid } };
      try {
        await client.request({ method: 'DELETE', path, body }, signal);
        late.deleted({ uid });
        return true;
      } catch (error) {
        if (isStatus(error, 404) || isStatus(error, 409)) return false;
        throw explainForbidden(error, { verb: 'delete', resource: JOBS, namespace });
      }
    },

    async getPodTemplateSpec(name, signal) {
      const found = await objects.get({ group: '', plural: 'podtemplates', name }, signal);
      return memberOf(memberOf(found, 'template'), 'spec');
    },

    async getSecretValue(name, key, signal) {
      const where = `secret "${name}" in namespace "${namespace}"`;
      const found = await objects.get({ group: '', plural: 'secrets', name }, signal);
      if (found === undefined) throw new UsageError(`${where} does not exist; create it with the key "${key}" in it`);
      const encoded = textAt(memberOf(found, 'data'), key);
      if (encoded !== undefined) return Buffer.from(encoded, 'base64').toString('utf8');
      throw new UsageError(`${where} has no key "${key}"; add that key to it`);
    },

    watchJobs(onEvent, signal) {
      const { clock, logger, random, watchTiming: timing } = options;
      const what = { client, path: objects.pathOf(JOBS), labelSelector: jobSelector(controllerId) };
      const hooks = {
        toRecord: toJobRecord,
        onListing: () => late.listing(),
        onEvent: (event: JobEvent) => onEvent(late.complete(event)),
      };
      return runReflector<JobRecord>({ ...what, ...hooks, clock, logger, random, timing }, signal);
    },
  };
}

interface Objects {
  pathOf(resource: Resource): string;
  /** @returns undefined when there is no such object; a name that Kubernetes would never accept names none. */
  get(resource: Resource, signal: AbortSignal): Promise<unknown>;
}

function objectsIn({ client, namespace }: Pick<KubeClusterOptions, 'client' | 'namespace'>): Objects {
  const pathOf = ({ group, plural, name }: Resource): string => {
    const root = group === '' ? '/api/v1' : `/apis/${group}/v1`;
    const collection = `${root}/namespaces/${encodeURIComponent(namespace)}/${plural}`;
    return name === '' ? collection : `${collection}/${encodeURIComponent(name)}`;
  };
  return {
    pathOf,
    async get(resource, signal) {
      if (!isObjectName(resource.name)) return undefined;
      try {
        return (await client.request({ method: 'GET', path: pathOf(resource) }, signal)).body;
      } catch (error) {
        if (isStatus(error, 404)) return undefined;
        throw explainForbidden(error, { verb: 'get', resource, namespace });
      }
    },
  };
}

/** Selects the Jobs of one controller: those with its id, or those without any when it has none. */
function jobSelector(controllerId: string): string {
  const whose = controllerId === '' ? `!${LABELS.controllerId}` : `${LABELS.controllerId}=${controllerId}`;
  return `${LABELS.jobUuid},${whose}`;
}

/** Ours is a Job for the same Buildkite job by a controller of the same id. */
function existingOutcome(job: V1Job, found: unknown, controllerId: string): CreateOutcome {
  if (found === undefined) {
    const name = job.metadata?.name ?? '';
    throw new ExternalError(`job "${name}" existed and was gone a moment later; try again`, { retryable: true });
  }
  const ours =
    labelOf(found, LABELS.jobUuid) === labelOf(job, LABELS.jobUuid) &&
    (labelOf(found, LABELS.controllerId) ?? '') === controllerId;
  return { outcome: 'exists', record: ours ? toJobRecord(found) : undefined };
}

function createdRecord(body: unknown): JobRecord {
  const record = toJobRecord(body);
  if (record !== undefined) return record;
  const name = textAt(memberOf(body, 'metadata'), 'name') ?? '';
  throw new ExternalError(
    `job "${name}" was created without a usable label "${LABELS.jobUuid}"; does an admission webhook take it away?`,
    { retryable: false },
  );
}

/** A quota that changed under the server's hands is also a 409, with reason Conflict. */
function isAlreadyExists({ status, reason }: KubeApiError): boolean {
  return status === 409 && reason !== 'Conflict';
}

/** The same Job will be refused for ever: malformed, invalid, too big, or denied by an admission webhook or policy. */
function isForGood({ status = 0, serverMessage }: KubeApiError): boolean {
  if (status === 400 || status === 413 || status === 422) return true;
  return status < 500 && status !== 429 && /\bdenied (the )?request\b/i.test(serverMessage);
}

function createFailure(error: KubeApiError, namespace: string): ExternalError {
  const passing =
    error.status === 409 || /exceeded quota|status unknown for quota|insufficient quota/i.test(error.serverMessage);
  if (!passing) {
    return explainForbidden(error, {
      verb: 'create',
      resource: { group: 'batch', plural: 'jobs', name: '' },
      namespace,
    });
  }
  const { status, reason, retryAfterMs } = error;
  return new ExternalError(error.message, { retryable: true, status, reason, retryAfterMs, cause: error });
}

interface Attempted {
  readonly verb: 'create' | 'delete' | 'get';
  readonly resource: Resource;
  readonly namespace: string;
}

/** Adds the missing rule to an RBAC refusal; any other error stays as it is. */
function explainForbidden<E>(error: E, { verb, resource, namespace }: Attempted): E | ExternalError {
  if (!(error instanceof KubeApiError) || error.status !== 403 || !/cannot \w+ resource/.test(error.serverMessage))
    return error;
  const rule = `{apiGroups: ["${resource.group}"], resources: ["${resource.plural}"], verbs: ["${verb}"]}`;
  const { status, reason } = error;
  return new ExternalError(
    `${error.message}; add the rule ${rule} to the controller's Role in namespace "${namespace}"`,
    {
      retryable: false,
      status,
      reason,
      cause: error,
    },
  );
}

function isStatus(error: unknown, status: number): boolean {
  return error instanceof KubeApiError && error.status === status;
}

function isObjectName(name: string): boolean {
  return name.length <= 253 && /^[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?$/.test(name);
}

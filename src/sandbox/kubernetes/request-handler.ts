import type { IncomingMessage, ServerResponse } from 'node:http';
import { ApiError, badRequest, invalid, successStatus } from './api-error.js';
import { isTrue, type ApiRequest } from './api-request.js';
import {
  checkFields,
  decodeObject,
  fieldValidationOf,
  isDryRun,
  readJson,
  type DecodedObject,
  type JsonBody,
} from './decoding.js';
import type { Passage } from './faults.js';
import { checkNotInFuture, listPage, selectionOf } from './listing.js';
import { isRecord, numberAt, recordAt, textAt, type JsonRecord, type KubeObject } from './objects.js';
import { subjectOf, type DeleteOptions, type ObjectStore, type UpdateOptions } from './object-store.js';
import { applyPatch, PATCH_TYPES, undecodablePatch } from './patch.js';
import { logContainerOf, sendPodLog, type PodLogProvider } from './pod-log.js';
import { tableJson, wantsTable } from './table.js';
import { notSupported } from './validation/field-errors.js';
import { WatchStream, type WatchSettings } from './watch-stream.js';
import { faceOf, listJson, objectJson, storedFormOf } from './wire.js';

export interface HandlerContext extends WatchSettings {
  readonly store: ObjectStore;
  readonly logProvider: () => PodLogProvider | undefined;
}

export interface Exchange {
  readonly request: ApiRequest;
  readonly incoming: IncomingMessage;
  readonly response: ServerResponse;
  readonly passage: Passage;
}

const JSON_TYPES = ['application/json'];

/** Does what an authorised request asks for and answers it. Throws `ApiError`s. */
export async function handleApiRequest(context: HandlerContext, exchange: Exchange): Promise<void> {
  const { request } = exchange;
  switch (request.verb) {
    case 'get':
      return request.subresource === 'log' ? sendLog(context, exchange) : sendFound(context, exchange);
    case 'list':
      return sendList(context, exchange);
    case 'watch':
      return startWatch(context, exchange);
    case 'create':
      return create(context, exchange);
    case 'update':
      return update(context, exchange);
    case 'patch':
      return patch(context, exchange);
    case 'delete':
      return remove(context, exchange);
    case 'deletecollection':
      return removeCollection(context, exchange);
  }
}

function sendObject(exchange: Exchange, code: number, object: KubeObject): void {
  const { request, incoming } = exchange;
  const face = faceOf(object, request.type);
  send(exchange, code, wantsTable(incoming) ? tableJson(request.type, [face]) : objectJson(face));
}

function send(exchange: Exchange, code: number, body: string): void {
  const { response, passage } = exchange;
  if (typeof passage === 'object') {
    response.destroy();
    return;
  }
  response.writeHead(code, { 'content-type': 'application/json', 'cache-control': 'no-cache, private' });
  response.end(`${body}\n`);
}

function warn(exchange: Exchange, warnings: readonly string[]): void {
  if (warnings.length === 0) return;
  const values = warnings.map((text) => `299 - ${JSON.stringify(text)}`);
  for (const value of values) exchange.response.appendHeader('warning', value);
}

function sendFound(context: HandlerContext, exchange: Exchange): void {
  const { store, namespace, name, query } = exchange.request;
  checkNotInFuture(context.store, query);
  sendObject(exchange, 200, context.store.get(store, namespace, name));
}

async function sendLog(context: HandlerContext, exchange: Exchange): Promise<void> {
  const { request, response } = exchange;
  const pod = context.store.get('pods', request.namespace, request.name);
  const container = logContainerOf(pod, request.query.get('container') ?? '');
  await sendPodLog(request, response, { container, provider: context.logProvider() });
}

function sendList(context: HandlerContext, exchange: Exchange): void {
  const { request, incoming } = exchange;
  const page = listPage(context.store, request);
  const metadata = {
    resourceVersion: page.resourceVersion,
    ...(page.continueToken === undefined ? {} : { continue: page.continueToken }),
    ...(page.remainingItemCount === undefined ? {} : { remainingItemCount: page.remainingItemCount }),
  };
  const faces = page.items.map((item) => faceOf(item, request.type));
  send(
    exchange,
    200,
    wantsTable(incoming) ? tableJson(request.type, faces, metadata) : listJson(request.type, metadata, faces),
  );
}

function startWatch(context: HandlerContext, exchange: Exchange): void {
  const { request, incoming } = exchange;
  const writer = wantsTable(incoming) ? (object: KubeObject) => tableJson(request.type, [object]) : undefined;
  new WatchStream(context.store, request, { ...exchange, writer }).start(context);
}

function checkNamespace(request: ApiRequest, object: JsonRecord): void {
  const namespace = textAt(object, 'metadata', 'namespace');
  if (!request.type.namespaced || namespace === '' || namespace === request.namespace) return;
  throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
}

function placed(request: ApiRequest, object: JsonRecord): JsonRecord {
  checkNamespace(request, object);
  if (!request.type.namespaced) return object;
  return { ...object, metadata: { ...recordAt(object, 'metadata'), namespace: request.namespace } };
}

/** The decoded body in its stored form, with its warnings already sent along. */
async function decodeBody(exchange: Exchange): Promise<JsonRecord> {
  const { request, incoming } = exchange;
  const decoded = decodeObject(await readJson(incoming, JSON_TYPES), request);
  warn(exchange, decoded.warnings);
  return placed(request, storedFormOf(decoded.object, request.type));
}

async function create(context: HandlerContext, exchange: Exchange): Promise<void> {
  const { request } = exchange;
  const object = await decodeBody(exchange);
  const created = context.store.create(request.store, object, {
    dryRun: isDryRun(request.query),
    onWarning: (text) => warn(exchange, [text]),
  });
  sendObject(exchange, 201, created);
}

function updateOptions(exchange: Exchange): UpdateOptions {
  const { request } = exchange;
  return {
    dryRun: isDryRun(request.query),
    ...(request.subresource === 'status' ? { subresource: 'status' as const } : {}),
    onWarning: (text) => warn(exchange, [text]),
  };
}

async function update(context: HandlerContext, exchange: Exchange): Promise<void> {
  const { request } = exchange;
  const object = await decodeBody(exchange);
  const { store, namespace, name } = request;
  const given = textAt(object, 'metadata', 'name');
  if (given === '') {
    throw badRequest(`the name of the object (${name} based on URL) was undeterminable: name must be provided`);
  }
  if (given !== name) {
    throw badRequest(`the name of the object (${given}) does not match the name on the URL (${name})`);
  }
  const existed = context.store.find(store, namespace, name) !== undefined;
  const options = { ...updateOptions(exchange), allowCreate: request.subresource === '' };
  const updated = context.store.update(store, { namespace, name }, () => object, options);
  sendObject(exchange, existed ? 200 : 201, updated);
}

async function patch(context: HandlerContext, exchange: Exchange): Promise<void> {
  const { request, incoming } = exchange;
  const body = await readJson(incoming, PATCH_TYPES);
  const contentType = (incoming.headers['content-type'] ?? '').split(';')[0]?.trim() ?? '';
  const { store, namespace, name, type } = request;
  const change = (current: KubeObject | undefined): JsonRecord => {
    const patched = applyPatch(contentType, faceOf(current ?? noObject(), type), body.value, type);
    const decoded = checkPatched(request, patched, body);
    warn(exchange, decoded.warnings);
    return placed(request, storedFormOf(decoded.object, type));
  };
  sendObject(exchange, 200, context.store.update(store, { namespace, name }, change, updateOptions(exchange)));
}

function noObject(): never {
  throw badRequest('cannot patch an object that does not exist');
}

/** What a patch made of an object must decode; errors speak of the patch. */
function checkPatched(request: ApiRequest, patched: JsonRecord, body: JsonBody): DecodedObject {
  try {
    const validation = fieldValidationOf(request.query);
    return checkFields(patched, request.type, { validation, duplicates: body.duplicates });
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    throw undecodablePatch(body.value, error.message.replace(/^.* cannot be handled as a \w+: /, ''));
  }
}

async function deleteOptions(exchange: Exchange): Promise<DeleteOptions> {
  const { query } = exchange.request;
  const { value } = await readJson(exchange.incoming, JSON_TYPES);
  const given = isRecord(value) ? value : {};
  const policy = textAt(given, 'propagationPolicy') || (query.get('propagationPolicy') ?? '');
  const grace = numberAt(given, 'gracePeriodSeconds') ?? numberOf(query.get('gracePeriodSeconds'));
  const dryRun = isDryRun(query) || (Array.isArray(given.dryRun) && given.dryRun.includes('All'));
  return {
    uid: textAt(given, 'preconditions', 'uid') || undefined,
    resourceVersion: textAt(given, 'preconditions', 'resourceVersion') || undefined,
    gracePeriodSeconds: grace,
    propagationPolicy: propagationOf(policy) ?? orphanPolicyOf(given, query),
    dryRun,
  };
}

/** The deprecated `orphanDependents`, as a policy. */
function orphanPolicyOf(given: JsonRecord, query: URLSearchParams): DeleteOptions['propagationPolicy'] {
  const value = given.orphanDependents ?? query.get('orphanDependents');
  if (typeof value === 'boolean') return value ? 'Orphan' : 'Background';
  if (typeof value !== 'string') return undefined;
  return isTrue(value) ? 'Orphan' : 'Background';
}

function numberOf(text: string | null): number | undefined {
  return text === null || text === '' ? undefined : Number(text);
}

function propagationOf(text: string): DeleteOptions['propagationPolicy'] {
  if (text === '') return undefined;
  if (text === 'Background' || text === 'Foreground' || text === 'Orphan') return text;
  const problem = notSupported('propagationPolicy', text, ['Foreground', 'Background', 'Orphan', 'nil']);
  throw invalid({ group: 'meta.k8s.io', kind: 'DeleteOptions' }, [problem]);
}

const ORPHAN_WARNING =
  'child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set ' +
  'propagationPolicy=Orphan to suppress this warning';

function warnOfOrphans(exchange: Exchange, options: DeleteOptions): void {
  if (exchange.request.store === 'jobs' && options.propagationPolicy === undefined) warn(exchange, [ORPHAN_WARNING]);
}

async function remove(context: HandlerContext, exchange: Exchange): Promise<void> {
  const { request } = exchange;
  const options = await deleteOptions(exchange);
  warnOfOrphans(exchange, options);
  const { object, removed } = context.store.delete(request.store, request.namespace, request.name, options);
  if (!removed || request.type.returnsDeleted) sendObject(exchange, 200, object);
  else send(exchange, 200, JSON.stringify(successStatus(subjectOf(request.type, request.name), object.metadata.uid)));
}

async function removeCollection(context: HandlerContext, exchange: Exchange): Promise<void> {
  const { request } = exchange;
  const options = await deleteOptions(exchange);
  warnOfOrphans(exchange, options);
  const deleted = context.store.deleteCollection(request.store, request.namespace, selectionOf(request), options);
  const metadata = { resourceVersion: String(context.store.revisions.revision) };
  send(exchange, 200, listJson(request.type, metadata, deleted));
}

import type { IncomingMessage } from 'node:http';
import { readBody } from '../http.js';
import { badRequest, invalid, unsupportedMediaType } from './api-error.js';
import type { ApiRequest } from './api-request.js';
import { duplicateFields } from './json-duplicates.js';
import { isRecord, textAt, type JsonRecord } from './objects.js';
import { apiVersionOf, type ResourceType } from './resources.js';
import { checkSchema } from './schema-check.js';
import { notSupported } from './validation/field-errors.js';

export type FieldValidation = 'Ignore' | 'Warn' | 'Strict';

/** What a decoded object comes with. */
export interface DecodedObject {
  readonly object: JsonRecord;
  /** Unknown fields, each as the text of a warning. */
  readonly warnings: readonly string[];
}

/** A parsed request body. */
export interface JsonBody {
  /** Undefined when there was no body. */
  readonly value: unknown;
  /** Paths of fields given more than once, of which the last one counts. */
  readonly duplicates: readonly string[];
}

/** Reads a JSON request body. Throws a 415 for another format and a 400 for broken JSON. */
export async function readJson(incoming: IncomingMessage, accepted: readonly string[]): Promise<JsonBody> {
  const type = (incoming.headers['content-type'] ?? 'application/json').split(';')[0]?.trim() ?? '';
  if (!accepted.includes(type)) throw unsupportedMediaType(accepted);
  const text = (await readBody(incoming)).toString('utf8');
  if (text === '') return { value: undefined, duplicates: [] };
  try {
    return { value: JSON.parse(text) as unknown, duplicates: duplicateFields(text) };
  } catch (error) {
    throw badRequest(
      `couldn't get version/kind; json parse error: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

/** The `fieldValidation` parameter; the API server warns unless told otherwise. */
export function fieldValidationOf(query: URLSearchParams): FieldValidation {
  const value = query.get('fieldValidation') ?? '';
  if (value === '') return 'Warn';
  if (value === 'Ignore' || value === 'Warn' || value === 'Strict') return value;
  const problem = notSupported('fieldValidation', value, ['', 'Ignore', 'Strict', 'Warn']);
  throw invalid({ group: 'meta.k8s.io', kind: 'CreateOptions' }, [problem]);
}

/** Whether the request is `dryRun=All`. Throws a 422 for any other value. */
export function isDryRun(query: URLSearchParams): boolean {
  const values = query.getAll('dryRun').filter((value) => value !== '');
  const wrong = values.find((value) => value !== 'All');
  if (wrong === undefined) return values.length > 0;
  throw invalid({ group: 'meta.k8s.io', kind: 'CreateOptions' }, [notSupported('dryRun', [wrong], ['All'])]);
}

/** Checks that a body is an object of the type that the path names, and of its schema. */
export function decodeObject({ value, duplicates }: JsonBody, request: ApiRequest): DecodedObject {
  const { type } = request;
  if (!isRecord(value)) throw badRequest(`the object provided is unrecognized (must be of type ${type.kind})`);
  checkTypeMeta(value, type);
  return checkFields(value, type, { validation: fieldValidationOf(request.query), duplicates });
}

function checkTypeMeta(body: JsonRecord, type: ResourceType): void {
  const [apiVersion, kind] = [textAt(body, 'apiVersion'), textAt(body, 'kind')];
  const expected = apiVersionOf(type);
  if ((kind === '' || kind === type.kind) && (apiVersion === '' || apiVersion === expected)) return;
  const version = JSON.stringify(apiVersion || type.version);
  const unknown = `no kind ${JSON.stringify(kind)} is registered for version ${version} in scheme "pkg/runtime/scheme.go:111"`;
  throw badRequest(`${kind} in version ${version} cannot be handled as a ${type.kind}: ${unknown}`);
}

/** Drops unknown fields, as the decoder does, and reports them the way `fieldValidation` asks for. */
export function checkFields(
  object: JsonRecord,
  type: ResourceType,
  how: { readonly validation: FieldValidation; readonly duplicates: readonly string[] },
): DecodedObject {
  const { value, unknownFields, wrongTypes } = checkSchema(object, type.definition);
  const handled = `${type.kind} in version ${JSON.stringify(type.version)} cannot be handled as a ${type.kind}`;
  if (wrongTypes.length > 0) throw badRequest(`${handled}: ${wrongTypes.join(', ')}`);
  const problems = [
    ...how.duplicates.map((field) => `duplicate field ${JSON.stringify(field)}`),
    ...unknownFields.map((field) => `unknown field ${JSON.stringify(field)}`),
  ];
  if (how.validation === 'Strict' && problems.length > 0) {
    throw badRequest(`${handled}: strict decoding error: ${problems.join(', ')}`);
  }
  return { object: value, warnings: how.validation === 'Warn' ? problems : [] };
}

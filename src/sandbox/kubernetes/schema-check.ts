import { decode, formatPath, type DecodeIssue } from '../../core/schema/decode.js';
import { kubernetesDefinitions } from '../../core/schema/kubernetes-definitions.generated.js';
import { isRecord, type JsonRecord } from './objects.js';
import { BAD_QUANTITY } from './pod-defaults.js';
import { notSupported, type FieldError } from './validation/field-errors.js';

export interface SchemaCheck {
  /** The object without unknown fields. */
  readonly value: JsonRecord;
  /** Paths such as `spec.template.spec.containers[0].imag`. */
  readonly unknownFields: readonly string[];
  /** Why values of a wrong type cannot be decoded. */
  readonly wrongTypes: readonly string[];
}

const UNKNOWN: readonly DecodeIssue['kind'][] = ['unknown-field', 'wrong-case'];
const UNDECODABLE: readonly DecodeIssue['kind'][] = ['wrong-type', 'bad-format'];

function decodeAs(object: unknown, definition: string): ReturnType<typeof decode> {
  return decode(object, { $ref: `#/definitions/${definition}` }, { definitions: kubernetesDefinitions });
}

/** Compares an object with the pinned definition of its kind (`Job`, `Pod`, …). */
export function checkSchema(object: JsonRecord, definition: string): SchemaCheck {
  const first = decodeAs(object, definition);
  // Unlike Go's plain JSON, the API server takes a key in the wrong case for an unknown field.
  const wrongCase = first.issues.filter((issue) => issue.kind === 'wrong-case');
  const stripped = wrongCase.reduce<unknown>((value, issue) => removedAt(value, issue.path), object);
  const { value } = wrongCase.length === 0 ? first : decodeAs(stripped, definition);
  return {
    value: isRecord(value) ? value : {},
    unknownFields: first.issues.filter(({ kind }) => UNKNOWN.includes(kind)).map(({ path }) => formatPath(path)),
    wrongTypes: first.issues
      .filter(({ kind }) => UNDECODABLE.includes(kind))
      .map((issue) => undecodable(issue, definition)),
  };
}

function undecodable(issue: DecodeIssue, definition: string): string {
  if (issue.message.includes('is not a quantity')) return BAD_QUANTITY;
  const field = `${definition}.${formatPath(issue.path)}`;
  return `json: cannot unmarshal into Go struct field ${field}: ${issue.message}`;
}

/** Values that their definition does not list, e.g. an unknown `procMount`. */
export function enumProblems(object: JsonRecord, definition: string): readonly FieldError[] {
  const { issues } = decodeAs(object, definition);
  return issues
    .filter((issue) => issue.kind === 'not-allowed')
    .map((issue) => notSupported(formatPath(issue.path), valueAt(object, issue.path), choicesIn(issue.message)));
}

/** The quoted choices of a message such as `must be "A" or "B", but is "C"`. */
function choicesIn(message: string): readonly string[] {
  const [choices = ''] = message.split(', but is ');
  return [...choices.matchAll(/"([^"]*)"/g)].map(([, choice = '']) => choice);
}

function valueAt(value: unknown, path: DecodeIssue['path']): unknown {
  return path.reduce<unknown>((current, key) => {
    if (Array.isArray(current)) return current[Number(key)] as unknown;
    return isRecord(current) ? current[key] : undefined;
  }, value);
}

function removedAt(value: unknown, path: DecodeIssue['path']): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return value;
  if (Array.isArray(value)) return value.map((item: unknown, index) => (index === key ? removedAt(item, rest) : item));
  if (!isRecord(value)) return value;
  const entries = Object.entries(value).filter(([name]) => rest.length > 0 || name !== key);
  return Object.fromEntries(entries.map(([name, item]) => [name, name === key ? removedAt(item, rest) : item]));
}

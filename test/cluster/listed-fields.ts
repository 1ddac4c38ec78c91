/** Fields to keep: all of a value, some of an object's, or some of those of each element. */
type Template = true | { readonly [field: string]: Template } | readonly [Template];

const TYPE = { apiVersion: true, kind: true } as const;
/** The fields that the controller reads of objects, which is what it decodes of protobuf. */
export const METADATA = {
  name: true,
  namespace: true,
  uid: true,
  resourceVersion: true,
  creationTimestamp: true,
  deletionTimestamp: true,
  labels: true,
} as const;
const CONDITION = { type: true, status: true, reason: true, message: true } as const;
export const JOB = { ...TYPE, metadata: METADATA, status: { conditions: [CONDITION] } } as const;
export const JOB_LIST = { ...TYPE, metadata: { resourceVersion: true, continue: true }, items: [JOB] } as const;
export const STATUS = {
  ...TYPE,
  message: true,
  reason: true,
  code: true,
  details: { retryAfterSeconds: true },
} as const;

/** What is listed of an object in JSON. Empty arrays count as none. */
export function only(template: Template, value: any): any {
  if (template === true) return value;
  if (isElements(template)) return value.map((element: unknown) => only(template[0], element));
  const kept = Object.keys(template).filter((name) => !isNothing(value[name]));
  return Object.fromEntries(kept.map((name) => [name, only(template[name] ?? true, value[name])]));
}

function isElements(template: Template): template is readonly [Template] {
  return Array.isArray(template);
}

function isNothing(value: unknown): boolean {
  return value === undefined || value === null || (Array.isArray(value) && value.length === 0);
}

import { isRecord, textAt, type JsonRecord } from '../objects.js';
import { invalidValue, notSupported, required, type FieldError } from './field-errors.js';
import { checked } from './metadata.js';
import { configKey, dns1123Subdomain, envVarName, qualifiedName } from './names.js';

const ENV_SOURCES = ['fieldRef', 'resourceFieldRef', 'configMapKeyRef', 'secretKeyRef', 'fileKeyRef'];

/** Rules for one environment variable. */
export function validateEnv(variable: JsonRecord, field: string): readonly FieldError[] {
  const name = textAt(variable, 'name');
  return [
    ...(name === '' ? [required(`${field}.name`)] : checked(`${field}.name`, name, envVarName)),
    ...validateValueFrom(variable, `${field}.valueFrom`),
  ];
}

function validateValueFrom(variable: JsonRecord, field: string): readonly FieldError[] {
  if (!isRecord(variable.valueFrom)) return [];
  const source = variable.valueFrom;
  const sources = ENV_SOURCES.filter((key) => source[key] !== undefined);
  const path = textAt(source, 'fieldRef', 'fieldPath');
  const fieldReference = isRecord(source.fieldRef) ? validateFieldPath(path, `${field}.fieldRef`) : [];
  const references = ['configMapKeyRef', 'secretKeyRef'].flatMap((key) =>
    isRecord(source[key]) ? validateKeyReference(source[key], `${field}.${key}`) : [],
  );
  return [
    ...fieldReference,
    ...references,
    ...validateSourceCount(sources.length, textAt(variable, 'value') !== '', field),
  ];
}

function validateSourceCount(count: number, hasValue: boolean, field: string): readonly FieldError[] {
  if (count === 0) {
    const list = '`fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`';
    return [invalidValue(field, '', `must specify one of: ${list}`)];
  }
  if (hasValue) return [invalidValue(field, '', 'may not be specified when `value` is not empty')];
  return count > 1 ? [invalidValue(field, '', 'may not have more than one field specified at a time')] : [];
}

function validateKeyReference(reference: JsonRecord, field: string): readonly FieldError[] {
  const key = textAt(reference, 'key');
  return [
    ...checked(`${field}.name`, textAt(reference, 'name'), dns1123Subdomain),
    ...(key === '' ? [required(`${field}.key`)] : checked(`${field}.key`, key, configKey)),
  ];
}

/** Rules for one source of environment variables. */
export function validateEnvFrom(source: JsonRecord, listField: string, field: string): readonly FieldError[] {
  const prefix = textAt(source, 'prefix');
  const given = ['configMapRef', 'secretRef'].filter((key) => source[key] !== undefined);
  const names = given.flatMap((key) => {
    const name = textAt(source, key, 'name');
    return name === '' ? [required(`${field}.${key}.name`)] : checked(`${field}.${key}.name`, name, dns1123Subdomain);
  });
  return [
    ...(prefix === '' ? [] : checked(`${field}.prefix`, prefix, envVarName)),
    ...names,
    ...(given.length === 0 ? [invalidValue(listField, '', 'must specify one of: `configMapRef` or `secretRef`')] : []),
    ...(given.length > 1 ? [invalidValue(listField, '', 'may not have more than one field specified at a time')] : []),
  ];
}

/** Fields of the pod itself that an environment variable may show; the second list exists, but not for variables. */
const SHOWN_FIELDS = [
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
];
const OTHER_FIELDS = [
  'metadata.annotations',
  'metadata.labels',
  'spec.restartPolicy',
  'spec.schedulerName',
  'status.phase',
];

function validateFieldPath(path: string, field: string): readonly FieldError[] {
  if (path === '') return [required(`${field}.fieldPath`)];
  const [, map, key = ''] = /^(.+)\['([^']*)'\]$/.exec(path) ?? [];
  if (map === 'metadata.labels' || map === 'metadata.annotations') return checked(field, key, qualifiedName);
  if (map !== undefined) return unknownFieldPath(path, field, `field label does not support subscript: ${path}`);
  if (SHOWN_FIELDS.includes(path)) return [];
  if (OTHER_FIELDS.includes(path)) return [notSupported(`${field}.fieldPath`, path, SHOWN_FIELDS)];
  return unknownFieldPath(path, field, `field label not supported: ${path}`);
}

function unknownFieldPath(path: string, field: string, why: string): readonly FieldError[] {
  return [invalidValue(`${field}.fieldPath`, path, `error converting fieldPath: ${why}`)];
}

import { stringsAt, type KubeObject } from '../objects.js';
import { forbiddenField, invalidValue, required, tooLong, type FieldError } from './field-errors.js';
import { asPrefix, dns1123Label, labelValue, qualifiedName, type NameCheck } from './names.js';

const MAX_ANNOTATION_BYTES = 256 * 1024;

/** One error for each thing a check finds wrong with a value. */
export function checked(field: string, value: string, check: NameCheck): readonly FieldError[] {
  return check(value).map((message) => invalidValue(field, value, message));
}

/** Rules for a map of labels. */
export function validateLabels(labels: Readonly<Record<string, string>>, field: string): readonly FieldError[] {
  return Object.entries(labels).flatMap(([key, value]) => [
    ...checked(field, key, qualifiedName),
    ...checked(field, value, labelValue),
  ]);
}

/** Rules for a map of annotations: keys like labels in any case, 256 KiB together. */
export function validateAnnotations(
  annotations: Readonly<Record<string, string>>,
  field: string,
): readonly FieldError[] {
  const entries = Object.entries(annotations);
  const bytes = entries.reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value), 0);
  return [
    ...entries.flatMap(([key]) => qualifiedName(key.toLowerCase()).map((message) => invalidValue(field, key, message))),
    ...(bytes > MAX_ANNOTATION_BYTES ? [tooLong(field, MAX_ANNOTATION_BYTES)] : []),
  ];
}

function validateNamespaceField(object: KubeObject, namespaced: boolean): readonly FieldError[] {
  const { namespace = '' } = object.metadata;
  if (!namespaced) {
    return namespace === '' ? [] : [forbiddenField('metadata.namespace', 'not allowed on this type')];
  }
  if (namespace === '') return [required('metadata.namespace')];
  return checked('metadata.namespace', namespace, dns1123Label);
}

/** Rules for the metadata of any object. */
export function validateObjectMeta(
  object: KubeObject,
  namespaced: boolean,
  nameCheck: NameCheck,
): readonly FieldError[] {
  const { name, generateName = '', finalizers = [] } = object.metadata;
  return [
    ...(generateName === '' ? [] : checked('metadata.generateName', generateName, asPrefix(nameCheck))),
    ...(name === ''
      ? [required('metadata.name', 'name or generateName is required')]
      : checked('metadata.name', name, nameCheck)),
    ...validateNamespaceField(object, namespaced),
    ...validateLabels(stringsAt(object, 'metadata', 'labels'), 'metadata.labels'),
    ...validateAnnotations(stringsAt(object, 'metadata', 'annotations'), 'metadata.annotations'),
    ...finalizers.flatMap((finalizer) => checked('metadata.finalizers', finalizer, qualifiedName)),
  ];
}

import { isRecord, numberAt, recordAt, recordsAt, stringsAt, textAt, type JsonRecord } from '../objects.js';
import { VOLUME_TYPES } from '../pod-defaults.js';
import { noBacksteps, validateContainer, validateInitOnly } from './container.js';
import { duplicate, forbiddenField, invalidValue, notSupported, required, type FieldError } from './field-errors.js';
import { checked, validateAnnotations, validateLabels } from './metadata.js';
import { dns1123Label, dns1123Subdomain, inclusiveRange, labelValue, qualifiedName } from './names.js';
import { validatePodSecurity } from './security-context.js';

const MAX_INT32 = 2_147_483_647;
const RESTART_POLICIES = ['Always', 'OnFailure', 'Never'];
const DNS_POLICIES = ['ClusterFirst', 'ClusterFirstWithHostNet', 'Default', 'None'];
/** The field a volume type cannot do without. */
const VOLUME_NEEDS: Readonly<Record<string, string>> = {
  secret: 'secretName',
  configMap: 'name',
  hostPath: 'path',
  persistentVolumeClaim: 'claimName',
  csi: 'driver',
  nfs: 'server',
};

/** Rules for the pod template of a Job or PodTemplate. */
export function validatePodTemplate(template: JsonRecord, field: string): readonly FieldError[] {
  return [
    ...validateLabels(stringsAt(template, 'metadata', 'labels'), `${field}.labels`),
    ...validateAnnotations(stringsAt(template, 'metadata', 'annotations'), `${field}.annotations`),
    ...validatePodSpec(recordAt(template, 'spec'), `${field}.spec`),
  ];
}

/** Rules for a pod spec after defaulting, in the order the API server reports them. */
export function validatePodSpec(spec: JsonRecord, field: string): readonly FieldError[] {
  const volumes = validateVolumes(recordsAt(spec, 'volumes'), `${field}.volumes`);
  const grace = numberAt(spec, 'terminationGracePeriodSeconds');
  return [
    ...(grace === undefined ? [required(`${field}.terminationGracePeriodSeconds`)] : []),
    ...volumes.problems,
    ...validateContainers(recordsAt(spec, 'containers'), `${field}.containers`, volumes.names),
    ...validateInitContainers(spec, `${field}.initContainers`, volumes.names),
    ...choice(spec, 'restartPolicy', field, RESTART_POLICIES),
    ...choice(spec, 'dnsPolicy', field, DNS_POLICIES),
    ...validateLabels(stringsAt(spec, 'nodeSelector'), `${field}.nodeSelector`),
    ...validatePodSecurity(spec, field),
    ...optionalName(spec, 'serviceAccountName', field, dns1123Subdomain),
    ...optionalName(spec, 'nodeName', field, dns1123Subdomain),
    ...validateDeadline(spec, field),
    ...optionalName(spec, 'hostname', field, dns1123Label),
    ...optionalName(spec, 'subdomain', field, dns1123Label),
    ...recordsAt(spec, 'tolerations').flatMap((item, index) =>
      validateToleration(item, `${field}.tolerations[${index}]`),
    ),
    ...optionalName(spec, 'priorityClassName', field, dns1123Subdomain),
    ...optionalName(spec, 'runtimeClassName', field, dns1123Subdomain),
  ];
}

function validateVolumes(
  volumes: readonly JsonRecord[],
  field: string,
): { readonly names: ReadonlySet<string>; readonly problems: readonly FieldError[] } {
  const names = new Set<string>();
  const problems = volumes.flatMap((volume, index) => {
    const name = textAt(volume, 'name');
    const found = [
      ...validateVolumeSource(volume, `${field}[${index}]`),
      ...(name === '' ? [required(`${field}[${index}].name`)] : checked(`${field}[${index}].name`, name, dns1123Label)),
      ...(names.has(name) ? [duplicate(`${field}[${index}].name`, name)] : []),
    ];
    if (found.length === 0) names.add(name);
    return found;
  });
  return { names, problems };
}

function validateVolumeSource(volume: JsonRecord, field: string): readonly FieldError[] {
  const [first, ...more] = VOLUME_TYPES.filter((type) => volume[type] !== undefined);
  if (first === undefined) return [required(field, 'must specify a volume type')];
  const tooMany = more.map((type) => forbiddenField(`${field}.${type}`, 'may not specify more than 1 volume type'));
  const source = volume[first];
  return [...(isRecord(source) ? validateSource(first, source, `${field}.${first}`) : []), ...tooMany];
}

function validateSource(type: string, source: JsonRecord, field: string): readonly FieldError[] {
  const need = VOLUME_NEEDS[type];
  const mode = numberAt(source, 'defaultMode');
  const badMode = mode !== undefined && (mode < 0 || mode > 0o777);
  const modeRule = 'must be a number between 0 and 0777 (octal), both inclusive';
  return [
    ...(need !== undefined && textAt(source, need) === '' ? [required(`${field}.${need}`)] : []),
    ...(type === 'hostPath' ? noBacksteps(textAt(source, 'path'), `${field}.path`) : []),
    ...(badMode ? [invalidValue(`${field}.defaultMode`, mode, modeRule)] : []),
  ];
}

function validateContainers(
  containers: readonly JsonRecord[],
  field: string,
  volumes: ReadonlySet<string>,
): readonly FieldError[] {
  if (containers.length === 0) return [required(field)];
  const names = new Set<string>();
  return containers.flatMap((container, index) => {
    const name = textAt(container, 'name');
    const repeated = names.has(name);
    names.add(name);
    return [
      ...validateContainer(container, `${field}[${index}]`, volumes),
      ...(repeated ? [duplicate(`${field}[${index}].name`, name)] : []),
    ];
  });
}

function validateInitContainers(spec: JsonRecord, field: string, volumes: ReadonlySet<string>): readonly FieldError[] {
  const names = new Set(recordsAt(spec, 'containers').map((container) => textAt(container, 'name')));
  return recordsAt(spec, 'initContainers').flatMap((container, index) => {
    const name = textAt(container, 'name');
    const repeated = names.has(name);
    if (name !== '') names.add(name);
    return [
      ...validateContainer(container, `${field}[${index}]`, volumes),
      ...(repeated ? [duplicate(`${field}[${index}].name`, name)] : []),
      ...validateInitOnly(container, `${field}[${index}]`),
    ];
  });
}

function choice(spec: JsonRecord, key: string, field: string, allowed: readonly string[]): readonly FieldError[] {
  const value = textAt(spec, key);
  if (value === '') return [required(`${field}.${key}`)];
  return allowed.includes(value) ? [] : [notSupported(`${field}.${key}`, value, allowed)];
}

function optionalName(
  spec: JsonRecord,
  key: string,
  field: string,
  check: (value: string) => readonly string[],
): readonly FieldError[] {
  const value = textAt(spec, key);
  return value === '' ? [] : checked(`${field}.${key}`, value, check);
}

function validateDeadline(spec: JsonRecord, field: string): readonly FieldError[] {
  const seconds = numberAt(spec, 'activeDeadlineSeconds');
  if (seconds === undefined || (seconds >= 1 && seconds <= MAX_INT32)) return [];
  return [invalidValue(`${field}.activeDeadlineSeconds`, seconds, inclusiveRange(1, MAX_INT32))];
}

function validateToleration(toleration: JsonRecord, field: string): readonly FieldError[] {
  const key = textAt(toleration, 'key');
  const operator = textAt(toleration, 'operator');
  const effect = textAt(toleration, 'effect');
  const effects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];
  const needsExists = 'operator must be Exists when `key` is empty, which means "match all values and all keys"';
  return [
    ...(key === '' ? [] : checked(`${field}.key`, key, qualifiedName)),
    ...(key === '' && operator !== 'Exists' ? [invalidValue(`${field}.operator`, operator, needsExists)] : []),
    ...validateTolerationValue(operator, textAt(toleration, 'value'), `${field}.operator`),
    ...(effect === '' || effects.includes(effect) ? [] : [notSupported(`${field}.effect`, effect, effects)]),
  ];
}

function validateTolerationValue(operator: string, value: string, field: string): readonly FieldError[] {
  if (operator === '' || operator === 'Equal') return checked(field, value, labelValue);
  if (operator !== 'Exists') return [notSupported(field, operator, ['Equal', 'Exists'])];
  return value === '' ? [] : [invalidValue(field, value, "value must be empty when `operator` is 'Exists'")];
}

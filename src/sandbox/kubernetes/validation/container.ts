import { compareQuantities, parseQuantity, type Quantity } from '../../../core/quantity.js';
import { at, numberAt, recordAt, recordsAt, textAt, type JsonRecord } from '../objects.js';
import {
  duplicate,
  forbiddenField,
  invalidValue,
  notFoundValue,
  notSupported,
  required,
  type FieldError,
} from './field-errors.js';
import { checked } from './metadata.js';
import { validateEnv, validateEnvFrom } from './env.js';
import { dns1123Label, inclusiveRange, portName, qualifiedName } from './names.js';
import { validateContainerSecurity } from './security-context.js';

const PULL_POLICIES = ['Always', 'IfNotPresent', 'Never'];
const MESSAGE_POLICIES = ['File', 'FallbackToLogsOnError'];
const STANDARD_RESOURCES = ['cpu', 'memory', 'ephemeral-storage'];

/** Rules that containers and init containers share. `volumes` holds the names of the pod's valid volumes. */
export function validateContainer(
  container: JsonRecord,
  field: string,
  volumes: ReadonlySet<string>,
): readonly FieldError[] {
  const name = textAt(container, 'name');
  return [
    ...(name === '' ? [required(`${field}.name`)] : checked(`${field}.name`, name, dns1123Label)),
    ...(textAt(container, 'image') === '' ? [required(`${field}.image`)] : []),
    ...oneOf(container, 'terminationMessagePolicy', field, MESSAGE_POLICIES),
    ...validatePorts(recordsAt(container, 'ports'), `${field}.ports`),
    ...recordsAt(container, 'env').flatMap((item, index) => validateEnv(item, `${field}.env[${index}]`)),
    ...recordsAt(container, 'envFrom').flatMap((item, index) =>
      validateEnvFrom(item, `${field}.envFrom`, `${field}.envFrom[${index}]`),
    ),
    ...validateMounts(container, `${field}.volumeMounts`, volumes),
    ...oneOf(container, 'imagePullPolicy', field, PULL_POLICIES),
    ...validateResources(recordAt(container, 'resources'), `${field}.resources`),
    ...validateContainerSecurity(container, field),
  ];
}

function oneOf(container: JsonRecord, key: string, field: string, allowed: readonly string[]): readonly FieldError[] {
  const value = textAt(container, key);
  if (value === '') return [required(`${field}.${key}`)];
  return allowed.includes(value) ? [] : [notSupported(`${field}.${key}`, value, allowed)];
}

function validatePorts(ports: readonly JsonRecord[], field: string): readonly FieldError[] {
  const names = new Set<string>();
  return ports.flatMap((port, index) => [
    ...validatePortName(textAt(port, 'name'), `${field}[${index}].name`, names),
    ...validatePort(port, `${field}[${index}]`),
  ]);
}

function validatePortName(name: string, field: string, names: Set<string>): readonly FieldError[] {
  if (name === '') return [];
  const problems = checked(field, name, portName);
  if (problems.length > 0) return problems;
  if (names.has(name)) return [duplicate(field, name)];
  names.add(name);
  return [];
}

function validatePort(port: JsonRecord, field: string): readonly FieldError[] {
  const outOfRange = (key: string): readonly FieldError[] => {
    const value = numberAt(port, key) ?? 0;
    if (value === 0 || (value >= 1 && value <= 65535)) return [];
    return [invalidValue(`${field}.${key}`, value, inclusiveRange(1, 65535))];
  };
  const protocol = textAt(port, 'protocol');
  const protocols = ['SCTP', 'TCP', 'UDP'];
  return [
    ...((numberAt(port, 'containerPort') ?? 0) === 0
      ? [required(`${field}.containerPort`)]
      : outOfRange('containerPort')),
    ...outOfRange('hostPort'),
    ...(protocols.includes(protocol) ? [] : [notSupported(`${field}.protocol`, protocol, protocols)]),
  ];
}

function validateMounts(container: JsonRecord, field: string, volumes: ReadonlySet<string>): readonly FieldError[] {
  const paths = new Set<string>();
  return recordsAt(container, 'volumeMounts').flatMap((mount, index) => {
    const name = textAt(mount, 'name');
    const path = textAt(mount, 'mountPath');
    const repeated = paths.has(path);
    paths.add(path);
    return [
      ...(name === '' ? [required(`${field}[${index}].name`)] : []),
      ...(volumes.has(name) ? [] : [notFoundValue(`${field}[${index}].name`, name)]),
      ...(path === '' ? [required(`${field}[${index}].mountPath`)] : []),
      ...(repeated ? [invalidValue(`${field}[${index}].mountPath`, path, 'must be unique')] : []),
      ...validateSubPaths(mount, field, index),
    ];
  });
}

function validateSubPaths(mount: JsonRecord, field: string, index: number): readonly FieldError[] {
  const subPath = textAt(mount, 'subPath');
  const expression = textAt(mount, 'subPathExpr');
  const both = subPath !== '' && expression !== '';
  return [
    ...descendingPath(subPath, `${field}.subPath`),
    ...(both
      ? [invalidValue(`${field}[${index}].subPathExpr`, expression, 'subPathExpr and subPath are mutually exclusive')]
      : []),
    ...descendingPath(expression, `${field}.subPathExpr`),
  ];
}

function descendingPath(path: string, field: string): readonly FieldError[] {
  return [
    ...(path.startsWith('/') ? [invalidValue(field, path, 'must be a relative path')] : []),
    ...noBacksteps(path, field),
  ];
}

/** A path must not climb with `..`. */
export function noBacksteps(path: string, field: string): readonly FieldError[] {
  return path.split('/').includes('..') ? [invalidValue(field, path, "must not contain '..'")] : [];
}

function validateResources(resources: JsonRecord, field: string): readonly FieldError[] {
  const limits = recordAt(resources, 'limits');
  const requests = recordAt(resources, 'requests');
  return [
    ...Object.entries(limits).flatMap(([name, amount]) => validateAmount(name, amount, `${field}.limits[${name}]`)),
    ...Object.entries(requests).flatMap(([name, amount]) => [
      ...validateAmount(name, amount, `${field}.requests[${name}]`),
      ...validateAgainstLimit({ name, amount, limit: limits[name] }, field),
    ]),
  ];
}

function validateAmount(name: string, amount: unknown, field: string): readonly FieldError[] {
  const parsed = quantityOf(amount);
  const negative = parsed !== undefined && parsed.nanos < 0n;
  return [
    ...validateResourceName(name, field),
    ...(negative ? [invalidValue(field, String(amount), 'must be greater than or equal to 0')] : []),
    ...(!isOvercommittable(name) &&
    !name.startsWith('hugepages-') &&
    parsed !== undefined &&
    parsed.nanos % 10n ** 9n !== 0n
      ? [invalidValue(field, String(amount), 'must be an integer')]
      : []),
  ];
}

function validateResourceName(name: string, field: string): readonly FieldError[] {
  const problems = checked(field, name, qualifiedName);
  if (problems.length > 0) return problems;
  if (name.includes('/') || STANDARD_RESOURCES.includes(name) || name.startsWith('hugepages-')) return [];
  return [
    invalidValue(field, name, 'must be a standard resource type or fully qualified'),
    invalidValue(field, name, 'must be a standard resource for containers'),
  ];
}

function validateAgainstLimit(
  request: { readonly name: string; readonly amount: unknown; readonly limit: unknown },
  field: string,
): readonly FieldError[] {
  const { name, amount, limit } = request;
  const overcommit = isOvercommittable(name);
  const [wanted, most] = [quantityOf(amount), quantityOf(limit)];
  if (most === undefined || wanted === undefined) {
    return overcommit ? [] : [required(`${field}.limits`, 'Limit must be set for non overcommitable resources')];
  }
  const order = compareQuantities(wanted, most);
  if (overcommit ? order <= 0 : order === 0) return [];
  const relation = overcommit ? 'less than or equal to' : 'equal to';
  return [invalidValue(`${field}.requests`, String(amount), `must be ${relation} ${name} limit of ${String(limit)}`)];
}

/** Native resources but huge pages may be promised more often than they exist; extended ones may not. */
function isOvercommittable(name: string): boolean {
  return (!name.includes('/') || name.includes('kubernetes.io/')) && !name.startsWith('hugepages-');
}

function quantityOf(value: unknown): Quantity | undefined {
  if (typeof value !== 'string' && typeof value !== 'number') return undefined;
  const parsed = parseQuantity(value);
  return parsed.ok ? parsed.value : undefined;
}

/** Probes and lifecycle hooks an init container may only have when it is a sidecar (`restartPolicy: Always`). */
export function validateInitOnly(container: JsonRecord, field: string): readonly FieldError[] {
  if (at(container, 'restartPolicy') === 'Always') return [];
  return ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe']
    .filter((key) => container[key] !== undefined)
    .map((key) => forbiddenField(`${field}.${key}`, 'may not be set for init containers without restartPolicy=Always'));
}

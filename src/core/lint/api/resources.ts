import type { CoreV1ResourceClaim, V1Container, V1PodSpec, V1ResourceRequirements } from '@kubernetes/client-node';
import { closestName } from '../../closest-name.js';
import { compareQuantities, parseQuantity, type Quantity } from '../../quantity.js';
import { oneOf, refused, type ApiPath, type ApiProblem, type Check, type Context } from './api-problem.js';
import { FORMATS } from './formats.js';

const UNKNOWN_NAME = 'resources/unknown-name';
const EXTENDED = 'resources/extended';
const OWN_NAMES = ['cpu', 'memory', 'ephemeral-storage'];
/** What people write for them. */
const MEANT: ReadonlyMap<string, string> = new Map([
  ['gpu', 'nvidia.com/gpu'],
  ['gpus', 'nvidia.com/gpu'],
  ['nvidia', 'nvidia.com/gpu'],
  ['tpu', 'google.com/tpu'],
  ['mem', 'memory'],
  ['ram', 'memory'],
  ['cpus', 'cpu'],
  ['cores', 'cpu'],
  ['disk', 'ephemeral-storage'],
  ['storage', 'ephemeral-storage'],
  ['ephemeralstorage', 'ephemeral-storage'],
]);

type Amounts = Readonly<Record<string, string>>;

/** Resources of a container. */
export const containerResources: Check<V1Container> = function* ({ resources }, path, context) {
  if (resources === undefined) return;
  const at = [...path, 'resources'];
  yield* requirements(resources, at, context, containerResourceName);
  yield* claims(resources.claims ?? [], [...at, 'claims'], context);
};

/** What every pod of a RuntimeClass needs on top; set by the cluster, but it can be written. */
export const overhead: Check<V1PodSpec> = function* (pod, _path, context) {
  if (pod.overhead !== undefined) yield* amounts(pod.overhead, ['overhead'], context, containerResourceName);
};

const DEVICE = 'nvidia.com/gpu';

type NameCheck = (name: string) => string | undefined;

/** Everything that can be said about `requests` and `limits` of a container or a pod. */
export function* requirements(
  { limits = {}, requests = {} }: V1ResourceRequirements,
  path: ApiPath,
  context: Context,
  nameProblem: NameCheck,
): Iterable<ApiProblem> {
  yield* amounts(limits, [...path, 'limits'], context, nameProblem);
  yield* amounts(requests, [...path, 'requests'], context, nameProblem);
  for (const [name, request] of Object.entries(requests)) {
    const limit = Object.hasOwn(limits, name) ? limits[name] : undefined;
    const relatedPath = limit === undefined ? undefined : [...path, 'limits', name];
    yield* requestAndLimit({ name, request, limit, at: { path: [...path, 'requests', name], relatedPath } }, context);
  }
  const names = [...Object.keys(requests), ...Object.keys(limits)];
  const pages = names.find(isHugePages);
  if (pages === undefined || names.includes('cpu') || names.includes('memory')) return;
  const what = `"${pages}" needs "cpu" or "memory" next to it`;
  const list = Object.hasOwn(requests, pages) ? 'requests' : 'limits';
  yield refused({ rule: EXTENDED, path: [...path, list, pages], what, remedy: 'add one of them' });
}

function* amounts(list: Amounts, path: ApiPath, context: Context, nameProblem: NameCheck): Iterable<ApiProblem> {
  for (const [name, text] of Object.entries(list)) {
    if (context.isUnknown(name)) continue;
    const at = [...path, name];
    const what = nameProblem(name);
    if (what !== undefined) yield unknownName(name, at, { what, nameProblem });
    else if (!context.isUnknown(text)) yield* amount(name, text, at);
  }
}

interface BadName {
  readonly what: string;
  readonly nameProblem: NameCheck;
}

function unknownName(name: string, path: ApiPath, { what, nameProblem }: BadName): ApiProblem {
  const meant = MEANT.get(name.toLowerCase().replace(/[-_]/g, '')) ?? closestName(name, OWN_NAMES);
  const replacement = meant === undefined || nameProblem(meant) !== undefined ? undefined : meant;
  const known =
    nameProblem(DEVICE) === undefined ? [...OWN_NAMES, DEVICE] : OWN_NAMES.filter((own) => !nameProblem(own));
  const remedy = `write ${oneOf(replacement === undefined ? known : [replacement])}`;
  return refused({ rule: UNKNOWN_NAME, path, what, remedy, replacement });
}

function* amount(name: string, text: string, path: ApiPath): Iterable<ApiProblem> {
  const parsed = parseQuantity(text);
  if (!parsed.ok) return;
  const { nanos } = parsed.value;
  if (nanos < 0n) {
    const what = `"${text}" of "${name}" is less than nothing`;
    yield refused({ rule: 'resources/quantity', path, what, remedy: 'write a positive amount' });
  }
  if (isExtended(name) && !isWhole(parsed.value)) {
    const what = `"${text}" of "${name}" is not a whole number, and such devices cannot be shared`;
    yield refused({ rule: EXTENDED, path, what, remedy: 'ask for a whole number' });
  }
  if (isHugePages(name) && !isMultiple(parsed.value, name.slice('hugepages-'.length))) {
    const what = `"${text}" is not a multiple of the page size of "${name}"`;
    yield refused({ rule: EXTENDED, path, what, remedy: 'ask for whole pages' });
  }
}

/** Kubernetes rounds up to thousandths first. */
function isWhole({ nanos }: Quantity): boolean {
  const millis = (nanos + 999_999n) / 1_000_000n;
  return millis % 1000n === 0n;
}

function isMultiple({ nanos }: Quantity, pageSize: string): boolean {
  const size = parseQuantity(pageSize);
  return size.ok && size.value.nanos > 0n && nanos % size.value.nanos === 0n;
}

/** One resource that is requested, and its limit if it has one. */
interface Requested {
  readonly name: string;
  readonly request: string;
  readonly limit: string | undefined;
  readonly at: Pick<ApiProblem, 'path' | 'relatedPath'>;
}

function* requestAndLimit(requested: Requested, { isUnknown }: Context): Iterable<ApiProblem> {
  const { name, request, limit, at } = requested;
  if ([name, request, limit ?? ''].some(isUnknown)) return;
  if (limit !== undefined) {
    yield* unequal({ ...requested, limit });
  } else if (isFixed(name)) {
    const what = `"${name}" is requested without a limit, and it cannot be overcommitted`;
    yield refused({ rule: EXTENDED, ...at, what, remedy: 'set "limits" only, and the request follows' });
  }
}

function* unequal({ name, request, limit, at }: Requested & { readonly limit: string }): Iterable<ApiProblem> {
  const [asked, allowed] = [parseQuantity(request), parseQuantity(limit)];
  if (!asked.ok || !allowed.ok) return;
  const order = compareQuantities(asked.value, allowed.value);
  if (isFixed(name) && order !== 0) {
    const what = `the request of ${request} "${name}" is not its limit of ${limit}, and the two must be equal`;
    yield refused({ rule: EXTENDED, ...at, what, remedy: 'set "limits" only, and the request follows' });
  } else if (order > 0) {
    const what = `the request of ${request} "${name}" is above its limit of ${limit}`;
    const remedy = 'raise the limit or request less (a resource class or a patch may have set one of the two)';
    yield refused({ rule: 'resources/request-over-limit', ...at, what, remedy });
  }
}

/** Of such resources nobody gets more or less than was asked for. */
function isFixed(name: string): boolean {
  return isExtended(name) || isHugePages(name);
}

/** What is wrong with the name of a container's resource. */
function containerResourceName(name: string): string | undefined {
  if (!FORMATS.labelKey.test(name)) return `"${name}" cannot be the name of a resource`;
  if (!name.includes('/')) {
    return OWN_NAMES.includes(name) || isHugePages(name) ? undefined : `"${name}" is not a resource of containers`;
  }
  const isQuotaName = name.startsWith('requests.') || !FORMATS.labelKey.test(`requests.${name}`);
  return !isNative(name) && isQuotaName ? `"${name}" cannot be the name of a resource of nodes` : undefined;
}

/** Whether it is Kubernetes' own: without a domain or in its own. */
function isNative(name: string): boolean {
  return !name.includes('/') || name.includes('kubernetes.io/');
}

function isExtended(name: string): boolean {
  return !isNative(name);
}

/** Pages of memory of a fixed size. */
export function isHugePages(name: string): boolean {
  return name.startsWith('hugepages-');
}

/** Claims of a container must be claims of the pod, each once or by different requests. */
function* claims(
  list: readonly CoreV1ResourceClaim[],
  path: ApiPath,
  { pod, isUnknown }: Context,
): Iterable<ApiProblem> {
  const known = (pod.resourceClaims ?? []).map(({ name }) => name);
  for (const [index, claim] of list.entries()) {
    const { name } = claim;
    const at = { rule: 'buildable', path: [...path, index] };
    if (name === '' || [name, ...known].some(isUnknown)) continue;
    if (list.slice(0, index).some((earlier) => overlaps(earlier, claim))) {
      yield refused({ ...at, what: `claim "${name}" is listed twice`, remedy: 'remove one' });
    }
    if (!known.includes(name)) yield noSuchClaim(name, known, at);
  }
}

/** A claim without a request stands for all its requests. */
function overlaps(a: CoreV1ResourceClaim, b: CoreV1ResourceClaim): boolean {
  const [one = '', other = ''] = [a.request, b.request];
  return a.name === b.name && (one === other || one === '' || other === '');
}

function noSuchClaim(name: string, known: readonly string[], at: Pick<ApiProblem, 'rule' | 'path'>): ApiProblem {
  const replacement = closestName(name, known);
  const remedy = replacement === undefined ? 'add it under "podSpec.resourceClaims"' : `did you mean "${replacement}"?`;
  return refused({ ...at, what: `the pod has no resource claim "${name}"`, remedy, replacement });
}

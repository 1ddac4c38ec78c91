import { spawnSync } from 'node:child_process';
import { expect } from 'chai';
import fc from 'fast-check';
import { strategicMerge, type JsonObject } from '../../../src/core/manifest/strategic-merge.js';

const PATCHES = 40;
/** kubectl applies one patch to a whole list of Pods, so most of its start-up time is shared. */
const PODS_PER_PATCH = 6;

const hasKubectl = spawnSync('kubectl', ['version', '--client']).status === 0;

/** The specs after kubectl, that is Go's own code, has patched them. */
function kubectlPatch(specs: readonly JsonObject[], patch: JsonObject): JsonObject[] {
  const items = specs.map((spec, index) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: `pod-${index}` },
    spec,
  }));
  const args = ['patch', '--local', '--type=strategic', '--output=json', `--patch=${JSON.stringify({ spec: patch })}`];
  const { stdout, stderr, status } = spawnSync('kubectl', [...args, '--filename=-'], {
    input: items.map((item) => JSON.stringify(item)).join('\n'),
    env: { ...process.env, KUBECONFIG: '/dev/null' },
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`kubectl refused ${JSON.stringify(patch)}: ${stderr}`);
  const pods = stdout.split(/^(?=\{$)/m).filter((text) => text.trim() !== '');
  return pods.map((pod) => withoutResidue(JSON.parse(pod).spec) as JsonObject);
}

/** Go leaves nulls and directives inside of what a patch adds; the API server drops them when it decodes the object. */
function withoutResidue(value: unknown): unknown {
  if (Array.isArray(value)) return value.filter((entry) => entry?.$patch === undefined).map(withoutResidue);
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value).filter(([key, field]) => !key.startsWith('$') && field !== null);
  return Object.fromEntries(
    fields.filter(([, field]) => field.$patch !== 'delete').map(([key, field]) => [key, withoutResidue(field)]),
  );
}

type Entry = Readonly<Record<string, unknown>>;
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined, freq: 2 });
const orNull = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null, freq: 5 });

/** A map of optional fields; absent ones leave no key. */
function map(fields: Readonly<Record<string, fc.Arbitrary<unknown>>>): fc.Arbitrary<Entry> {
  return fc.record(fields, { requiredKeys: [] });
}

interface ListShape {
  readonly key: string;
  readonly keys: readonly (string | number)[];
  /** The other fields of an entry, and what a patch may do to them. */
  readonly original: fc.Arbitrary<Entry>;
  readonly patch: fc.Arbitrary<Entry>;
}

function originalList(shape: ListShape): fc.Arbitrary<Entry[]> {
  return fc
    .shuffledSubarray([...shape.keys], { minLength: 1 })
    .chain((keys) => fc.tuple(...keys.map((key) => shape.original.map((entry) => ({ [shape.key]: key, ...entry })))));
}

/** `{ [field]: entries }`, sometimes with deletions, a replacement of the list, or an order to set. */
function patchOfList(field: string, shape: ListShape): fc.Arbitrary<Entry> {
  const entry = (key: string | number) =>
    fc.oneof(
      { weight: 4, arbitrary: shape.patch.map((rest) => ({ [shape.key]: key, ...rest })) },
      { weight: 1, arbitrary: fc.constant({ [shape.key]: key, $patch: 'delete' }) },
    );
  // Go refuses an order for a list that is empty on both sides; ours shrugs.
  const entries = fc.shuffledSubarray([...shape.keys], { minLength: 1 }).chain((keys) => fc.tuple(...keys.map(entry)));
  const plain = entries.map((list) => ({ [field]: list }));
  const replaced = entries.map((list) => ({
    [field]: [{ $patch: 'replace' }, ...list.filter((each) => !('$patch' in each))],
  }));
  // No deletions here: Go then looks up the original order in an array that its deletion and additions have overwritten.
  const ordered = fc.tuple(entries, fc.shuffledSubarray([...shape.keys])).map(([list, others]) => {
    const kept = list.filter((each) => !('$patch' in each));
    return kept.length === 0
      ? {}
      : { [field]: kept, [`$setElementOrder/${field}`]: orderWith(kept, others, shape.key) };
  });
  const reordered = fc
    .shuffledSubarray([...shape.keys], { minLength: 1 })
    .map((keys) => ({ [`$setElementOrder/${field}`]: keys.map((key) => ({ [shape.key]: key })) }));
  return fc.oneof(
    { weight: 6, arbitrary: plain },
    { weight: 1, arbitrary: replaced },
    { weight: 2, arbitrary: ordered },
    { weight: 1, arbitrary: reordered },
    { weight: 1, arbitrary: fc.constant({ [field]: null }) },
  );
}

/** Names every entry of the patch, in its order, with others strewn in. */
function orderWith(list: readonly Entry[], others: readonly unknown[], key: string): Entry[] {
  const kept = list.map((entry) => entry[key]);
  const strewn = others.filter((other) => !kept.includes(other));
  const order: unknown[] = [];
  for (const name of kept) order.push(...strewn.splice(0, 1), name);
  return [...order, ...strewn].map((name) => ({ [key]: name }));
}

/** One patch out of several partial ones, of which any may be missing. */
function combined(...parts: readonly fc.Arbitrary<Entry>[]): fc.Arbitrary<Entry> {
  return fc.tuple(...parts.map(maybe)).map((found) => Object.assign({}, ...found.filter(Boolean)) as Entry);
}

const word = fc.constantFrom('x', 'y', 'z');
const quantity = fc.constantFrom('500m', '1', '2Gi');
const labels = fc.dictionary(fc.constantFrom('disk', 'zone', 'arch'), word, { maxKeys: 3, noNullPrototype: true });
const labelsPatch = fc.oneof(
  fc.dictionary(fc.constantFrom('disk', 'zone', 'arch'), orNull(word), { maxKeys: 3, noNullPrototype: true }),
  labels.map((map) => ({ ...map, $retainKeys: [...Object.keys(map), 'disk'] })),
);
const mapPatch = (patch: fc.Arbitrary<Entry>) =>
  fc.oneof(
    { weight: 5, arbitrary: patch },
    { weight: 1, arbitrary: fc.constant<Entry>({ $patch: 'delete' }) },
    { weight: 1, arbitrary: fc.constant(null) },
  );

const resources = map({ limits: map({ cpu: quantity, memory: quantity }), requests: map({ cpu: quantity }) });
const resourcesPatch = map({
  limits: mapPatch(map({ cpu: orNull(quantity), memory: orNull(quantity) })),
  requests: orNull(map({ cpu: quantity })),
});

const env: ListShape = {
  key: 'name',
  keys: ['A', 'B', 'C', 'D', 'E'],
  original: map({ value: word }),
  patch: map({ value: orNull(word), valueFrom: fc.constant({ secretKeyRef: { name: 's', key: 'k' } }) }),
};
const volumeMounts: ListShape = {
  key: 'mountPath',
  keys: ['/a', '/b', '/c'],
  original: map({ readOnly: fc.boolean() }).map((entry) => ({ name: 'data', ...entry })),
  patch: map({ subPath: orNull(word), readOnly: orNull(fc.boolean()) }).map((entry) => ({ name: 'data', ...entry })),
};
const ports: ListShape = {
  key: 'containerPort',
  keys: [80, 443, 8080],
  original: map({ name: word, protocol: fc.constantFrom('TCP', 'UDP') }),
  patch: map({ name: orNull(word), hostPort: fc.constant(9000) }),
};
const container: ListShape = {
  key: 'name',
  keys: ['agent', 'checkout', 'main', 'sidecar'],
  original: map({
    image: word,
    args: fc.array(word, { minLength: 1, maxLength: 4 }),
    env: originalList(env),
    volumeMounts: originalList(volumeMounts),
    ports: originalList(ports),
    resources,
    securityContext: map({ runAsUser: fc.nat(9), privileged: fc.boolean() }),
  }),
  patch: combined(
    map({
      image: orNull(word),
      imagePullPolicy: fc.constantFrom('Always', 'Never'),
      command: orNull(fc.array(word, { minLength: 1, maxLength: 2 })),
      resources: resourcesPatch,
      securityContext: mapPatch(
        map({ runAsUser: orNull(fc.nat(9)), capabilities: map({ add: fc.array(word, { minLength: 1 }) }) }),
      ),
    }),
    fc.oneof(
      fc.array(word, { minLength: 1, maxLength: 2 }).map((args): Entry => ({ args })),
      fc.array(word, { minLength: 1, maxLength: 2 }).map((args): Entry => ({ '$deleteFromPrimitiveList/args': args })),
    ),
    patchOfList('env', env),
    patchOfList('volumeMounts', volumeMounts),
    patchOfList('ports', ports),
  ),
};
const emptyDir = map({ medium: fc.constant('Memory') });
const volumes: ListShape = {
  key: 'name',
  keys: ['cache', 'data', 'tmp'],
  original: fc.oneof(
    emptyDir.map((source): Entry => ({ emptyDir: source })),
    word.map((path): Entry => ({ hostPath: { path } })),
  ),
  patch: fc.oneof(
    word.map((path): Entry => ({ hostPath: { path } })),
    word.map((path): Entry => ({ hostPath: { path }, emptyDir: null })),
    word.map((path): Entry => ({ hostPath: { path }, $retainKeys: ['name', 'hostPath'] })),
    map({ emptyDir: mapPatch(emptyDir) }),
  ),
};
const hostAliases: ListShape = {
  key: 'ip',
  keys: ['10.0.0.1', '10.0.0.2', '10.0.0.3'],
  original: fc.array(word, { minLength: 1 }).map((hostnames) => ({ hostnames })),
  patch: fc.array(word, { minLength: 1 }).map((hostnames) => ({ hostnames })),
};
const nothingElse = fc.constant<Entry>({});
const imagePullSecrets: ListShape = {
  key: 'name',
  keys: ['one', 'two', 'three'],
  original: nothingElse,
  patch: nothingElse,
};
const tolerations = fc.array(map({ key: word, effect: fc.constantFrom('NoSchedule', 'NoExecute') }), {
  minLength: 1,
  maxLength: 3,
});

const podSpec = fc
  .tuple(
    map({ nodeSelector: labels, tolerations, serviceAccountName: word, securityContext: map({ fsGroup: fc.nat(9) }) }),
    map({
      containers: originalList(container),
      initContainers: originalList(container),
      volumes: originalList(volumes),
      hostAliases: originalList(hostAliases),
      imagePullSecrets: originalList(imagePullSecrets),
    }),
  )
  .map(([fields, lists]): JsonObject => ({ ...fields, ...lists }));

const podSpecPatch = combined(
  map({
    nodeSelector: mapPatch(labelsPatch),
    tolerations: orNull(tolerations),
    serviceAccountName: orNull(word),
    securityContext: mapPatch(map({ fsGroup: orNull(fc.nat(9)), runAsUser: fc.nat(9) })),
  }),
  patchOfList('containers', container),
  patchOfList('initContainers', container),
  patchOfList('volumes', volumes),
  patchOfList('hostAliases', hostAliases),
  patchOfList('imagePullSecrets', imagePullSecrets),
);

describe('strategicMerge beside kubectl', () => {
  it('patches Pods as kubectl does', function () {
    if (!hasKubectl) {
      console.log('      kubectl is not here: comparison left out');
      this.skip();
    }
    this.timeout(120_000);
    const specs = fc.array(podSpec, { minLength: PODS_PER_PATCH, maxLength: PODS_PER_PATCH });

    fc.assert(
      fc.property(specs, podSpecPatch, (originals, patch) => {
        const ours = originals.map((original) => strategicMerge(original, patch, 'PodSpec'));

        expect(JSON.stringify(ours)).not.to.match(/"\$/);
        expect(ours).to.deep.equal(kubectlPatch(originals, patch));
      }),
      { numRuns: PATCHES },
    );
  });
});

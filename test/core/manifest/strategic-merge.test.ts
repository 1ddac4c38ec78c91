import { expect } from 'chai';
import { strategicMerge, StrategicMergeError, type JsonObject } from '../../../src/core/manifest/strategic-merge.js';

const pod: JsonObject = {
  containers: [
    {
      name: 'agent',
      image: 'agent:3',
      args: ['start', '--debug'],
      env: [
        { name: 'A', value: '1' },
        { name: 'B', value: '2' },
        { name: 'C', value: '3' },
      ],
      resources: { limits: { cpu: '1', memory: '1Gi' } },
      volumeMounts: [{ name: 'workspace', mountPath: '/workspace' }],
    },
    { name: 'main', image: 'golang' },
  ],
  volumes: [{ name: 'workspace', emptyDir: { medium: 'Memory' } }],
  tolerations: [{ key: 'ci', operator: 'Exists' }],
  nodeSelector: { disk: 'ssd', zone: 'a' },
  securityContext: { runAsUser: 1000, fsGroup: 2000 },
  serviceAccountName: 'ci',
};

const names = (list: unknown) => (list as { name: string }[]).map(({ name }) => name).join(' ');

/** The env names of a container that has A, B and C, after patching its env. */
function envAfter(env: unknown, directives: JsonObject = {}): string {
  const patch = { containers: [{ name: 'agent', env, ...directives }] };
  return names((strategicMerge(pod, patch, 'PodSpec').containers as { env: unknown }[])[0]?.env);
}

describe('strategicMerge', () => {
  const cases: readonly (readonly [title: string, patch: JsonObject, changed: JsonObject])[] = [
    ['changes nothing for an empty patch', {}, {}],
    [
      'overwrites scalars',
      { serviceAccountName: 'other', hostNetwork: false },
      { serviceAccountName: 'other', hostNetwork: false },
    ],
    [
      'merges maps',
      { nodeSelector: { zone: 'b', arch: 'arm64' } },
      { nodeSelector: { disk: 'ssd', zone: 'b', arch: 'arm64' } },
    ],
    [
      'deletes what is null',
      { serviceAccountName: null, nodeSelector: { zone: null }, absent: null },
      { serviceAccountName: undefined, nodeSelector: { disk: 'ssd' } },
    ],
    [
      'drops nulls of what it adds',
      { affinity: { nodeAffinity: null, podAffinity: {} } },
      { affinity: { podAffinity: {} } },
    ],
    ['replaces lists without a merge key', { tolerations: [{ key: 'gpu' }] }, { tolerations: [{ key: 'gpu' }] }],
    [
      'merges volumes by name, so that two sources stay',
      { volumes: [{ name: 'workspace', hostPath: { path: '/x' } }] },
      { volumes: [{ name: 'workspace', emptyDir: { medium: 'Memory' }, hostPath: { path: '/x' } }] },
    ],
    [
      'lets null take the other source away',
      { volumes: [{ name: 'workspace', emptyDir: null, hostPath: { path: '/x' } }] },
      { volumes: [{ name: 'workspace', hostPath: { path: '/x' } }] },
    ],
    [
      'lets $retainKeys take the other source away',
      { volumes: [{ name: 'workspace', $retainKeys: ['name', 'hostPath'], hostPath: { path: '/x' } }] },
      { volumes: [{ name: 'workspace', hostPath: { path: '/x' } }] },
    ],
    ['replaces a map', { securityContext: { $patch: 'replace', runAsUser: 1 } }, { securityContext: { runAsUser: 1 } }],
    [
      'sets a map it should replace that was not there',
      { affinity: { $patch: 'replace', podAffinity: {} } },
      { affinity: { podAffinity: {} } },
    ],
    [
      'merges a map that says so',
      { securityContext: { $patch: 'merge', runAsUser: 1 } },
      { securityContext: { runAsUser: 1, fsGroup: 2000 } },
    ],
    ['empties a map that is deleted', { securityContext: { $patch: 'delete' } }, { securityContext: {} }],
    ['does not add a map only to delete it', { affinity: { $patch: 'delete' } }, {}],
    [
      'deletes an entry',
      { containers: [{ name: 'agent', $patch: 'delete' }] },
      { containers: [{ name: 'main', image: 'golang' }] },
    ],
    ['deletes an entry that is not there', { containers: [{ name: 'ghost', $patch: 'delete' }] }, {}],
    [
      'replaces a merging list',
      {
        containers: [{ $patch: 'replace' }, { name: 'only', image: null, env: [{ $patch: 'replace' }, { name: 'X' }] }],
      },
      { containers: [{ name: 'only', env: [{ name: 'X' }] }] },
    ],
    [
      'strips directives from what it adds',
      {
        initContainers: [
          {
            name: 'i',
            $retainKeys: ['name'],
            '$setElementOrder/env': [],
            env: [
              { name: 'X', $patch: 'delete' },
              { name: 'Y', $patch: 'merge' },
            ],
          },
        ],
      },
      { initContainers: [{ name: 'i', env: [{ name: 'Y' }] }] },
    ],
    ['ignores a removal from a list that is not there', { '$deleteFromPrimitiveList/args': ['x'] }, {}],
    [
      'replaces a value of another type',
      { nodeSelector: ['odd'], tolerations: { odd: true } },
      { nodeSelector: ['odd'], tolerations: { odd: true } },
    ],
  ];
  for (const [title, patch, changed] of cases) {
    it(title, () => {
      const expected = Object.fromEntries(
        Object.entries({ ...pod, ...changed }).filter(([, value]) => value !== undefined),
      );

      expect(strategicMerge(pod, patch, 'PodSpec')).to.deep.equal(expected);
    });
  }

  it('merges deep inside an entry and leaves the rest of it alone', () => {
    const patch = {
      containers: [
        {
          name: 'agent',
          image: 'agent:4',
          '$deleteFromPrimitiveList/args': ['--debug'],
          resources: { limits: { cpu: null } },
        },
      ],
    };

    const { containers } = strategicMerge(pod, patch, 'PodSpec') as { containers: JsonObject[] };

    const [before] = pod.containers as JsonObject[];
    expect(containers[0]).to.deep.equal({
      ...before,
      image: 'agent:4',
      args: ['start'],
      resources: { limits: { memory: '1Gi' } },
    });
  });

  const orders: readonly (readonly [title: string, env: unknown, expected: string, directives?: JsonObject])[] = [
    ['puts new entries before the rest of the original', [{ name: 'X' }], 'X A B C'],
    ['keeps the original order of entries it only changes', [{ name: 'B', value: '9' }], 'A B C'],
    ['takes the order of the patch for entries of the patch', [{ name: 'C' }, { name: 'A' }], 'B C A'],
    ['puts what came before an entry of the patch before it still', [{ name: 'X' }, { name: 'C' }], 'X A B C'],
    ['puts a new entry behind the one it follows in the patch', [{ name: 'B' }, { name: 'X' }], 'A B X C'],
    [
      'merges two entries of the same key into one',
      [
        { name: 'X', value: '1' },
        { name: 'X', value: '2' },
      ],
      'X A B C',
    ],
    [
      'sets the order it is told',
      [{ name: 'X' }],
      'C X A B',
      { '$setElementOrder/env': [{ name: 'C' }, { name: 'X' }, { name: 'A' }, { name: 'B' }] },
    ],
    [
      'reorders without a patch of the list',
      undefined,
      'C B A',
      { '$setElementOrder/env': [{ name: 'C' }, { name: 'B' }, { name: 'A' }] },
    ],
    [
      'leaves entries the order does not name where they were',
      undefined,
      'B C A',
      { '$setElementOrder/env': [{ name: 'C' }, { name: 'A' }] },
    ],
    ['takes an empty order for none', [{ name: 'X' }], 'X A B C', { '$setElementOrder/env': [] }],
  ];
  for (const [title, env, expected, directives] of orders) {
    it(title, () => {
      expect(envAfter(env, directives)).to.equal(expected);
    });
  }

  it('merges finalizers as a set and ports by number', () => {
    const meta = strategicMerge(
      { finalizers: ['a', 'b'] },
      { finalizers: ['c', 'b'], '$deleteFromPrimitiveList/finalizers': ['a'] },
      'ObjectMeta',
    );
    const container = strategicMerge(
      { ports: [{ containerPort: 80 }] },
      { ports: [{ containerPort: 80, name: 'http' }] },
      'Container',
    );

    expect(meta).to.deep.equal({ finalizers: ['c', 'b'] });
    expect(container).to.deep.equal({ ports: [{ containerPort: 80, name: 'http' }] });
  });

  it('finds the lists of a whole Job', () => {
    const spec = (containers: unknown) => ({ spec: { template: { spec: { containers } } } });

    const merged = strategicMerge(spec([{ name: 'a', image: 'x' }]), spec([{ name: 'a', tty: true }]), 'Job');

    expect(merged).to.deep.equal(spec([{ name: 'a', image: 'x', tty: true }]));
  });

  const errors: readonly (readonly [patch: JsonObject, message: string])[] = [
    [
      { containers: [{ image: 'a' }] },
      'containers[0]: an entry has no "name", by which the entries of this list merge',
    ],
    [{ containers: [{ name: 'agent', env: [{ name: 'A' }, {}] }] }, 'containers[0].env[1]: an entry has no "name"'],
    [{ containers: ['agent'] }, 'containers[0]: every entry must be a map'],
    [{ containers: [{ $patch: 'delete' }] }, 'containers[0]: an entry has no "name"'],
    [
      { containers: [{ name: 'agent', $patch: 'replace', image: 'x' }] },
      'containers[0]: "$patch: replace" replaces the whole list, not this entry',
    ],
    [
      { securityContext: { $patch: 'remove' } },
      'securityContext: "$patch" must be "delete", "replace" or "merge", but is "remove"',
    ],
    [{ affinity: { podAffinity: { $patch: 1 } } }, 'affinity.podAffinity: "$patch" must be'],
    [
      { nodeSelector: { $retainKeys: ['disk'], zone: 'c' } },
      'nodeSelector: "zone" is set, but not named in "$retainKeys"',
    ],
    [{ nodeSelector: { $retainKeys: 'disk' } }, 'nodeSelector.$retainKeys: must be a list'],
    [
      { '$setElementOrder/containers': [{ name: 'main' }], containers: [{ name: 'agent' }] },
      'containers: entry "agent" is missing or out of order in its "$setElementOrder/…"',
    ],
    [{ '$setElementOrder/tolerations': [{ key: 'a' }] }, 'tolerations: only lists of scalars'],
    [{ '$deleteFromPrimitiveList/args': 'x' }, '["$deleteFromPrimitiveList/args"]: must be a list'],
  ];
  for (const [patch, message] of errors) {
    it(`refuses ${JSON.stringify(patch)}`, () => {
      expect(() => strategicMerge(pod, patch, 'PodSpec'))
        .to.throw(StrategicMergeError, message)
        .with.property('path')
        .that.is.an('array');
    });
  }

  it('changes neither of its arguments', () => {
    const [original, patch] = [structuredClone(pod), structuredClone(cases.map(([, each]) => each))];

    for (const each of patch) strategicMerge(deepFreeze(original), deepFreeze(each), 'PodSpec');

    expect(original).to.deep.equal(pod);
  });

  it('treats "__proto__" as an ordinary key', () => {
    const patch = JSON.parse('{"nodeSelector": {"__proto__": "x"}, "__proto__": {"polluted": true}}') as JsonObject;

    const merged = strategicMerge({ nodeSelector: { a: 'b' } }, patch, 'PodSpec');

    expect(JSON.stringify(merged)).to.equal('{"nodeSelector":{"a":"b","__proto__":"x"},"__proto__":{"polluted":true}}');
    expect(Object.getPrototypeOf(merged)).to.equal(Object.prototype);
  });
});

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) for (const part of Object.values(value)) deepFreeze(part);
  return Object.freeze(value);
}

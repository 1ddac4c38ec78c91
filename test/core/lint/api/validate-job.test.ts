import type { V1Job } from '@kubernetes/client-node';
import { expect } from 'chai';
import fc from 'fast-check';
import { validateJob, type ApiProblem } from '../../../../src/core/lint/api/validate-job.js';
import { formatPath } from '../../../../src/core/schema/path.js';
import { verdictRows } from '../../../support/api-verdicts.js';

interface Options {
  readonly kubernetesVersion?: string;
  /** Stands for a variable nobody knows. */
  readonly unknown?: string;
}

function problemsOf(pod: object, { kubernetesVersion, unknown }: Options = {}): readonly ApiProblem[] {
  const spec = { restartPolicy: 'Never', containers: [{ name: 'main', image: 'alpine' }], ...pod };
  const job = { metadata: { name: 'job' }, spec: { template: { spec } } } as V1Job;
  return validateJob(job, {
    kubernetesVersion,
    isUnknown: (text) => unknown !== undefined && text.includes(unknown),
  });
}

function placesOf(pod: object, options: Options = {}): string[] {
  return problemsOf(pod, options).map(({ path }) => formatPath(path));
}

function container(fields: object): object {
  return { containers: [{ name: 'main', image: 'alpine', ...fields }] };
}

describe('validateJob', () => {
  it('finds everything at once', () => {
    const pod = {
      ...container({ name: 'Main', imagePullPolicy: 'always', volumeMounts: [{ name: 'v', mountPath: '/v' }] }),
      hostname: 'a.b',
    };

    const places = placesOf(pod);

    expect(places).to.deep.equal([
      'hostname',
      'containers[0].imagePullPolicy',
      'containers[0].name',
      'containers[0].volumeMounts[0].name',
    ]);
  });

  it('blames a volume once, not every mount of it', () => {
    const pod = {
      ...container({ volumeMounts: [{ name: 'V', mountPath: '/v' }] }),
      volumes: [{ name: 'V', emptyDir: {}, secret: { secretName: 's' } }],
    };

    expect(placesOf(pod)).to.deep.equal(['volumes[0].name', 'volumes[0].secret']);
  });

  it('names the first of two equal names', () => {
    const pod = { volumes: [{ name: 'v' }, { name: 'w' }, { name: 'v' }] };

    const [problem] = problemsOf(pod);

    expect(formatPath(problem?.relatedPath ?? [])).to.equal('volumes[0].name');
  });

  describe('suggests', () => {
    const cases: readonly (readonly [wrong: object, replacement: string | undefined])[] = [
      [container({ name: 'My_Build' }), 'my-build'],
      [container({ name: '___' }), undefined],
      [container({ imagePullPolicy: 'ifnotpresent' }), 'IfNotPresent'],
      [container({ resources: { limits: { gpu: '1' } } }), 'nvidia.com/gpu'],
      [container({ resources: { limits: { Memory: '1Gi' } } }), 'memory'],
      [container({ resources: { limits: { ephemeral_storage: '1Gi' } } }), 'ephemeral-storage'],
      [container({ resources: { limits: { constructor: '1Gi' } } }), undefined],
      [container({ resources: { limits: { fpga: '1' } } }), undefined],
      [
        container({ env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'metadata.labels.app' } } }] }),
        "metadata.labels['app']",
      ],
      [container({ env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'status.podIp' } } }] }), 'status.podIP'],
      [{ tolerations: [{ key: 'gpu', operator: 'exists' }] }, 'Exists'],
      [{ volumes: [{ name: 'v', secret: { secretName: 's', defaultMode: 755 } }] }, '493'],
      [{ volumes: [{ name: 'v', secret: { secretName: 's', defaultMode: 888 } }] }, undefined],
      [{ volumes: [{ name: 'cache' }], ...container({ volumeMounts: [{ name: 'cahce', mountPath: '/c' }] }) }, 'cache'],
      [{ serviceAccountName: 'My_Account' }, undefined],
      [container({ readinessProbe: { tcpSocket: { port: '8080' } } }), '8080'],
      [container({ env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'metadata.labels' } } }] }), undefined],
      [{ resources: { requests: { storage: '1Gi' } } }, undefined],
    ];
    for (const [wrong, replacement] of cases) {
      it(`${replacement ?? 'nothing'} for ${JSON.stringify(wrong)}`, () => {
        const problems = problemsOf(wrong);

        expect(problems.map((problem) => problem.replacement)).to.deep.equal([replacement]);
      });
    }
  });

  describe('does not judge what is not known before the upload', () => {
    const cases: readonly (readonly [what: string, pod: object])[] = [
      ['a name that is there', container({ name: 'main-97531' })],
      ['the length of a name', container({ name: `97531-${'a'.repeat(60)}` })],
      ['a word', container({ imagePullPolicy: '97531' })],
      ['a port', container({ ports: [{ containerPort: 97531 }] })],
      ['the name of a port', container({ ports: [{ containerPort: 80, name: '97531' }] })],
      ['a mounted volume', container({ volumeMounts: [{ name: 'cache-97531', mountPath: '/c' }] })],
      [
        'a volume that may be the mounted one',
        { ...container({ volumeMounts: [{ name: 'cache', mountPath: '/c' }] }), volumes: [{ name: '97531' }] },
      ],
      ['two equal names', { volumes: [{ name: 'a-97531' }, { name: 'a-97531' }] }],
      [
        'two equal paths',
        {
          ...container({
            volumeMounts: [
              { name: 'a', mountPath: '/97531' },
              { name: 'a', mountPath: '/97531' },
            ],
          }),
          volumes: [{ name: 'a' }],
        },
      ],
      ['a request above a limit', container({ resources: { requests: { cpu: '97531' }, limits: { cpu: '1' } } })],
      ['a fraction of a device', container({ resources: { limits: { 'nvidia.com/gpu': '97531m' } } })],
      ['the name of a resource', container({ resources: { limits: { '97531': '1' } } })],
      ['a field', container({ env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: '97531' } } }] })],
      ['an address', { hostAliases: [{ ip: '97531' }] }],
      ['a mode', { volumes: [{ name: 'v', secret: { secretName: 's', defaultMode: 97531 } }] }],
      ['a path that may be absolute', container({ volumeMounts: [{ name: 'v97531', mountPath: '97531/x' }] })],
      [
        'a toleration',
        {
          tolerations: [{ operator: '97531' }, { key: 'a', operator: 'Exists', effect: '97531', tolerationSeconds: 1 }],
        },
      ],
    ];
    for (const [what, pod] of cases) {
      it(what, () => {
        expect(placesOf(pod, { unknown: '97531' })).to.deep.equal([]);
        expect(placesOf(pod).length, 'known, it would be wrong').to.be.at.least(
          what === 'a name that is there' ? 0 : 1,
        );
      });
    }

    it('but the form of what is known around it', () => {
      const pod = container({ name: 'Build_97531' });

      expect(placesOf(pod, { unknown: '97531' })).to.deep.equal(['containers[0].name']);
    });
  });

  describe('knows versions', () => {
    const cases: readonly (readonly [what: string, pod: object, before: string, since: string])[] = [
      ['resources of a pod', { resources: { limits: { cpu: '1' } } }, '1.33', '1.34'],
      ['restart policies of containers', container({ restartPolicy: 'OnFailure' }), '1.34', '1.35'],
      ['odd names of variables', container({ env: [{ name: '1 A', value: 'x' }] }), '1.31', '1.32'],
      ['volumes from images', { volumes: [{ name: 'i', image: { reference: 'a' } }] }, 'v1.34.2', '1.35'],
    ];
    for (const [what, pod, before, since] of cases) {
      it(`${what} came with ${since}`, () => {
        expect(problemsOf(pod, { kubernetesVersion: before })).to.have.length(1);
        expect(problemsOf(pod, { kubernetesVersion: since })).to.deep.equal([]);
        expect(problemsOf(pod)).to.deep.equal([]);
      });
    }

    it('takes sidecars in older ones', () => {
      const pod = { initContainers: [{ name: 'db', image: 'postgres', restartPolicy: 'Always' }] };

      expect(problemsOf(pod, { kubernetesVersion: '1.29' })).to.deep.equal([]);
    });
  });

  it('counts annotations in bytes', () => {
    const job = { metadata: { annotations: { a: 'ä'.repeat(131_072) } }, spec: { template: {} } } as V1Job;

    const places = validateJob(job, { isUnknown: () => false }).map(({ path }) => formatPath(path));

    expect(places).to.include('metadata.annotations');
  });

  it('never throws, whatever the manifest is', () => {
    const good = verdictRows().map(({ job }) => job);
    const somewhere = fc.record({ job: fc.constantFrom(...good), at: fc.nat(), value: fc.anything() });

    fc.assert(
      fc.property(somewhere, ({ job, at, value }) => {
        expect(validateJob(spoilt(job, at, value), { isUnknown: () => false })).to.be.an('array');
      }),
      { numRuns: 2000, seed: 1 },
    );
    for (const odd of [undefined, null, 1, 'x', [], {}, { spec: null }, { spec: { template: { spec: [] } } }]) {
      expect(validateJob(odd as unknown as V1Job, { isUnknown: () => true })).to.be.an('array');
    }
  });
});

/** The Job with another value at the n-th of its places. */
function spoilt(job: V1Job, at: number, value: unknown): V1Job {
  const copy = structuredClone(job);
  const places: { readonly owner: Record<string, unknown>; readonly key: string }[] = [];
  const collect = (owner: Record<string, unknown>): void => {
    for (const [key, child] of Object.entries(owner)) {
      places.push({ owner, key });
      if (typeof child === 'object' && child !== null) collect(child as Record<string, unknown>);
    }
  };
  collect(copy as unknown as Record<string, unknown>);
  const place = places[at % places.length];
  if (place !== undefined) place.owner[place.key] = value;
  return copy;
}

import { expect } from 'chai';
import { KUBERNETES_PLUGIN } from '../../../src/core/job/kubernetes-plugin.js';
import { buildJob } from '../../../src/core/manifest/build-job.js';
import { build, failure, inputOf, JOB_ID, type Given } from './build.js';

const EVERYTHING: Given = {
  config: `id: north
pod-spec-patch: {nodeSelector: {a: b}, containers: [{name: agent, resources: {limits: {memory: 64Mi}}}]}
agent-config: {signing-jwks-file: a.json, signingJWKSVolume: {name: k, secret: {secretName: s}}}
default-checkout-params: {gitMirrors: {volume: {name: m, emptyDir: {}}}}
resource-classes: {big: {resource: {limits: {cpu: 2}}, nodeSelector: {size: big}}}`,
  plugin: {
    podSpec: { containers: [{ image: 'z:1' }, { image: 'a:1', command: ['x'] }] },
    sidecars: [{ image: 'r:1' }],
    extraVolumeMounts: Array.from({ length: 24 }, (_, index) => ({ name: 'm', mountPath: `/m${index}` })),
    podSpecPatch: { containers: [{ name: 'container-0', command: ['y'] }] },
  },
  rules: ['zone=b', 'queue=q', 'resource_class=big', 'arch=arm'],
};

describe('buildJob', () => {
  it('makes the same bytes of the same input, which it never changes', () => {
    const input = inputOf(EVERYTHING);

    const texts = [1, 2, 3].map(() => JSON.stringify(buildJob(input)));

    expect(new Set(texts).size).to.equal(1);
    expect(texts[0]).to.contain('"ok":true');
  });

  it('gives every container its own mounts, however many there are', () => {
    const { container } = build(EVERYTHING);

    const paths = (name: string): (string | undefined)[] =>
      container(name).volumeMounts?.map(({ mountPath }) => mountPath) ?? [];
    expect(paths('agent')).to.include('/buildkite/signing-jwks').and.not.to.include('/buildkite/git-mirrors');
    expect(paths('checkout')).to.include('/buildkite/git-mirrors').and.not.to.include('/buildkite/signing-jwks');
    expect(paths('sidecar-0')).to.have.length(25);
  });

  it('keeps the first of two mounts at one path', () => {
    const volumes = [{ name: 'own', emptyDir: {} }];
    const containers = [{ image: 'a', volumeMounts: [{ name: 'own', mountPath: '/workspace' }] }];

    const { container } = build({ plugin: { podSpec: { volumes, containers } } });

    expect(container('container-0').volumeMounts).to.deep.equal([{ name: 'own', mountPath: '/workspace' }]);
  });

  for (const [command, written] of [
    ['echo $$ $(date) $HOME', 'echo $$$$ $$(date) $$HOME'],
    ['a\r\nb\t"é"', 'a\r\nb\t"é"'],
    ['', undefined],
  ] as const) {
    it(`hands the step's command ${JSON.stringify(command)} to the shell as it is`, () => {
      const { variable } = build({ command });

      expect(variable('container-0', 'BUILDKITE_COMMAND')).to.equal(written);
    });
  }

  it('leaves dollar signs of a podSpec to Kubernetes', () => {
    const { variable } = build({ plugin: { podSpec: { containers: [{ image: 'a', command: ['echo $(A) $$'] }] } } });

    expect(variable('container-0', 'BUILDKITE_COMMAND')).to.equal('echo $(A) $$');
  });

  it('writes what is zero or empty as absent, where Kubernetes sees no difference', () => {
    const resourceFieldRef = { resource: 'limits.cpu' };
    const { pod, container } = build({
      plugin: {
        podSpec: {
          ...{ hostNetwork: false, automountServiceAccountToken: false, tolerations: [], nodeSelector: {} },
          ...{ serviceAccountName: '', terminationGracePeriodSeconds: 0 },
          containers: [
            {
              ...{ image: 'a', tty: false, securityContext: {}, resources: { limits: {} } },
              ports: [{ containerPort: 80, hostPort: 0 }],
              env: [{ name: 'CPUS', valueFrom: { resourceFieldRef } }],
            },
          ],
        },
      },
    });

    expect(pod).to.include({ automountServiceAccountToken: false, terminationGracePeriodSeconds: 0 });
    expect(pod).not.to.have.any.keys('hostNetwork', 'tolerations', 'nodeSelector', 'serviceAccountName');
    const main = container('container-0');
    expect(main).not.to.have.property('tty');
    expect(main).to.deep.include({ securityContext: {}, resources: {}, ports: [{ containerPort: 80 }] });
    expect(main.env?.[0]?.valueFrom?.resourceFieldRef).to.deep.equal({ resource: 'limits.cpu', divisor: '0' });
  });

  it('writes what is zero or empty where Kubernetes keeps it', () => {
    const volumes = [
      { name: 'host', hostPath: { path: '/x', type: '' } },
      { name: 'secrets', csi: { driver: 'd.io', readOnly: false, fsType: '' } },
    ];
    const claim = { name: 'claim', persistentVolumeClaim: { claimName: 'c', readOnly: false } };
    const podSpec = { containers: [{ image: 'a' }], volumes: [...volumes, claim] };

    const { pod } = build({ plugin: { podSpec } });

    expect(pod.volumes?.slice(0, 2)).to.deep.equal(volumes);
    expect(pod.volumes?.[2]?.persistentVolumeClaim).to.deep.equal({ claimName: 'c' });
  });

  it('writes required fields that Kubernetes takes for empty when they are missing', () => {
    const preStop = { httpGet: { port: 80, httpHeaders: [{ name: 'X-Drain' }] } };
    const podSpec = {
      containers: [{ image: 'a', lifecycle: { preStop } }],
      securityContext: { sysctls: [{ name: 'kernel.shm_rmid_forced' }] },
      volumes: [{ name: 'v', iscsi: { targetPortal: '10.0.0.1', iqn: 'iqn.2026-01.io.x:y' } }],
    };

    const { pod, container } = build({ plugin: { podSpec } });

    expect(container('container-0').lifecycle?.preStop?.httpGet?.httpHeaders).to.deep.equal([
      { name: 'X-Drain', value: '' },
    ]);
    expect(pod.securityContext?.sysctls).to.deep.equal([{ name: 'kernel.shm_rmid_forced', value: '' }]);
    expect(pod.volumes?.[0]?.iscsi).to.include({ lun: 0 });
  });

  it('lays a resource class over command containers name by name, and over nothing else', () => {
    const { pod, container } = build({
      config: 'resource-classes: {c: {resource: {requests: {cpu: 2}}, podResource: {limits: {memory: 1Gi}}}}',
      rules: ['resource_class=c'],
      plugin: {
        podSpec: { containers: [{ image: 'a', resources: { requests: { cpu: 1, memory: '1Mi' } } }] },
        sidecars: [{ image: 'r' }],
      },
    });

    expect(container('container-0').resources).to.deep.equal({ requests: { cpu: '2', memory: '1Mi' } });
    expect(pod.resources).to.deep.equal({ limits: { memory: '1Gi' } });
    expect([container('agent').resources, container('sidecar-0').resources]).to.deep.equal([undefined, undefined]);
  });

  it('labels with the rules that fit, and links to the job', () => {
    const { manifest } = build({
      config: 'default-metadata: {labels: {buildkite.com/controller-id: other, team: a}}',
      plugin: { metadata: { labels: { team: 'b', 'buildkite.com/job-uuid': 'x' } } },
      rules: ['os=linux', 'os=not fit', 'note', 'a=b=c', 'empty='],
      env: { BUILDKITE_BUILD_URL: 'https://x.example/b c/1?q#frag' },
    });

    expect(manifest.metadata?.labels).to.deep.equal({
      team: 'b',
      'buildkite.com/job-uuid': JOB_ID,
      'tag.buildkite.com/os': 'linux',
      'tag.buildkite.com/empty': '',
    });
    expect(manifest.metadata?.annotations?.['buildkite.com/job-url']).to.equal(`https://x.example/b%20c/1?q#${JOB_ID}`);
    expect(manifest.spec?.template.metadata).to.deep.equal({
      labels: manifest.metadata?.labels,
      annotations: manifest.metadata?.annotations,
    });
  });

  for (const [url, link] of [
    ['', `#${JOB_ID}`],
    ['https://x.example/b/1', `https://x.example/b/1#${JOB_ID}`],
    ['HTTPS://x.example/é', `https://x.example/%C3%A9#${JOB_ID}`],
    ['https://x.example/%zz', undefined],
    ['https://x.example/a\tb', undefined],
    [':no-scheme', undefined],
    ['https://x.example:port/', undefined],
  ] as const) {
    it(`links from the build URL ${JSON.stringify(url)}`, () => {
      const { manifest } = build({ env: { BUILDKITE_BUILD_URL: url } });

      expect(manifest.metadata?.annotations?.['buildkite.com/job-url']).to.equal(link);
    });
  }

  const container = { image: 'a:1' };
  const podOf = (pod: object): object => ({ podSpec: { containers: [container], ...pod } });
  for (const [what, plugin, culprit] of [
    ['a reserved container name', podOf({ initContainers: [{ name: 'agent', image: 'a' }] }), '"agent"'],
    ['a volume called like the workspace', podOf({ volumes: [{ name: 'workspace', emptyDir: {} }] }), '"workspace"'],
    ['an init container without a name', podOf({ initContainers: [{ image: 'a' }] }), 'initContainers[0]'],
    ['a volume without a name', podOf({ volumes: [{ emptyDir: {} }] }), 'volumes[0] has no name'],
    ['a bad name', podOf({ containers: [{ name: 'A_b', image: 'a' }] }), '"A_b"'],
    [
      'one name twice',
      podOf({
        containers: [
          { name: 'x', image: 'a' },
          { name: 'x', image: 'b' },
        ],
      }),
      '"x"',
    ],
    ['a mount without a volume', { extraVolumeMounts: [{ name: 'nowhere', mountPath: '/x' }] }, '"nowhere"'],
    ['a mount without a name', { extraVolumeMounts: [{ mountPath: '/x' }] }, 'volumeMounts[1]'],
    ['two sources of a volume', podOf({ volumes: [{ name: 'v', emptyDir: {}, hostPath: { path: '/' } }] }), '"v"'],
    [
      'value and valueFrom',
      podOf({ containers: [{ ...container, env: [{ name: 'E', value: 'x', valueFrom: {} }] }] }),
      '"E"',
    ],
    ['a port without a number', podOf({ containers: [{ ...container, ports: [{ name: 'p' }] }] }), 'containerPort'],
    [
      'a request above its limit',
      podOf({ containers: [{ ...container, resources: { requests: { cpu: 2 }, limits: { cpu: '1500m' } } }] }),
      '"cpu"',
    ],
    ['ephemeral containers', podOf({ ephemeralContainers: [{ name: 'e', image: 'a' }] }), 'ephemeralContainers'],
    ['a bad label', { metadata: { labels: { 'has space': 'x' } } }, '"has space"'],
    ['a label of the Job controller', { metadata: { labels: { 'job-name': 'x' } } }, '"job-name"'],
    ['a missing PodTemplate', { podTemplate: 'gone' }, 'Error fetching podTemplate "gone"'],
  ] as const) {
    it(`refuses ${what} and names it`, () => {
      expect(failure({ plugin }).text).to.contain(culprit);
    });
  }

  for (const [what, given, code] of [
    [
      'args without command',
      { plugin: podOf({ containers: [{ ...container, args: ['x'] }] }) },
      'args-without-command',
    ],
    [
      'sh -c with args',
      { plugin: podOf({ containers: [{ ...container, command: ['/bin/sh', '-ec'], args: ['x'] }] }) },
      'shell-idiom',
    ],
    [
      'an argument that is a comment',
      { plugin: podOf({ containers: [{ ...container, command: ['x'], args: ['#1'] }] }) },
      'comment-argument',
    ],
    [
      'runAsNonRoot without a user',
      { plugin: podOf({ securityContext: { runAsNonRoot: true } }) },
      'non-root-without-uid',
    ],
    ['an unknown field', { plugin: podOf({ volume: [] }) }, 'unknown-field'],
    ['a restart policy that does not exist', { plugin: podOf({ restartPolicy: 'No' }) }, 'not-allowed'],
    ['a field in the wrong case', { plugin: { podspec: { containers: [container] } } }, 'wrong-case'],
    [
      'a versioned plugin',
      { env: { BUILDKITE_PLUGINS: `[{"${KUBERNETES_PLUGIN}#v1": {}}]` } },
      'plugin-not-recognised',
    ],
    ['a null for a list of the agent', { plugin: { podSpecPatch: { containers: null } } }, 'patch-null-list'],
  ] as const satisfies readonly (readonly [string, Given, string])[]) {
    it(`builds, but warns of ${what}`, () => {
      expect(build(given).warnings.map((warning) => warning.code)).to.deep.equal([code]);
    });
  }
});

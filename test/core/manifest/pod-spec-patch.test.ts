import { expect } from 'chai';
import { build, failure } from './build.js';

const ONE = { containers: [{ name: 'main', image: 'alpine:3.22', command: ['ls'], args: ['a b'] }] };
const UNSAFE = 'allow-pod-spec-patch-unsafe-command-modification: true\n';

describe('podSpec patches', () => {
  for (const [container, list] of [
    ['agent', 'containers'],
    ['checkout', 'containers'],
    ['copy-agent', 'initContainers'],
    ['imagecheck-0', 'initContainers'],
  ] as const) {
    const patch = { [list]: [{ name: container, command: ['true'], args: ['x'] }] };

    it(`may not change the command of ${container}`, () => {
      const { reason, text } = failure({ plugin: { podSpec: ONE, podSpecPatch: patch } });

      expect(reason).to.equal('patch-invalid');
      expect(text).to.contain(`for the ${container} container, modifying container commands or args via podSpecPatch`);
    });

    it(`may change the command of ${container} where that is allowed`, () => {
      const { container: get } = build({ config: UNSAFE, plugin: { podSpec: ONE, podSpecPatch: patch } });

      expect([get(container).command, get(container).args]).to.deep.equal([['true'], ['x']]);
    });

    it(`cannot take the command of ${container} away with empty lists`, () => {
      const empty = { [list]: [{ name: container, command: [], args: [] }] };
      const plain = build({ plugin: { podSpec: ONE } });

      const patched = build({ plugin: { podSpec: ONE, podSpecPatch: empty } });

      expect(patched.manifest).to.deep.equal(plain.manifest);
    });
  }

  for (const [what, patch, expected] of [
    ['command and args', { command: ['go'], args: ['x y'] }, "go 'x y'"],
    ['command alone', { command: ['echo $X', 'ls'] }, 'echo $X\nls'],
    ['args alone', { args: ['$Y'] }, "ls 'a b' \\$Y"],
    ['empty lists', { command: [], args: [] }, "ls 'a b'"],
    ['nulls', { command: null, args: null }, "ls 'a b'"],
  ] as const) {
    it(`turn ${what} for a command container into the command the agent runs`, () => {
      const podSpecPatch = { containers: [{ name: 'main', ...patch }] };

      const { container, variable } = build({ plugin: { podSpec: ONE, podSpecPatch } });

      expect(variable('main', 'BUILDKITE_COMMAND')).to.equal(expected);
      expect(container('main').command).to.deep.equal(['/workspace/tini-static']);
      expect(container('main').args).to.deep.equal(['--', '/workspace/buildkite-agent', 'kubernetes-bootstrap']);
    });
  }

  it('use the interposer in force', () => {
    const podSpecPatch = { containers: [{ name: 'main', command: ['a b', 'c'] }] };

    const { variable } = build({
      config: 'default-command-params: {interposer: vector}',
      plugin: { podSpec: ONE, podSpecPatch },
    });

    expect(variable('main', 'BUILDKITE_COMMAND')).to.equal("'a b' c");
  });

  it('of the plugin win over the image attribute, which wins over those of the controller', () => {
    const controller = 'pod-spec-patch: {containers: [{name: main, image: "c:1"}, {name: other, image: "c:1"}]}';
    const podSpec = { containers: [...ONE.containers, { name: 'other', image: 'p:1' }] };
    const podSpecPatch = { containers: [{ name: 'main', image: 'patched:1' }] };

    const { container } = build({
      config: controller,
      plugin: { podSpec, podSpecPatch },
      env: { BUILDKITE_IMAGE: 'attr:1' },
    });

    expect([container('main').image, container('other').image]).to.deep.equal(['patched:1', 'attr:1']);
  });

  it('put new containers first and new variables in front, but keep copy-agent and the checks ahead', () => {
    const podSpecPatch = {
      containers: [
        { name: 'fresh', image: 'f:1' },
        { name: 'main', env: [{ name: 'NEW', value: '1' }] },
      ],
      initContainers: [{ name: 'early', image: 'e:1' }],
    };

    const { pod } = build({ plugin: { podSpec: ONE, podSpecPatch } });

    expect(pod.containers.map(({ name }) => name)).to.deep.equal(['fresh', 'main', 'agent', 'checkout']);
    expect(pod.containers[1]?.env?.[0]).to.deep.equal({ name: 'NEW', value: '1' });
    expect(pod.initContainers?.map(({ name }) => name)).to.deep.equal([
      'copy-agent',
      'imagecheck-0',
      'imagecheck-1',
      'early',
    ]);
  });

  it('can delete: a null a field, a directive an element', () => {
    const podSpec = { ...ONE, nodeSelector: { a: '1', b: '2' }, volumes: [{ name: 'v', emptyDir: {} }] };
    const podSpecPatch = { nodeSelector: { a: null }, volumes: [{ name: 'v', $patch: 'delete' }] };

    const { pod } = build({ plugin: { podSpec, podSpecPatch } });

    expect(pod.nodeSelector).to.deep.equal({ b: '2' });
    expect(pod.volumes?.map(({ name }) => name)).to.deep.equal(['workspace']);
  });

  it('number the clients anew when one is deleted', () => {
    const podSpec = { containers: ['a', 'b', 'c'].map((name) => ({ name, image: 'x:1' })) };
    const podSpecPatch = { containers: [{ name: 'b', $patch: 'delete' }] };

    const { variable } = build({ plugin: { podSpec, podSpecPatch } });

    const ids = ['checkout', 'a', 'c'].map((name) => variable(name, 'BUILDKITE_CONTAINER_ID'));
    expect(ids).to.deep.equal(['0', '1', '2']);
    expect(variable('agent', 'BUILDKITE_CONTAINER_COUNT')).to.equal('3');
  });

  it('decide on user, scripts and grace period', () => {
    const { container, variable } = build({
      config: 'pod-spec-patch: {securityContext: {runAsUser: 5, runAsGroup: 6}, terminationGracePeriodSeconds: 0}',
    });

    expect(container('copy-agent').args?.[1]).to.match(/^chown -R 5:6 \/workspace\n/);
    expect(container('checkout').securityContext?.runAsUser).to.equal(0);
    expect(variable('agent', 'BUILDKITE_CANCEL_GRACE_PERIOD')).to.equal('1');
    expect(variable('agent', 'BUILDKITE_SIGNAL_GRACE_PERIOD_SECONDS')).to.equal('0');
  });

  it('replace the source of a volume and of a variable', () => {
    const podSpec = {
      containers: [{ name: 'main', image: 'a', env: [{ name: 'A', value: '1' }] }],
      volumes: [{ name: 'v', emptyDir: {} }],
    };
    const valueFrom = { fieldRef: { fieldPath: 'spec.nodeName' } };
    const podSpecPatch = {
      containers: [{ name: 'main', env: [{ name: 'A', valueFrom }] }],
      volumes: [{ name: 'v', hostPath: { path: '/v' } }],
    };

    const { container, pod } = build({ plugin: { podSpec, podSpecPatch } });

    expect(container('main').env?.find(({ name }) => name === 'A')).to.deep.equal({ name: 'A', valueFrom });
    expect(pod.volumes?.[0]).to.deep.equal({ name: 'v', hostPath: { path: '/v' } });
  });

  it('never leave a skipped checkout behind', () => {
    const { pod } = build({
      config: 'default-checkout-params: {skip: true}\npod-spec-patch: {containers: [{name: checkout, tty: true}]}',
    });

    expect(pod.containers.map(({ name }) => name)).to.deep.equal(['container-0', 'agent']);
  });

  it('cannot take the whole pod away', () => {
    for (const $patch of ['delete', 'replace']) {
      expect(failure({ plugin: { podSpecPatch: { $patch } } }).text).to.contain(`"$patch: ${$patch}" at the top`);
    }
  });

  for (const image of ['', null]) {
    it(`keep the image where they say ${JSON.stringify(image)}`, () => {
      const podSpecPatch = {
        containers: [{ name: 'main', image, workingDir: '/x' }],
        initContainers: [{ name: 'copy-agent', image }],
      };

      const { container } = build({ plugin: { podSpec: ONE, podSpecPatch } });

      expect(container('main')).to.include({ image: 'alpine:3.22', workingDir: '/x' });
      expect(container('copy-agent').image).to.contain('buildkite/agent');
    });
  }

  it('with a misspelt container fail and name the ones there are', () => {
    const { text } = failure({ plugin: { podSpecPatch: { containers: [{ name: 'contianer-0', tty: true }] } } });

    expect(text).to.contain('"contianer-0"').and.to.contain('"container-0"');
  });
});

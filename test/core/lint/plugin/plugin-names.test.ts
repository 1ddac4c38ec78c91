import { expect } from 'chai';
import { lookalikeOf, looksLikePlugin } from '../../../../src/core/lint/plugin/plugin-names.js';
import { parseSourceTree } from '../../../../src/core/pipeline/source-tree.js';

const [pod] = parseSourceTree('podSpec: {containers: []}', 'test.yml').documents;

describe('names like the kubernetes plugin', () => {
  for (const [name, config, expected] of [
    ['kubernetes', undefined, undefined],
    ['kubernetes#', undefined, undefined],
    ['kubernetes#v1.2.0', undefined, 'version'],
    ['buildkite-plugins/kubernetes#main', undefined, 'version'],
    ['github.com/buildkite-plugins/kubernetes-buildkite-plugin#v1', undefined, 'version'],
    ['https://github.com/buildkite-plugins/kubernetes-buildkite-plugin.git', undefined, 'name'],
    ['git@github.com:buildkite-plugins/kubernetes-buildkite-plugin.git#v1', undefined, 'name'],
    ['Kubernetes', undefined, 'name'],
    ['k8s', undefined, 'name'],
    ['kubernetes-buildkite-plugin', undefined, 'name'],
    ['kuberentes', undefined, 'name'],
    ['kubernets', undefined, 'name'],
    ['kubernetes-deploy#v1', undefined, undefined],
    ['kubernetes-deploy', undefined, undefined],
    ['k8s-auth#v2', undefined, undefined],
    ['acme/k8s#v1', undefined, undefined],
    ['acme/kubernetes#v1', undefined, undefined],
    ['acme/k8s#v1', pod, 'name'],
    ['acme/kubernetes#v1', pod, 'name'],
    ['pods#v1', pod, undefined],
    ['docker#v5.12.0', undefined, undefined],
    ['./kubernetes', undefined, undefined],
  ] as const) {
    it(`${name}${config === undefined ? '' : ' with a pod spec'}: ${expected ?? 'none'}`, () => {
      expect(lookalikeOf(name, config)).to.equal(expected);
    });
  }
});

describe('keys of a step that are plugins', () => {
  it('are the kubernetes plugin, its fields and names with a version', () => {
    const keys = [
      'kubernetes',
      'podSpec',
      'pod-spec-patch',
      'gitEnvFrom',
      'sidecars',
      'docker#v5.12.0',
      'acme/deploy#main',
    ];

    expect(keys.filter((key) => !isPlugin(key))).to.deep.equal([]);
  });

  it('are names like the kubernetes plugin with fields of it inside', () => {
    const keys = ['Kubernetes', 'k8s', 'kubernets', 'agent-stack-k8s'];

    expect(keys.filter((key) => !isPlugin(key, '{podSpec: {}}'))).to.deep.equal([]);
  });

  it('are not attributes of steps or words that a step may have', () => {
    const keys = ['checkout', 'metadata', 'command', 'plugins', 'docker', 'k8s', 'x-pod', 'key # 1'];

    expect(keys.filter((key) => isPlugin(key))).to.deep.equal([]);
  });
});

function isPlugin(key: string, value = 'text'): boolean {
  const [node] = parseSourceTree(value, 'test.yml').documents;
  return node !== undefined && looksLikePlugin({ key, value: node });
}

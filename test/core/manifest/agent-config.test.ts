import { expect } from 'chai';
import { build } from './build.js';

const SIGNING = 'signingJWKSVolume: {name: keys, secret: {secretName: s}}';
const VERIFYING = 'verificationJWKSVolume: {name: keys, secret: {secretName: s}}';

describe('agent-config', () => {
  for (const [written, file, mount] of [
    [`signing-jwks-file: private.json`, 'private.json', undefined],
    [SIGNING, '/buildkite/signing-jwks/key', '/buildkite/signing-jwks'],
    [`signing-jwks-file: a.json, ${SIGNING}`, '/buildkite/signing-jwks/a.json', '/buildkite/signing-jwks'],
    [`signing-jwks-file: ./ring//a.json, ${SIGNING}`, '/buildkite/signing-jwks/ring/a.json', '/buildkite/signing-jwks'],
    [`signing-jwks-file: /k/ring/a.json, ${SIGNING}`, '/k/ring/a.json', '/k/ring'],
    [`signing-jwks-file: /a.json, ${SIGNING}`, '/a.json', '/'],
  ] as const) {
    it(`signs with {${written}}`, () => {
      const { container, variable } = build({ config: `agent-config: {${written}}` });

      const mountOf = (name: string): string | undefined =>
        container(name).volumeMounts?.find((candidate) => candidate.name === 'keys')?.mountPath;
      expect(variable('agent', 'BUILDKITE_AGENT_SIGNING_JWKS_FILE')).to.equal(file);
      expect([mountOf('agent'), mountOf('container-0'), mountOf('checkout')]).to.deep.equal([mount, mount, undefined]);
    });
  }

  it('verifies with a key that only the agent sees', () => {
    const { container, variable } = build({ config: `agent-config: {${VERIFYING}}` });

    const seeing = ['agent', 'container-0', 'checkout'].filter((name) =>
      container(name).volumeMounts?.some((mount) => mount.name === 'keys'),
    );
    expect(seeing).to.deep.equal(['agent']);
    expect(variable('agent', 'BUILDKITE_AGENT_VERIFICATION_JWKS_FILE')).to.equal('/buildkite/verification-jwks/key');
  });

  for (const [config, expected] of [
    ['', undefined],
    ['agent-config: {}', 'warn'],
    ['agent-config: {verification-failure-behavior: block}', 'block'],
    ['agent-config: {verification-jwks-file: /k}', undefined],
    [`agent-config: {${VERIFYING}}`, undefined],
  ] as const) {
    it(`${expected ?? 'leaves it to the agent what happens'} to unsigned jobs with ${config || 'nothing'}`, () => {
      const { variable } = build({ config });

      expect(variable('agent', 'BUILDKITE_AGENT_JOB_VERIFICATION_NO_SIGNATURE_BEHAVIOR')).to.equal(expected);
    });
  }

  it('overwrites a default in its place and adds the rest behind', () => {
    const { container } = build({
      config: 'agent-config: {shell: /bin/bash -c, hooks-path: /h, plugin-validation: false, experiment: [a, b]}',
    });

    const env = container('agent').env ?? [];
    const names = env.map(({ name }) => name);
    expect(env[names.indexOf('BUILDKITE_SHELL')]?.value).to.equal('/bin/bash -c');
    expect(names.indexOf('BUILDKITE_HOOKS_PATH')).to.equal(7);
    expect(names.slice(-3)).to.deep.equal([
      'BUILDKITE_AGENT_EXPERIMENT',
      'BUILDKITE_NO_PLUGIN_VALIDATION',
      'BUILDKITE_AGENT_JOB_VERIFICATION_NO_SIGNATURE_BEHAVIOR',
    ]);
    expect(env.at(-2)?.value).to.equal('true');
  });

  it('mounts hooks and plugins on agent, checkout and commands alike', () => {
    const { container, pod } = build({
      config: `agent-config:
  hooksVolume: {name: hooks, configMap: {name: h}}
  additional-hooks: [{path: /more, volume: {name: more, configMap: {name: m}}}]
  additional-hooks-paths: [/first]
  plugins-path: /p
  pluginsVolume: {name: plugins, emptyDir: {}}`,
    });

    for (const name of ['agent', 'checkout', 'container-0']) {
      const mounts = container(name).volumeMounts?.map((mount) => `${mount.name}:${mount.mountPath}`);
      expect(mounts).to.deep.equal(['workspace:/workspace', 'hooks:/workspace/hooks', 'more:/more', 'plugins:/p']);
    }
    expect(pod.volumes?.map(({ name }) => name)).to.deep.equal(['workspace', 'hooks', 'more', 'plugins']);
    expect(container('agent').env?.find(({ name }) => name === 'BUILDKITE_ADDITIONAL_HOOKS_PATHS')?.value).to.equal(
      '/first,/more',
    );
  });
});

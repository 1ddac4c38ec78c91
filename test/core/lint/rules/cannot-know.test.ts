import { expect } from 'chai';
import { defaultConfig } from '../../../../src/core/config/default-config.js';
import type { LintWorld } from '../../../../src/core/lint/world.js';
import { lintText } from '../../../support/lint.js';

const PIPELINE = `steps:
  - command: make
    agents: { queue: kubernetes, resource_class: large }
    plugins:
      - kubernetes:
          gitEnvFrom: [{ secretRef: { name: git-key } }]
          podSpecPatch: { serviceAccountName: ci }
  - command: make again
    plugins: [{ kubernetes: { podSpecPatch: { serviceAccountName: ci } } }]
`;

/** What is said of classes and objects, by line. */
function said(known: Partial<LintWorld>): readonly string[] {
  return lintText(PIPELINE, known)
    .filter(({ rule }) => rule === 'cluster/missing-object' || rule === 'agents/resource-class')
    .map(({ line, severity, message }) => `${line} ${severity} ${message.split(';')[0] ?? ''}`);
}

describe('rules that lack knowledge', () => {
  it('say once a file what they cannot know, and by which flag they would', () => {
    expect(said({})).to.deep.equal([
      '3 info cannot know whether the controller has resource class "large"',
      '6 info cannot know whether the cluster has Secret "git-key" and 1 other object named in this file',
    ]);
  });

  it('judge once they know', () => {
    const config = defaultConfig({ queue: 'kubernetes', resourceClasses: { small: {} } });

    expect(said({ config, configName: 'config.yaml', facts: { secrets: {}, serviceAccounts: ['ci'] } })).to.deep.equal([
      '3 error the controller has no resource class "large", so it fails the job',
      '6 error the namespace of the facts has no Secret "git-key", so the container cannot start and the job fails after half a minute',
    ]);
  });
});

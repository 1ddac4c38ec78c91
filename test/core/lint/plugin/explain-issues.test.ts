import { expect } from 'chai';
import { lintText } from '../../../support/lint.js';

describe('mistakes in the plugin', () => {
  it('are found once at an anchor, with the steps that use it, whatever their matrix', () => {
    const text = `
.pod: &pod
  podSpec:
    containers:
      - image: debian:12
        command: make
steps:
  - label: one
    agents: { queue: kubernetes }
    plugins: [{ kubernetes: *pod }]
  - label: two
    agents: { queue: kubernetes }
    matrix: [a, b]
    plugins: [{ kubernetes: *pod }]
`;

    const found = lintText(text).filter(({ rule }) => rule === 'pod/command-type');

    expect(found.map(({ line, uses }) => ({ line, uses }))).to.deep.equal([{ line: 6, uses: 2 }]);
    expect(found[0]?.message).not.to.include('matrix');
  });

  it('are told of the combinations of a matrix that have them', () => {
    const text = `
steps:
  - command: make
    agents: { queue: kubernetes }
    matrix: [Always, always, Never]
    plugins:
      - kubernetes: { podSpec: { containers: [{ image: "debian:12", imagePullPolicy: "{{matrix}}" }] } }
`;

    const found = lintText(text).filter(({ rule }) => rule === 'pod/enum');

    expect(found.map(({ message }) => message)).to.deep.equal([
      '"always" must be written "Always"; Kubernetes refuses the Job, so the build step fails (in 1 of 3 matrix combinations: always)',
    ]);
    expect(found[0]?.fix).to.equal(undefined);
  });
});

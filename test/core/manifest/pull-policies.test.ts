import { expect } from 'chai';
import { build, failure } from './build.js';

const TAGGED = 'golang:1.25';
const PINNED = `golang@sha256:${'0'.repeat(64)}`;

describe('pull policies and image checks', () => {
  for (const [what, config, image, expected] of [
    ['a tag', '', TAGGED, { copy: 'Always', check: 'Always', command: 'IfNotPresent', agent: 'IfNotPresent' }],
    ['a digest', '', PINNED, { copy: 'Always', check: 'IfNotPresent', command: 'IfNotPresent', agent: 'IfNotPresent' }],
    [
      'default Never',
      'default-image-pull-policy: Never',
      TAGGED,
      { copy: 'Never', check: 'Never', command: 'Never', agent: 'Never' },
    ],
    [
      'default IfNotPresent',
      'default-image-pull-policy: IfNotPresent',
      TAGGED,
      { copy: 'IfNotPresent', check: 'IfNotPresent', command: 'IfNotPresent', agent: 'IfNotPresent' },
    ],
    [
      'checks IfNotPresent',
      'default-image-check-pull-policy: IfNotPresent',
      TAGGED,
      { copy: 'Always', check: 'IfNotPresent', command: 'Always', agent: 'IfNotPresent' },
    ],
    [
      'checks Never',
      'default-image-check-pull-policy: Never',
      TAGGED,
      { copy: 'Always', check: 'Never', command: 'Always', agent: 'IfNotPresent' },
    ],
    [
      'checks Always, default IfNotPresent',
      'default-image-check-pull-policy: Always\ndefault-image-pull-policy: IfNotPresent',
      TAGGED,
      { copy: 'IfNotPresent', check: 'Always', command: 'IfNotPresent', agent: 'IfNotPresent' },
    ],
  ] as const) {
    it(`follow ${what}`, () => {
      const { container } = build({ config, plugin: { podSpec: { containers: [{ image }] } } });

      const policy = (name: string): string | undefined => container(name).imagePullPolicy;
      expect({
        copy: policy('copy-agent'),
        check: policy('imagecheck-0'),
        command: policy('container-0'),
        agent: policy('agent'),
      }).to.deep.equal(expected);
      expect(policy('checkout')).to.equal(expected.agent);
    });
  }

  it('need no check for the agent image, which copy-agent pulls', () => {
    const { pod } = build({});

    expect(pod.initContainers?.map(({ name }) => name)).to.deep.equal(['copy-agent']);
  });

  it('keep Always when checks are switched off and nothing else pulls the image', () => {
    const { container } = build({
      config: 'skip-image-check-containers: true',
      plugin: { podSpec: { containers: [{ image: TAGGED }] } },
    });

    expect(container('container-0').imagePullPolicy).to.equal('Always');
    expect(container('agent').imagePullPolicy).to.equal('IfNotPresent');
  });

  it('check every distinct image once, with the strongest policy anybody wants, in byte order', () => {
    const images = [
      { image: 'b:1', imagePullPolicy: 'Never' },
      { image: 'b:1' },
      { image: 'B.example.com/a:1' },
      { image: 'a:1', imagePullPolicy: 'IfNotPresent' },
    ];

    const { pod } = build({ plugin: { podSpec: { containers: images } } });

    const checks = pod.initContainers?.filter(({ name }) => name.startsWith('imagecheck-'));
    expect(checks?.map(({ image, imagePullPolicy }) => `${image} ${imagePullPolicy}`)).to.deep.equal([
      'B.example.com/a:1 Always',
      'a:1 IfNotPresent',
      'b:1 Always',
    ]);
  });

  it('leave out a check where an init container pulls the image as eagerly', () => {
    const initContainers = [
      { name: 'eager', image: 'a:1', imagePullPolicy: 'Always' },
      { name: 'unsaid', image: 'b:1' },
    ];

    const { pod } = build({
      plugin: { podSpec: { initContainers, containers: [{ image: 'a:1' }, { image: 'b:1' }] } },
    });

    expect(pod.initContainers?.map(({ name, image }) => `${name} ${image}`).slice(1)).to.deep.equal([
      'imagecheck-0 b:1',
      'eager a:1',
      'unsaid b:1',
    ]);
  });

  it('stay as a patch says, also when it repeats what the pod says', () => {
    const { container } = build({
      config:
        'pod-spec-patch: {containers: [{name: container-0, imagePullPolicy: Always}, {name: agent, imagePullPolicy: Never}]}',
      plugin: { podSpec: { containers: [{ image: TAGGED, imagePullPolicy: 'Always' }] } },
    });

    expect(container('container-0').imagePullPolicy).to.equal('Always');
    expect(container('agent').imagePullPolicy).to.equal('Never');
  });

  it('do not pull the agent image elsewhere because a patch wants copy-agent to pull it less', () => {
    const { pod } = build({
      config: 'pod-spec-patch: {initContainers: [{name: copy-agent, imagePullPolicy: IfNotPresent}]}',
    });

    const policies = [...(pod.initContainers ?? []), ...pod.containers].map(({ imagePullPolicy }) => imagePullPolicy);
    expect(new Set(policies)).to.deep.equal(new Set(['IfNotPresent']));
  });

  it('lower the requests of a check to its limits', () => {
    const { container } = build({
      config: 'image-check-container-cpu-limit: 0.05\nimage-check-container-memory-limit: 32Mi'.replace('0.05', '50m'),
      plugin: { podSpec: { containers: [{ image: TAGGED }] } },
    });

    expect(container('imagecheck-0').resources).to.deep.equal({
      requests: { cpu: '50m', memory: '32Mi' },
      limits: { cpu: '50m', memory: '32Mi' },
    });
  });

  it('name all bad images at once, sorted by container', () => {
    const { text } = failure({
      plugin: {
        podSpec: {
          containers: [
            { name: 'z', image: 'Bad' },
            { name: 'b', image: '' },
          ],
        },
      },
    });

    expect(text.split('\n').slice(-2)).to.deep.equal([
      '- container "b": repository name must have at least one component ""',
      '- container "z": repository name must be lowercase "Bad"',
    ]);
  });
});

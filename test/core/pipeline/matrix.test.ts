import { expect } from 'chai';
import { describePermutation, expandStep, type StepVariant } from '../../../src/core/pipeline/matrix.js';
import { parsePipeline } from '../../../src/core/pipeline/parse-pipeline.js';
import { commandSteps } from '../../../src/core/pipeline/pipeline.js';

function expand(step: string) {
  const { pipeline } = parsePipeline(`steps:\n- ${step.replaceAll('\n', '\n  ')}`, { file: 'p.yml' });
  const first = commandSteps(pipeline?.steps ?? [])[0];
  if (first === undefined) throw new Error('no step');
  return expandStep(first);
}

function choices(variants: readonly StepVariant[]): string[] {
  return variants.map(
    (variant) =>
      describePermutation(variant.permutation ?? {}) + (variant.skip === undefined ? '' : ` (${variant.skip})`),
  );
}

describe('expandStep', () => {
  it('makes one job of a plain step and numbers parallel ones', () => {
    expect(expand('command: a').variants.map((variant) => variant.parallel)).to.deep.equal([undefined]);
    expect(expand('command: a\nparallelism: 2').variants.map((variant) => variant.parallel)).to.deep.equal([
      { index: 0, count: 2 },
      { index: 1, count: 2 },
    ]);
    expect(expand('command: a\nparallelism: 0').variants).to.deep.equal([]);
  });

  it('combines dimensions in setup order, the last one turning fastest', () => {
    const { variants } = expand('command: a\nmatrix: {setup: {os: [linux, mac], arch: [x, y]}}');

    expect(choices(variants)).to.deep.equal(['os=linux arch=x', 'os=linux arch=y', 'os=mac arch=x', 'os=mac arch=y']);
  });

  it('skips, softens and adds combinations by adjustments', () => {
    const { variants } = expand(
      [
        'command: a',
        'matrix:',
        '  setup: {os: [linux, mac], arch: [x]}',
        '  adjustments:',
        '  - {with: {os: mac, arch: x}, skip: no mac}',
        '  - {with: {os: linux, arch: x}, soft_fail: true}',
        '  - {with: {os: plan9, arch: z}}',
      ].join('\n'),
    );

    expect(choices(variants)).to.deep.equal(['os=linux arch=x', 'os=mac arch=x (no mac)', 'os=plan9 arch=z']);
    expect(variants.map((variant) => variant.softFail)).to.deep.equal([true, false, false]);
  });

  it('adjusts all combinations that a partial choice matches', () => {
    const { variants, problems } = expand(
      [
        'command: a',
        'matrix:',
        '  setup: {os: [linux, none], arch: [x, y]}',
        '  adjustments:',
        '  - {with: {os: none}, skip: true}',
      ].join('\n'),
    );

    expect(problems).to.deep.equal([]);
    expect(choices(variants)).to.deep.equal([
      'os=linux arch=x',
      'os=linux arch=y',
      'os=none arch=x (skip: true)',
      'os=none arch=y (skip: true)',
    ]);
  });

  it('adjusts the unnamed dimension', () => {
    const { variants } = expand(
      'command: a\nmatrix: {setup: [1, 2], adjustments: [{with: 2, skip: true}, {with: [3]}]}',
    );

    expect(choices(variants)).to.deep.equal(['1', '2 (skip: true)', '3']);
  });

  it('replaces tokens where Buildkite does and nowhere else', () => {
    const { variants } = expand(
      [
        'command: "make {{matrix}} {{ matrix }}"',
        'label: "L {{matrix}}"',
        'key: "k-{{matrix}}"',
        'concurrency_group: "g-{{matrix}}"',
        'image: "go:{{matrix}}"',
        'env: {V: "{{matrix}}"}',
        'agents: {queue: "q-{{matrix}}"}',
        'plugins: [{"docker#{{matrix}}": {"k-{{matrix}}": ["{{matrix}}", 1, true, null]}}]',
        'matrix: ["1.10"]',
      ].join('\n'),
    );

    expect(variants[0]?.step).to.deep.include({
      command: 'make 1.10 1.10',
      label: 'L 1.10',
      key: 'k-{{matrix}}',
      concurrencyGroup: 'g-{{matrix}}',
      image: 'go:1.10',
      env: { V: '1.10' },
      agents: ['queue=q-1.10'],
      plugins: [
        {
          name: 'docker#1.10',
          source: 'github.com/buildkite-plugins/docker-buildkite-plugin#1.10',
          config: { 'k-1.10': ['1.10', 1, true, null] },
          path: ['plugins', 0, 'docker#{{matrix}}'],
        },
      ],
    });
  });

  const wrong: [step: string, message: RegExp][] = [
    [
      'command: "{{matrix.oss}}"\nmatrix: {setup: {os: [a]}}',
      /\{\{matrix\.oss\}\} names no dimension.*\{\{matrix\.os\}\}/,
    ],
    ['command: a\nmatrix: [a]\nparallelism: 2', /cannot be combined/],
    [
      'command: a\nmatrix: {setup: {os: [a], arch: [b]}, adjustments: [{with: {cpu: a}}]}',
      /dimensions "os", "arch" only/,
    ],
  ];
  for (const [step, message] of wrong) {
    it(`reports ${JSON.stringify(step)}`, () => {
      expect(
        expand(step)
          .problems.map((problem) => problem.message)
          .join(),
      ).to.match(message);
    });
  }
});

import { expect } from 'chai';
import { typoOf } from '../../../src/core/lint/typo.js';

describe('typoOf', () => {
  const slips: [written: string, meant: string][] = [
    ['kuberenetes', 'kubernetes'],
    ['concurency_group', 'concurrency_group'],
    ['dependsOn', 'depends_on'],
    ['timeout-in-minutes', 'timeout_in_minutes'],
    ['Label', 'label'],
    ['build-imgae', 'build-image'],
    ['comand', 'command'],
  ];
  for (const [written, meant] of slips) {
    it(`takes ${written} for ${meant}`, () => {
      expect(typoOf(written, ['something', meant])).to.equal(meant);
    });
  }

  const names: [name: string, other: string][] = [
    ['linux-amd64', 'linux-arm64'],
    ['gpu-1', 'gpu-2'],
    ['dev', 'prod'],
    ['if', 'id'],
    ['build-a', 'build-b'],
    ['gpu', 'cpu'],
    ['test', 'test'],
    ['integration', 'interaction-tests'],
  ];
  for (const [name, other] of names) {
    it(`leaves ${name} and ${other} alone`, () => {
      expect(typoOf(name, [other])).to.equal(undefined);
    });
  }

  it('takes the nearest of several', () => {
    expect(typoOf('kubernets', ['kubernettes', 'kubernetes'])).to.equal('kubernetes');
  });
});

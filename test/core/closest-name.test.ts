import { expect } from 'chai';
import { closestName } from '../../src/core/closest-name.js';

const PLUGIN = ['podSpec', 'podSpecPatch', 'podTemplate', 'gitEnvFrom', 'sidecars', 'metadata', 'extraVolumeMounts'];

describe('closestName', () => {
  const meant: readonly (readonly [written: string, candidates: readonly string[], meant: string])[] = [
    ['podSpecs', PLUGIN, 'podSpec'],
    ['side-cars', PLUGIN, 'sidecars'],
    ['GitEnvForm', PLUGIN, 'gitEnvFrom'],
    ['volumeMount', ['volumes', 'volumeMounts'], 'volumeMounts'],
    ['imagePullPolcy', ['image', 'imagePullPolicy'], 'imagePullPolicy'],
    ['imgae', ['name', 'image'], 'image'],
    ['max-inflight', ['max-in-flight', 'job-ttl'], 'max-in-flight'],
    ['val', ['name', 'value', 'valueFrom'], 'value'],
    ['IfNotPresnet', ['Always', 'Never', 'IfNotPresent'], 'IfNotPresent'],
  ];
  for (const [written, candidates, expected] of meant) {
    it(`takes "${written}" for "${expected}"`, () => {
      expect(closestName(written, candidates)).to.equal(expected);
    });
  }

  for (const stranger of ['banana', 'x', '', 'template', 'volumesnapshotclass']) {
    it(`finds nothing close to "${stranger}"`, () => {
      expect(closestName(stranger, ['image', 'name', 'podSpec', 'on'])).to.equal(undefined);
    });
  }

  it('takes the first of equally close names', () => {
    expect(closestName('cat', ['bat', 'rat'])).to.equal('bat');
  });
});

import { expect } from 'chai';
import { isOlder } from '../../../src/core/lint/versions.js';

describe('isOlder', () => {
  const cases: [version: string, than: string, older: boolean][] = [
    ['3.98.2', '3.99.0', true],
    ['3.99.0', '3.99.0', false],
    ['3.100.0', '3.99.0', false],
    ['v3.9', '3.99.0', true],
    ['4', '3.99.0', false],
  ];
  for (const [version, than, older] of cases) {
    it(`says ${String(older)} for ${version} and ${than}`, () => {
      expect(isOlder(version, than)).to.equal(older);
    });
  }
});

import { expect } from 'chai';
import { joinExplainPath } from '../../src/cli/explain-argument.js';

describe('joinExplainPath', () => {
  const cases: [argv: string, joined: string][] = [
    ['p.yml --explain', 'p.yml --explain='],
    ['--explain p.yml', '--explain= p.yml'],
    ['--explain -', '--explain= -'],
    ['--explain --config c', '--explain= --config c'],
    [
      '--explain containers[agent].volumeMounts[/workspace] p.yml',
      '--explain=containers[agent].volumeMounts[/workspace] p.yml',
    ],
    ['--explain=spec p.yml', '--explain=spec p.yml'],
    ['p.yml', 'p.yml'],
  ];
  for (const [argv, joined] of cases) {
    it(`${argv} → ${joined}`, () => {
      expect(joinExplainPath(argv.split(' '))).to.deep.equal(joined.split(' '));
    });
  }
});

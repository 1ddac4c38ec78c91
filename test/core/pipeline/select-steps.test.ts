import { expect } from 'chai';
import { parsePipeline } from '../../../src/core/pipeline/parse-pipeline.js';
import { commandSteps } from '../../../src/core/pipeline/pipeline.js';
import { selectSteps, stepTitle } from '../../../src/core/pipeline/select-steps.js';

const text = [
  'steps:',
  '- {command: make, key: build, label: Build}',
  '- wait',
  '- group: Tests',
  '  key: tests',
  '  steps: [{command: unit, label: Unit}, {command: "a very long command that nobody wants to read to its end"}]',
].join('\n');
const steps = commandSteps(parsePipeline(text, { file: 'p.yml' }).pipeline?.steps ?? []);

describe('selectSteps', () => {
  const cases: [selectors: string[], numbers: number[]][] = [
    [[], [1, 2, 3]],
    [['build'], [1]],
    [['Build'], [1]],
    [['2'], [2]],
    [['tests'], [2, 3]],
    [
      ['3', 'build', '1'],
      [1, 3],
    ],
  ];
  for (const [selectors, numbers] of cases) {
    it(`[${selectors.join()}] chooses ${numbers.join()}`, () => {
      const chosen = selectSteps(steps, selectors);

      expect(chosen.ok && chosen.value.map(({ number }) => number)).to.deep.equal(numbers);
    });
  }

  it('lists what there is when a selector is unknown', () => {
    const chosen = selectSteps(steps, ['biuld']);

    expect(!chosen.ok && chosen.error).to.equal(
      'no step has the key, label or number "biuld"; did you mean "build"? the command steps are: 1 build, 2 Unit, 3 a very long command that nobody wants t…',
    );
  });

  it('calls a step without key, label and command by its number', () => {
    const [step] = commandSteps(parsePipeline('steps: [{plugins: [x#v1]}]', { file: 'p.yml' }).pipeline?.steps ?? []);

    expect(step && stepTitle({ number: 4, step })).to.equal('#4');
  });
});

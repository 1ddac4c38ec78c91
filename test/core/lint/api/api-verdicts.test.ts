import { expect } from 'chai';
import { validateJob, type ApiProblem } from '../../../../src/core/lint/api/validate-job.js';
import { formatPath } from '../../../../src/core/schema/path.js';
import { verdictRows, type ExpectedVerdict } from '../../../support/api-verdicts.js';

const KNOWN = { isUnknown: () => false };
const WORDS: Readonly<Record<ExpectedVerdict, ApiProblem['verdict']>> = {
  accepted: 'accepted',
  refused: 'refused',
  stuck: 'stuck',
  odd: 'accepted',
};

describe('validateJob and the verdicts of a kube-apiserver', () => {
  for (const { rule, expected, title, job, at } of verdictRows()) {
    it(`${rule}: ${expected} is ${title}`, () => {
      const problems = validateJob(job, KNOWN);

      const seen = problems.map((problem) => [problem.rule, problem.verdict, formatPath(problem.path)]);
      expect(seen).to.deep.equal(at.map((path) => [rule, WORDS[expected], path]));
    });
  }

  it('says every problem in one sentence with consequence and remedy', () => {
    const messages = verdictRows().flatMap(({ job }) => validateJob(job, KNOWN).map(({ message }) => message));

    for (const message of messages) expect(message).to.match(/^["a-z0-9][^\n]+: [^\n]+; [^\n]+[^.]$/);
  });

  it('has a refused and an accepted row for every rule that the API server judges', () => {
    const rows = verdictRows();
    const judged = new Set(rows.filter(({ expected }) => expected === 'refused').map(({ rule }) => rule));
    const accepted = new Set(rows.filter(({ expected }) => expected === 'accepted').map(({ rule }) => rule));

    judged.delete('container/image-missing'); // every other row has an image
    expect([...judged].filter((rule) => !accepted.has(rule))).to.deep.equal([]);
  });
});

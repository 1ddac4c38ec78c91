import { expect } from 'chai';
import { lintText } from '../../../support/lint.js';

describe('secrets in clear text', () => {
  const secrets = [
    ['env of a step', 'ghs_9aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3zA', 'steps: [{command: make, env: {A: SECRET}}]'],
    [
      'a command',
      'glpat-x7Kq2mZ9tR4wB6nC1vD8',
      'steps:\n  - command: curl -H "PRIVATE-TOKEN=SECRET" https://gitlab.com\n',
    ],
    ['a name that tells', 'Zk3!pQ9w', 'env: {DB_PASSWORD: "SECRET"}\nsteps: [{command: make}]'],
    ['a URL', 'kT5vR8yM2', 'steps: [{command: "git clone https://bot:SECRET@git.example.org/a.git"}]'],
  ] as const;

  for (const [where, secret, pipeline] of secrets) {
    it(`are found, but never repeated: ${where}`, () => {
      const text = pipeline.replace('SECRET', secret);

      const [finding, ...more] = lintText(text);

      expect(more).to.deep.equal([]);
      expect(finding?.rule).to.equal('security/literal-secret');
      expect(finding?.secret).to.equal(true);
      expect(finding?.message).not.to.contain(secret);
      expect(text.slice(finding?.span.start, finding?.span.end)).to.contain(secret);
    });
  }
});

import { expect } from 'chai';
import { maskSecrets } from '../../../src/core/lint/mask-secrets.js';
import { lintText } from '../../support/lint.js';

const TOKEN = ['ghp', 'aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0fXrLoU'].join('_');

describe('maskSecrets', () => {
  it('keeps a secret out of texts, messages and steps, and offsets where they are', () => {
    const text = `steps:\n  - command: curl -H X-Token=${TOKEN} https://example.org\n    timeout_in_minute: 5\n`;
    const findings = lintText(text);
    const report = {
      findings: findings.map((each) => ({ ...each, message: `${each.message} ${TOKEN}` })),
      suppressed: [],
    };

    const masked = maskSecrets({ ...report, sources: new Map([['pipeline.yml', text]]) }, findings);

    expect(findings.map(({ rule }) => rule)).to.include.members(['security/literal-secret', 'step/unknown-key']);
    expect(JSON.stringify([...masked.sources, masked.findings])).to.not.contain(TOKEN);
    expect(masked.sources.get('pipeline.yml')).to.have.lengthOf(text.length);
  });
});

import { expect } from 'chai';
import { existsSync, readFileSync } from 'node:fs';
import { defaultConfig } from '../../../src/core/config/default-config.js';
import type { LintWorld } from '../../../src/core/lint/world.js';
import { lintText, switchOn } from '../../support/lint.js';

const CATALOGUE = '../shared/reference/lint.md';

/** What the entries need that their text describes and their snippet does not hold. */
const WORLDS: Readonly<Record<string, Partial<LintWorld>>> = {
  'agents/resource-class': {
    config: defaultConfig({ queue: 'kubernetes', resourceClasses: { small: {}, large: {} } }),
    configName: 'config.yaml',
  },
  'agents/queue': { config: defaultConfig({ queue: 'kubernetes' }), configName: 'config.yaml' },
  'kubernetes/prohibited': { config: defaultConfig({ prohibitKubernetesPlugin: true }), configName: 'config.yaml' },
  'cluster/missing-object': { facts: { namespace: 'buildkite', serviceAccounts: ['default'], priorityClasses: [] } },
};

interface Entry {
  readonly name: string;
  readonly rule: string;
  readonly snippet: string;
}

function entries(): Entry[] {
  if (!existsSync(CATALOGUE)) return [];
  const text = readFileSync(CATALOGUE, 'utf8');
  return [...text.matchAll(/^### (M\d+b?) `([^`]+)`.*\n```yaml\n([\s\S]*?)```/gm)].map(
    ([, name = '', rule = '', snippet = '']) => ({ name, rule, snippet }),
  );
}

describe('the catalogue of mistakes', () => {
  const all = entries();
  if (all.length === 0) {
    it(`is skipped: ${CATALOGUE} is not here`);
    return;
  }

  it('is read whole', () => {
    expect(all.length).to.equal(116);
  });

  let detected = 0;

  after(() => {
    console.log(`        ${detected} of ${all.length} classes of mistakes found by the right rule`);
  });

  for (const { name, rule, snippet } of all) {
    it(`${name} ${rule}`, () => {
      const found = lintText(snippet, WORLDS[rule] ?? {}, { severityOf: switchOn(rule) });

      expect(
        found.map((finding) => finding.rule),
        found.map(({ message }) => message).join('\n'),
      ).to.include(rule);
      detected += 1;
    });
  }
});

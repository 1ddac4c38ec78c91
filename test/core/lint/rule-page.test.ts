import { expect } from 'chai';
import { ruleIndex, rulePage } from '../../../src/core/lint/rule-page.js';
import { ruleNamed } from '../../support/findings.js';

describe('the page of a rule', () => {
  const rule = { ...ruleNamed('pod/a'), strict: 'warning', needs: 'facts', fixable: true } as const;
  const bad = '# expect: pod/a@4 pod/b@3 pod/a@6:2\n# with: agent-version=3.1.0\nsteps:\n- a\n- ```\n- b\n';
  const good = 'steps: [] # expect: nothing\n';

  it('says what the rule says and what it needs', () => {
    const page = rulePage(rule, []);

    expect(page).to.match(
      /^# pod\/a\n\nBreaks pod\/a\.\n\nSeverity: \*\*error\*\*, \*\*warning\*\* in the preset `strict` · .*`--facts` · `--fix`/,
    );
    expect(page).to.match(/## Why\n\nIt hurts\.\n\n## What to do\n\nMend it\./);
    expect(page).not.to.include('## Found');
  });

  it('shows the fixtures without their header, with lines as the reader counts them', () => {
    const page = rulePage(rule, [
      { text: bad, isBad: true },
      { text: good, isBad: false },
    ]);

    expect(page).to.include('## Found\n\nIn the lines 2 and 4:\n\n````yaml\nsteps:\n- a\n- ```\n- b\n````\n');
    expect(page).to.include('## Left alone\n\n```yaml\nsteps: [] # expect: nothing\n```\n');
  });

  it('is listed by area', () => {
    const index = ruleIndex(['pod/b', 'env/c', 'pod/a', 'buildable'].map(ruleNamed));

    expect(
      [...index.matchAll(/^(?:## (\w+)|\| \[(\S+)\]\((\S+)\).*)$/gm)].map(([, area, id]) => area ?? id),
    ).to.deep.equal([...['buildable', 'buildable', 'env', 'env/c', 'pod', 'pod/a', 'pod/b']]);
  });
});

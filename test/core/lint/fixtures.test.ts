import { expect } from 'chai';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ClusterFacts } from '../../../src/core/lint/cluster-facts.js';
import { RULES } from '../../../src/core/lint/rules/index.js';
import type { LintWorld } from '../../../src/core/lint/world.js';
import { configFrom, lintText, switchOn } from '../../support/lint.js';

const FOLDER = 'fixtures/lint';

/**
 * `fixtures/lint/<area>/<rule>/` holds what a rule must find (`bad*.yml`) and what it must leave alone (`good*.yml`), with the world around them
 * (`config.yaml`, `facts.json`, and `# with: agent-version=3.1.0` at the top of a file). A rule that is off is switched on. `# expect: <rule>@<line>[:<column>] …`
 * at the top of a bad file names every finding that is an error or a warning, and those of the folder's own rule.
 */
describe('rule fixtures', () => {
  const count = { files: 0, findings: 0 };

  after(() => {
    console.log(
      `        ${RULES.rules.length} rules, ${count.findings} findings at their lines in ${count.files} files`,
    );
  });

  for (const rule of RULES.rules.map(({ id }) => id)) {
    const folder = join(FOLDER, rule);
    const files = existsSync(folder)
      ? readdirSync(folder)
          .filter((file) => file.endsWith('.yml'))
          .sort()
      : [];

    it(`${rule} has a bad and a good one`, () => {
      expect(files.map((file) => file.replace(/[-.].*/, ''))).to.include.members(['bad', 'good']);
    });

    for (const file of files) {
      it(`${rule}: ${file}`, () => {
        const text = readFileSync(join(folder, file), 'utf8');
        const findings = lintText(text, worldOf(folder, text), { severityOf: switchOn(rule) });
        const expected = [...text.matchAll(/^# expect: (.*)$/gm)].flatMap(([, places = '']) =>
          places.trim().split(/\s+/),
        );

        const shown = findings
          .filter((finding) => finding.severity !== 'info' || finding.rule === rule)
          .map((finding) => {
            const withColumn = `${finding.rule}@${finding.line}:${finding.column}`;
            return expected.includes(withColumn) ? withColumn : `${finding.rule}@${finding.line}`;
          });
        expect(
          shown.sort(),
          findings.map(({ line, column, message }) => `${line}:${column} ${message}`).join('\n'),
        ).to.deep.equal(expected.sort());
        count.files += 1;
        count.findings += expected.length;
        if (file.startsWith('bad')) expect(expected.some((place) => place.startsWith(`${rule}@`))).to.equal(true);
      });
    }
  }

  it('belong to rules that exist', () => {
    const entries = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' });
    const folders = entries.filter((path) => /[\\/](?:bad|good)[^\\/]*\.yml$/.test(path)).map((path) => dirname(path));

    expect(folders.filter((id) => !RULES.rules.some((rule) => rule.id === id))).to.deep.equal([]);
  });
});

function worldOf(folder: string, text: string): Partial<LintWorld> {
  const given = new Map(
    [...text.matchAll(/^# with: (.*)$/gm)].flatMap(([, words = '']) => words.trim().split(/\s+/)).map(pair),
  );
  const [config, facts] = [join(folder, 'config.yaml'), join(folder, 'facts.json')];
  return {
    ...(existsSync(config) ? configFrom(config) : {}),
    ...(existsSync(facts) ? { facts: JSON.parse(readFileSync(facts, 'utf8')) as ClusterFacts } : {}),
    versions: {
      agent: given.get('agent-version'),
      controller: given.get('controller-version'),
      kubernetes: given.get('kubernetes-version'),
    },
  };
}

function pair(word: string): [string, string] {
  const [name = '', value = ''] = word.split('=');
  return [name, value];
}

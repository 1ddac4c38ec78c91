import { expect } from 'chai';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Finding } from '../../../src/core/lint/finding.js';
import { RULES } from '../../../src/core/lint/rules/index.js';
import { lintText, switchOn } from '../../support/lint.js';

const FOLDER = 'fixtures/lint';

/** Every fix that a bad fixture's findings offer is applied alone: its finding must go and no error may come. */
describe('fixes', () => {
  for (const { id, fixable } of RULES.rules) {
    const folder = join(FOLDER, id);
    const bad = existsSync(folder) ? readdirSync(folder).filter((file) => /^bad.*\.yml$/.test(file)) : [];
    let offered = 0;

    for (const file of bad) {
      it(`of ${id}: ${file}`, () => {
        const text = readFileSync(join(folder, file), 'utf8');
        const lint = (source: string) => lintText(source, {}, { severityOf: switchOn(id) });
        const before = lint(text);
        const mendable = before.filter((finding) => finding.rule === id && finding.fix !== undefined);
        offered += mendable.length;

        for (const finding of mendable) {
          const mended = apply(text, finding);
          const after = lint(mended);
          const context = `${finding.message}\n${mended}`;
          expect(countOf(after, id), context).to.equal(countOf(before, id) - 1);
          expect(
            errorsIn(after),
            `${context}\n${after.map(({ rule, message }) => `${rule} ${message}`).join('\n')}`,
          ).to.be.at.most(errorsIn(before));
        }
      });
    }

    it(`of ${id} are ${fixable === true ? 'shown by a fixture' : 'not promised'}`, () => {
      expect(offered > 0).to.equal(fixable === true);
    });
  }
});

function countOf(findings: readonly Finding[], rule: string): number {
  return findings.filter((finding) => finding.rule === rule).length;
}

function errorsIn(findings: readonly Finding[]): number {
  return findings.filter(({ severity }) => severity === 'error').length;
}

function apply(text: string, { fix }: Finding): string {
  const edits = [...(fix?.edits ?? [])].sort((a, b) => b.start - a.start);
  return edits.reduce((mended, { start, end, text: put }) => mended.slice(0, start) + put + mended.slice(end), text);
}

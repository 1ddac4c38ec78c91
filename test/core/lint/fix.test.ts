import { expect } from 'chai';
import type { Fix } from '../../../src/core/lint/finding.js';
import { fixOnce, fixText } from '../../../src/core/lint/fix.js';
import { findingAt } from '../../support/findings.js';

function replace(text: string, from: string, to: string): Fix {
  const start = text.indexOf(from);
  return { description: `write ${to}`, edits: [{ start, end: start + from.length, text: to }] };
}

describe('fixes', () => {
  const text = '\uFEFFa: 1 # why\r\nb:   two\r\n';

  it('change their places and nothing else', () => {
    const fixed = fixOnce(text, [replace(text, 'two', '"2"'), replace(text, '1', '"1"')]);

    expect(fixed).to.deep.equal({ text: '\uFEFFa: "1" # why\r\nb:   "2"\r\n', applied: ['write "1"', 'write "2"'] });
  });

  it('that overlap leave the first one in', () => {
    const fixed = fixOnce(text, [replace(text, 'two', 'x'), replace(text, 'tw', 'y'), replace(text, 'wo', 'z')]);

    expect(fixed.applied).to.deep.equal(['write x']);
  });

  it('at one place do not both insert', () => {
    const insert = (word: string): Fix => ({ description: word, edits: [{ start: 0, end: 0, text: `${word}: 1\n` }] });

    expect(fixOnce('a: 1\n', [insert('x'), insert('y')]).text).to.equal('x: 1\na: 1\n');
  });

  it('use the line breaks of the file', () => {
    const fix = { description: 'add', edits: [{ start: text.length, end: text.length, text: 'c: 3\nd: 4\n' }] };

    expect(fixOnce(text, [fix]).text).to.equal(`${text}c: 3\r\nd: 4\r\n`);
  });

  it('that break the YAML are left out, the others are not', () => {
    const fixed = fixOnce('a: 1\nb: 2\n', [replace('a: 1\nb: 2\n', '1', '[1'), replace('a: 1\nb: 2\n', '2', '"2"')]);

    expect(fixed).to.deep.equal({ text: 'a: 1\nb: "2"\n', applied: ['write "2"'] });
  });

  it('are repeated until nothing is left', () => {
    const lint = (current: string) => {
      const digit = /\d/.exec(current)?.[0] ?? '0';
      return digit === '0' ? [] : [findingAt('pod/a', 1, { fix: replace(current, digit, String(Number(digit) - 1)) })];
    };

    expect(fixText('a: 5\n', lint)).to.deep.include({ text: 'a: 0\n' });
  });

  it('that undo each other end', () => {
    const lint = (current: string) => {
      const [from, to] = current.includes('x') ? ['x', 'y'] : ['y', 'x'];
      return [findingAt('pod/a', 1, { fix: replace(current, from, to) })];
    };

    expect(fixText('a: x\n', lint).text).to.match(/^a: [xy]\n$/);
  });

  it('may mend a file that is not valid yet', () => {
    const broken = 'a: "\\:x"\n';

    expect(fixOnce(broken, [replace(broken, '\\:', ':')]).text).to.equal('a: ":x"\n');
  });
});

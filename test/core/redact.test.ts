import { expect } from 'chai';
import fc from 'fast-check';
import { redactor } from '../../src/core/redact.js';

const TOKEN = 'bkat_s3cr3t/+token';
const base64 = (text: string) => Buffer.from(text).toString('base64');

describe('redactor', () => {
  const cases: readonly (readonly [title: string, text: string, expected: string])[] = [
    ['every occurrence', `a ${TOKEN} b ${TOKEN}`, 'a [redacted] b [redacted]'],
    ['base64', `data: ${base64(TOKEN)}`, 'data: [redacted]'],
    ['base64 for URLs', `?t=${Buffer.from(TOKEN).toString('base64url')}&`, '?t=[redacted]&'],
    ['URL escapes', `?t=${encodeURIComponent(TOKEN)}&`, '?t=[redacted]&'],
    ['nothing else', 'token bkat_ s3cr3t', 'token bkat_ s3cr3t'],
  ];
  for (const [title, text, expected] of cases) {
    it(`hides ${title}`, () => {
      expect(redactor([TOKEN])(text)).to.equal(expected);
    });
  }

  it('hides a secret inside of a longer base64 text, such as a docker config', () => {
    for (const before of ['', 'u', 'us', 'use:', 'user:']) {
      const encoded = base64(`${before}${TOKEN}:after`);

      const shown = redactor([TOKEN])(encoded);

      expect(shown).to.contain('[redacted]');
      expect(Buffer.from(shown.split('[redacted]').join(''), 'base64').toString()).not.to.contain('s3cr3t');
    }
  });

  it('hides the longest of overlapping secrets first', () => {
    expect(redactor(['token', 'token-and-more'])('x token-and-more token')).to.equal('x [redacted] [redacted]');
  });

  it('hides a secret whose file ended with a line break', () => {
    expect(redactor([`${TOKEN}\n`])(`Authorization: Token ${TOKEN}`)).to.equal('Authorization: Token [redacted]');
  });

  it('hides a secret of several lines as JSON writes it', () => {
    expect(redactor(['line1\nline2'])(JSON.stringify({ key: 'line1\nline2' }))).to.equal('{"key":"[redacted]"}');
  });

  it('leaves text alone when there is nothing to hide', () => {
    expect(redactor([])('abc')).to.equal('abc');
    expect(redactor(['', ' ', 'abc'])('abc abc')).to.equal('abc abc');
  });

  it('leaves no secret in any text', () => {
    const secret = fc.string({ unit: 'binary', minLength: 8, maxLength: 40 }).filter((text) => text.trim().length >= 8);

    fc.assert(
      fc.property(
        fc.array(secret, { minLength: 1, maxLength: 4 }),
        fc.string(),
        fc.string(),
        (secrets, before, after) => {
          const redact = redactor(secrets);

          for (const each of secrets) {
            expect(redact(before + each + after)).not.to.contain(each);
            expect(redact(before + base64(each) + after)).not.to.contain(base64(each));
          }
        },
      ),
    );
  });
});

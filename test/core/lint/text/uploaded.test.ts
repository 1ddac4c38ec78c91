import { expect } from 'chai';
import { asUploaded } from '../../../../src/core/lint/text/uploaded.js';
import { parseUploadText } from '../../../../src/core/lint/text/upload-text.js';

describe('asUploaded', () => {
  const value = 'echo $$X ${Y:-z} "$1" \\$W end';

  it('is what the shell gets', () => {
    const { text } = asUploaded(parseUploadText(value));

    expect(text).to.equal('echo $X 97531 "$1" $W end');
  });

  it('fills in what the caller knows', () => {
    const { text } = asUploaded(parseUploadText(value), (variable) => `<${variable.name}>`);

    expect(text).to.equal('echo $X <Y> "$1" $W end');
  });

  const pieces: [uploaded: string, written: string][] = [
    ['echo', 'echo'],
    ['$X', '$$X'],
    ['X', 'X'],
    ['97531', '${Y:-z}'],
    ['753', '${Y:-z}'],
    ['X 97', 'X ${Y:-z}'],
    ['"$1" $W', '"$1" \\$W'],
    ['end', 'end'],
    ['', ''],
  ];
  for (const [uploaded, written] of pieces) {
    it(`leads from ${JSON.stringify(uploaded)} back to ${JSON.stringify(written)}`, () => {
      const { text, locate } = asUploaded(parseUploadText(value));
      const start = text.indexOf(uploaded);

      const span = locate(start, start + uploaded.length);

      expect(value.slice(span.start, span.end)).to.equal(written);
    });
  }

  it('leads from the end to the end', () => {
    const { text, locate } = asUploaded(parseUploadText('a$X'));

    expect(locate(text.length, text.length)).to.deep.equal({ start: 3, end: 3 });
  });
});

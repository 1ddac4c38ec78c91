import { expect } from 'chai';
import { flowScalar, linesOf, nestUnder, quote, renameKey, replaceValue, shift } from '../../../src/core/lint/edits.js';
import type { Fix, TextEdit } from '../../../src/core/lint/finding.js';
import { entryOf, type MapEntry, parseSourceTree, type ScalarNode } from '../../../src/core/pipeline/source-tree.js';

describe('edits', () => {
  it('rename a key and keep its quotes', () => {
    for (const [text, expected] of [
      ['old: 1', 'new: 1'],
      ['"old": 1', '"new": 1'],
      ["{'old': 1}", "{'new': 1}"],
    ] as const) {
      const fix = renameKey(text, entry(text, 'old'), 'new');

      expect(apply(text, fix.edits)).to.equal(expected);
    }
  });

  it('put a value in quotes as it was written', () => {
    const text = 'version: 1.10 # not 1.1';

    const fix = quote(text, scalar(text, 'version'));

    expect(apply(text, edits(fix))).to.equal('version: "1.10" # not 1.1');
  });

  it('leave values alone that others use too, and those of several lines', () => {
    const shared = 'a: &x 1\nb: *x';
    const long = 'b: one\n  two';

    expect(replaceValue(shared, entry(shared, 'b').value, '2')).to.equal(undefined);
    expect(replaceValue(long, entry(long, 'b').value, '2')).to.equal(undefined);
  });

  it('write scalars that mean themselves inside braces', () => {
    expect(['make', 'make test', 'yes', '8080', 'a:b', '/bin/sh', '.5'].map(flowScalar)).to.deep.equal([
      'make',
      '"make test"',
      '"yes"',
      '"8080"',
      '"a:b"',
      '/bin/sh',
      '".5"',
    ]);
  });

  it('take the whole lines of an entry, or none', () => {
    const text = 'a:\n  b:\n    c: 1 # one\n\n  d: {e: 1}\n';
    const a = entry(text, 'a');
    const d = child(a, 'd');

    expect(linesOf(text, child(a, 'b'))).to.deep.include({ indent: 2, text: '  b:\n    c: 1 # one\n' });
    expect(linesOf(text, child(d, 'e'))).to.equal(undefined);
  });

  it('nest neighbours under a header', () => {
    const text = 'x:\n  a: 1\n  # why\n  b:\n    - 2\n';
    const x = entry(text, 'x');

    const apart = nestUnder(text, [child(x, 'a'), child(x, 'b')], 'new:');
    const one = nestUnder(text, [child(x, 'b')], 'new:');

    expect(apart, 'the comment between them would be lost or misplaced').to.equal(undefined);
    expect(apply(text, one ?? [])).to.equal('x:\n  a: 1\n  # why\n  new:\n    b:\n      - 2\n');
  });

  it('shift lines but not empty ones', () => {
    expect(shift('  a\n\n    b\n', 2)).to.equal('    a\n\n      b\n');
    expect(shift('  a\n\n    b\n', -4)).to.equal('a\n\nb\n');
  });
});

function entry(text: string, key: string): MapEntry {
  const [root] = parseSourceTree(text, 'test.yml').documents;
  return known(entryOf(root, key));
}

function child(parent: MapEntry, key: string): MapEntry {
  return known(entryOf(parent.value, key));
}

function scalar(text: string, key: string): ScalarNode {
  const { value } = entry(text, key);
  if (value.kind !== 'scalar') throw new Error(`"${key}" is no scalar`);
  return value;
}

function known<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the test names what is not there');
  return value;
}

function edits(fix: Fix | undefined): readonly TextEdit[] {
  return known(fix).edits;
}

function apply(text: string, changes: readonly TextEdit[]): string {
  return [...changes]
    .sort((a, b) => b.start - a.start)
    .reduce((mended, { start, end, text: put }) => mended.slice(0, start) + put + mended.slice(end), text);
}

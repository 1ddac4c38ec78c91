import { expect } from 'chai';
import { ApiError } from '../../../src/sandbox/kubernetes/api-error.js';
import { parseResourcePath } from '../../../src/sandbox/kubernetes/api-request.js';
import { duplicateFields } from '../../../src/sandbox/kubernetes/json-duplicates.js';
import { applyJsonPatch, mergePatch } from '../../../src/sandbox/kubernetes/patch.js';
import { parseFieldSelector, parseLabelSelector } from '../../../src/sandbox/kubernetes/selectors.js';

describe('resource paths', () => {
  const paths: readonly (readonly [string, string | undefined])[] = [
    ['/api/v1/pods', 'pods  '],
    ['/api/v1/namespaces', 'namespaces  '],
    ['/api/v1/namespaces/a', 'namespaces  a'],
    ['/api/v1/namespaces/a/pods', 'pods a '],
    ['/api/v1/namespaces/a/pods/p', 'pods a p'],
    ['/api/v1/namespaces/a/pods/p/log', 'pods a p log'],
    ['/apis/batch/v1/namespaces/a/jobs/j/status', 'jobs a j status'],
    ['/apis/batch/v1/namespaces/a/jobs/j/log', undefined],
    ['/apis/batch/v2/jobs', undefined],
    ['/api/v1/jobs', undefined],
    ['/api/v1/pods/p', undefined],
    ['/api/v1', undefined],
    ['/version', undefined],
  ];
  for (const [path, expected] of paths) {
    it(`${path} is ${expected === undefined ? 'no resource' : expected.trim()}`, () => {
      const found = parseResourcePath(path);

      const text = found && `${found.type.plural} ${found.namespace} ${found.name} ${found.subresource}`.trim();
      expect(text).to.equal(expected?.trim());
    });
  }
});

describe('selectors', () => {
  const labels = { app: 'web', tier: 'front', 'example.com/x': '' };
  const selectors: readonly (readonly [string, boolean])[] = [
    ['app=web', true],
    ['app==web,tier=front', true],
    ['app!=web', false],
    ['missing!=x', true],
    ['app in (api, web)', true],
    ['app notin (api,web)', false],
    ['missing notin (a)', true],
    ['missing in (a)', false],
    ['example.com/x', true],
    ['!example.com/x', false],
    ['!missing,app', true],
    ['example.com/x=', true],
  ];
  for (const [text, expected] of selectors) {
    it(`"${text}" ${expected ? 'selects' : 'does not select'}`, () => {
      const matches = parseLabelSelector(text);

      expect(matches?.(labels)).to.equal(expected);
    });
  }

  for (const text of ['a b', 'a in', 'a in (b', '=x', 'a=b=c', 'bad key!', 'a=not valid']) {
    it(`"${text}" is refused`, () => {
      expect(() => parseLabelSelector(text)).to.throw(ApiError);
    });
  }

  it('fields are compared as text, with escapes', () => {
    const known = new Set(['a', 'b']);

    const matches = parseFieldSelector('a=x\\,y,b!=z', known);

    expect([
      matches?.({ a: 'x,y', b: '' }),
      matches?.({ a: 'x', b: '' }),
      matches?.({ a: 'x,y', b: 'z' }),
    ]).to.deep.equal([true, false, false]);
    expect(() => parseFieldSelector('c=1', known)).to.throw('field label not supported: c');
  });
});

describe('patches', () => {
  it('merge patch: null deletes, lists are replaced, the original stays', () => {
    const original = { a: { b: 1, c: 2 }, list: [1, 2] };

    const patched = mergePatch(original, { a: { b: null, d: 3 }, list: [3] });

    expect(patched).to.deep.equal({ a: { c: 2, d: 3 }, list: [3] });
    expect(original).to.deep.equal({ a: { b: 1, c: 2 }, list: [1, 2] });
  });

  const operations: readonly (readonly [string, object, unknown])[] = [
    ['add a key', { op: 'add', path: '/new', value: 1 }, { a: [1, 2], 'x/y': 'z', new: 1 }],
    ['add to a list', { op: 'add', path: '/a/1', value: 9 }, { a: [1, 9, 2], 'x/y': 'z' }],
    ['add to the end', { op: 'add', path: '/a/-', value: 9 }, { a: [1, 2, 9], 'x/y': 'z' }],
    ['replace with an escaped key', { op: 'replace', path: '/x~1y', value: 'q' }, { a: [1, 2], 'x/y': 'q' }],
    ['remove', { op: 'remove', path: '/a/0' }, { a: [2], 'x/y': 'z' }],
    ['move', { op: 'move', from: '/x~1y', path: '/b' }, { a: [1, 2], b: 'z' }],
    ['copy', { op: 'copy', from: '/a', path: '/b' }, { a: [1, 2], b: [1, 2], 'x/y': 'z' }],
    ['test', { op: 'test', path: '/a', value: [1, 2] }, { a: [1, 2], 'x/y': 'z' }],
  ];
  for (const [what, operation, expected] of operations) {
    it(`JSON patch: ${what}`, () => {
      expect(applyJsonPatch({ a: [1, 2], 'x/y': 'z' }, [operation])).to.deep.equal(expected);
    });
  }

  for (const operation of [
    { op: 'remove', path: '/missing' },
    { op: 'replace', path: '/a/7', value: 1 },
    { op: 'test', path: '/a', value: [] },
    { op: 'add', path: '/b/c', value: 1 },
    { op: 'dance', path: '/a' },
  ]) {
    it(`JSON patch: ${operation.op} ${operation.path} does not apply`, () => {
      expect(() => applyJsonPatch({ a: [1] }, [operation])).to.throw(ApiError);
    });
  }
});

describe('duplicate fields', () => {
  const texts: readonly (readonly [string, readonly string[]])[] = [
    ['{"a":1,"b":{"a":2}}', []],
    ['{"a":1,"a":2,"a":3}', ['a']],
    ['{"spec":{"list":[{"x":1},{"x":1,"x":{"y":2}}]}}', ['spec.list[1].x']],
    ['{"a":"a,\\"a\\":{","b":["b","b"]}', []],
    ['{"\\u0061":1,"a":2}', ['a']],
  ];
  for (const [text, expected] of texts) {
    it(`${text}: ${expected.join(', ') || 'none'}`, () => {
      expect(duplicateFields(text)).to.deep.equal(expected);
    });
  }
});

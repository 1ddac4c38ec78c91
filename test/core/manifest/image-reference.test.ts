import { expect } from 'chai';
import { parseImageReference } from '../../../src/core/manifest/image-reference.js';

const HEX = 'a1'.repeat(32);

describe('image references', () => {
  for (const text of [
    'alpine',
    'alpine:3.22',
    'library/alpine',
    'localhost:5000/x',
    'localhost:5000/x/y_z/a--b:Tag_1.0-rc',
    '[2001:db8::1]:443/x:1',
    'Registry.Example.com/team/app:1',
    `x/${'b'.repeat(255)}`,
  ]) {
    it(`takes ${text.slice(0, 60)}`, () => {
      expect(parseImageReference(text)).to.deep.equal({ ok: true, value: { digest: undefined } });
    });
  }

  for (const text of [`alpine@sha256:${HEX}`, `r.example.com:5000/a/b:1@sha256:${HEX}`]) {
    it(`sees the digest of ${text.slice(0, 40)}…`, () => {
      expect(parseImageReference(text)).to.deep.equal({ ok: true, value: { digest: `sha256:${HEX}` } });
    });
  }

  for (const [text, error] of [
    ['', 'repository name must have at least one component'],
    ['Alpine', 'repository name must be lowercase'],
    ['x/Alpine:1', 'repository name must be lowercase'],
    [' alpine', 'invalid reference format'],
    ['alpine ', 'invalid reference format'],
    ['alpine\n', 'invalid reference format'],
    ['alpine:', 'invalid reference format'],
    ['alpine:a/b', 'invalid reference format'],
    ['https://alpine', 'invalid reference format'],
    ['a//b', 'invalid reference format'],
    ['-a', 'invalid reference format'],
    [`alpine:${'t'.repeat(129)}`, 'invalid reference format'],
    ['alpine@sha256:abc', 'invalid reference format'],
    [`alpine@sha256:${HEX}00`, 'invalid checksum digest length'],
    [`alpine@sha256:${HEX.toUpperCase()}`, 'invalid checksum digest format'],
    [`alpine@md5:${'a'.repeat(32)}`, 'unsupported digest algorithm'],
    ['b'.repeat(256), 'repository name must not be more than 255 characters'],
  ] as const) {
    it(`refuses ${JSON.stringify(text.slice(0, 50))}`, () => {
      expect(parseImageReference(text)).to.deep.equal({ ok: false, error });
    });
  }
});

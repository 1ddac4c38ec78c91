import { expect } from 'chai';
import { isServiceImage, splitImage } from '../../../../src/core/lint/image-names.js';
import { lintText, placesOf } from '../../../support/lint.js';

describe('images', () => {
  const parts = [
    ['postgres', { path: 'postgres', base: 'postgres', tag: undefined }],
    ['ghcr.io/acme/db:16', { path: 'acme/db', base: 'db', tag: '16' }],
    ['localhost:5000/db', { path: 'db', base: 'db', tag: undefined }],
    ['acme/db:16@sha256:00', { path: 'acme/db', tag: '16', digest: 'sha256:00' }],
  ] as const;

  for (const [image, expected] of parts) {
    it(`are taken apart: ${image}`, () => {
      expect(splitImage(image)).to.include(expected);
    });
  }

  it('of servers are known by their last name', () => {
    const images = ['bitnami/postgresql:16', 'docker:27-dind', 'docker:27', 'postgres-client:1'];

    expect(images.filter(isServiceImage)).to.deep.equal(['bitnami/postgresql:16', 'docker:27-dind']);
  });

  it('without a shell can be named in the settings', () => {
    const text = 'steps:\n  - image: ghcr.io/acme/bare:2\n    command: /app\n';

    const places = placesOf(lintText(text, { imagesWithoutShell: ['ghcr.io/acme/bare*'] }));

    expect(places).to.deep.equal(['2:image/no-shell']);
    expect(lintText(text)).to.deep.equal([]);
  });
});

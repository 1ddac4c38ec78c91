import { expect } from 'chai';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

/** The heavy libraries: client-node alone takes 0.3 s and 70 MB to load. */
const HEAVY = ['@kubernetes/client-node', 'graphql', 'listr2'];
/** Static and dynamic imports, and exports from elsewhere, as the compiler writes them. */
const SPECIFIER = /(?:\bfrom\s*|\bimport\s*\(?\s*)["']([^"']+)["']/g;

/** Names of the packages that a compiled module of ours can reach. */
function reachedPackages(entry: string): ReadonlySet<string> {
  const seen = new Set<string>();
  const packages = new Set<string>();
  const queue = [resolve('dist/src', entry)];
  for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
    if (seen.has(file)) continue;
    seen.add(file);
    if (!existsSync(file)) throw new Error(`"${file}" is imported, but is no file`);
    for (const [, specifier = ''] of withoutComments(readFileSync(file, 'utf8')).matchAll(SPECIFIER)) {
      if (specifier.startsWith('.')) queue.push(join(dirname(file), specifier));
      else packages.add(specifier);
    }
  }
  return packages;
}

function withoutComments(code: string): string {
  return code.replace(/^\s*(?:\/\/|\/?\*).*$/gm, '');
}

describe('what a command can load', () => {
  for (const entry of [
    'cli/main.js',
    'cli/run-oclif.js',
    'commands/version.js',
    'commands/render.js',
    'commands/lint.js',
  ]) {
    it(`is neither Kubernetes client nor graphql nor listr2 from ${entry}`, () => {
      const packages = reachedPackages(entry);

      expect(HEAVY.filter((name) => packages.has(name))).to.deep.equal([]);
    });
  }

  it('is the Kubernetes client from the controller, so this test can see it', () => {
    expect([...reachedPackages('commands/controller.js')]).to.include('@kubernetes/client-node');
  });
});

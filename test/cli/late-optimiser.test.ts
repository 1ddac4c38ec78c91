import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';

const MODULE = pathToFileURL(path.join(import.meta.dirname, '../../src/cli/late-optimiser.js')).href;

/** In a process of its own: the flag holds for a whole one. */
function optimiseLateIn(child: { readonly v8: string }) {
  const script = `import { optimiseLate } from ${JSON.stringify(MODULE)}; optimiseLate(${child.v8}); console.log('done');`;
  return spawnSync(process.execPath, ['--input-type=module', '--eval', script], { encoding: 'utf8' });
}

describe('optimiseLate', () => {
  it('says nothing on this Node', () => {
    const { status, stdout, stderr } = optimiseLateIn({ v8: 'undefined' });
    expect({ status, stdout, stderr }).to.deep.equal({ status: 0, stdout: 'done\n', stderr: '' });
  });

  it('leaves a V8 alone whose flags it does not know', () => {
    const { status, stdout, stderr } = optimiseLateIn({ v8: '"99.1.2-node.3"' });
    expect({ status, stdout, stderr }).to.deep.equal({ status: 0, stdout: 'done\n', stderr: '' });
  });
});

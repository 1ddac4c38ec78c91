import { expect } from 'chai';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

const FIXABLE = readFileSync('fixtures/docs/pipeline.yml', 'utf8');

/** Runs the packaged program with a text as its standard input. */
function runBinary(input: string, ...args: string[]) {
  const { stdout, stderr, status } = spawnSync(process.execPath, ['bin/run.js', 'lint', ...args], {
    ...{ input, encoding: 'utf8' },
  });
  return { stdout, stderr, status };
}

describe('lint in a pipe', () => {
  before(function () {
    if (!existsSync('dist/bundle/program.cjs')) {
      console.log('      the package is not built: skipped');
      this.skip();
    }
  });

  it('reads standard input and calls it as told', () => {
    const { stdout, status } = runBinary(FIXABLE, '-', '--stdin-filename', 'ci/gen.yml', '-f', 'compact');

    expect(status).to.equal(1);
    expect(stdout).to.match(/^ci\/gen\.yml:10:17: error: /);
  });

  it('prints nothing but the mended text', () => {
    const { stdout, stderr, status } = runBinary(FIXABLE, '-', '--fix');

    expect(status).to.equal(1);
    expect(stdout).to.equal(FIXABLE.replace('- resources:', '- name: container-0\n                resources:'));
    expect(stderr).to.match(/^fixed <stdin>: .*\n/);
  });

  it('passes on a text that needs no mending', () => {
    expect(runBinary('steps: [wait]\n', '-', '--fix').stdout).to.equal('steps: [wait]\n');
  });

  it('does not read a pipe that nobody named', () => {
    expect(runBinary(FIXABLE, 'fixtures/docs/pipeline.yml', '-f', 'compact').stdout).not.to.include('<stdin>');
  });
});

import { expect } from 'chai';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const JOBS = 200;

/** Runs the packaged program; `takes` may stop reading its output early. */
async function runBinary(args: readonly string[], takes: 'all' | 'first chunk') {
  const child = spawn(process.execPath, ['bin/run.js', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
  child.stdout.on('data', (data: Buffer) => {
    stdout += data.toString();
    if (takes === 'first chunk') child.stdout.destroy();
  });
  const status = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { stdout, stderr, status };
}

describe('render in a pipe', () => {
  const built = existsSync('dist/bundle/program.cjs');
  let folder: string;
  let pipeline: string;
  before(function () {
    if (!built) {
      console.log('      the package is not built: skipped');
      this.skip();
    }
    folder = mkdtempSync(join(tmpdir(), 'render-pipe-'));
    pipeline = join(folder, 'pipeline.yml');
    writeFileSync(pipeline, `steps: [{command: make, parallelism: ${JOBS}}]`);
  });
  after(() => {
    if (built) rmSync(folder, { recursive: true });
  });

  it('arrives whole, far beyond what a pipe holds', async () => {
    const { stdout, status } = await runBinary(['render', pipeline], 'all');

    expect(status).to.equal(0);
    expect(stdout.length).to.be.greaterThan(10 * 65_536);
    expect(stdout.match(/^kind: Job$/gm)).to.have.length(JOBS);
    expect(stdout.endsWith('\n')).to.equal(true);
  });

  it('is quiet when the reader has enough, like head', async () => {
    const { stderr, status } = await runBinary(['render', pipeline], 'first chunk');

    expect(status).to.equal(0);
    expect(stderr.split('\n').filter((line) => line !== '' && !line.startsWith('note: '))).to.deep.equal([]);
  });
});

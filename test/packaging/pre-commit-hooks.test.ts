import { expect } from 'chai';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { DEFAULT_PIPELINE_FILES } from '../../src/core/pipeline/parse-pipeline.js';

interface Hook {
  readonly id: string;
  readonly entry: string;
  readonly files: string;
}

describe('the hooks for pre-commit', () => {
  const hooks = parse(readFileSync('.pre-commit-hooks.yaml', 'utf8')) as readonly Hook[];

  for (const { id, entry, files } of hooks) {
    it(`${id} looks where pipelines are`, () => {
      const pattern = new RegExp(files);

      const others = ['.buildkite/deploy/eu.yml', 'services/a/.buildkite/pipeline.yml'];
      for (const file of [...DEFAULT_PIPELINE_FILES, ...others]) expect(pattern.test(file), file).to.equal(true);
      for (const file of [
        'docker-compose.yml',
        '.github/workflows/ci.yml',
        'my-buildkite.yml',
        'buildkite/values.yml',
      ]) {
        expect(pattern.test(file), file).to.equal(false);
      }
    });

    it(`${id} runs`, function () {
      if (!existsSync('dist/bundle/program.cjs')) this.skip();
      const [program = '', ...args] = entry.split(' ');
      const folder = mkdtempSync(join(tmpdir(), 'hooks-'));

      const { status } = spawnSync(process.execPath, [join(process.cwd(), 'bin/run.js'), ...args], { cwd: folder });

      rmSync(folder, { recursive: true });
      expect([program, status]).to.deep.equal(['agent-stack-k8s', 0]);
    });
  }

  it('can be installed: what npm pack prints is the name of the package alone', () => {
    // pre-commit takes all that it prints for that name.
    expect(readFileSync('.npmrc', 'utf8')).to.match(/^foreground-scripts=false$/m);
  });
});

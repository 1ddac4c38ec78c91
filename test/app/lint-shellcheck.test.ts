import { expect } from 'chai';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { type LintFlags, type LintResult, runLint } from '../../src/app/run-lint.js';
import { runShellcheck } from '../../src/app/shellcheck.js';
import { placesOf } from '../support/lint.js';

/** Stands in for shellcheck: finds each `$x`, notes its calls, and misbehaves as the script asks. */
const FAKE = `#!${process.execPath}
const { appendFileSync, readFileSync, writeSync } = require('node:fs');
const { join } = require('node:path');
const script = readFileSync(0, 'utf8');
appendFileSync(join(__dirname, 'calls'), process.argv.slice(2).join(' ') + '\\n');
if (script.includes('hang')) setInterval(() => undefined, 1000);
else if (script.includes('crash')) process.kill(process.pid, 'SIGKILL');
else if (script.includes('garbage')) console.log('Usage: shellcheck');
else if (script.includes('flood')) for (;;) writeSync(1, 'x'.repeat(1e6));
else {
  const comments = script.split('\\n').flatMap((text, index) => {
    const column = text.indexOf('$x') + 1;
    const line = index + 1;
    const place = { file: '-', line, endLine: line, column, endColumn: column + 2 };
    return column === 0 ? [] : [{ ...place, level: 'warning', code: 2086, message: 'Double quote this.', fix: null }];
  });
  console.log(JSON.stringify({ comments }));
  process.exitCode = comments.length > 0 ? 1 : 0;
}
`;

const FLAGS: LintFlags = {
  ...{ paths: [], config: undefined, set: [], facts: undefined, env: [], envFiles: [], lintConfig: undefined },
  ...{ agentVersion: undefined, controllerVersion: undefined, kubernetesVersion: undefined, preset: undefined },
  ...{ rules: [], maxWarnings: undefined, failOn: undefined, fix: undefined, baseline: undefined },
  ...{ updateBaseline: false, honourIgnores: true, interpolate: undefined, stdinFilename: undefined },
  ...{ allowNoFiles: false, quiet: false, shellcheck: 'auto' },
};

let folder = '';

function put(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

function install(program = FAKE): void {
  chmodSync(put('shellcheck', program), 0o755);
}

function calls(): readonly string[] {
  try {
    return readFileSync(join(folder, 'calls'), 'utf8').trim().split('\n');
  } catch {
    return [];
  }
}

function lint(text: string, flags: Partial<LintFlags> = {}): Promise<LintResult> {
  const paths = [put('pipeline.yml', text)];
  const environment = { PATH: ['/nowhere', '', folder].join(delimiter) };
  return runLint({ ...FLAGS, paths, ...flags }, { environment, version: 'v0', today: '2026-01-01' });
}

function shellFindings({ report }: LintResult): readonly string[] {
  return placesOf(report.findings).filter((place) => !place.endsWith('plugin-without-k8s-queue'));
}

const PIPELINE = 'steps:\n  - command: |\n      cd a\n      echo $$x\n  - command: make\n';
const FOUND = ['4:shell/shellcheck'];

describe('lint with shellcheck', () => {
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'shellcheck-'))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('tells what shellcheck says', async () => {
    install();

    const result = await lint(PIPELINE);

    expect(shellFindings(result)).to.deep.equal(FOUND);
    expect(result).to.deep.include({ exit: 0, notes: [], errors: [] });
    expect(calls()).to.deep.equal(['--format=json1 --shell=sh -']);
  });

  it('does so in the packaged program', function () {
    if (!existsSync('dist/bundle/program.cjs')) {
      console.log('      the package is not built: skipped');
      return this.skip();
    }
    install();

    const { stdout } = spawnSync(process.execPath, ['bin/run.js', 'lint', '-', '-f', 'compact'], {
      ...{ input: PIPELINE, encoding: 'utf8', env: { PATH: folder } },
    });

    expect(stdout).to.match(/^<stdin>:4:12: warning: double quote this \(SC2086\) \[shell\/shellcheck\]$/m);
  });

  it('sorts its findings in with the others', async () => {
    install();

    const result = await lint(`${PIPELINE}    label: a\n    label: b\n  - command: echo $$x\n`);

    expect(shellFindings(result)).to.deep.equal([...FOUND, '7:yaml/duplicate-key', '8:shell/shellcheck']);
  });

  it('asks once for scripts that are the same, and not for files in which the rule is off', async () => {
    install();

    await lint("steps: [{command: 'echo $$x'}, {command: 'echo $$x'}]");
    const once = calls().length;
    const off = await lint(PIPELINE, { rules: ['shell/*=off'] });

    expect(once).to.equal(1);
    expect(calls()).to.have.length(1);
    expect(shellFindings(off)).to.deep.equal([]);
  });

  it('is not asked with never', async () => {
    install();

    expect(shellFindings(await lint(PIPELINE, { shellcheck: 'never' }))).to.deep.equal([]);
    expect(calls()).to.deep.equal([]);
  });

  it('obeys settings, ignores and a baseline', async () => {
    install();
    const ignored = PIPELINE.replace('  - command', '  # lint-ignore shell/shellcheck -- fine\n  - command');
    const baseline = join(folder, 'baseline.json');

    const asError = await lint(PIPELINE, { rules: ['shell/shellcheck=error'] });
    const withIgnore = await lint(ignored);
    await lint(PIPELINE, { baseline, updateBaseline: true });
    const withBaseline = await lint(PIPELINE, { baseline });

    expect(asError.exit).to.equal(1);
    expect([shellFindings(withIgnore), withIgnore.report.summary.suppressed]).to.deep.equal([[], 1]);
    expect(shellFindings(withBaseline)).to.deep.equal([]);
  });

  it('looks at the mended text with --fix', async () => {
    install();
    const text =
      'steps:\n  - command: echo $$x\n    plugins:\n      - kubernetes:\n          podSpecPatch:\n            containers:\n              - resources: {limits: {cpu: 1}}\n  - command: echo $$x;\n';

    const result = await lint(text, { fix: 'write' });

    expect(result.fixed).to.have.length(1);
    expect(shellFindings(result)).to.deep.equal(['2:shell/shellcheck', '9:shell/shellcheck']);
  });

  describe('that is not there', () => {
    it('is quiet, and so are its ignores and its part of the baseline', async () => {
      const ignored = PIPELINE.replace('  - command', '  # lint-ignore shell/shellcheck -- fine\n  - command');
      const baseline = join(folder, 'baseline.json');
      install();
      await lint(PIPELINE, { baseline, updateBaseline: true });
      rmSync(join(folder, 'shellcheck'));

      const result = await lint(ignored, { baseline });
      await lint(PIPELINE, { baseline, updateBaseline: true });

      expect(shellFindings(result)).to.deep.equal([]);
      expect(result).to.deep.include({ exit: 0, notes: [], errors: [] });
      expect(readFileSync(baseline, 'utf8')).to.include('shell/shellcheck');
    });

    it('is an error with always', async () => {
      const { exit, errors } = await lint(PIPELINE, { shellcheck: 'always' });

      expect(exit).to.equal(3);
      expect(errors).to.have.length(1);
      expect(errors[0]).to.match(/^there is no "shellcheck" in the PATH, .*; install it/);
    });

    it('is not a folder, nor a file that cannot be run', async () => {
      mkdirSync(join(folder, 'shellcheck'));
      const asFolder = await lint(PIPELINE, { shellcheck: 'always' });
      rmSync(join(folder, 'shellcheck'), { recursive: true });
      put('shellcheck', FAKE);
      const asText = await lint(PIPELINE, { shellcheck: 'always' });

      expect([asFolder.exit, asText.exit]).to.deep.equal([3, 3]);
      expect(asText.errors[0]).to.match(/^there is no "shellcheck"/);
    });
  });

  describe('that fails', () => {
    for (const [what, expected] of [
      ['crash', /gave no answer that can be read \(SIGKILL\), so 1 of 2 scripts/],
      ['garbage', /gave no answer that can be read \(status 0\), so 1 of 2 scripts/],
      ['flood', /never stops talking/],
    ] as const) {
      it(`says so in a note and goes on: ${what}`, async () => {
        install();

        const result = await lint(`${PIPELINE}  - command: ${what};\n`);

        expect(shellFindings(result)).to.deep.equal(FOUND);
        expect(result).to.deep.include({ exit: 0, errors: [] });
        expect(result.notes).to.have.length(1);
        expect(result.notes[0]).to.match(expected);
      });
    }

    it('says so when it cannot be started', async () => {
      install('#!/nowhere/at-all\n');

      const { notes, exit } = await lint(PIPELINE);

      expect(exit).to.equal(0);
      expect(notes[0]).to.match(/shellcheck" cannot be run \(ENOENT\), so the only script went unchecked/);
    });

    it('is an error with always', async () => {
      install();

      const { exit, notes, errors } = await lint('steps: [{command: "garbage;"}]', { shellcheck: 'always' });

      expect([exit, notes.length, errors.length]).to.deep.equal([3, 0, 1]);
    });

    it('ends it when it hangs, and asks no more', async () => {
      install();
      const script = {
        dialect: 'sh',
        isFilled: false,
        locate: (piece: { start: number; end: number }) => piece,
      } as const;
      const scripts = ['hang 1', 'hang 2', 'echo $x'].map((text) => ({ ...script, text }));
      const begin = performance.now();

      const outcome = await runShellcheck({
        ...{ mode: 'auto', environment: { PATH: folder }, deadline: 700, scripts: () => scripts },
      });

      expect(performance.now() - begin).to.be.lessThan(5_000);
      expect(outcome.isComplete).to.equal(false);
      expect(outcome.problem).to.match(/gave no answer within 0\.7 s, so 3 of 3 scripts went unchecked/);
      expect(calls()).to.have.length(2);
    });
  });
});

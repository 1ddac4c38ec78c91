import { Config } from '@oclif/core';
import { Ajv } from 'ajv';
import { expect } from 'chai';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import Lint from '../../src/commands/lint.js';
import { docExamples, updateDocExample } from '../support/doc-examples.js';

const GOOD = 'steps:\n  - command: make\n';
/** A repeated key: one error, at line 4. */
const BAD = 'steps:\n  - command: make\n    label: a\n    label: b\n';

const root = process.cwd();
let folder = '';

function put(files: Readonly<Record<string, string | Buffer>>): void {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
}

async function run(...argv: string[]) {
  return runIn({}, ...argv);
}

/** Runs the command in the scratch folder, in this process, and catches what it writes. */
async function runIn(environment: Readonly<Record<string, string>>, ...argv: string[]) {
  const written = { stdout: '', stderr: '' };
  const restore = [process.stdout, process.stderr].map((stream) => {
    const write = stream.write.bind(stream);
    return () => (stream.write = write);
  });
  const config = await Config.load({ root });
  const { env } = process;
  process.env = { PATH: env['PATH'], ...environment };
  process.exitCode = 0;
  process.chdir(folder);
  for (const name of ['stdout', 'stderr'] as const) {
    process[name].write = (text: string | Uint8Array): boolean => {
      written[name] += String(text);
      return true;
    };
  }
  try {
    await Lint.run(argv, config);
  } finally {
    for (const undo of restore) undo();
    process.env = env;
    process.chdir(root);
  }
  const exit = process.exitCode;
  process.exitCode = 0;
  return { ...written, exit };
}

async function json(...argv: string[]) {
  const { stdout, stderr, exit } = await run(...argv, '-f', 'json');
  const parsed = stdout === '' ? { findings: [], summary: undefined } : JSON.parse(stdout);
  const places = parsed.findings.map((each: any) => `${each.file}:${each.line} ${each.severity} ${each.rule}`);
  return { exit, stderr, places, ...parsed };
}

describe('the lint command', () => {
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'lint-'));
    mkdirSync(join(folder, '.git'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  for (const example of docExamples('docs/lint.md', 'lint')) {
    it(`does what docs/lint.md shows: ${example.line}`, async () => {
      put({ 'fixtures/docs/pipeline.yml': readFileSync('fixtures/docs/pipeline.yml') });

      const { stdout } = await run(...example.line.split(' '));

      if (process.env['UPDATE_FIXTURES'] === '1') updateDocExample('docs/lint.md', example, stdout);
      else expect(stdout).to.equal(example.output);
    });
  }

  describe('finds', () => {
    it("the pipelines of Buildkite's search order and in .buildkite", async () => {
      put({
        'buildkite.yml': BAD,
        '.buildkite/pipeline.yml': BAD,
        '.buildkite/more/deploy.json': '{"steps": [], "steps": []}',
        '.buildkite/list.yaml': '- wait\n- {command: a, command: b}\n',
        '.buildkite/compose.yml': 'services: {}\n',
        '.buildkite/broken.yml': 'steps:\n  - "\n',
        '.buildkite/notes.txt': BAD,
        'other.yml': BAD,
      });

      const { exit, findings, summary } = await json();

      expect(exit).to.equal(1);
      expect([...new Set(findings.map((each: any) => each.file))]).to.deep.equal([
        ...['buildkite.yml', '.buildkite/pipeline.yml', '.buildkite/broken.yml'],
        ...['.buildkite/list.yaml', '.buildkite/more/deploy.json'],
      ]);
      expect(summary.files).to.equal(5);
    });

    it('folders without what git ignores, and says with --verbose what is no pipeline', async () => {
      put({
        '.gitignore': 'build/\n*.tmp.yml\n!keep.tmp.yml\n',
        'ci/a.yml': BAD,
        'ci/build/b.yml': BAD,
        'ci/c.tmp.yml': BAD,
        'ci/keep.tmp.yml': BAD,
        'ci/node_modules/d.yml': BAD,
        'ci/sub/.gitignore': 'e.yml\n',
        'ci/sub/e.yml': BAD,
        'ci/values.yaml': 'image: x\n',
      });

      const { stdout, stderr } = await run('ci', '--verbose', '-f', 'compact');

      expect(stdout.split('\n').map((line) => line.split(':')[0])).to.deep.equal(['ci/a.yml', 'ci/keep.tmp.yml', '']);
      expect(stderr).to.equal('note: ci/values.yaml is no pipeline and was left out\n');
      expect((await run('ci/build', '-f', 'compact')).stdout).to.match(/^ci\/build\/b\.yml:4/);
    });

    it('globs, files that are named twice once, and named files whatever they hold', async () => {
      put({ 'a.yml': BAD, 'sub/b.yml': BAD, 'sub/.c.yml': BAD, 'x.txt': BAD });

      expect((await json('**/*.yml', './a.yml', 'x.txt')).places).to.have.length(4);
      expect((await json('./a.yml', 'a.yml')).places).to.deep.equal(['./a.yml:4 error yaml/duplicate-key']);
      expect((await json('sub/{b,q}.yml')).places).to.deep.equal(['sub/b.yml:4 error yaml/duplicate-key']);
    });

    it('nothing, which is wrong usage unless allowed', async () => {
      for (const argv of [[], ['gone.yml'], ['*.yml']]) {
        const refused = await run(...argv);

        expect(refused.exit, argv.join(' ')).to.equal(2);
        expect(refused.stdout).to.equal('');
        expect((await run(...argv, '--allow-no-files')).exit).to.equal(0);
      }
      expect((await run('gone.yml', 'lost.yml')).stderr).to.match(/"gone\.yml".*\n.*"lost\.yml"/);
    });

    it('bytes that are not UTF-8, and files that are too large', async () => {
      put({
        'latin.yml': Buffer.from('steps:\n  - command: "caf\xe9"\n', 'latin1'),
        'utf16.yml': Buffer.from(GOOD, 'utf16le'),
        'huge.yml': Buffer.alloc(10 * 1024 * 1024 + 1, '#'),
      });

      const { exit, places } = await json('latin.yml', 'utf16.yml', 'huge.yml');

      expect(exit).to.equal(1);
      expect(places).to.deep.equal([
        ...['latin.yml:2 error file/encoding', 'utf16.yml:1 error file/encoding', 'huge.yml:1 error file/size'],
      ]);
    });

    it('unreadable files after the others', async function () {
      // Opens, but cannot be read, not even by root.
      const unreadable = '/proc/self/mem';
      if (!existsSync(unreadable)) this.skip();
      put({ 'a.yml': BAD });

      const { exit, places, stderr } = await json(unreadable, 'a.yml');

      expect(exit).to.equal(3);
      expect(places).to.have.length(1);
      expect(stderr).to.match(/^error: cannot read "\/proc\/self\/mem": /);
    });
  });

  describe('ends with', () => {
    it('0 when nothing is wrong and 1 when something is', async () => {
      put({ 'good.yml': GOOD, 'bad.yml': BAD });

      expect((await run('good.yml')).exit).to.equal(0);
      expect((await run('bad.yml')).exit).to.equal(1);
    });

    const cases: readonly (readonly [readonly string[], number])[] = [
      [['--rule', 'yaml/duplicate-key=warning'], 0],
      [['--rule', 'yaml/*=off'], 0],
      [['--rule', 'yaml/duplicate-key=warning', '--fail-on', 'warning'], 1],
      [['--rule', 'yaml/duplicate-key=info', '--fail-on', 'warning'], 0],
      [['--rule', 'yaml/duplicate-key=warning', '--max-warnings', '0'], 1],
      [['--rule', 'yaml/duplicate-key=warning', '--max-warnings', '1'], 0],
      [['--rule', 'yaml/duplicate-key=warning', '--max-warnings', '0', '--quiet'], 1],
    ];
    for (const [argv, exit] of cases) {
      it(`${exit} for ${argv.join(' ')}`, async () => {
        put({ 'bad.yml': BAD });

        expect((await run('bad.yml', ...argv)).exit).to.equal(exit);
      });
    }

    const wrong: readonly (readonly [readonly string[], RegExp])[] = [
      [['--rule', 'yaml/duplicate-keys=off'], /did you mean "yaml\/duplicate-key"\?/],
      [['--rule', 'yaml/duplicate-key=loud'], /write yaml\/duplicate-key=off, info, warning or error/],
      [['-f', 'jsno'], /did you mean "json"\?/],
      [['-f', 'json', '-f', 'sarif'], /both go to standard output/],
      [['--fail-on', 'never'], /fail-on/],
      [['--lint-config', 'gone.yaml'], /cannot read "gone\.yaml"/],
      [['--config', 'gone.yaml'], /cannot read "gone\.yaml"/],
      [['--facts', 'bad.yml'], /the facts cannot be used:\n {2}bad\.yml:/],
      [['--set', 'max-in-flight=many'], /max-in-flight/],
      [['--kubernetes-version', 'new'], /the Kubernetes version "new" is none/],
      [['--env', 'NAME'], /has no "="/],
      [['--update-baseline'], /add --baseline FILE/],
      [['--baseline', 'gone.json'], /cannot read "gone\.json"/],
      [['--fixx'], /unknown flag "--fixx"; did you mean "--fix"\?/],
      [['--explain', 'yaml/duplicate'], /unknown rule "yaml\/duplicate"/],
    ];
    for (const [argv, message] of wrong) {
      it(`2 for ${argv.join(' ')}`, async () => {
        put({ 'bad.yml': BAD });

        const { exit, stdout, stderr } = await run('bad.yml', ...argv);

        expect({ exit, stdout }).to.deep.equal({ exit: 2, stdout: '' });
        expect(stderr).to.match(message);
      });
    }
  });

  describe('takes settings', () => {
    it('from the folder, from above up to the repository, and not from beyond', async () => {
      put({ '.agent-stack-lint.yaml': 'rules: {yaml/duplicate-key: info}\n', 'sub/bad.yml': BAD, 'bad.yml': BAD });
      const outer = folder;

      expect((await json('bad.yml')).places).to.deep.equal(['bad.yml:4 info yaml/duplicate-key']);
      folder = join(outer, 'sub');
      expect((await json('bad.yml')).places).to.deep.equal(['bad.yml:4 info yaml/duplicate-key']);
      mkdirSync(join(folder, '.git'));
      expect((await json('bad.yml')).places).to.deep.equal(['bad.yml:4 error yaml/duplicate-key']);
      folder = outer;
    });

    it('for some files, and leaves files out', async () => {
      put({
        '.agent-stack-lint.yaml': [
          'overrides:',
          '  - {files: [old/], rules: {yaml/*: warning}}',
          '  - {files: ["*.draft.yml"], rules: {yaml/*: info}}',
          'ignore: [vendor/**]',
        ].join('\n'),
        'old/a.yml': BAD,
        'x/b.draft.yml': BAD,
        'vendor/c.yml': BAD,
        'd.yml': BAD,
      });

      const { places } = await json('old/a.yml', 'x/b.draft.yml', 'vendor/c.yml', 'd.yml');

      expect(places.map((place: string) => place.replace(' yaml/duplicate-key', ''))).to.deep.equal([
        ...['old/a.yml:4 warning', 'x/b.draft.yml:4 info', 'd.yml:4 error'],
      ]);
    });

    it('weaker than flags, and names all that is wrong with them', async () => {
      put({
        'bad.yml': BAD,
        's.yaml': 'fail-on: warning\nrules: {yaml/*: warning}\n',
        't.yaml': 'rulez: {}\npreset: x\n',
      });

      expect((await run('bad.yml', '--lint-config', 's.yaml')).exit).to.equal(1);
      expect((await run('bad.yml', '--lint-config', 's.yaml', '--fail-on', 'error')).exit).to.equal(0);
      const { exit, stderr } = await run('bad.yml', '--lint-config', 't.yaml');
      expect(exit).to.equal(2);
      expect(stderr).to.match(/2 problems:\n {2}t\.yaml:1:1: .*"rules"\?\n {2}t\.yaml:2:9: /);
    });
  });

  describe('knows the controller', () => {
    it('by --set alone, and variables from files', async () => {
      put({ 'good.yml': GOOD, '.env': '# upload\nexport A="1"\nB=2\n', 'bad.env': 'A\n' });

      expect((await run('good.yml', '--set', 'queue=a', '--env-file', '.env', '--env', 'C=3')).exit).to.equal(0);
      expect((await run('good.yml', '--env-file', 'bad.env')).stderr).to.match(/--env-file bad\.env: "A" has no "="/);
    });

    it('and lints its configuration', async () => {
      put({ 'good.yml': GOOD, 'c.yaml': 'max-in-flight: many\nqueue: a\n', 'w.yaml': 'queue: a\nqueue: b\n' });

      expect((await json('good.yml', '--config', 'c.yaml')).places).to.deep.equal(['c.yaml:1 error config/invalid']);
      expect((await json('good.yml', '--config', 'w.yaml')).places).to.deep.equal(['w.yaml:2 warning config/warning']);
    });

    it('from the settings, too', async () => {
      put({ 'sub/good.yml': GOOD, 'c.yaml': 'max-in-flight: many\n', '.agent-stack-lint.yaml': 'config: c.yaml\n' });

      expect((await json('sub/good.yml')).places).to.deep.equal(['c.yaml:1 error config/invalid']);
    });
  });

  describe('leaves out', () => {
    const ignored = BAD.replace('label: b', 'label: b # lint-ignore yaml/duplicate-key -- on purpose');

    it('what comments ignore, unless told not to', async () => {
      put({ 'a.yml': ignored });

      const { exit, findings, summary } = await json('a.yml');

      expect({ exit, findings, suppressed: summary.suppressed }).to.deep.equal({
        exit: 0,
        findings: [],
        suppressed: 1,
      });
      expect((await json('a.yml', '--no-ignore')).places).to.deep.equal(['a.yml:4 error yaml/duplicate-key']);
    });

    it('what a baseline knows, and tells when it is gone', async () => {
      put({ 'a.yml': BAD, 'known/.keep': '' });

      const updated = await run('a.yml', '--baseline', 'known/b.json', '--update-baseline');
      const known = await json('a.yml', '--baseline', 'known/b.json');
      put({ 'a.yml': GOOD });
      const stale = await json('a.yml', '--baseline', 'known/b.json');

      expect([updated.exit, updated.stderr]).to.deep.equal([
        0,
        'note: wrote known/b.json; it knows 1 finding of this run\n',
      ]);
      expect([known.exit, known.findings, known.summary.baselined]).to.deep.equal([0, [], 1]);
      expect([stale.exit, stale.places]).to.deep.equal([0, ['known/b.json:7 info lint/stale-baseline']]);
    });

    it('warnings with --quiet', async () => {
      put({ 'a.yml': BAD });

      expect((await json('a.yml', '--quiet', '--rule', 'yaml/*=warning')).findings).to.deep.equal([]);
    });
  });

  describe('mends', () => {
    const fixable = [
      'agents: { queue: kubernetes } # kept',
      'steps:',
      '  - command: make',
      '    plugins: # kept, too',
      '      - kubernetes:',
      '          podSpecPatch:',
      '            containers:',
      '              - image: alpine:3.20',
      '',
    ].join('\n');

    it('files, keeping their mode and links to them', async () => {
      put({ 'real.yml': fixable });
      chmodSync(join(folder, 'real.yml'), 0o640);
      symlinkSync('real.yml', join(folder, 'link.yml'));

      const { exit, stdout, stderr } = await run('link.yml', '--fix', '-f', 'compact');

      expect({ exit, stdout }).to.deep.equal({ exit: 0, stdout: '' });
      expect(stderr).to.match(/^fixed link\.yml: name the container/);
      expect(readFileSync(join(folder, 'real.yml'), 'utf8')).to.include('name: container-0');
      expect(statSync(join(folder, 'real.yml')).mode & 0o777).to.equal(0o640);
      expect(lstatSync(join(folder, 'link.yml')).isSymbolicLink()).to.equal(true);
      expect(readdirSync(folder).sort()).to.deep.equal(['.git', 'link.yml', 'real.yml']);
    });

    it('nothing when it is dry, but shows the difference', async () => {
      put({ 'a.yml': fixable });

      const { stdout, stderr } = await run('a.yml', '--fix-dry-run');

      expect(stdout).to.match(/^--- a\/a\.yml.*\n\+\+\+ b\/a\.yml.*\n@@ .*\n[^]*\n\+ +- name: container-0\n/);
      expect(stderr).to.match(/no problems in 1 file/);
      expect(readFileSync(join(folder, 'a.yml'), 'utf8')).to.equal(fixable);
    });

    it('nothing that a comment ignores', async () => {
      const ignored = `# lint-ignore-file patch/missing-name -- kept for the test\n${fixable}`;
      put({ 'a.yml': ignored });

      await run('a.yml', '--fix');

      expect(readFileSync(join(folder, 'a.yml'), 'utf8')).to.equal(ignored);
    });
  });

  it('writes several formats', async () => {
    put({ 'a.yml': BAD });

    const { stdout, exit } = await run(
      'a.yml',
      '-f',
      'compact',
      '-f',
      'sarif=out/lint.sarif',
      '--format=json=lint.json',
    );

    expect(exit).to.equal(1);
    expect(stdout).to.match(/^a\.yml:4:5: error: .*\[yaml\/duplicate-key\]\n$/);
    const isFindings = new Ajv().compile(JSON.parse(readFileSync('schema/output/lint-findings.json', 'utf8')));
    expect(isFindings(JSON.parse(readFileSync(join(folder, 'lint.json'), 'utf8')))).to.equal(true);
    expect(JSON.parse(readFileSync(join(folder, 'out/lint.sarif'), 'utf8')).version).to.equal('2.1.0');
  });

  it('adds the whole list to the summary of a step at GitHub', async () => {
    put({ 'a.yml': BAD, 'summary.md': 'before\n' });

    const { stdout } = await runIn({ GITHUB_STEP_SUMMARY: 'summary.md' }, 'a.yml', '-f', 'github');

    expect(stdout).to.match(/^::error file=a\.yml,line=4,/);
    expect(readFileSync(join(folder, 'summary.md'), 'utf8')).to.match(
      /^before\n### .*1 error in 1 file\n[^]*`a\.yml:4`/,
    );
  });

  it('counts by rule', async () => {
    put({ 'a.yml': BAD });

    expect((await run('a.yml', '--stats')).stderr).to.equal('FINDINGS  RULE\n1         yaml/duplicate-key\n');
  });

  it('explains a rule and lists all', async () => {
    const page = await run('--explain', 'lint/unused-ignore');
    const list = await run('--explain');

    expect([page.exit, list.exit]).to.deep.equal([0, 0]);
    expect(page.stdout).to.match(/^# .*lint\/unused-ignore/);
    expect(list.stdout).to.match(/^yaml\/duplicate-key +error +\S/m);
  });

  it('begins a project, and overwrites nothing', async () => {
    put({ '.buildkite/pipeline.yml': `\uFEFF${GOOD}` });

    const first = await run('--init');
    const second = await run('--init');

    expect(first.stdout).to.equal(
      'wrote .agent-stack-lint.yaml\nadded the line for editors to .buildkite/pipeline.yml\n',
    );
    expect(second.stdout).to.match(/is there already; left as it is\n.*names a schema for editors already/);
    const text = readFileSync(join(folder, '.buildkite/pipeline.yml'), 'utf8');
    expect(text).to.match(/^\uFEFF# yaml-language-server: \$schema=\S+schema\/pipeline\.json\nsteps:/);
    expect((await run()).exit).to.equal(0);
  });
});

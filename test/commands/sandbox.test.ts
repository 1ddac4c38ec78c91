import { expect } from 'chai';
import { Ajv } from 'ajv';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import Sandbox from '../../src/commands/sandbox.js';

interface Event {
  readonly type: string;
  readonly label?: string;
  readonly station?: string;
  readonly log?: string;
  readonly text?: string;
  readonly state?: string;
}

describe('docs/sandbox.md', () => {
  it('names flags that exist', () => {
    const docs = readFileSync('docs/sandbox.md', 'utf8');
    const known = [...Object.keys(Sandbox.flags), ...Object.keys(Sandbox.baseFlags), 'kubeconfig'];
    const flags = [...docs.matchAll(/--([a-z][a-z-]*)/g)].map(([, flag]) => flag);

    expect(flags).to.have.length.greaterThan(5);
    expect(flags.filter((flag) => !known.includes(flag ?? ''))).to.deep.equal([]);
  });
});

describe('the sandbox command', function () {
  // A whole world a test; a busy machine needs its time.
  this.timeout(60_000);
  let folder: string;
  let scratch: string;
  before(function () {
    if (existsSync('dist/bundle/program.cjs')) return;
    console.log('      the package is not built: skipped');
    this.skip();
  });
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'sandbox-command-'));
    scratch = mkdtempSync(join(folder, 'tmp-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  function start(pipeline: string, ...flags: readonly string[]) {
    const file = join(folder, 'pipeline.yml');
    writeFileSync(file, pipeline);
    const child = spawn(process.execPath, ['bin/run.js', 'sandbox', file, ...flags], {
      env: { PATH: process.env['PATH'], HOME: folder, TMPDIR: scratch, SECRET_OF_THE_SHELL: 'do not tell' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [stdout, stderr] = ['', ''];
    child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
    child.stdout.on('data', (data: Buffer) => (stdout += data.toString()));
    const ended = once(child, 'close').then(([status]) => ({ status: status as unknown, stdout, stderr, file }));
    return { child, ended };
  }

  it('tells every station in events of its schema, keeps the shell to itself and leaves nothing behind', async () => {
    const { status, stdout, stderr } = await start(
      `steps:
        - { label: environment, command: "env; exit 3", soft_fail: true }
        - { label: broken, plugins: [{ kubernetes: { podSpec: { containers: 3 } } }] }
        - label: hopeless
          plugins:
            - kubernetes: { podSpec: { containers: [{ image: a, command: ["true"], envFrom: [{ secretRef: { name: nope } }] }] } }
        - wait
        - { label: never, command: "true" }`,
      '--json',
    ).ended;

    const events = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Event);
    const isEvent = new Ajv().compile(JSON.parse(readFileSync('schema/output/sandbox-event.json', 'utf8')) as object);
    const strangers = events.filter((event) => !isEvent(event));
    const last = (label: string) => events.findLast((event) => event.type === 'job' && event.label === label);
    expect({ status, stderr, strangers }).to.deep.equal({ status: 1, stderr: '', strangers: [] });
    expect(['environment', 'broken', 'hopeless'].map((label) => last(label)?.station)).to.deep.equal([
      'failed',
      'failed',
      'canceled',
    ]);
    expect(last('never')?.station).not.to.equal('passed');
    expect(last('environment')?.log).to.contain('BUILDKITE=true').and.not.to.contain('do not tell');
    expect(events.map(({ text }) => text).join('\n')).to.contain('secret "nope" not found');
    expect(events.at(-1)).to.include({ type: 'finished', state: 'failed' });
    expect(readdirSync(scratch)).to.deep.equal([]);
  });

  it('starts nothing of a pipeline that Buildkite would refuse, and says where it is wrong', async () => {
    const { status, stdout, stderr, file } = await start('steps:\n  - comand: x\n').ended;

    expect({ status, stdout }).to.deep.equal({ status: 2, stdout: '' });
    expect(stderr).to.contain(`${file}:2:5: this step is of no known type`);
  });

  it('ends what runs on SIGINT, at once and without a trace', async () => {
    const { child, ended } = start('steps: [{ command: "trap \\"\\" INT TERM; echo begin; sleep 600" }]');
    for await (const data of child.stdout) if (String(data).includes('running')) break;

    child.kill('SIGINT');
    const { status, stderr } = await ended;

    expect(status).to.equal(1);
    expect(stderr).to.match(/^stopped: /);
    expect(readdirSync(scratch)).to.deep.equal([]);
  });
});

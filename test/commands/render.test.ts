import { Config } from '@oclif/core';
import { Ajv } from 'ajv';
import { expect } from 'chai';
import { readFileSync, writeFileSync } from 'node:fs';
import Render from '../../src/commands/render.js';

interface Ran {
  readonly stdout: string;
  readonly stderr: string;
  readonly exit: number;
}

/** Runs the command in this process, with an empty environment, and catches what it writes. */
async function run(...argv: string[]): Promise<Ran> {
  const written = { stdout: '', stderr: '' };
  const { env } = process;
  const restore = [process.stdout, process.stderr].map((stream) => {
    const write = stream.write.bind(stream);
    return () => (stream.write = write);
  });
  const config = await Config.load({ root: process.cwd() });
  process.env = { PATH: env['PATH'] };
  process.exitCode = 0;
  for (const name of ['stdout', 'stderr'] as const) {
    process[name].write = (text: string | Uint8Array): boolean => {
      written[name] += String(text);
      return true;
    };
  }
  try {
    await Render.run(argv, config);
  } finally {
    for (const undo of restore) undo();
    process.env = env;
  }
  const exit = process.exitCode;
  process.exitCode = 0;
  return { ...written, exit };
}

const DOCS = 'docs/render.md';

function updateDocs(before: string, after: string): void {
  writeFileSync(
    DOCS,
    readFileSync(DOCS, 'utf8').replace(before, () => after),
  );
}

describe('the render command', () => {
  const docs = readFileSync(DOCS, 'utf8');
  const examples = [...docs.matchAll(/```sh\nagent-stack-k8s render (.*)\n```\n\n```\n([\s\S]*?)```/g)];

  it('has examples in its documentation', () => {
    expect(examples).to.have.length(3);
  });

  for (const [, line = '', output = ''] of examples) {
    it(`does what docs/render.md shows: ${line}`, async () => {
      const { stdout, stderr } = await run(...line.split(' ').map((word) => word.replaceAll("'", '')));

      if (process.env['UPDATE_FIXTURES'] === '1') updateDocs(output, stdout);
      else expect(stdout, stderr).to.equal(output);
    });
  }

  it('keeps results on stdout and everything else on stderr', async () => {
    const { stdout, stderr, exit } = await run(
      'fixtures/render/patches/pipeline.yaml',
      '--set',
      'queue=kubernetes',
      '-o',
      'name',
    );

    expect(exit).to.equal(1);
    expect(stdout).to.match(/^job\.batch\/buildkite-[0-9a-f-]+\n$/);
    expect(stderr)
      .to.match(/^note: /m)
      .and.to.match(/^error: .*job "broken" cannot be built: /m);
  });

  it('ends with 2 for an unknown flag, an unknown format and a bad configuration', async () => {
    const statuses = [
      await run('--stpe', 'x'),
      await run('--output', 'xml'),
      await run('fixtures/render/plain/pipeline.yaml', '--set', 'max-in-flight=x'),
    ];

    expect(statuses.map(({ exit, stdout }) => [exit, stdout])).to.deep.equal([
      [2, ''],
      [2, ''],
      [2, ''],
    ]);
  });

  it('compares as JSON, too, but not as a table', async () => {
    const configs = ['config', 'config-new'].flatMap((name) => ['--config', `fixtures/render/patches/${name}.yaml`]);
    const args = ['fixtures/render/patches/pipeline.yaml', '--step', 'image', '--diff', ...configs];

    const asJson = await run(...args, '-o', 'json');
    const asTable = await run(...args, '-o', 'table');

    expect(asJson.exit).to.equal(1);
    expect(JSON.parse(asJson.stdout)).to.have.nested.property('[0].title', 'image');
    expect([asTable.exit, asTable.stdout]).to.deep.equal([2, '']);
    expect(asTable.stderr).to.contain('--diff cannot be printed as --output table');
  });

  it('explains as JSON, too', async () => {
    const { stdout, exit } = await run(
      'fixtures/render/plain/pipeline.yaml',
      '--step',
      'test',
      '--explain',
      'restartPolicy',
      '-o',
      'json',
    );

    expect(exit).to.equal(0);
    const isExplanation = new Ajv().compile(JSON.parse(readFileSync('schema/output/render-explain.json', 'utf8')));
    expect(isExplanation(JSON.parse(stdout)), JSON.stringify(isExplanation.errors)).to.equal(true);
    expect(JSON.parse(stdout)[0].fields).to.deep.equal([
      { path: 'spec.template.spec.restartPolicy', value: 'Never', layer: 'generated', inputs: [] },
    ]);
  });
});

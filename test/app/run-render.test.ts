import { expect } from 'chai';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RenderResult } from '../../src/app/run-render.js';
import { formatExplanations } from '../../src/cli/format/explain-output.js';
import { toYamlStream } from '../../src/cli/format/manifest-yaml.js';
import { formatRendering, type RenderFormat } from '../../src/cli/format/render-output.js';
import { renderError, renderWith } from '../support/render.js';

const FIXTURES = 'fixtures/render';

/** The stored text; with UPDATE_FIXTURES=1 it is written first. */
function stored(path: string, actual: string): string {
  const file = join(FIXTURES, path);
  if (process.env['UPDATE_FIXTURES'] === '1') writeFileSync(file, actual);
  return readFileSync(file, 'utf8');
}

function jobsOf(result: RenderResult) {
  if (result.kind !== 'jobs') throw new Error(`got ${result.kind}`);
  return result.jobs;
}

function printed(result: RenderResult, format: RenderFormat): string {
  return formatRendering(jobsOf(result), format);
}

function fixture(name: string) {
  return { pipeline: join(FIXTURES, name, 'pipeline.yaml'), configs: [join(FIXTURES, name, 'config.yaml')] };
}

describe('render', () => {
  let scratch: string;
  beforeEach(() => {
    scratch = mkdtempSync(join(tmpdir(), 'render-'));
  });
  afterEach(() => rmSync(scratch, { recursive: true }));

  function file(name: string, content: unknown): string {
    const path = join(scratch, name);
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
    return path;
  }

  it('prints the manifests of all steps, matrix and parallelism expanded and groups walked', async () => {
    const result = await renderWith(fixture('plain'));

    expect(result.exit).to.equal(0);
    expect(printed(result, 'yaml')).to.equal(stored('plain/expected.yaml', printed(result, 'yaml')));
    expect(printed(result, 'table')).to.equal(stored('plain/expected-table.txt', printed(result, 'table')));
    expect(printed(result, 'name').trim().split('\n')).to.have.length(4);
    expect(printed(result, 'yaml')).to.match(/^apiVersion: batch\/v1\nkind: Job\nmetadata:\n/);
  });

  it('interpolates, and leaves the escaped dollar to the shell', async () => {
    const [linux] = jobsOf(
      await renderWith({ ...fixture('plain'), steps: ['binaries'], env: ['BUILDKITE_BRANCH=next'] }),
    );

    expect(linux?.input.job.command).to.equal('make release OS=linux BRANCH=next COST=$5');
    expect(linux?.input.job.env.BUILDKITE_BRANCH).to.equal('next');
  });

  it('says what is left out and why, and what is a stand-in', async () => {
    const { notes } = await renderWith({ ...fixture('plain'), env: ['BUILDKITE_COMMIT=abc'] });

    expect(notes.join('\n')).to.include(
      '"announce" is left out: the job asks for "queue=notifications", but this controller has "queue=kubernetes"',
    );
    expect(notes.join('\n'))
      .to.match(/stand-ins .*BUILDKITE_BUILD_NUMBER=1/)
      .and.not.to.include('BUILDKITE_COMMIT=');
  });

  it('keeps going when a step cannot be built: the others are printed, the status is 1', async () => {
    const result = await renderWith(fixture('patches'));

    expect(result.exit).to.equal(1);
    expect(result.errors.join('\n')).to.match(/pipeline\.yaml:23:5: job "broken" cannot be built: .*Not\/A Reference/s);
    expect(printed(result, 'yaml')).to.equal(stored('patches/expected.yaml', printed(result, 'yaml')));
  });

  it('selects steps by key, label, number and group', async () => {
    const titles = async (...steps: string[]) =>
      jobsOf(await renderWith({ ...fixture('plain'), steps })).map(({ title }) => title);

    expect(await titles('test')).to.deep.equal(['test (1/2)', 'test (2/2)']);
    expect(await titles('2')).to.deep.equal(['binaries (linux)', 'binaries (darwin)']);
    expect(await titles('Release', ':go: Test')).to.have.length(4);
    expect(await renderError({ ...fixture('plain'), steps: ['tset'] })).to.match(/^2 no step .*did you mean "test"/);
  });

  it('finds PodTemplates in the namespace of the controller only', async () => {
    const result = await renderWith({
      ...fixture('templates'),
      podTemplates: [join(FIXTURES, 'templates/pod-templates.yaml')],
    });

    expect(
      jobsOf(result).map(({ title, manifest }) => [
        title,
        manifest?.spec?.template.spec?.containers.some(({ image }) => image === 'alpine:3.22'),
      ]),
    ).to.deep.equal([
      ['known', true],
      ['elsewhere', undefined],
    ]);
    expect(result.errors.join()).to.include('Error fetching podTemplate "other-namespace"');
  });

  describe('of a job file', () => {
    const job = {
      id: '00000000-0000-4000-8000-000000000001',
      command: 'make',
      env: { BUILDKITE_BRANCH: 'b' },
      agentQueryRules: ['queue=elsewhere'],
      priority: 2,
    };

    it('prints one object for one job although its rules do not match, and says so', async () => {
      const result = await renderWith({ jobs: [file('job.json', job)], set: ['queue=kubernetes'] });

      expect(result.exit).to.equal(0);
      expect(JSON.parse(printed(result, 'json'))).to.deep.include({ apiVersion: 'batch/v1', kind: 'Job' });
      expect(result.notes.join()).to.include('would not come to this controller: the job asks for "queue=elsewhere"');
    });

    it('prints a List for several, and for lists of variables', async () => {
      const result = await renderWith({
        jobs: [file('jobs.json', [job, { ...job, id: '00000000-0000-4000-8000-000000000002', env: ['A=1'] }])],
      });

      const list = JSON.parse(printed(result, 'json'));
      expect([list.apiVersion, list.kind, list.items.length]).to.deep.equal(['v1', 'List', 2]);
    });

    it('fails with the text the build would show', async () => {
      const plugins = JSON.stringify([{ 'github.com/buildkite-plugins/kubernetes-buildkite-plugin': { podSpec: [] } }]);

      const result = await renderWith({ jobs: [file('job.json', { ...job, env: { BUILDKITE_PLUGINS: plugins } })] });

      expect(result.exit).to.equal(1);
      expect(printed(result, 'json')).to.equal('');
      expect(result.errors.join()).to.include('agent-stack-k8s failed to parse the job:');
    });

    it('prints a List for several even if only one can be built', async () => {
      const broken = { ...job, id: 'not a label' };

      const result = await renderWith({ jobs: [file('good.json', job), file('broken.json', broken)] });

      expect(result.exit).to.equal(1);
      expect(JSON.parse(printed(result, 'json')))
        .to.include({ kind: 'List' })
        .and.nested.property('items.length', 1);
    });

    it('explains each job with its own file', async () => {
      const [one, two] = [file('1.json', job), file('2.json', { ...job, id: '22222222-2222-4222-8222-222222222222' })];

      const result = await renderWith({ jobs: [one, two], explain: 'metadata.labels[buildkite.com/job-uuid]' });

      if (result.kind !== 'explanations') throw new Error(result.kind);
      expect(result.jobs.map(({ fields }) => fields[0]?.inputs[0]?.at)).to.deep.equal([one, two]);
    });

    it('takes another UUID for a single job', async () => {
      const uuid = '11111111-1111-4111-8111-111111111111';

      const result = await renderWith({ jobs: [file('job.json', job)], jobUuid: uuid });

      expect(printed(result, 'name')).to.equal(`job.batch/buildkite-${uuid}\n`);
      expect(await renderError({ ...fixture('plain'), jobUuid: uuid })).to.match(
        /^2 --job-uuid names one job, but there are 4; .*--step/,
      );
    });
  });

  describe('refuses with exit status 2', () => {
    const pipeline = fixture('plain').pipeline;
    const cases: [flags: Parameters<typeof renderError>[0], message: RegExp][] = [
      [{ pipeline: 'no-such.yml' }, /cannot read "no-such.yml": there is no such file/],
      [{ jobs: ['package.json'] }, /"package.json" holds a job without an "id"/],
      [{ jobs: ['x'], pipeline }, /exclude each other/],
      [{ pipeline, configs: ['no-such.yaml'] }, /no-such.yaml/],
      [{ pipeline, configs: ['a', 'b'] }, /only --diff takes two/],
      [{ pipeline, diff: true }, /--diff compares two configurations, but --config was given not at all/],
      [{ pipeline, env: ['A'] }, /--env "A" has no "="/],
      [{ pipeline, set: ['quue=x'] }, /"quue".*did you mean "queue"/],
      [{ pipeline, set: ['max-in-flight=many'] }, /max-in-flight/],
      [{ pipeline, env: ['=A'] }, /--env "=A" has no name before the "="/],
      [{ pipeline: process.execPath }, /it is not text in UTF-8/],
      [{ pipeline, steps: ['test'], jobUuid: 'hello' }, /--job-uuid "hello" is not a UUID/],
      [{ pipeline, podTemplates: ['package.json'] }, /"package.json" holds a document without "kind"/],
      [{ pipeline, explain: 'containers[agnt]' }, /no field "containers\[agnt\]"; did you mean "containers\[agent\]"/],
    ];
    for (const [flags, message] of cases) {
      it(message.source, async () => {
        const error = await renderError(flags);

        expect(error).to.match(/^2 /).and.to.match(message);
      });
    }
  });

  it('reports what Buildkite would refuse in the pipeline with its place', async () => {
    const result = await renderWith({ pipeline: file('p.yml', 'steps:\n- command: echo $1 ${1}\n- nope') });

    expect(result.exit).to.equal(1);
    expect(result.errors.map((error) => error.replace(scratch, ''))).to.deep.equal([
      '/p.yml:2:20: "${1" cannot be expanded (a variable name begins with a letter); the upload fails. write "$${1" to leave it to the shell',
      '/p.yml:3:3: "nope" is not a step; only "wait", "block" and "input" may stand alone',
    ]);
  });

  it('explains a subtree with the places of its inputs', async () => {
    const result = await renderWith({
      ...fixture('patches'),
      steps: ['image'],
      explain: 'containers[agent].env[HTTPS_PROXY]',
    });

    if (result.kind !== 'explanations') throw new Error(result.kind);
    expect(result.jobs[0]?.fields.at(-1)).to.deep.equal({
      path: 'spec.template.spec.containers[agent].env[HTTPS_PROXY].value',
      value: 'http://proxy.example.com:3128',
      layer: 'pod-spec-patch',
      inputs: [
        {
          layer: 'pod-spec-patch',
          name: 'pod-spec-patch.containers[0].env[0].value',
          isDefault: false,
          at: 'fixtures/render/patches/config.yaml:17:18',
        },
      ],
    });
    expect(formatExplanations(result.jobs, 'text')).to.match(/^FIELD +VALUE +SET BY +WHERE\n/);
  });

  it('explains fields of a plugin and of the step with their lines in the pipeline', async () => {
    const at = async (path: string): Promise<string | undefined> => {
      const result = await renderWith({ ...fixture('patches'), steps: ['image'], explain: path });
      if (result.kind !== 'explanations') throw new Error(result.kind);
      return result.jobs[0]?.fields[0]?.inputs[0]?.at?.replace(/^.*pipeline\.yaml/, '');
    };

    expect(await at('nodeSelector.pool')).to.equal(':22:15');
    expect(await at('initContainers[dind].image')).to.equal(':17:15');
    expect(await at('metadata.annotations[buildkite.com/step-key]')).to.equal(':3:5');
    expect(await at('metadata.labels[tag.buildkite.com/queue]')).to.equal(':5:5');
  });

  it('shows what a configuration change does, and nothing when it does nothing', async () => {
    const [old = ''] = fixture('patches').configs;
    const compare = (next: string) =>
      renderWith({ ...fixture('patches'), steps: ['image'], configs: [old, next], diff: true });

    const changed = await compare(join(FIXTURES, 'patches/config-new.yaml'));
    const same = await compare(old);

    if (changed.kind !== 'diff' || same.kind !== 'diff') throw new Error('no diff');
    expect(changed.exit).to.equal(1);
    expect(changed.jobs[0]?.patch.split('\n').filter((line) => /^[-+] /.test(line))).to.deep.equal([
      '-      serviceAccountName: ci',
      '+      serviceAccountName: builders',
    ]);
    expect([same.exit, same.jobs]).to.deep.equal([0, []]);
  });

  it('prints nothing but documents: an empty rendering is empty', () => {
    expect(toYamlStream([])).to.equal('');
  });
});

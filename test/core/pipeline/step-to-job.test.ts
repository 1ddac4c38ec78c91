import { expect } from 'chai';
import { expandStep } from '../../../src/core/pipeline/matrix.js';
import { parsePipeline } from '../../../src/core/pipeline/parse-pipeline.js';
import { commandSteps } from '../../../src/core/pipeline/pipeline.js';
import { OFFLINE_BUILD, stepToJob } from '../../../src/core/pipeline/step-to-job.js';

function jobs(text: string, options: { jobId?: string; retryCount?: number } = {}) {
  const { pipeline } = parsePipeline(text, { file: 'p.yml' });
  return commandSteps(pipeline?.steps ?? []).flatMap((step) =>
    expandStep(step).variants.map((variant) =>
      stepToJob(variant, { build: { ...OFFLINE_BUILD, env: { FROM: 'build', A: 'build' } }, ...options }),
    ),
  );
}

describe('stepToJob', () => {
  it('sends what Buildkite sends', () => {
    const [job] = jobs(
      [
        'env: {A: pipeline, B: pipeline}',
        'agents: {queue: k8s}',
        'steps:',
        '- group: Tests',
        '  key: tests',
        '  steps:',
        '  - command: [make, make test]',
        '    key: unit',
        '    label: Unit',
        '    env: {B: step, BUILDKITE_COMMAND: mine}',
        '    image: golang',
        '    priority: 7',
        '    artifact_paths: [a, b]',
        '    timeout_in_minutes: 10',
        '    plugins: [{kubernetes: {podSpec: {}}}, cache#v1]',
      ].join('\n'),
    );

    expect(job).to.deep.include({ command: 'make\nmake test', agentQueryRules: ['queue=k8s'], priority: 7 });
    expect(job?.env).to.deep.include({
      FROM: 'build',
      A: 'pipeline',
      B: 'step',
      BUILDKITE_COMMAND: 'make\nmake test',
      BUILDKITE_LABEL: 'Unit',
      BUILDKITE_STEP_KEY: 'unit',
      BUILDKITE_IMAGE: 'golang',
      BUILDKITE_ARTIFACT_PATHS: 'a;b',
      BUILDKITE_TIMEOUT: '10',
      BUILDKITE_RETRY_COUNT: '0',
      BUILDKITE_GROUP_LABEL: 'Tests',
      BUILDKITE_GROUP_KEY: 'tests',
      BUILDKITE_JOB_ID: job?.id,
      BUILDKITE_BUILD_URL: 'https://buildkite.com/local/pipeline/builds/1',
      BUILDKITE_PLUGINS:
        '[{"github.com/buildkite-plugins/kubernetes-buildkite-plugin":{"podSpec":{}}},{"github.com/buildkite-plugins/cache-buildkite-plugin#v1":null}]',
    });
    expect(job?.env).to.not.have.property('BUILDKITE_PARALLEL_JOB');
  });

  it('gives every variant and every retry its own id, the same in every run', () => {
    const text = 'steps: [{command: a, parallelism: 3}, {command: a, matrix: [x, y]}, {command: a}, {command: a}]';

    const ids = [...jobs(text), ...jobs(text, { retryCount: 1 })].map((job) => job.id);

    expect(new Set(ids).size).to.equal(14);
    expect(jobs(text).map((job) => job.id)).to.deep.equal(ids.slice(0, 7));
    for (const id of ids) expect(id).to.match(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  it('numbers parallel jobs and takes a given id', () => {
    const [first, second] = jobs('steps: [{command: a, parallelism: 2}]', { jobId: 'given' });

    expect(first?.id).to.equal('given');
    expect([
      first?.env.BUILDKITE_PARALLEL_JOB,
      second?.env.BUILDKITE_PARALLEL_JOB,
      second?.env.BUILDKITE_PARALLEL_JOB_COUNT,
    ]).to.deep.equal(['0', '1', '2']);
  });

  it("replaces the pipeline's agents as a whole by the step's", () => {
    expect(
      jobs('agents: {queue: a, os: linux}\nsteps: [{command: a, agents: {queue: b}}]')[0]?.agentQueryRules,
    ).to.deep.equal(['queue=b']);
  });
});

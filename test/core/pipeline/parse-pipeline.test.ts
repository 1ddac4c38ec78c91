import { expect } from 'chai';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expandStep } from '../../../src/core/pipeline/matrix.js';
import { parsePipeline } from '../../../src/core/pipeline/parse-pipeline.js';
import { commandSteps, type CommandStep, type Step } from '../../../src/core/pipeline/pipeline.js';
import { formatPlace, placeAt } from '../../../src/core/pipeline/source-tree.js';
import { buildVariables, OFFLINE_BUILD, stepToJob } from '../../../src/core/pipeline/step-to-job.js';

const CORPUS = '../shared/corpus';

function parse(text: string, env?: Record<string, string>) {
  return parsePipeline(text, { file: 'p.yml', env });
}

function steps(text: string, env?: Record<string, string>): readonly Step[] {
  const { pipeline, problems } = parse(text, env);
  expect(problems.filter((problem) => problem.severity === 'error')).to.deep.equal([]);
  if (pipeline === undefined) throw new Error('no pipeline');
  return pipeline.steps;
}

function command(text: string, env?: Record<string, string>): CommandStep {
  const step = commandSteps(steps(text, env))[0];
  if (step === undefined) throw new Error('no command step');
  return step;
}

function problems(text: string, env?: Record<string, string>): string[] {
  return parse(text, env).problems.map(
    (problem) => `${problem.severity} ${problem.at.line}:${problem.at.column} ${problem.message}`,
  );
}

describe('parsePipeline', () => {
  describe('accepts every spelling', () => {
    const kinds: [text: string, kinds: string[]][] = [
      ['[{command: a}, wait, {block: b}]', ['command', 'wait', 'block']],
      ['steps: [wait, waiter, block, input]', ['wait', 'wait', 'block', 'input']],
      ['steps:\n- wait: ~\n- wait\n- {type: waiter}\n- {type: manual, label: x}', ['wait', 'wait', 'wait', 'block']],
      [
        'steps:\n- {type: script, command: x}\n- {script: y}\n- {type: commands, commands: [z]}',
        ['command', 'command', 'command'],
      ],
      ['steps:\n- wait: {continue_on_failure: true}\n- command: {command: x, label: y}', ['wait', 'command']],
      ['steps:\n- trigger: deploy\n- group: ~\n  label: g\n  steps: [{command: x}]', ['trigger', 'group']],
      ['steps: [{plugins: [docker#v1]}]', ['command']],
      ['{"steps": [{"command": "x"}]}', ['command']],
      ['steps: ~', []],
      ['steps: [{command: a}]\n---\nsteps: [{command: b}]', ['command', 'command']],
    ];
    for (const [text, expected] of kinds) {
      it(JSON.stringify(text), () => {
        expect(steps(text).map((step) => step.kind)).to.deep.equal(expected);
      });
    }
  });

  it('numbers all steps in file order, over groups and documents', () => {
    const all = steps(
      'steps:\n- command: a\n- group: g\n  steps:\n  - command: b\n  - wait\n- command: c\n---\nsteps: [{command: d}]',
    );

    const numbered = (list: readonly Step[]): number[] =>
      list.flatMap((step) => [step.position, ...(step.kind === 'group' ? numbered(step.steps) : [])]);
    expect(numbered(all)).to.deep.equal([0, 1, 2, 3, 4, 5]);
  });

  it('joins commands and lets "commands" win over "command"', () => {
    const text = 'steps:\n- commands: [a, b]\n  command: c';

    expect(commandSteps(parse(text).pipeline?.steps ?? [])[0]?.command).to.equal('a\nb');
    expect(problems(text)).to.deep.equal(['warning 3:3 "command" is ignored because "commands" is also set']);
  });

  const agents: [written: string, rules: string[] | undefined][] = [
    ['{queue: k8s, size: 2}', ['queue=k8s', 'size=2']],
    ['[queue=k8s, os=linux]', ['queue=k8s', 'os=linux']],
    ['queue=k8s', ['queue=k8s']],
    ['[{queue: k8s}]', ['queue=k8s']],
    ['~', undefined],
  ];
  for (const [written, rules] of agents) {
    it(`reads agents: ${written}`, () => {
      expect(
        command(
          `steps: [{command: a, agents: ${written.includes('=') ? JSON.stringify(written).replace(/^"\[/, '[').replace(/\]"$/, ']') : written}}]`,
        ).agents,
      ).to.deep.equal(rules);
    });
  }

  it('reads plugins as list, words and mapping, in order and with full sources', () => {
    const list = command(
      'steps:\n- plugins:\n  - docker#v5:\n      image: x\n  - kubernetes:\n      podSpec: {}\n  - ssh://git@host/p.git#v1: ~\n  - ./local\n  - org/thing#v2\n  - lint',
    );
    const map = command('steps:\n- plugins:\n    b#v1: {x: 1}\n    a#v1: ~');

    expect(list.plugins.map((use) => use.source)).to.deep.equal([
      'github.com/buildkite-plugins/docker-buildkite-plugin#v5',
      'github.com/buildkite-plugins/kubernetes-buildkite-plugin',
      'ssh://git@host/p.git#v1',
      './local',
      'github.com/org/thing-buildkite-plugin#v2',
      'github.com/buildkite-plugins/lint-buildkite-plugin',
    ]);
    expect(list.plugins.map((use) => use.config)).to.deep.equal([
      { image: 'x' },
      { podSpec: {} },
      null,
      null,
      null,
      null,
    ]);
    expect(map.plugins.map((use) => use.name)).to.deep.equal(['b#v1', 'a#v1']);
  });

  it('reads the fields that steer a build', () => {
    const step = command(
      [
        'env: {A: 1, B: yes, C: 1.10, D: 0755, E: ~}',
        'agents: {queue: q}',
        'image: alpine',
        'steps:',
        '- command: x',
        '  key: k',
        '  name: L',
        '  if: build.branch == "main"',
        '  branches: "main release/*"',
        '  depends_on: [a, {step: b, allow_failure: true}]',
        '  allow_dependency_failure: "true"',
        '  skip: too slow',
        '  artifact_paths: "a/*;b/*"',
        '  timeout_in_minutes: 5',
        '  priority: -1',
        '  parallelism: "3"',
        '  concurrency: 1',
        '  concurrency_group: deploy',
        '  secrets: [TOKEN]',
        '  soft_fail: [{exit_status: 1}, {exit_status: [2, 3]}]',
        '  retry:',
        '    automatic: [{exit_status: -1, limit: 2}, {signal_reason: stack_error}, {signal: [kill, term]}]',
        '    manual: {allowed: false, reason: no}',
        '  notify: [github_check]',
      ].join('\n'),
    );

    expect(step).to.deep.include({
      key: 'k',
      label: 'L',
      if: 'build.branch == "main"',
      branches: ['main', 'release/*'],
      dependsOn: [
        { step: 'a', allowFailure: false },
        { step: 'b', allowFailure: true },
      ],
      allowDependencyFailure: true,
      skip: 'too slow',
      artifactPaths: ['a/*', 'b/*'],
      timeoutInMinutes: 5,
      priority: -1,
      parallelism: 3,
      concurrency: 1,
      concurrencyGroup: 'deploy',
      secrets: { TOKEN: 'TOKEN' },
      softFail: [1, 2, 3],
      agents: undefined,
      otherFields: { notify: ['github_check'] },
    });
    expect(step.retry).to.deep.equal({
      automatic: [
        { exitStatus: [-1], signal: '*', signalReason: '*', limit: 2 },
        { exitStatus: '*', signal: '*', signalReason: 'stack_error', limit: 2 },
        { exitStatus: '*', signal: ['kill', 'term'], signalReason: '*', limit: 2 },
      ],
      manual: { allowed: false, permitOnPassed: true, reason: 'no' },
    });
    expect(step.defaults).to.deep.equal({
      env: { A: '1', B: 'yes', C: '1.1', D: '493', E: '' },
      agents: ['queue=q'],
      image: 'alpine',
      secrets: {},
      priority: 0,
    });
  });

  it('tells an absent depends_on from an explicit none', () => {
    expect(command('steps: [{command: a}]').dependsOn).to.equal(undefined);
    expect(command('steps: [{command: a, depends_on: ~}]').dependsOn).to.deep.equal([]);
  });

  it('lays merge keys in, nearest first, and finds the places of merged fields', () => {
    const step = command(
      'x: &x\n  env: {A: x}\n  key: from-x\ny: &y {key: from-y, label: y}\nsteps:\n- <<: [*x, *y]\n  command: c\n  label: own',
    );

    expect(step).to.deep.include({ key: 'from-x', label: 'own', env: { A: 'x' } });
    expect(formatPlace(placeAt(step.source, ['env', 'A']))).to.equal('p.yml:2:9');
  });

  describe('interpolates like the agent', () => {
    it('expands keys, values and plugin configuration, the upload environment before the pipeline env', () => {
      const step = command(
        'env:\n  A: "$BASE-a"\n  B: "$A-b"\n  BASE: mine\nsteps:\n- command: echo $B ${BASE}\n  env: {"$NAME": "$$HOME"}\n  plugins: [{docker#$V: {"$NAME": [$V]}}]\n  parallelism: "$N"',
        {
          BASE: 'theirs',
          NAME: 'K',
          V: 'v1',
          N: '2',
        },
      );

      expect(step).to.deep.include({ command: 'echo theirs-a-b theirs', env: { K: '$HOME' }, parallelism: 2 });
      expect(step.plugins).to.deep.equal([
        {
          name: 'docker#v1',
          source: 'github.com/buildkite-plugins/docker-buildkite-plugin#v1',
          config: { K: ['v1'] },
          path: ['plugins', 0, 'docker#v1'],
        },
      ]);
      expect(step.defaults.env).to.deep.equal({ A: 'theirs-a', B: 'theirs-a-b', BASE: 'mine' });
    });

    it('leaves dollars alone when no environment is given', () => {
      expect(command('steps: [{command: "echo $A $1"}]').command).to.equal('echo $A $1');
    });

    it('says where a variable is missing and where the upload fails, inside block scalars too', () => {
      expect(
        problems(
          "steps:\n- command: |\n    echo $$NAME\n    echo $NAME\n    awk '{print ${2}}'\n- label: a\n  command: echo ${X?why}",
          {},
        ),
      ).to.deep.equal([
        'error 2:12 "${2" cannot be expanded (a variable name begins with a letter); the upload fails. write "$${2" to leave it to the shell'.replace(
          '2:12',
          '5:17',
        ),
        'error 7:17 "X" is required but not set: why; the upload fails. set it, here with --env X=…',
      ]);
      expect(problems('steps:\n- command: |\n    a\n    echo $NAME', {})).to.deep.equal([
        'note 4:10 "NAME" is not set, so it becomes empty here; give it with --env NAME=…',
      ]);
    });
  });

  describe('reports with a place instead of throwing', () => {
    const cases: [text: string, problem: RegExp][] = [
      ['', /^error 1:1 the file is empty/],
      ['just words', /^error 1:1 this is not a pipeline/],
      ['step: [{command: a}]', /^error 1:1 no "steps" found.*did you mean "steps"/],
      ['steps: {command: a}', /^error 1:8 "steps" must be a list/],
      ['steps: ["\\:x\\: a"]', /^error 1:\d+ invalid escape sequence/],
      ['steps:\n- command: a\n  image: {{matrix}}', /^error 3:11 a mapping or list cannot be a key; the upload fails/],
      ['steps: [nope]', /^error 1:9 "nope" is not a step/],
      ['steps:\n- label: a', /^error 2:3 this step is of no known type \(it has "label"\)/],
      ['steps:\n- {type: wat, command: a}', /^error 2:10 step type "wat" does not exist/],
      [
        'steps:\n- command: a\n  timeout_in_minutes: soon',
        /^error 3:23 "timeout_in_minutes" of this command step must be a whole number, not "soon"/,
      ],
      ['steps:\n- command: [[a]]', /^error 2:13 "commands" of this command step must be a string, not a list/],
      ['steps:\n- command: a\n  plugins: docker', /^error 3:12 "plugins" must be a list/],
      [
        'steps:\n- command: a\n  kubernetes: {}',
        /^warning 3:3 unknown step attribute "kubernetes"; Buildkite ignores it/,
      ],
      [
        'steps:\n- command: a\n  key: x\n  key: y',
        /^warning 4:3 duplicate key "key"; this value replaces the one at line 3/,
      ],
      ['a: &a [*a]\nsteps: []', /^error 1:\d+ this value contains itself/],
      ['steps: [*nowhere]', /^error 1:\d+ .*nowhere/],
      ['steps:\n- <<: word\n  command: a', /^error 2:7 "<<" can merge mappings only/],
      ['steps:\n- command: a\n  retry: {automatic: [x]}', /^error 3:23 an automatic retry rule must be a mapping/],
      ['steps:\n- group: g', /^error 2:3 group "g" needs a list of "steps"/],
    ];
    for (const [text, problem] of cases) {
      it(JSON.stringify(text), () => {
        const found = problems(text);

        expect(found.some((line) => problem.test(line))).to.equal(true, found.join('\n'));
      });
    }
  });

  it('gives up politely on an alias bomb', () => {
    const bomb = [
      'a0: &a0 [x, x, x, x, x, x, x, x, x, x]',
      ...Array.from({ length: 9 }, (_, n) => `a${n + 1}: &a${n + 1} [${Array(10).fill(`*a${n}`).join(', ')}]`),
      'steps: []',
    ];

    expect(problems(bomb.join('\n'))[0]).to.match(/aliases of this file expand to more than/);
  });

  it('finds the anchor of each alias without a walk through the file for each', function () {
    this.timeout(4000);
    const count = 10_000;
    const anchors = Array.from({ length: count }, (_, n) => `- &a${n} text ${n}`);
    const steps = Array.from({ length: count }, (_, n) => `- command: *a${n}`);

    const found = problems(['x:', ...anchors, 'steps:', ...steps].join('\n'));

    expect(found).to.deep.equal([]);
  });

  it('says so when values are nested too deeply', () => {
    const [first] = problems(`steps: ${'['.repeat(5000)}${']'.repeat(5000)}`);

    expect(first)
      .to.match(/stand inside each other too deeply/)
      .and.not.match(/not valid YAML/);
  });

  it('does not take a long file for an alias bomb', () => {
    const long = ['steps:', ...Array.from({ length: 1200 }, () => `- command: [${Array(100).fill('x').join()}]`)];

    expect(problems(long.join('\n'))).to.deep.equal([]);
  });

  // eslint-disable-next-line complexity
  it('reads every real pipeline of the corpus: a clean parse, or a problem with its place', function () {
    if (!existsSync(CORPUS)) {
      console.log('      corpus absent: skipped');
      return;
    }
    const env = buildVariables(OFFLINE_BUILD);
    const counts = { files: 0, clean: 0, cleanAsWritten: 0, jobs: 0 };

    for (const file of readdirSync(CORPUS).filter((name) => /\.(ya?ml|json)$/.test(name))) {
      const text = readFileSync(join(CORPUS, file), 'utf8');
      const parsed = parsePipeline(text, { file, env });
      const asWritten = parsePipeline(text, { file });
      counts.files += 1;
      counts.clean += parsed.problems.some((problem) => problem.severity === 'error') ? 0 : 1;
      counts.cleanAsWritten += asWritten.problems.some((problem) => problem.severity === 'error') ? 0 : 1;
      if (parsed.pipeline === undefined)
        expect(
          parsed.problems.map((problem) => problem.severity),
          file,
        ).to.include('error');
      for (const problem of parsed.problems) expect(problem.at.line, file).to.be.within(1, text.split('\n').length);
      for (const step of commandSteps(parsed.pipeline?.steps ?? [])) {
        for (const variant of expandStep(step).variants) {
          const job = stepToJob(variant, { build: OFFLINE_BUILD });
          expect(JSON.parse(job.env.BUILDKITE_PLUGINS ?? '')).to.have.length(step.plugins.length);
          counts.jobs += 1;
        }
      }
    }

    // Python's YAML parser refuses 90 of the 346 files, two more have no steps; the rest must be clean as written.
    expect(counts.files).to.be.at.least(346);
    expect(counts.cleanAsWritten).to.be.at.least(254);
    expect(counts.clean).to.be.at.least(238);
    expect(counts.jobs).to.be.at.least(1000);
  });
});

import { expect } from 'chai';
import fc from 'fast-check';
import { BuildEngine } from '../../../src/sandbox/buildkite/engine.js';
import type { BuildkiteEvent } from '../../../src/sandbox/buildkite/events.js';
import { JobLifecycle } from '../../../src/sandbox/buildkite/lifecycle.js';
import type { Agent, Build, Job } from '../../../src/sandbox/buildkite/model.js';
import { planSteps } from '../../../src/sandbox/buildkite/plan-steps.js';
import { Store } from '../../../src/sandbox/buildkite/store.js';

/** Exit statuses by job title, one an attempt; 0 when nothing is said. */
type Outcomes = Readonly<Record<string, readonly number[]>>;

class World {
  readonly events: BuildkiteEvent[] = [];
  readonly store: Store;
  readonly engine: BuildEngine;
  readonly lifecycle: JobLifecycle;
  readonly #agent: Agent;

  constructor() {
    this.store = new Store({
      seed: 's',
      now: () => 1000,
      organizationSlug: 'o',
      clusterName: 'c',
      queueKeys: ['default'],
    });
    this.engine = new BuildEngine(this.store);
    this.lifecycle = new JobLifecycle(this.store, this.engine, { lostAgentMs: 180_000 });
    this.store.onEvent((event) => this.events.push(event));
    this.#agent = {
      id: 'a',
      name: 'a',
      hostname: '',
      version: '',
      tags: [],
      token: 't',
      ignoreInDispatches: true,
      createdAt: 0,
      connection: 'connected',
      lastSeenAt: 1000,
      paused: false,
    };
  }

  build(pipeline: string, branch = 'main'): Build {
    const definition = { id: 'p', slug: 'p', name: 'p', repository: 'r', defaultBranch: 'main', builds: 0 };
    const build = this.engine.createBuild({
      pipeline: definition,
      branch,
      commit: 'HEAD',
      message: 'fix: it',
      source: 'api',
      env: { TIER: 'gold' },
    });
    this.upload(build, pipeline);
    return build;
  }

  upload(build: Build, pipeline: string, by?: Job): void {
    const planned = planSteps(pipeline, { build, store: this.store });
    if (!planned.ok) throw new Error(planned.error);
    for (const text of planned.value.notes) this.store.emit({ type: 'note', buildId: build.id, text, at: 0 });
    this.engine.addSteps(build, planned.value.steps, by?.step);
  }

  scheduled(): string[] {
    return [...this.store.scheduled].map((job) => job.plan.title);
  }

  take(title: string): Job {
    const job = [...this.store.scheduled].find((candidate) => candidate.plan.title === title);
    if (job === undefined) throw new Error(`"${title}" is not scheduled; scheduled: ${this.scheduled().join(', ')}`);
    this.lifecycle.acquire(job, this.#agent);
    this.lifecycle.start(job);
    return job;
  }

  finish(job: Job, exitStatus: number, signalReason?: string): void {
    this.lifecycle.finish(job, { exitStatus, signalReason, chunksFailed: 0 });
  }

  /** Runs everything, wave by wave; returns the titles of each wave. */
  run(outcomes: Outcomes = {}): string[][] {
    const attempts = new Map<string, number>();
    const waves: string[][] = [];
    for (let wave = this.scheduled(); wave.length > 0; wave = this.scheduled()) {
      waves.push(wave);
      for (const title of wave) {
        const attempt = attempts.get(title) ?? 0;
        attempts.set(title, attempt + 1);
        this.finish(this.take(title), outcomes[title]?.[attempt] ?? 0);
      }
    }
    return waves;
  }

  states(build: Build): Record<string, string> {
    return Object.fromEntries(build.steps.flatMap((step) => step.jobs).map((job) => [job.plan.title, job.state]));
  }

  notes(): string[] {
    return this.events.flatMap((event) => (event.type === 'note' ? [event.text] : []));
  }
}

const step = (key: string, more = ''): string =>
  `  - { command: "${key}", key: ${key}${more === '' ? '' : `, ${more}`} }\n`;

interface Case {
  readonly name: string;
  readonly steps: string;
  readonly outcomes?: Outcomes;
  readonly waves: readonly (readonly string[])[];
  readonly state: string;
  readonly never?: readonly string[];
}

const CASES: readonly Case[] = [
  { name: 'runs steps without order at once', steps: step('a') + step('b'), waves: [['a', 'b']], state: 'passed' },
  {
    name: 'stops at a wait until all before are done',
    steps: step('a') + step('b') + '  - wait\n' + step('c'),
    waves: [['a', 'b'], ['c']],
    state: 'passed',
  },
  {
    name: 'does not pass a wait after a failure',
    steps: step('a') + '  - wait\n' + step('c'),
    outcomes: { a: [1] },
    waves: [['a']],
    state: 'failed',
    never: ['c'],
  },
  {
    name: 'passes a wait with continue_on_failure, and only that one',
    steps:
      step('a') +
      '  - wait\n' +
      step('b') +
      '  - wait: ~\n    continue_on_failure: true\n' +
      step('c') +
      '  - wait\n' +
      step('d'),
    outcomes: { a: [1] },
    waves: [['a'], ['c']],
    state: 'failed',
    never: ['b', 'd'],
  },
  {
    name: 'orders by depends_on alone',
    steps: step('c', 'depends_on: [a, b]') + step('a') + step('b', 'depends_on: a'),
    waves: [['a'], ['b'], ['c']],
    state: 'passed',
  },
  {
    name: 'lets depends_on pass a wait',
    steps: step('a') + step('slow') + '  - wait\n' + step('b', 'depends_on: a') + step('c'),
    waves: [
      ['a', 'slow'],
      ['b', 'c'],
    ],
    state: 'passed',
  },
  {
    name: 'lets an empty depends_on start at once',
    steps: step('a') + '  - wait\n' + step('b', 'depends_on: []'),
    waves: [['a', 'b']],
    state: 'passed',
  },
  {
    name: 'does not run what depends on a failure',
    steps: step('a') + step('b', 'depends_on: a') + step('c', 'depends_on: b'),
    outcomes: { a: [2] },
    waves: [['a']],
    state: 'failed',
    never: ['b', 'c'],
  },
  {
    name: 'runs it with allow_dependency_failure',
    steps: step('a') + step('b', 'depends_on: a, allow_dependency_failure: true'),
    outcomes: { a: [2] },
    waves: [['a'], ['b']],
    state: 'failed',
  },
  {
    name: 'runs it with allow_failure on the dependency',
    steps: step('a') + step('b', 'depends_on: [{ step: a, allow_failure: true }]'),
    outcomes: { a: [2] },
    waves: [['a'], ['b']],
    state: 'failed',
  },
  {
    name: 'takes a soft failure for good',
    steps: step('a', 'soft_fail: [{ exit_status: 3 }]') + '  - wait\n' + step('b'),
    outcomes: { a: [3] },
    waves: [['a'], ['b']],
    state: 'passed',
  },
  {
    name: 'takes another status than the soft one for bad',
    steps: step('a', 'soft_fail: [{ exit_status: 3 }]') + '  - wait\n' + step('b'),
    outcomes: { a: [4] },
    waves: [['a']],
    state: 'failed',
    never: ['b'],
  },
  {
    name: 'retries up to two times by default',
    steps: step('a', 'retry: { automatic: true }'),
    outcomes: { a: [1, 1, 0] },
    waves: [['a'], ['a'], ['a']],
    state: 'passed',
  },
  {
    name: 'gives up after the limit',
    steps: step('a', 'retry: { automatic: [{ exit_status: "*", limit: 1 }] }'),
    outcomes: { a: [1, 1, 0] },
    waves: [['a'], ['a']],
    state: 'failed',
  },
  {
    name: 'retries the listed statuses only',
    steps: step('a', 'retry: { automatic: [{ exit_status: [7, 8], limit: 3 }] }'),
    outcomes: { a: [8, 1, 0] },
    waves: [['a'], ['a']],
    state: 'failed',
  },
  {
    name: 'lets the steps behind a wait wait for the retry',
    steps: step('a', 'retry: { automatic: { exit_status: 1, limit: 1 } }') + '  - wait\n' + step('b'),
    outcomes: { a: [1, 0] },
    waves: [['a'], ['a'], ['b']],
    state: 'passed',
  },
  {
    name: 'expands a matrix',
    steps: '  - { label: "t {{matrix}}", command: "x {{matrix}}", matrix: [p, q] }\n',
    waves: [['t p', 't q']],
    state: 'passed',
  },
  {
    name: 'fails when one of the matrix fails',
    steps: '  - { label: t, command: "x {{matrix}}", matrix: [p, q] }\n',
    outcomes: { 't (q)': [1] },
    waves: [['t (p)', 't (q)']],
    state: 'failed',
  },
  {
    name: 'numbers parallel jobs',
    steps: step('a', 'parallelism: 3'),
    waves: [['a 1/3', 'a 2/3', 'a 3/3']],
    state: 'passed',
  },
  {
    name: 'holds the limit of a concurrency group',
    steps: step('a', 'parallelism: 3, concurrency: 2, concurrency_group: g'),
    waves: [['a 1/3', 'a 2/3'], ['a 3/3']],
    state: 'passed',
  },
  {
    name: 'runs a group when its dependencies are done, with its own waits inside',
    steps:
      step('a') +
      '  - group: g\n    key: g\n    depends_on: a\n    steps:\n' +
      '      - { command: g1, key: g1 }\n      - wait\n      - { command: g2, key: g2 }\n' +
      step('z', 'depends_on: g') +
      step('y'),
    waves: [['a', 'y'], ['g1'], ['g2'], ['z']],
    state: 'passed',
  },
  {
    name: 'leaves out skipped steps, and lets others depend on them',
    steps: step('a', 'skip: true') + step('b', 'depends_on: a'),
    waves: [['b']],
    state: 'passed',
    never: ['a'],
  },
  {
    name: 'leaves out steps of other branches',
    steps: step('a', 'branches: "release/*"') + step('b', 'branches: "!dev"'),
    waves: [['b']],
    state: 'passed',
    never: ['a'],
  },
  {
    name: 'leaves out steps whose condition is false',
    steps: step('a', `if: "build.branch != 'main'"`) + step('b', 'if: build.message =~ /^fix/'),
    waves: [['b']],
    state: 'passed',
    never: ['a'],
  },
  {
    name: 'unblocks block steps',
    steps: step('a') + '  - block: Release?\n' + step('b'),
    waves: [['a'], ['b']],
    state: 'passed',
  },
  {
    name: 'passes a pipeline of trigger steps without running them',
    steps: '  - trigger: other\n' + step('a'),
    waves: [['a']],
    state: 'passed',
  },
  {
    name: 'fails what waits for a key nobody has',
    steps: step('a') + step('b', 'depends_on: nobody'),
    waves: [['a']],
    state: 'failed',
    never: ['b'],
  },
  {
    name: 'ends a circle of dependencies',
    steps: step('a', 'depends_on: b') + step('b', 'depends_on: a'),
    waves: [],
    state: 'failed',
    never: ['a', 'b'],
  },
];

describe('the build engine', () => {
  for (const { name, steps, outcomes, waves, state, never } of CASES) {
    it(name, () => {
      const world = new World();

      const build = world.build(`steps:\n${steps}`);
      const ran = world.run(outcomes);

      expect(ran).to.eql(waves);
      expect(build.state).to.equal(state);
      const states = world.states(build);
      for (const title of never ?? [])
        expect(states[title], title).to.be.oneOf(['skipped', 'broken', 'waiting_failed']);
      const ends = world.events.filter((event) => event.type === 'build-finished');
      expect(ends).to.have.length(1);
    });
  }

  it('makes a retry a new job that knows its number and its origin', () => {
    const world = new World();
    const build = world.build(`steps:\n${step('a', 'retry: { automatic: true }')}`);

    world.run({ a: [1, 0] });

    const [first, second] = build.steps[0]!.jobs;
    expect(first!.retriedInJobId).to.equal(second!.id);
    expect(second).to.include({ retryOf: first!.id, retriesCount: 1 });
    expect([first!.starts, first!.finishes, second!.starts, second!.finishes]).to.eql([1, 1, 1, 1]);
  });

  it('matches retry rules on the signal reason', () => {
    const world = new World();
    const rule = 'retry: { automatic: [{ exit_status: -1, signal_reason: stack_error, limit: 1 }] }';
    const build = world.build(`steps:\n${step('a', rule)}${step('b', rule)}`);

    world.finish(world.take('a'), -1, 'process_run_error');
    world.lifecycle.finishByStack(world.take('b'), -1, 'no image');

    expect(build.steps.map((candidate) => candidate.jobs.length)).to.eql([1, 2]);
  });

  it('puts uploaded steps behind the step that uploads them, before the next wait', () => {
    const world = new World();
    const build = world.build(`steps:\n${step('up')}  - wait\n${step('last')}`);
    const uploader = world.take('up');

    world.upload(build, `steps:\n${step('new1')}  - wait\n${step('new2')}`, uploader);
    const during = world.scheduled();
    world.finish(uploader, 0);
    const waves = world.run();

    expect(during).to.eql(['new1']);
    expect(waves).to.eql([['new1'], ['new2'], ['last']]);
    expect(build.state).to.equal('passed');
  });

  it('cancels a build: what waits ends at once, what runs through its agent, nothing is retried', () => {
    const world = new World();
    const build = world.build(`steps:\n${step('a', 'retry: { automatic: true }')}${step('b')}  - wait\n${step('c')}`);
    const job = world.take('a');

    world.lifecycle.cancelBuild(build);
    const before = { ...world.states(build), build: build.state };
    world.finish(job, -1, 'cancel');

    expect(before).to.eql({ a: 'canceling', b: 'canceled', c: 'canceled', build: 'canceling' });
    expect(world.states(build)).to.eql({ a: 'canceled', b: 'canceled', c: 'canceled' });
    expect(build.state).to.equal('canceled');
  });

  it('cancels on a failing build what asks for it, and nothing else', () => {
    const world = new World();
    const build = world.build(`steps:\n${step('a')}${step('b', 'cancel_on_build_failing: true')}${step('c')}`);
    const [a, b] = [world.take('a'), world.take('b')];

    world.finish(a, 1);

    expect(world.states(build)).to.eql({ a: 'finished', b: 'canceling', c: 'scheduled' });
    expect(b.build.state).to.equal('failing');
  });

  it('says what it does differently: triggers, blocks, conditions beyond it', () => {
    const world = new World();
    world.build(
      `steps:\n  - trigger: other\n  - block: Go?\n    fields: [{ text: Who, key: who, default: me }]\n${step('a', 'if: build.creator.name == "x"')}`,
    );

    const waves = world.run();

    expect(waves).to.eql([['a']]);
    expect(world.notes().map((note) => note.split(':')[0])).to.eql([
      'step "a" runs',
      'trigger step "other" is not run',
      'block step "Go?" is unblocked at once',
    ]);
  });

  it('refuses a pipeline Buildkite would refuse', () => {
    const world = new World();

    expect(() => world.build('steps: 5\n')).to.throw(/pipeline\.yml:1:/);
  });

  it('gives the default answers of a block step as meta-data', () => {
    const world = new World();

    const build = world.build('steps:\n  - block: Go?\n    fields:\n      - { text: Who, key: who, default: me }\n');

    expect([...build.metaData]).to.eql([['who', 'me']]);
    expect(build.state).to.equal('passed');
  });

  it('holds a concurrency group across builds', () => {
    const world = new World();
    const text = `steps:\n${step('a', 'concurrency: 1, concurrency_group: deploy')}`;
    world.build(text);
    const second = world.build(text);

    const first = world.take('a');
    const while1 = second.steps[0]!.jobs[0]!.state;
    world.finish(first, 0);

    expect(while1).to.equal('limited');
    expect(second.steps[0]!.jobs[0]!.state).to.equal('scheduled');
  });

  it('ends every build once, whatever its shape: each job runs at most once, nothing is left open', () => {
    const anyStep = fc.record({
      kind: fc.constantFrom('command', 'command', 'command', 'wait', 'wait-anyway', 'block'),
      dependsOn: fc.option(fc.array(fc.nat(9), { maxLength: 2 }), { nil: undefined }),
      retries: fc.nat(2),
      soft: fc.boolean(),
      parallelism: fc.integer({ min: 1, max: 3 }),
      limited: fc.boolean(),
      statuses: fc.array(fc.nat(2), { maxLength: 3 }),
    });
    type AnyStep = typeof anyStep extends fc.Arbitrary<infer T> ? T : never;
    const toJson = (one: AnyStep, index: number): unknown => {
      const depends_on = one.dependsOn?.map((target) => `s${target}`);
      if (one.kind === 'wait') return { wait: null };
      if (one.kind === 'wait-anyway') return { wait: null, continue_on_failure: true };
      if (one.kind === 'block') return { block: 'go', key: `s${index}`, depends_on };
      return {
        command: 'x',
        key: `s${index}`,
        depends_on,
        parallelism: one.parallelism,
        soft_fail: one.soft,
        retry: { automatic: [{ exit_status: 1, limit: one.retries }] },
        ...(one.limited ? { concurrency: 1, concurrency_group: 'g' } : {}),
      };
    };
    fc.assert(
      fc.property(fc.array(anyStep, { minLength: 1, maxLength: 8 }), (shape) => {
        const world = new World();
        const build = world.build(JSON.stringify({ steps: shape.map(toJson) }));
        const outcomes = Object.fromEntries(
          shape.flatMap((one, index) =>
            [1, 2, 3].map((part) => [`s${index} ${part}/${one.parallelism}`, one.statuses]),
          ),
        );

        world.run(outcomes);

        const jobs = build.steps.flatMap((one) => one.jobs);
        const failed = build.steps.some((one) => one.status === 'failed');
        expect(world.events.filter((event) => event.type === 'build-finished')).to.have.length(1);
        expect(build.state).to.equal(failed ? 'failed' : 'passed');
        for (const job of jobs) {
          expect(job.state).to.be.oneOf(['finished', 'waiting_failed']);
          expect([job.starts, job.finishes]).to.eql(job.state === 'finished' ? [1, 1] : [0, 0]);
        }
      }),
      { numRuns: 200 },
    );
  });
});

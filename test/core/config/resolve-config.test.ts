import { expect } from 'chai';
import type { ControllerConfig } from '../../../src/core/config/config.js';
import { formatOrigin } from '../../../src/core/config/config-problem.js';
import { chosenJobSource } from '../../../src/core/config/resolve-config.js';
import { configOf, type Layers, problemsOf, resolved, warningsOf } from './resolve.js';

interface Precedence {
  readonly says: string;
  readonly layers: Layers;
  readonly expected: Partial<ControllerConfig>;
}

describe('resolveConfig: precedence', () => {
  const yaml = 'max-in-flight: 7\ndebug: true\nqueue: file\njob-ttl: 1m\ntags: [os=file]\n';
  const environment = { MAX_IN_FLIGHT: '8', DEBUG: 'true', QUEUE: 'env', JOB_TTL: '2m', TAGS: 'os=env' };
  const table: readonly Precedence[] = [
    { says: 'defaults when nothing is given', layers: {}, expected: { maxInFlight: 25, queue: '', debug: false } },
    {
      says: 'the file beats the defaults',
      layers: { yaml },
      expected: { maxInFlight: 7, debug: true, queue: 'file', jobTtlMs: 60_000, tags: ['os=file'] },
    },
    {
      says: 'the environment beats the file',
      layers: { yaml, environment },
      expected: { maxInFlight: 8, debug: true, queue: 'env', jobTtlMs: 120_000, tags: ['os=env'] },
    },
    {
      says: 'flags beat the environment',
      layers: {
        ...{ yaml, environment },
        flags: { 'max-in-flight': '9', queue: 'flag', 'job-ttl': '3m', tags: 'os=flag' },
      },
      expected: { maxInFlight: 9, debug: true, queue: 'flag', jobTtlMs: 180_000, tags: ['os=flag'] },
    },
    {
      says: 'zero, false and empty from the file',
      layers: {
        yaml: 'max-in-flight: 0\nenable-completion-watcher: false\nprofiler-address: ""\njob-ttl: 0\ntags: []',
      },
      expected: { maxInFlight: 0, enableCompletionWatcher: false, profilerAddress: '', jobTtlMs: 0, tags: [] },
    },
    {
      says: 'zero, false and empty from the environment over the file',
      layers: { yaml, environment: { MAX_IN_FLIGHT: '0', DEBUG: 'false', QUEUE: '', JOB_TTL: '0s', TAGS: '' } },
      expected: { maxInFlight: 0, debug: false, queue: '', jobTtlMs: 0, tags: [] },
    },
    {
      says: 'zero, false and empty from flags over the environment',
      layers: {
        environment,
        flags: { 'max-in-flight': '0', debug: 'false', queue: '', 'job-ttl': '0', tags: '' },
      },
      expected: { maxInFlight: 0, debug: false, queue: '', jobTtlMs: 0, tags: [] },
    },
    {
      says: 'flag aliases and further variables',
      layers: { flags: { 'graph-ql-endpoint': 'https://a.example' }, environment: { CLUSTER_UUID: 'c', ORG: 'o' } },
      expected: { graphqlEndpoint: 'https://a.example', clusterUuid: 'c', org: 'o' },
    },
    {
      says: 'the id from its own variable and not from ID',
      layers: { environment: { ID: 'no', BUILDKITE_K8S_STACK_CONTROLLER_ID: 'yes' } },
      expected: { id: 'yes' },
    },
    {
      says: 'repeated list flags add up',
      layers: { flags: { tags: ['a=1,b=2', 'c=3'] } },
      expected: { tags: ['a=1', 'b=2', 'c=3'] },
    },
    {
      says: 'a rate limit of the file taken back by a flag',
      layers: { yaml: 'k8s-client-rate-limiter-qps: 10', flags: { 'k8s-client-rate-limiter-qps': '0' } },
      expected: { k8sClientRateLimiterQps: undefined },
    },
    {
      says: 'a poll interval below 1s is raised',
      layers: { yaml: 'poll-interval: 10ms' },
      expected: { pollIntervalMs: 1000 },
    },
  ];

  for (const { says, layers, expected } of table) {
    it(says, () => {
      const config = configOf(layers);

      expect(config).to.deep.include(expected);
    });
  }

  it('replaces a whole top-level key', () => {
    const config = configOf({ yaml: 'agent-config: {no-pty: true}' });

    expect(config.agentConfig).to.deep.equal({ 'no-pty': true });
  });

  it('says where every value comes from', () => {
    const { origins } = resolved({ yaml: '\nqueue: a', environment: { DEBUG: '1' }, flags: { org: 'x' } });

    const places = [origins.queue, origins.debug, origins.org, origins.image].map(formatOrigin);
    expect(places).to.deep.equal(['config.yaml:2:8', 'variable DEBUG', '--org', 'default']);
  });

  it('freezes the configuration to its depths', () => {
    const { podSpecPatch } = configOf({ yaml: 'pod-spec-patch: {nodeSelector: {a: b}}' });

    expect(Object.isFrozen(podSpecPatch?.['nodeSelector'])).to.equal(true);
  });

  for (const [written, ms] of [
    ['5m', 300_000],
    ['90_000_000_000', 90_000],
    ['0', 0],
  ] as const) {
    it(`gives the duration ${written} inside a section in milliseconds`, () => {
      const { agentConfig } = configOf({ yaml: `agent-config: {container-start-timeout: ${written}}` });

      expect(agentConfig).to.deep.equal({ 'container-start-timeout': ms });
    });
  }

  it('refuses a duration inside a section that forgot its unit', () => {
    const problems = problemsOf({ yaml: 'agent-config: {container-start-timeout: 300}' });

    expect(problems.join()).to.contain('did you mean "300s"?');
  });

  it('keeps nulls and directives of pod-spec-patch', () => {
    const { podSpecPatch } = configOf({
      yaml: 'pod-spec-patch: {serviceAccountName: null, containers: [{name: agent, $patch: delete}]}',
    });

    expect(podSpecPatch).to.deep.equal({ serviceAccountName: null, containers: [{ name: 'agent', $patch: 'delete' }] });
  });
});

describe('resolveConfig: problems', () => {
  const table: readonly (readonly [says: string, layers: Layers, problems: readonly (string | RegExp)[]])[] = [
    [
      'all layers at once, each with its place',
      {
        yaml: 'image: ""\nmax-inflight: 3\nlog-level: loud',
        environment: { PROMETHEUS_PORT: '99999' },
        flags: { 'job-ttl': '1d', debug: 'maybe' },
      },
      [
        'config.yaml:1:8: "image" must not be empty',
        'config.yaml:2:1: unknown key "max-inflight": write it "max-in-flight"',
        'config.yaml:3:12: "log-level" cannot be "loud": use one of debug, info, warn, error',
        'variable PROMETHEUS_PORT: "prometheus-port" cannot be 99999: use a whole number from 0 to 65535',
        /^--job-ttl: "job-ttl" cannot be "1d": use a duration such as 30s or 1h30m from 0s to /,
        '--debug: "debug" cannot be "maybe": use true or false',
      ],
    ],
    [
      'a bad value that a stronger layer replaces',
      { yaml: 'max-in-flight: -1', flags: { 'max-in-flight': '3' } },
      [/-1/],
    ],
    ['text for a number', { yaml: 'max-in-flight: "3"' }, [/"max-in-flight" cannot be "3"/]],
    ['a number for text', { yaml: 'namespace: 5' }, [/use text that is not empty; put it in quotes$/]],
    [
      'a trap behind a wrong type',
      { yaml: 'queue: no' },
      [/"queue" cannot be false: use text.*\("no" is read as the boolean false/],
    ],
    [
      'a key in the wrong case',
      { yaml: 'Namespace: x\nmaxInFlight: 1' },
      [/write it "namespace"/, /write it "max-in-flight"/],
    ],
    ['a mistyped key', { yaml: 'namespce: x' }, [/did you mean "namespace"\?/]],
    ['a mistyped word', { yaml: 'log-format: jsn' }, [/did you mean "json"\?/]],
    ['a removed key', { yaml: 'experimental-stacks-api-support: true' }, [/removed in v0\.33/]],
    ['a duration without unit', { yaml: 'job-ttl: 600' }, [/did you mean 600s\?/]],
    ['a duration beyond int32 seconds', { yaml: 'job-ttl: 700000h' }, [/"job-ttl" cannot be "700000h"/]],
    ['a negative duration', { flags: { 'job-ttl': '-5s' } }, [/"job-ttl" cannot be "-5s"/]],
    ['a secret', { yaml: 'buildkite-token: [hunter2]' }, [/"buildkite-token" cannot be what is given \(hidden\)/]],
    ['a secret that looks like an alias', { yaml: 'buildkite-token: *hunter2' }, [/alias/]],
    ['a flag that is no key', { flags: { queu: 'x' } }, [/^--queu: unknown key "queu"; did you mean "queue"\?/]],
    ['a secret that YAML reads as a number', { yaml: 'buildkite-token: 0123' }, [/is given \(hidden\): use text$/]],
    [
      'an image that is no reference',
      { yaml: 'image: Registry.example.com/Agent:3' },
      [/"image" cannot be .*lowercase/],
    ],
    ['a flag of a key of the file', { flags: { 'agent-config': '{}' } }, [/^--agent-config: .*in the file only$/]],
    ['a long prefix', { yaml: `job-prefix: ${'a'.repeat(28)}` }, [/"job-prefix" has 28 characters/]],
    ['a prefix that is no name', { yaml: 'job-prefix: Team_A-' }, [/"job-prefix" cannot be "Team_A-"/]],
    ['a namespace that is no name', { yaml: 'namespace: My.Space' }, [/"namespace" cannot be "My\.Space"/]],
    ['an id that is no label', { yaml: 'id: "a b"' }, [/"id" cannot be "a b"/]],
    [
      'a tag without =',
      { yaml: 'tags:\n  - queue=a\n  - linux' },
      [/^config\.yaml:3:5: tag "linux" is not of the form key=value/],
    ],
    [
      'an unknown pull policy',
      { yaml: 'default-image-pull-policy: always' },
      [/use one of "", Always, .*did you mean "Always"\?/],
    ],
    ['a profiler address without port', { yaml: 'profiler-address: localhost' }, [/use host:port/]],
    ['an endpoint that is no URL', { yaml: 'agent-config: {endpoint: agent.buildkite.com}' }, [/use a URL/]],
    ['a quantity that is none', { yaml: 'image-check-container-cpu-limit: lots' }, [/use a Kubernetes quantity/]],
    ['GraphQL without its keys', { yaml: 'job-source: graphql' }, [/needs "org"/, /needs "buildkite-token"/]],
    [
      'two agent volumes of one name',
      { yaml: 'agent-config: {hooksVolume: {name: a}, pluginsVolume: {name: a}}' },
      [/called "a"/],
    ],
    [
      'args in the patch',
      { yaml: 'pod-spec-patch: {containers: [{name: a, args: [x]}]}' },
      [/containers\[0\]\.args" is not supported/],
    ],
    [
      'an unknown field in a section',
      { yaml: 'agent-config:\n  experiments: [a]' },
      [/^config\.yaml:2:3: .*unknown field "experiments"; did you mean "experiment"\?/],
    ],
    ['a file that is a list', { yaml: '- a' }, [/holds a list/]],
    ['text that is no YAML', { yaml: 'a: [1\nb: 2' }, [/^config\.yaml:2:1: not valid YAML: /]],
  ];

  for (const [says, layers, expected] of table) {
    it(`refuses ${says}`, () => {
      const problems = problemsOf(layers);

      expect(problems.join('\n')).to.not.include('hunter2');
      for (const [index, problem] of expected.entries()) {
        if (typeof problem === 'string') expect(problems[index]).to.equal(problem);
        else expect(problems[index]).to.match(problem);
      }
      expect(problems).to.have.length(expected.length);
    });
  }

  const accepted: readonly (readonly [says: string, layers: Layers])[] = [
    [
      'a command in the patch with the unsafe option',
      {
        yaml: 'allow-pod-spec-patch-unsafe-command-modification: true\npod-spec-patch: {containers: [{name: a, command: [x]}]}',
      },
    ],
    [
      'a command of an init container in the patch',
      { yaml: 'pod-spec-patch: {initContainers: [{name: a, command: [x]}]}' },
    ],
    ['a prefix of 27 characters', { yaml: `job-prefix: ${'a'.repeat(27)}` }],
    ['a profiler address without host', { yaml: 'profiler-address: ":6060"' }],
    ['no id', { yaml: 'id: ""' }],
    ['nanoseconds as the Go controller takes them', { yaml: 'job-ttl: 600000000000' }],
    ['GraphQL with its keys', { yaml: 'job-source: graphql\norg: o', environment: { BUILDKITE_TOKEN: 't' } }],
  ];
  for (const [says, layers] of accepted) {
    it(`accepts ${says}`, () => {
      expect(problemsOf(layers)).to.deep.equal([]);
    });
  }
});

describe('resolveConfig: warnings', () => {
  const table: readonly (readonly [says: string, layers: Layers, warning: RegExp])[] = [
    [
      'an empty variable that cannot be empty',
      { environment: { MAX_IN_FLIGHT: '' } },
      /^variable MAX_IN_FLIGHT: .* ignored/,
    ],
    ['an empty variable for a required text', { environment: { NAMESPACE: '' } }, /^variable NAMESPACE: .* ignored/],
    [
      'a link to a Service',
      { environment: { PROMETHEUS_PORT: 'tcp://10.0.0.1:9090' } },
      /link to a Kubernetes Service/,
    ],
    ['a key without effect', { yaml: 'enable-queue-pause: true' }, /"enable-queue-pause" has no effect/],
    ['a key for tests of the Go controller', { yaml: 'integration-test-buildkite-token: x' }, /has no effect/],
    ['a key without value', { yaml: 'max-in-flight:' }, /the default stays/],
    ['a nested key in another case', { yaml: 'default-metadata: {Labels: {a: b}}' }, /must be written "labels"/],
    [
      'a token without organization',
      { environment: { BUILDKITE_TOKEN: 't' } },
      /^variable BUILDKITE_TOKEN: .*Stacks API is used/,
    ],
    ['an organization without token', { yaml: 'org: o' }, /"org" has no effect/],
    ['queue and tag that disagree', { yaml: 'queue: a\ntags: [queue=b]' }, /beats the tag/],
    ['a short poll interval', { yaml: 'poll-interval: 0' }, /1s is used/],
    [
      'one tag with two values, of which the last one counts',
      { flags: { tags: 'queue=a,queue=b' } },
      /^--tags: tag "queue" is given as "a" and as "b": .* the last one counts/,
    ],
  ];

  for (const [says, layers, warning] of table) {
    it(`warns of ${says}`, () => {
      const warnings = warningsOf(layers);

      expect(warnings).to.have.length(1);
      expect(warnings[0]).to.match(warning);
    });
  }

  it('takes NO_COLOR as no-color.org has it', () => {
    const read = (value: string): boolean => configOf({ environment: { NO_COLOR: value } }).noColor;

    expect([read('1'), read('please'), read(''), read('0')]).to.deep.equal([true, true, false, false]);
    expect(warningsOf({ environment: { NO_COLOR: '' } })).to.deep.equal([]);
  });
});

describe('resolveConfig: settings', () => {
  it('beat all other layers and may set what only the file can', () => {
    const config = configOf({
      yaml: 'queue: file\npod-spec-patch: {nodeSelector: {a: b}}',
      flags: { queue: 'flag' },
      settings: [
        'queue=set',
        'max-in-flight=0',
        'pod-spec-patch={serviceAccountName: ci}',
        'workspace-mount-sub-path-expr=a=b',
      ],
    });

    expect(config).to.deep.include({
      ...{ queue: 'set', maxInFlight: 0, workspaceMountSubPathExpr: 'a=b' },
      podSpecPatch: { serviceAccountName: 'ci' },
    });
  });

  it('are refused with the setting they stand in', () => {
    const problems = problemsOf({
      settings: ['que=a', 'tags', 'log-level=loud', 'agent-config={shel: x}', 'agent-config.shell=x', '=x'],
    });

    expect(problems).to.have.length(6);
    expect(problems[0]).to.equal('--set que: unknown key "que"; did you mean "queue"?');
    expect(problems[1]).to.equal('--set tags: "tags" is not of the form key=value');
    expect(problems[2]).to.match(/^--set log-level: "log-level" cannot be "loud"/);
    expect(problems[3]).to.match(/^--set agent-config: .*unknown field "shel"; did you mean "shell"\?/);
    expect(problems[4]).to.contain("a section is set as a whole: agent-config='{shell: …}'");
    expect(problems[5]).to.equal('--set : "=x" is not of the form key=value');
  });
});

describe('chosenJobSource', () => {
  it('is GraphQL when a token and an organization are given, and what job-source says otherwise', () => {
    const chosen = (yaml: string): string => chosenJobSource(configOf({ yaml }));

    expect(chosen('')).to.equal('stacks');
    expect(chosen('org: o\nbuildkite-token: t')).to.equal('graphql');
    expect(chosen('buildkite-token: t')).to.equal('stacks');
    expect(chosen('org: o\nbuildkite-token: t\njob-source: stacks')).to.equal('stacks');
  });
});

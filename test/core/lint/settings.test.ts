import { Ajv } from 'ajv';
import { expect } from 'chai';
import { formatProblem } from '../../../src/core/config/config-problem.js';
import { levelsFor } from '../../../src/core/lint/rule-levels.js';
import { DEFAULT_SETTINGS, readLintSettings } from '../../../src/core/lint/settings.js';
import { settingsJsonSchema, SETTINGS_PROPERTIES } from '../../../src/core/lint/settings-schema.js';
import { ruleNamed } from '../../support/findings.js';

const RULES = ['pod/unknown-key', 'pod/enum', 'image/reference'];

function problemsOf(text: string): readonly string[] {
  const read = readLintSettings(text, 's.yaml', RULES);
  return read.ok ? [] : read.error.map(formatProblem);
}

const COMPLETE = `
preset: strict
rules: { pod/unknown-key: off, "pod/*": warning }
overrides:
  - files: [old/**]
    preset: recommended
    rules: { image/reference: info }
ignore: [vendor/]
known-env: [DEPLOY]
no-interpolation: true
require-ignore-reason: false
max-warnings: 3
fail-on: warning
queues: [linux]
images-without-shell: ["*/distroless*"]
baseline: baseline.json
config: c.yaml
facts: f.json
agent-version: 3.136.2
controller-version: "0.47.0"
kubernetes-version: "1.36"
`;

describe('lint settings', () => {
  it('are read whole', () => {
    const read = readLintSettings(COMPLETE, 's.yaml', RULES);

    expect(read).to.deep.equal({
      ok: true,
      value: {
        preset: 'strict',
        rules: { 'pod/unknown-key': 'off', 'pod/*': 'warning' },
        overrides: [{ files: ['old/**'], preset: 'recommended', rules: { 'image/reference': 'info' } }],
        ignore: ['vendor/'],
        knownEnv: ['DEPLOY'],
        interpolate: false,
        requireIgnoreReason: false,
        maxWarnings: 3,
        failOn: 'warning',
        queues: ['linux'],
        imagesWithoutShell: ['*/distroless*'],
        baseline: 'baseline.json',
        config: 'c.yaml',
        facts: 'f.json',
        agentVersion: '3.136.2',
        controllerVersion: '0.47.0',
        kubernetesVersion: '1.36',
      },
    });
  });

  it('may be empty', () => {
    for (const text of ['', '# nothing\n', '---\n']) {
      expect(readLintSettings(text, 's.yaml', RULES)).to.deep.equal({ ok: true, value: DEFAULT_SETTINGS });
    }
  });

  const wrong: readonly (readonly [string, string, readonly RegExp[]])[] = [
    ['an unknown key', 'presett: strict\n', [/^s\.yaml:1:1: .*unknown field "presett"; did you mean "preset"\?/]],
    ['an unknown value', 'preset: strickt\n', [/^s\.yaml:1:9: .*did you mean "strict"\?/]],
    [
      'an unknown rule',
      'rules:\n  pod/unknown-keys: off\n',
      [/^s\.yaml:2:3: unknown rule .*did you mean "pod\/unknown-key"\?/],
    ],
    ['a rule without its area', 'rules: { enum: off }\n', [/did you mean "pod\/enum"\?/]],
    ['an unknown area', 'rules: { "images/*": off }\n', [/did you mean "image\/\*"\?/]],
    ['an unknown severity', 'rules: { pod/enum: warn }\n', [/^s\.yaml:1:20: .*did you mean "warning"\?/]],
    [
      'a rule in an override',
      'overrides:\n  - files: [a]\n    rules: { pod/enom: off }\n',
      [/^s\.yaml:3:14: unknown rule/],
    ],
    ['an override of nothing', 'overrides:\n  - rules: { pod/enum: off }\n', [/^s\.yaml:2:5: .*"files" is required/]],
    ['a wrong type', 'max-warnings: many\nignore: vendor\n', [/^s\.yaml:1:15: .*an integer/, /^s\.yaml:2:9: .*a list/]],
    ['a repeated key', 'preset: strict\npreset: strict\n', [/^s\.yaml:2:1: not valid YAML/]],
    ['broken YAML', 'rules: [\n', [/^s\.yaml:\d+:\d+: not valid YAML/]],
    ['a list', '- a\n', [/must hold settings/]],
    ['a number as version', 'kubernetes-version: 1.36\n', [/^s\.yaml:1:21: .*quote it/]],
  ];
  for (const [name, text, expected] of wrong) {
    it(`refuse ${name}`, () => {
      const problems = problemsOf(text);

      expect(problems).to.have.length(expected.length);
      for (const [index, pattern] of expected.entries()) expect(problems[index]).to.match(pattern);
    });
  }

  it('have a schema that agrees with the reader', () => {
    const schema = settingsJsonSchema(RULES.map(ruleNamed));
    const isValid = new Ajv({ strict: false }).compile(schema);

    expect(Object.keys(schema['properties'] as object)).to.deep.equal(Object.keys(SETTINGS_PROPERTIES));
    expect(
      isValid({ rules: { 'pod/enum': 'off', 'image/*': 'info' }, overrides: [{ files: ['a'], rules: {} }] }),
    ).to.equal(true);
    for (const bad of [
      { presett: 1 },
      { rules: { 'pod/x': 'off' } },
      { rules: { 'pod/enum': 'x' } },
      { overrides: [{}] },
    ]) {
      expect(isValid(bad), JSON.stringify(bad)).to.equal(false);
    }
  });
});

describe('levels of rules', () => {
  const settings = {
    preset: 'recommended',
    rules: { 'pod/*': 'info', 'pod/enum': 'warning' },
    overrides: [
      { files: ['a'], preset: 'strict', rules: { 'pod/*': 'off' } },
      { files: ['a', 'b'], preset: undefined, rules: { 'image/reference': 'info' } },
    ],
  } as const;
  const matches = (file: string, globs: readonly string[]) => globs.includes(file);
  const none = { preset: undefined, rules: {} };

  const cases = [
    ['c', 'pod/enum', 'warning', 'an id beats its area'],
    ['c', 'pod/unknown-key', 'info', 'an area'],
    ['c', 'image/reference', undefined, 'nothing'],
    ['a', 'pod/enum', 'off', 'an override beats the settings'],
    ['b', 'image/reference', 'info', 'an override'],
  ] as const;
  for (const [file, rule, level, reason] of cases) {
    it(`of ${rule} in ${file} is ${String(level)}: ${reason}`, () => {
      expect(levelsFor(file, { settings, flags: none, matches }).severityOf(rule)).to.equal(level);
    });
  }

  it('come from flags first', () => {
    const flags = { preset: 'recommended', rules: { 'pod/*': 'error' } } as const;

    const levels = levelsFor('a', { settings, flags, matches });

    expect([levels.preset, levels.severityOf('pod/enum')]).to.deep.equal(['recommended', 'error']);
    expect(levelsFor('a', { settings, flags: none, matches }).preset).to.equal('strict');
  });
});

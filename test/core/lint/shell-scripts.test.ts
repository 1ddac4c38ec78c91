import { expect } from 'chai';
import { readLintDocument } from '../../../src/core/lint/document.js';
import { type ShellScript, shellScripts } from '../../../src/core/lint/shell-scripts.js';
import type { LintWorld } from '../../../src/core/lint/world.js';
import { lintWorld } from '../../support/lint.js';

function scriptsIn(text: string, known: Partial<LintWorld> = {}): readonly ShellScript[] {
  const world = lintWorld(known);
  const document = readLintDocument('pipeline.yml', text, world);
  return document.commandSteps.flatMap((step) => shellScripts(step, { document, world }));
}

/** A step whose only container has these keys, in flow style. */
function container(keys: string, params = ''): string {
  return `steps: [{plugins: [{kubernetes: {${params} podSpec: {containers: [{image: alpine, ${keys}}]}}}]}]\n`;
}

const VECTOR = 'commandParams: {interposer: vector},';

describe('scripts for a reader of shell', () => {
  for (const [what, text, expected] of [
    ['a command', "steps: [{command: 'echo $$A'}]", ['echo $A']],
    ['a list of commands', "steps: [{commands: ['cd x', 'echo $$A']}]", ['cd x\necho $A']],
    ['variables of the upload', "steps: [{command: '[ $A = ${B:-c} ]'}]", ['[ value = value ]']],
    ['a matrix', "steps: [{command: 'a {{matrix.os}} | b', matrix: {setup: {os: [x]}}}]", ['a valuessssssss | b']],
    ['the lines of a container', container("command: ['cd x', 'echo $$A']"), ['cd x\necho $A']],
    ['a shell and its script', container("command: [sh, -c], args: ['echo $$A', b]", VECTOR), ['echo $A']],
    ['a vector of words', container("command: [echo, '$$A']", VECTOR), []],
    ['a vector that is taken for lines', container("command: [sh, -c, 'echo $$A']"), []],
    ['a command without anything special', "steps: [{command: 'make -C sub all'}]", []],
    ['no command', 'steps: [wait, {plugins: [a#v1]}]', []],
  ] as const) {
    it(`are those of ${what}`, () => {
      expect(scriptsIn(text).map((script) => script.text)).to.deep.equal(expected);
    });
  }

  for (const [what, text, expected] of [
    ['by default', "steps: [{command: 'echo $$A'}]", ['sh']],
    ['of an image', "steps: [{image: 'fedora:42', command: 'echo $$A'}]", ['bash']],
    ['of a "#!" line', 'steps: [{command: "#!/usr/bin/env -S bash -e\\necho $$A"}]', ['bash']],
    [
      'of the environment',
      container("command: ['$$A'], env: [{name: BUILDKITE_SHELL, value: /bin/bash -ec}]"),
      ['bash'],
    ],
    ['of a vector', container("command: [/bin/dash, -ec, 'echo $$A']", VECTOR), ['dash']],
    ['that is no shell', 'steps: [{command: "#!/usr/bin/python3\\nprint(1)"}]', []],
    ['unknown to shellcheck', container("command: ['$$A'], env: [{name: BUILDKITE_SHELL, value: fish -c}]"), []],
  ] as const) {
    it(`have the dialect ${what}`, () => {
      expect(scriptsIn(text).map(({ dialect }) => dialect)).to.deep.equal(expected);
    });
  }

  it('tell what the upload or the matrix puts in', () => {
    const text = "steps: [{command: 'a;b'}, {command: 'a;$B'}, {command: 'a;{{matrix}}', matrix: [x]}]";

    expect(scriptsIn(text).map(({ isFilled }) => isFilled)).to.deep.equal([false, true, true]);
  });

  for (const [what, text] of [
    ['a literal block', 'steps:\n  - command: |\n      cd x\n      echo HERE;\n'],
    ['a folded block', 'steps:\n  - command: >-\n      cd x;\n      echo HERE\n'],
    ['double quotes', 'steps:\n  - command: "cd x;\\n\\techo HERE"\n'],
    ['single quotes', "steps:\n  - command: 'echo ''a'' HERE'\n"],
    ['a list', 'steps:\n  - commands:\n      - cd x;\n      - |\n        true\n        echo HERE\n      - echo b\n'],
    [
      'a container',
      'steps:\n  - plugins:\n' +
        container('command: ["cd x;", "echo HERE"]')
          .replace('steps: [{plugins: [', '      - ')
          .replace(/\]\}\]\n$/, '\n'),
    ],
    ['a line with a tab', 'steps:\n  - command: |\n      if a;\tthen\n      \techo HERE\n      fi\n'],
    ['escaped dollar signs', 'steps:\n  - command: |\n      cd $$X; echo $$Y HERE\n'],
    ['variables of the upload', 'steps:\n  - command: cd $LONG_NAME; echo ${Y:-z} HERE\n'],
  ] as const) {
    it(`know where they were written: ${what}`, () => {
      const [script] = scriptsIn(text);
      const start = script?.text.indexOf('HERE') ?? -1;

      const span = script?.locate({ start, end: start + 4 });

      expect(start).to.be.greaterThan(0);
      expect(span).to.deep.equal({ start: text.indexOf('HERE'), end: text.indexOf('HERE') + 4 });
    });
  }
});

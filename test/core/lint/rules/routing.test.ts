import { expect } from 'chai';
import { defaultConfig } from '../../../../src/core/config/default-config.js';
import type { LintWorld } from '../../../../src/core/lint/world.js';
import { lintText } from '../../../support/lint.js';

const ours = { config: defaultConfig({ queue: 'kubernetes' }), configName: 'config.yaml' };
const theDefault = { config: defaultConfig(), configName: 'config.yaml' };

function step(queue: string, plugin = false): string {
  const plugins = plugin ? '\n  plugins: [kubernetes: {podSpecPatch: {serviceAccountName: ci}}]' : '';
  return `steps:\n- command: bin/a\n  agents: {queue: ${queue}}${plugins}\n`;
}

function neighbours(...queues: [name: string, files: number][]): Partial<LintWorld> {
  return { neighbours: { queues: new Map(queues), stepKeys: new Set() } };
}

describe('routing rules', () => {
  const cases: [name: string, text: string, world: Partial<LintWorld>, said: readonly string[]][] = [
    ['a slip, with the configuration', step('kuberentes'), ours, ['error agents/queue']],
    ['a slip, without it', step('kuberentes'), {}, ['warning agents/queue']],
    ["another controller's step", step('gpu'), ours, []],
    ["another controller's step that uses the plugin", step('gpu', true), ours, ['warning agents/nobody-takes-it']],
    ['a queue of the settings', step('gpu', true), { ...ours, queues: ['gpu'] }, []],
    ['a slip of a queue of the settings', step('biulders'), { queues: ['builders'] }, ['warning agents/queue']],
    ['any queue, for the default one', step('anything', true), theDefault, []],
    ['a slip of a queue in other files', step('bulders'), neighbours(['builders', 3]), ['warning agents/queue']],
    ['a name that several files have', step('bulders'), neighbours(['builders', 3], ['bulders', 2]), []],
    ['a sibling in other files', step('linux-arm64'), neighbours(['linux-amd64', 3]), []],
  ];
  for (const [name, text, world, said] of cases) {
    it(`say ${said.length === 0 ? 'nothing' : said.join(', ')} of ${name}`, () => {
      const findings = lintText(text, world);

      expect(findings.map(({ severity, rule }) => `${severity} ${rule}`)).to.deep.equal(said);
    });
  }

  it('propose the name that exists', () => {
    const [finding] = lintText(step('kuberentes'), ours);

    expect(finding?.message).to.include('did you mean "kubernetes"?');
    expect(finding?.fix?.edits.map(({ text }) => text)).to.deep.equal(['kubernetes']);
  });
});

import { expect } from 'chai';
import { parseJobFile } from '../../../src/core/job/job-file.js';

describe('parseJobFile', () => {
  const plain = { id: 'u', command: 'make', env: { A: '1', B: 'x=y' }, agentQueryRules: ['queue=k'], priority: 3 };

  const same: [what: string, text: unknown][] = [
    ['our own spelling', plain],
    ['env as a list', { ...plain, env: ['A=1', 'B=x=y'] }],
    ['the Stacks API', { id: 'u', command: 'make', env: plain.env, agent_query_rules: ['queue=k'], priority: 3 }],
    ['GraphQL', { uuid: 'u', command: 'make', env: ['A=1', 'B=x=y'], agentQueryRules: ['queue=k'], priority: 3 }],
  ];
  for (const [what, job] of same) {
    it(`reads ${what}`, () => {
      expect(parseJobFile(JSON.stringify(job))).to.deep.equal({ ok: true, value: [plain] });
    });
  }

  it('reads several jobs and fills in what may be absent', () => {
    const parsed = parseJobFile('[{"id": "a"}, {"id": "b", "command": null}]');

    expect(parsed.ok && parsed.value.map((job) => [job.id, job.command, job.priority])).to.deep.equal([
      ['a', '', 0],
      ['b', '', 0],
    ]);
  });

  const bad: [text: string, error: RegExp][] = [
    ['{', /is not JSON/],
    ['[]', /holds no job/],
    ['3', /must hold a job/],
    ['{"command": "x"}', /without an "id"/],
    ['{"id": "u", "env": {"A": 1}}', /job "u", whose "env" gives "A" a value that is not a string/],
    ['{"id": "u", "env": "A=b"}', /job "u", whose "env" is neither/],
    [' ', /is empty/],
    ['{"id": "u", "agentQueryRules": [1]}', /"agentQueryRules" is not a list of strings/],
    ['{"id": "u", "priority": "high"}', /"priority" is not a whole number/],
    ['{"id": "u", "command": ["x"]}', /"command" is not a string/],
  ];
  for (const [text, error] of bad) {
    it(`refuses ${text}`, () => {
      const parsed = parseJobFile(text);

      expect(!parsed.ok && parsed.error).to.match(error);
    });
  }
});

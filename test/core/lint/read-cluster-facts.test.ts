import { expect } from 'chai';
import { readClusterFacts } from '../../../src/core/lint/read-cluster-facts.js';

describe('readClusterFacts', () => {
  it('reads what is known and leaves the rest unknown', () => {
    const text =
      '{"secrets": {"a": ["b"]}, "nodes": [{"allocatable": {"cpu": 4}, "taints": [{"key": "t", "effect": "NoExecute"}]}]}';

    const facts = readClusterFacts(text);

    expect(facts).to.deep.equal({
      ok: true,
      value: {
        secrets: { a: ['b'] },
        nodes: [{ allocatable: { cpu: '4' }, taints: [{ key: 't', effect: 'NoExecute' }] }],
      },
    });
  });

  const wrong: [text: string, place: string, message: RegExp][] = [
    ['{\n  "secret": {}\n}', '2:3', /unknown field "secret"; did you mean "secrets"/],
    ['{\n  "configMaps": ["a"]\n}', '2:3', /configMaps: must be a map/],
    ['{"nodes": [\n  {"label": {}}\n]}', '2:4', /nodes\[0\]\.label: unknown field/],
    ['{"nodes": [\n  {"allocatable": {"cpu": "many"}}\n]}', '2:20', /not a quantity|quantity/],
    ['[]', '1:1', /must be a mapping of facts/],
    ['', '1:1', /must be a mapping of facts/],
    ['{', '1:2', /cannot be read/],
  ];
  for (const [text, place, message] of wrong) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      const facts = readClusterFacts(text);

      const [problem] = facts.ok ? [] : facts.error;
      expect(problem?.message).to.match(message);
      expect(`${problem?.line ?? 0}:${problem?.column ?? 0}`).to.equal(place);
    });
  }
});

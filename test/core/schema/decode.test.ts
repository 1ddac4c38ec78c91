import { expect } from 'chai';
import fc from 'fast-check';
import { decode, formatIssue, formatPath, type DecodeOptions } from '../../../src/core/schema/decode.js';
import type { JsonSchema } from '../../../src/core/schema/json-schema.js';

const definitions: Readonly<Record<string, JsonSchema>> = {
  Pod: {
    type: 'object',
    properties: {
      containers: { type: 'array', items: { $ref: '#/definitions/Container' } },
      nodeSelector: { type: 'object', additionalProperties: { type: 'string' } },
      hostNetwork: { type: 'boolean' },
      grace: { type: 'integer', format: 'int64', minimum: 0, maximum: 3600 },
      uid: { type: 'integer', format: 'int32' },
      weight: { type: 'number' },
      anything: { type: 'object' },
      free: {},
      timeout: { format: 'duration' },
      started: { type: 'string', format: 'date-time' },
      blob: { type: 'string', format: 'byte' },
    },
    required: ['containers'],
  },
  Container: {
    type: 'object',
    properties: {
      name: { type: 'string' },
      image: { type: 'string' },
      command: { type: 'array', items: { type: 'string' } },
      env: { type: 'array', items: { $ref: '#/definitions/Env' } },
      pull: { type: 'string', enum: ['Always', 'Never', 'IfNotPresent'] },
      port: { format: 'int-or-string' },
      limits: { type: 'object', additionalProperties: { format: 'quantity' } },
    },
    required: ['name'],
  },
  Env: { type: 'object', properties: { name: { type: 'string' }, value: { type: 'string' } }, required: ['name'] },
};
const root: JsonSchema = { $ref: '#/definitions/Pod' };

function run(value: unknown, options: Omit<DecodeOptions, 'definitions'> = {}) {
  const { value: result, issues } = decode(value, root, { definitions, ...options });
  return { value: result, issues, lines: issues.map((issue) => `${issue.kind} ${formatIssue(issue)}`) };
}

describe('decode', () => {
  it('copies a fitting value unchanged', () => {
    const pod = {
      containers: [
        { name: 'a', command: ['x'], env: [{ name: 'A', value: '' }], port: 80, limits: { cpu: '1', memory: '1.5Gi' } },
        { name: 'b', pull: 'Never', port: 'http' },
      ],
      nodeSelector: { disk: 'ssd' },
      hostNetwork: false,
      grace: 0,
      weight: 0.5,
      anything: { a: [1, { b: true }] },
      free: 'text',
      timeout: '1h30m',
      started: '2026-01-31T12:00:00.5Z',
      blob: 'YWI=',
    };

    const { value, issues } = run(pod);

    expect(issues).to.deep.equal([]);
    expect(value).to.deep.equal(pod);
    expect(value).not.to.equal(pod);
  });

  it('takes null for absent, but for the zero value in a list or free-form map', () => {
    const { value, issues } = run({
      containers: [null, { name: 'a', image: null, command: ['x', null], limits: { cpu: null } }],
      nodeSelector: { disk: null },
      grace: null,
      anything: { a: null, b: [null, 1] },
      free: null,
    });

    expect(issues).to.deep.equal([]);
    expect(value).to.deep.equal({
      containers: [{}, { name: 'a', command: ['x', ''], limits: { cpu: '0' } }],
      nodeSelector: { disk: '' },
      anything: { b: [1] },
    });
    expect(run(null).value).to.equal(undefined);
  });

  it('writes quantities as text', () => {
    expect(run({ containers: [{ name: 'a', limits: { cpu: 0.5, memory: 2 } }] }).value).to.deep.equal({
      containers: [{ name: 'a', limits: { cpu: '0.5', memory: '2' } }],
    });
  });

  const mistakes: readonly (readonly [title: string, value: unknown, line: string, kept: unknown])[] = [
    ['a mistyped field', { hostNetwrk: true }, 'unknown-field hostNetwrk: unknown field "hostNetwrk"; did you mean "hostNetwork"?', {}],
    ['an unknown field', { banana: 1 }, 'unknown-field banana: unknown field "banana"', {}],
    ['an unknown field of null', { banana: null }, 'unknown-field banana: unknown field "banana"', {}],
    ['a prototype in disguise', JSON.parse('{"__proto__": {"grace": 1}}'), 'unknown-field __proto__: unknown field "__proto__"', {}],
    ['a name inherited by every object', { constructor: 1 }, 'unknown-field constructor: unknown field "constructor"', {}],
    ['a wrong case', { Grace: 3 }, 'wrong-case Grace: "Grace" must be written "grace"', { grace: 3 }],
    ['a wrong case beside the right one', { grace: 1, GRACE: 2 }, 'wrong-case GRACE: "GRACE" is ignored, because "grace" is there too', { grace: 1 }],
    ['a directive outside a patch', { $patch: 'delete' }, 'unknown-field $patch: unknown field "$patch"', {}],
    ['a string for a list', { containers: [{ command: 'go test' }] }, 'wrong-type containers[0].command: must be a list of strings, but is the string "go test"; put it into a list: ["go test"]', { containers: [{}] }],
    ['a map for a list', { containers: [{ env: { A: 'b' } }] }, 'wrong-type containers[0].env: must be a list, but is a map; start each entry with "- "', { containers: [{}] }],
    ['a list for a map', { nodeSelector: ['a'] }, 'wrong-type nodeSelector: must be a map, but is a list; remove the "- " in front of its fields', {}],
    ['a number for a string', { containers: [{ image: 8080 }] }, 'wrong-type containers[0].image: must be a string, but is the number 8080; quote it: "8080"', { containers: [{}] }],
    ['a boolean in a map of strings', { nodeSelector: { 'a.b/c': true } }, 'wrong-type nodeSelector["a.b/c"]: must be a string, but is the boolean true; quote it: "true"', { nodeSelector: {} }],
    ['a number among strings', { containers: [{ command: ['sleep', 60] }] }, 'wrong-type containers[0].command[1]: must be a string, but is the number 60; quote it: "60"', { containers: [{ command: ['sleep'] }] }],
    ['a string for a boolean', { hostNetwork: 'true' }, 'wrong-type hostNetwork: must be true or false, but is the string "true"; remove the quotes: true', {}],
    ['a string for an integer', { grace: '300' }, 'wrong-type grace: must be an integer, but is the string "300"; remove the quotes: 300', {}],
    ['a fraction for an integer', { grace: 1.5 }, 'wrong-type grace: must be an integer, but is the number 1.5', {}],
    ['an integer beyond its bits', { uid: 2 ** 31 }, 'wrong-type uid: must be an integer from -2147483648 to 2147483647, but is the number 2147483648', {}],
    ['an integer below the minimum', { grace: -1 }, 'not-allowed grace: must be at least 0, but is -1', { grace: -1 }],
    ['an integer above the maximum', { grace: 4000 }, 'not-allowed grace: must be at most 3600, but is 4000', { grace: 4000 }],
    ['a map for a string', { containers: [{ name: {} }] }, 'wrong-type containers[0].name: must be a string, but is a map', { containers: [{}] }],
    ['a choice mistyped', { containers: [{ pull: 'always' }] }, 'not-allowed containers[0].pull: must be "Always", "Never" or "IfNotPresent", but is "always"; did you mean "Always"?', { containers: [{ pull: 'always' }] }],
    ['a boolean port', { containers: [{ port: true }] }, 'wrong-type containers[0].port: must be an integer or a string, but is the boolean true', { containers: [{}] }],
    ['a fractional port', { containers: [{ port: 1.5 }] }, 'wrong-type containers[0].port: must be an integer or a string, but is the number 1.5', { containers: [{}] }],
    ['a boolean quantity', { containers: [{ limits: { cpu: true } }] }, 'wrong-type containers[0].limits.cpu: must be a quantity such as "500m" or "2Gi", but is the boolean true', { containers: [{ limits: {} }] }],
    ['a boolean duration', { timeout: true }, 'wrong-type timeout: must be a duration such as "30s" or "1h30m", but is the boolean true', {}],
    ['a local time', { started: 'now' }, 'bad-format started: must be a time such as "2026-01-31T12:00:00Z", but is "now"', { started: 'now' }],
    ['text that is not base64', { blob: 'hunter2!' }, 'bad-format blob: must be base64, but is not; encode the value', { blob: 'hunter2!' }],
    ['a scalar root', 'podSpec', 'wrong-type must be a map, but is the string "podSpec"', undefined],
  ];
  for (const [title, value, line, kept] of mistakes) {
    it(`reports ${title}`, () => {
      const decoded = run(value);

      expect(decoded.lines).to.deep.equal([line]);
      expect(decoded.value).to.deep.equal(kept);
    });
  }

  it('reports a bad quantity and a bad duration in their own words', () => {
    const { lines } = run({ containers: [{ limits: { memory: '2 GB' } }], timeout: '5' });

    expect(lines[0]).to.match(/^bad-format containers\[0\]\.limits\.memory: "2 GB" is not a quantity: .*did you mean "2Gi"\?$/);
    expect(lines[1]).to.match(/^bad-format timeout: "5" is not a duration: .*did you mean "5s"\?$/);
  });

  it('reports every mistake of a value, in order', () => {
    const { issues } = run({ containers: [{ nam: 'a', port: [] }, 5], hostNetwork: 1 });

    expect(issues.map(({ kind, path }) => [kind, formatPath(path)])).to.deep.equal([
      ['unknown-field', 'containers[0].nam'],
      ['wrong-type', 'containers[0].port'],
      ['wrong-type', 'containers[1]'],
      ['wrong-type', 'hostNetwork'],
    ]);
  });

  it('counts list positions as written', () => {
    expect(run({ containers: [null, { name: 1 }] }).issues[0]?.path).to.deep.equal(['containers', 1, 'name']);
  });

  it('crops long values', () => {
    const { issues } = run({ hostNetwork: 'x'.repeat(5000), ['y'.repeat(5000)]: 1 });

    expect(issues).to.have.length(2);
    for (const issue of issues) expect(issue.message).to.have.length.below(120);
  });

  it('survives nesting no stack can hold', () => {
    const depth = 100_000;
    const value: unknown = JSON.parse('{"free":' + '['.repeat(depth) + ']'.repeat(depth) + '}');

    expect(run(value).lines).to.have.length(1);
    expect(run(value).lines[0]).to.contain('is nested deeper than');
  });

  it('throws on a schema that refers to nothing', () => {
    expect(() => decode({}, { $ref: '#/definitions/Nothing' }, { definitions })).to.throw('"#/definitions/Nothing"');
  });

  describe('with required fields', () => {
    it('reports the absent ones, and only once', () => {
      const { lines } = run({ containers: [{ image: 'a' }, { name: null }, { name: 1 }, { NAME: 'c' }] }, { requireFields: true });

      expect(lines).to.deep.equal([
        'missing-field containers[0].name: "name" is required',
        'missing-field containers[1].name: "name" is required',
        'wrong-type containers[2].name: must be a string, but is the number 1; quote it: "1"',
        'wrong-case containers[3].NAME: "NAME" must be written "name"',
      ]);
      expect(run({}, { requireFields: true }).lines).to.deep.equal(['missing-field containers: "containers" is required']);
    });

    it('does not ask for them otherwise', () => {
      expect(run({ containers: [{}] }).issues).to.deep.equal([]);
    });
  });

  describe('of a patch', () => {
    const patch = {
      $patch: 'merge',
      $retainKeys: ['containers', 'grace'],
      '$setElementOrder/containers': [{ name: 'b' }, { name: 'a' }],
      containers: [
        { $patch: 'replace' },
        { name: 'a', image: null, '$deleteFromPrimitiveList/command': ['x'], limits: { cpu: null, $patch: 'delete' } },
      ],
      nodeSelector: null,
      grace: null,
    };

    it('keeps nulls and directives, and demands no field', () => {
      const { value, issues } = run(patch, { patch: true, requireFields: true });

      expect(issues).to.deep.equal([]);
      expect(value).to.deep.equal(patch);
    });

    const mistakes: readonly (readonly [value: unknown, line: string])[] = [
      [{ $patch: 'remove' }, 'not-allowed $patch: must be "delete", "replace" or "merge", but is "remove"'],
      [{ $patch: true }, 'not-allowed $patch: must be "delete", "replace" or "merge", but is the boolean true'],
      [{ $retainKeys: 'grace' }, 'not-allowed $retainKeys: must be a list, but is the string "grace"'],
      [{ $retainKeys: [1] }, 'not-allowed $retainKeys: must be a list of strings, but has the number 1'],
      [{ '$setElementOrder/containers': {} }, 'not-allowed ["$setElementOrder/containers"]: must be a list, but is a map'],
      [{ '$setElementOrder/grace': [] }, 'unknown-field ["$setElementOrder/grace"]: unknown field "$setElementOrder/grace"'],
      [{ $ptach: 'delete' }, 'unknown-field $ptach: unknown field "$ptach"'],
      [{ grace: '5' }, 'wrong-type grace: must be an integer, but is the string "5"; remove the quotes: 5'],
    ];
    for (const [value, line] of mistakes) {
      it(`reports ${JSON.stringify(value)}`, () => {
        expect(run(value, { patch: true }).lines).to.deep.equal([line]);
      });
    }
  });

  it('never throws, and what it passes without an issue it passes again unchanged', () => {
    const names = [...Object.keys(definitions.Pod?.properties ?? {}), ...Object.keys(definitions.Container?.properties ?? {})];
    const key = fc.oneof(fc.constantFrom(...names, '$patch', '$retainKeys', '__proto__', 'Grace'), fc.string());
    const { json } = fc.letrec((tie) => ({
      json: fc.oneof(
        { depthSize: 'small' },
        fc.constantFrom<unknown>(null, true, 1, 0.5, 'a', '1Gi', '5m', {}, []),
        fc.array(tie('json'), { maxLength: 4 }),
        fc.dictionary(key, tie('json'), { maxKeys: 5 }),
      ),
    }));

    fc.assert(
      fc.property(json, fc.boolean(), (value, patch) => {
        const before = structuredClone(value);
        const first = run(value, { patch });
        const second = run(first.value, { patch });

        expect(value).to.deep.equal(before);
        if (first.issues.length === 0) expect(second.issues).to.deep.equal([]);
        expect(second.value).to.deep.equal(first.value);
      }),
      { numRuns: 500 },
    );
  });
});

describe('formatPath', () => {
  const table: readonly (readonly [path: readonly (string | number)[], text: string])[] = [
    [[], ''],
    [['podSpec', 'containers', 0, 'image'], 'podSpec.containers[0].image'],
    [[2, 'a'], '[2].a'],
    [['pod-spec-patch', '$patch'], 'pod-spec-patch.$patch'],
    [['labels', 'app.kubernetes.io/name'], 'labels["app.kubernetes.io/name"]'],
    [['labels', '', 'a"b'], 'labels[""]["a\\"b"]'],
  ];
  for (const [path, text] of table) {
    it(`writes ${JSON.stringify(path)} as ${text}`, () => {
      expect(formatPath(path)).to.equal(text);
    });
  }
});

import { expect } from 'chai';
import { KUBERNETES_PLUGIN, parseKubernetesPlugin } from '../../../src/core/job/kubernetes-plugin.js';

const LENIENT = { prohibited: false, strict: false };

function parse(plugins: unknown, options = LENIENT) {
  const text = typeof plugins === 'string' ? plugins : JSON.stringify(plugins);
  return parseKubernetesPlugin({ BUILDKITE_PLUGINS: text }, options);
}

function pluginOf(...values: readonly unknown[]): unknown {
  const parsed = parse(values.map((value) => ({ [KUBERNETES_PLUGIN]: value })));
  if (!parsed.ok) throw new Error(parsed.error.text);
  return parsed.value.plugin;
}

function failureOf(plugins: unknown, options = LENIENT): string {
  const parsed = parse(plugins, options);
  if (parsed.ok) throw new Error('the plugins were read');
  return parsed.error.text;
}

describe('the kubernetes plugin', () => {
  for (const text of ['', 'null', '[]', '[{"github.com/x/docker-buildkite-plugin#v5": {"image": "a"}}]']) {
    it(`is empty in a job with ${text || 'no'} plugins`, () => {
      expect(parse(text)).to.deep.equal({ ok: true, value: { plugin: {}, warnings: [] } });
    });
  }

  it('takes null fields for absent ones', () => {
    const checkout = { skip: null, gitMirrors: null, envFrom: null };

    expect(pluginOf({ podSpec: null, podTemplate: null, sidecars: null, checkout })).to.deep.equal({ checkout: {} });
  });

  it('keeps nulls and directives of a patch', () => {
    const podSpecPatch = { nodeSelector: null, volumes: [{ name: 'v', $patch: 'delete' }] };

    expect(pluginOf({ podSpecPatch })).to.deep.equal({ podSpecPatch });
  });

  it('lets a later one win field by field and replace lists as a whole', () => {
    const first = {
      podSpec: { hostname: 'a', containers: [{ name: 'one', image: 'a' }] },
      metadata: { labels: { a: '1' } },
    };
    const second = { podSpec: { containers: [{ image: 'b' }] }, metadata: { labels: { b: '2' } } };

    expect(pluginOf(first, second)).to.deep.equal({
      podSpec: { hostname: 'a', containers: [{ image: 'b' }] },
      metadata: { labels: { a: '1', b: '2' } },
    });
    expect(pluginOf(first, null)).to.deep.equal({});
    expect(pluginOf(first, null, second)).to.deep.equal(second);
  });

  for (const [what, plugins, words] of [
    ['broken JSON', '[{', 'failed parsing plugins'],
    ['an object', '{}', 'must be a list'],
    ['text for a plugin', '["docker"]', 'failed parsing plugins: element 0'],
    ['a list as value', [{ [KUBERNETES_PLUGIN]: [] }], 'failed parsing Kubernetes plugin: must be a map'],
    ['text for a number', [{ [KUBERNETES_PLUGIN]: { jobActiveDeadlineSeconds: '5' } }], 'jobActiveDeadlineSeconds'],
    ['a number for text', [{ [KUBERNETES_PLUGIN]: { podTemplate: 5 } }], 'podTemplate'],
    [
      'a foreign interposer',
      [{ [KUBERNETES_PLUGIN]: { commandParams: { interposer: 'Vector' } } }],
      'did you mean "vector"?',
    ],
    [
      'a bad quantity',
      [{ [KUBERNETES_PLUGIN]: { podSpec: { containers: [{ resources: { limits: { cpu: '1x' } } }] } } }],
      'podSpec.containers[0].resources.limits.cpu',
    ],
  ] as const) {
    it(`refuses ${what}`, () => {
      expect(failureOf(plugins)).to.contain(words);
    });
  }

  for (const [what, plugins] of [
    ['a null plugin', '[null]'],
    ['a plugin without keys', '[{}]'],
    ['a plugin of two keys', '[{"c": null}, {"a": 1, "b": 2}]'],
  ] as const) {
    it(`refuses ${what} in the words of the Go controller`, () => {
      expect(failureOf(plugins)).to.match(/^found invalid plugin: element \d /);
    });
  }

  it('names all wrong types at once', () => {
    const text = failureOf([{ [KUBERNETES_PLUGIN]: { checkout: { skip: 'yes' }, sidecars: {} } }]);

    expect(text).to.contain('checkout.skip').and.to.contain('sidecars');
  });

  it('names unknown fields at every depth in warnings, or fails for them when strict', () => {
    const plugins = [{ [KUBERNETES_PLUGIN]: { podSpec: { containers: [{ volumeMount: [] }] }, chekout: {} } }];

    const lenient = parse(plugins);

    expect(lenient.ok && lenient.value.warnings.map(({ path }) => path)).to.deep.equal([
      'podSpec.containers[0].volumeMount',
      'chekout',
    ]);
    expect(failureOf(plugins, { prohibited: false, strict: true })).to.contain('did you mean "volumeMounts"?');
  });

  it('is refused where it is prohibited, also when it is null, and others are not', () => {
    const prohibited = { prohibited: true, strict: false };

    expect(failureOf([{ [KUBERNETES_PLUGIN]: null }], prohibited)).to.contain('prohibited');
    expect(parse([{ 'github.com/x/docker': null }], prohibited).ok).to.equal(true);
  });
});

import { Ajv, type ValidateFunction } from 'ajv';
import { expect } from 'chai';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { kubernetesPluginSchema } from '../../../src/core/job/kubernetes-plugin.js';
import { pipelineJsonSchema, pluginJsonSchema } from '../../../src/core/lint/editor-schemas.js';
import { PLUGIN_HELP } from '../../../src/core/lint/editor-help.js';
import { parseSourceTree, valueOf } from '../../../src/core/pipeline/source-tree.js';
import type { PublishedSchema } from '../../../src/core/schema/publish-schema.js';

const CORPUS = '../shared/corpus';
const FIXTURES = 'fixtures/lint';
const REMEDY = 'out of date: run `node scripts/generate-lint-schemas.mjs --write`';

/** Files with a mistake that a schema can see; everything else in the corpus must be accepted. */
const WRONG: readonly RegExp[] = [
  // Keys of the plugin or of the pod that do not exist.
  /tpu-inference__.buildkite__pipeline_kube@/,
  /helloworld@8a7b598a/,
  /chown@ee684d18/,
  /secretref@293ff82f/,
  /extra-volumes@d58f2e89/,
  /kaniko_container_builds__snippet2/,
  // Values of a wrong type.
  /README__snippet17/,
  /fixtures__invalid2/,
];

/** What is refused among the bad fixtures, at least. */
const REFUSED: readonly string[] = [
  'kubernetes/checkout-key',
  'kubernetes/git-credentials-secret',
  'kubernetes/interposer',
  'kubernetes/key-spelling',
  'kubernetes/pod-key-outside-podspec',
  'kubernetes/podspec-type',
  'kubernetes/podspecpatch-type',
  'kubernetes/podtemplate-type',
  'kubernetes/type',
  'kubernetes/unknown-key',
  'env/entry',
  'plugins/form',
  'plugins/kubernetes-version',
  'pod/command-type',
  'pod/enum',
  'pod/env-string',
  'pod/list-or-map',
  'pod/map-string',
  'pod/metadata-in-podspec',
  'pod/type',
  'pod/unknown-key',
  'resources/quantity',
  'security/context-level',
  'step/plugin-outside-plugins',
  'volume/no-source',
  'yaml/number-trap',
];

/** What is missing: the schemas require nothing, since a patch may leave out what it does not change. */
const UNSEEN: readonly string[] = ['kubernetes/git-credentials-secret/bad-nameless.yml'];

describe('schemas for editors', () => {
  const schemas: readonly (readonly [string, PublishedSchema])[] = [
    ['kubernetes-plugin', pluginJsonSchema()],
    ['pipeline', pipelineJsonSchema()],
  ];
  const validators = new Map(schemas.map(([name, schema]) => [name, compile(schema)]));

  for (const [name, schema] of schemas) {
    it(`${name}: is the committed one`, () => {
      const committed: unknown = JSON.parse(readFileSync(`schema/${name}.json`, 'utf8'));

      expect(committed, REMEDY).to.deep.equal(schema);
    });
  }

  it('tell what each field of the plugin is for', () => {
    expect([...PLUGIN_HELP.keys()].sort()).to.deep.equal(Object.keys(kubernetesPluginSchema.properties ?? {}).sort());
  });

  for (const [name, { examples }] of PLUGIN_HELP) {
    it(`give right examples for ${name}`, () => {
      const validate = validators.get('kubernetes-plugin');

      const wrong = (examples as unknown[]).filter((example) => validate?.({ [name]: example }) !== true);

      expect(wrong).to.deep.equal([]);
    });
  }

  for (const rule of REFUSED) {
    for (const file of readdirSync(join(FIXTURES, rule))) {
      const isBad = file.startsWith('bad') && !UNSEEN.includes(`${rule}/${file}`);
      it(`${isBad ? 'refuse' : 'accept'} ${rule}/${file}`, () => {
        expect(accepted(validators.get('pipeline'), join(FIXTURES, rule, file))).to.equal(!isBad);
      });
    }
  }

  const corpus = existsSync(CORPUS) ? readdirSync(CORPUS).filter((file) => /\.(?:ya?ml|json)$/.test(file)) : [];
  it(`accept what is right in the corpus (${corpus.length} files)`, function () {
    this.timeout(20_000);
    if (corpus.length === 0) this.skip();

    const refused = corpus.filter((file) => !accepted(validators.get('pipeline'), join(CORPUS, file)));

    expect(refused.filter((file) => !WRONG.some((pattern) => pattern.test(file)))).to.deep.equal([]);
  });
});

function compile(schema: PublishedSchema): ValidateFunction {
  return new Ajv({
    strict: true,
    strictTypes: false,
    strictRequired: false,
    allowUnionTypes: true,
    formats: { 'date-time': true },
  })
    .addKeyword('deprecationMessage')
    .compile(schema);
}

/** As the agent reads it; files that are no pipeline at all are somebody else's business. */
function accepted(validate: ValidateFunction | undefined, path: string): boolean {
  const text = readFileSync(path, 'utf8').replace(/\{\{\s*\.\w+\s*\}\}/g, 'word');
  const { documents } = parseSourceTree(text, path);
  const pipelines = documents
    .map(valueOf)
    .filter((root) => Array.isArray(root) || Object.hasOwn(Object(root), 'steps'));
  return pipelines.every((root) => validate?.(root) === true);
}

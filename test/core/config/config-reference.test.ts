import { Ajv } from 'ajv';
import { expect } from 'chai';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { configJsonSchema, configReference } from '../../../src/core/config/config-reference.js';
import { kubernetesDefinitions } from '../../../src/core/schema/kubernetes-definitions.generated.js';
import { readConfigFile } from '../../../src/core/config/read-config-file.js';
import { sectionDefinitions } from '../../../src/core/config/section-definitions.js';
import { problemsOf, warningsOf } from './resolve.js';

const REMEDY = 'out of date: run `node scripts/generate-config-reference.mjs --write`';
const documentation = readFileSync('docs/configuration.md', 'utf8');

describe('configuration schema', () => {
  const validate = new Ajv({ strict: true, allowUnionTypes: true, formats: { 'date-time': true } }).compile(
    configJsonSchema(),
  );
  const isValid = (yaml: string): boolean => {
    const document = readConfigFile(yaml, 'config.yaml');
    return document.ok && validate(document.value.value);
  };

  it('is the committed one', () => {
    const committed: unknown = JSON.parse(readFileSync('schema/controller-config.json', 'utf8'));

    expect(committed, REMEDY).to.deep.equal(configJsonSchema());
  });

  it('gives no name to a section that Kubernetes uses', () => {
    const both = Object.keys(sectionDefinitions).filter((name) => Object.hasOwn(kubernetesDefinitions, name));

    expect(both).to.deep.equal([]);
  });

  for (const yaml of [
    'max-inflight: 3',
    'max-in-flight: "3"',
    'pagination-page-size: 5000',
    'log-level: loud',
    'job-ttl: 1d',
    'image: ""',
    'agent-config: {experiments: [a]}',
    'workspace-volume: {name: w, emptyDirs: {}}',
    'default-command-params: {interposer: exec}',
    'resource-classes: {a: {resource: {limits: {cpu: lots}}}}',
  ]) {
    it(`refuses ${yaml}`, () => {
      expect(isValid(yaml)).to.equal(false);
    });
  }

  it('accepts nulls and directives in pod-spec-patch', () => {
    const yaml = 'pod-spec-patch: {hostname: null, containers: [{name: agent, $patch: delete, image: null}]}';

    expect(isValid(yaml)).to.equal(true);
  });

  it('accepts every configuration of the reference cases that resolves', function () {
    const goldens = join('..', 'shared', 'goldens');
    if (!existsSync(goldens)) return this.skip();
    const files = readdirSync(goldens)
      .map((name) => join(goldens, name, 'config.yaml'))
      .filter((path) => existsSync(path))
      .map((path) => ({ path, yaml: readFileSync(path, 'utf8') }))
      .filter(({ yaml }) => problemsOf({ yaml }).length === 0);

    const refused = files.filter(({ yaml }) => !isValid(yaml)).map(({ path }) => path);

    expect(files).to.have.length.greaterThan(100);
    expect(refused).to.deep.equal([]);
  });
});

describe('docs/configuration.md', () => {
  it('holds the tables of today', () => {
    const [, tables] = /<!-- generated: keys -->([^]*)<!-- end of generated -->/.exec(documentation) ?? [];

    expect(tables?.trim(), REMEDY).to.equal(configReference());
  });

  const examples = [...documentation.matchAll(/^```yaml\n([^]*?)^```$/gm)].map(([, yaml = '']) => yaml);
  for (const [index, yaml] of examples.entries()) {
    it(`has an example ${index + 1} that resolves without a word`, () => {
      expect(problemsOf({ yaml })).to.deep.equal([]);
      expect(warningsOf({ yaml })).to.deep.equal([]);
    });
  }

  it('has examples', () => {
    expect(examples).to.have.length.greaterThan(3);
  });
});

import { existsSync, readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import { expect } from 'chai';
import { decode } from '../../../src/core/schema/decode.js';
import type { JsonSchema } from '../../../src/core/schema/json-schema.js';
import { kubernetesDefinitions } from '../../../src/core/schema/kubernetes-definitions.generated.js';

const ORACLE = '../shared/data/kubernetes-openapi-v2-1.36.json';
const ROOTS = [
  'batch.v1.Job',
  ...['Pod', 'PodTemplate', 'Secret', 'ConfigMap', 'Event', 'ServiceAccount', 'Namespace'].map((kind) => `core.v1.${kind}`),
  'events.v1.Event',
  'coordination.v1.Lease',
].map((name) => `io.k8s.api.${name}`);
const META_ROOTS = ['Status', 'ObjectMeta', 'ListMeta', 'DeleteOptions'].map(
  (kind) => `io.k8s.apimachinery.pkg.apis.meta.v1.${kind}`,
);

type Oracle = Readonly<Record<string, JsonSchema>>;

/** `io.k8s.api.events.v1.Event` is our `EventsV1Event`, everything else goes by its last name. */
function shortName(name: string): string {
  const kind = name.slice(name.lastIndexOf('.') + 1);
  return name.startsWith('io.k8s.api.events.v1.') ? `EventsV1${kind}` : kind;
}

/** A field's type as one word, with references to mere scalars resolved, so that both sides can be compared. */
function typeOf(schema: JsonSchema, oracle: Oracle): string {
  const name = schema.$ref?.replace('#/definitions/', '');
  if (name !== undefined) return typeOfReference(name, oracle);
  if (schema.format === 'quantity' || schema.format === 'int-or-string') return schema.format;
  if (schema.type === 'array') return `list of ${typeOf(schema.items ?? {}, oracle)}`;
  if (typeof schema.additionalProperties === 'object') return `map of ${typeOf(schema.additionalProperties, oracle)}`;
  return [schema.type, schema.format].filter((part) => part !== undefined).join(' ');
}

function typeOfReference(name: string, oracle: Oracle): string {
  if (name.endsWith('.Quantity')) return 'quantity';
  if (name.endsWith('.IntOrString')) return 'int-or-string';
  const target = oracle[name];
  return target !== undefined && target.properties === undefined ? typeOf(target, oracle) : `ref ${shortName(name)}`;
}

function summary(schema: JsonSchema, oracle: Oracle) {
  const fields = Object.entries(schema.properties ?? {}).map(([name, field]) => [name, typeOf(field, oracle)]);
  return { fields: Object.fromEntries(fields), required: [...(schema.required ?? [])].sort() };
}

function closure(oracle: Oracle): Map<string, JsonSchema> {
  const found = new Map<string, JsonSchema>();
  const queue = [...ROOTS, ...META_ROOTS];
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    const schema = oracle[name];
    if (schema?.properties === undefined || found.has(name)) continue;
    found.set(name, schema);
    for (const [, next] of JSON.stringify(schema.properties).matchAll(/"#\/definitions\/([^"]+)"/g)) queue.push(next ?? '');
  }
  return found;
}

describe('Kubernetes definitions', () => {
  it('have the fields, types and required lists of the Kubernetes 1.36 OpenAPI document', function () {
    if (!existsSync(ORACLE)) {
      console.log(`      ${ORACLE} is not here: comparison left out`);
      this.skip();
    }
    const oracle: Oracle = JSON.parse(readFileSync(ORACLE, 'utf8')).definitions;
    const expected = closure(oracle);

    expect(Object.keys(kubernetesDefinitions)).to.have.members([...expected.keys()].map(shortName));
    for (const [name, schema] of expected) {
      const ours = kubernetesDefinitions[shortName(name)] ?? {};
      expect(summary(ours, {}), name).to.deep.equal(summary(schema, oracle));
    }
  });

  it('refer only to each other', () => {
    const references = [...JSON.stringify(kubernetesDefinitions).matchAll(/"#\/definitions\/([^"]+)"/g)];

    expect(references.length).to.be.above(200);
    expect(kubernetesDefinitions).to.include.all.keys(references.map(([, name]) => name ?? ''));
  });

  it('know quantities, enumerations and ports that may have a name', () => {
    const field = (type: string, name: string) => kubernetesDefinitions[type]?.properties?.[name];

    expect(field('ResourceRequirements', 'limits')).to.deep.equal({ type: 'object', additionalProperties: { format: 'quantity' } });
    expect(field('EmptyDirVolumeSource', 'sizeLimit')).to.deep.equal({ format: 'quantity' });
    expect(field('HTTPGetAction', 'port')).to.deep.equal({ format: 'int-or-string' });
    expect(field('Container', 'imagePullPolicy')?.enum).to.deep.equal(['Always', 'IfNotPresent', 'Never']);
    expect(field('Secret', 'data')).to.deep.equal({ type: 'object', additionalProperties: { type: 'string', format: 'byte' } });
  });

  const job = {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: 'a', labels: { 'a/b': 'c' } },
    spec: {
      backoffLimit: 0,
      template: {
        spec: {
          restartPolicy: 'Never',
          containers: [
            {
              name: 'a',
              image: 'b',
              resources: { limits: { cpu: '1', memory: '1.5Gi' } },
              readinessProbe: { httpGet: { port: 'http' }, periodSeconds: 5 },
            },
          ],
        },
      },
    },
  };
  const broken = structuredClone(job);
  Object.assign(broken.spec.template.spec, { restartPolicy: 'Sometimes', hostNetwrk: true });
  Object.assign(broken.spec, { backoffLimit: '0' });

  it('serve our decoder', () => {
    const schema = { $ref: '#/definitions/Job' };
    const options = { definitions: kubernetesDefinitions, requireFields: true };

    expect(decode(job, schema, options)).to.deep.equal({ value: job, issues: [] });
    expect(decode(broken, schema, options).issues.map(({ kind }) => kind)).to.deep.equal(['wrong-type', 'not-allowed', 'unknown-field']);
  });

  it('are published as a draft-07 schema that ajv compiles and that finds the same mistakes', () => {
    const published = JSON.parse(readFileSync('schema/kubernetes.json', 'utf8'));
    const ajv = new Ajv({ allErrors: true });
    addFormats.default(ajv);
    ajv.addSchema(published, 'kubernetes');

    const validate = ajv.compile({ $ref: 'kubernetes#/definitions/Job' });

    expect(Object.keys(published.definitions)).to.deep.equal(Object.keys(kubernetesDefinitions));
    expect(validate(job), JSON.stringify(validate.errors)).to.equal(true);
    expect(validate(broken)).to.equal(false);
    expect(validate.errors?.map(({ keyword }) => keyword).sort()).to.deep.equal(['additionalProperties', 'enum', 'type']);
  });
});

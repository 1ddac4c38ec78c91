import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { parse } from 'yaml';
import { ApiError } from '../../../src/sandbox/kubernetes/api-error.js';
import { isRecord, recordsAt, textAt, type JsonRecord } from '../../../src/sandbox/kubernetes/objects.js';
import { ObjectStore } from '../../../src/sandbox/kubernetes/object-store.js';
import { checkSchema } from '../../../src/sandbox/kubernetes/schema-check.js';

const GOLDENS = path.resolve('../shared/goldens');

function expectedJob(name: string): JsonRecord {
  const job: unknown = parse(readFileSync(path.join(GOLDENS, name, 'expected.yaml'), 'utf8'));
  if (!isRecord(job)) throw new Error(`${name}/expected.yaml is not an object`);
  return { ...job, metadata: { ...(job.metadata as JsonRecord), namespace: 'default' } };
}

function refusals(): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const line of readFileSync(path.join(GOLDENS, 'api-refusals.tsv'), 'utf8').split('\n').slice(1)) {
    const [name = '', reason = ''] = line.split('\t');
    if (name !== '') found.set(name, [...(found.get(name) ?? []), reason]);
  }
  return found;
}

/** The causes of the refusal as `field: message` in byte order; empty when the Job is accepted. */
function reasonsFor(job: JsonRecord): readonly string[] {
  const store = new ObjectStore();
  store.create('namespaces', { metadata: { name: 'default' } });
  try {
    store.create('jobs', job, { dryRun: true });
    return [];
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    const reasons = recordsAt(error.details, 'causes').map(
      (cause) => `${textAt(cause, 'field')}: ${textAt(cause, 'message')}`,
    );
    return [...new Set(reasons)].sort();
  }
}

describe('Jobs of the golden cases', function () {
  if (!existsSync(GOLDENS)) {
    it.skip('(../shared/goldens is absent)');
    return;
  }
  const refused = refusals();
  const names = readdirSync(GOLDENS).filter((name) => existsSync(path.join(GOLDENS, name, 'expected.yaml')));

  for (const [name, reasons] of refused) {
    it(`refuses ${name} for the reasons the real API server gives`, () => {
      const found = reasonsFor(expectedJob(name));

      expect(found).to.deep.equal([...new Set(reasons)].sort());
    });
  }

  it('accepts all others, without an unknown field', () => {
    const accepted = names.filter((name) => !refused.has(name));

    const problems = accepted.flatMap((name) => {
      const job = expectedJob(name);
      const { unknownFields, wrongTypes } = checkSchema(job, 'Job');
      return [...unknownFields, ...wrongTypes, ...reasonsFor(job)].map((problem) => `${name}: ${problem}`);
    });

    expect(accepted.length).to.be.greaterThan(100);
    expect(problems).to.deep.equal([]);
  });
});

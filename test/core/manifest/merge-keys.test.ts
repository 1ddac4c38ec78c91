import { existsSync, readFileSync } from 'node:fs';
import { expect } from 'chai';
import { fieldType, MERGING_LISTS, SCALARS } from '../../../src/core/manifest/merge-keys.js';
import { kubernetesDefinitions } from '../../../src/core/schema/kubernetes-definitions.generated.js';

const ORACLE = '../shared/data/kubernetes-openapi-v2-1.36.json';

interface OpenApiField {
  readonly 'x-kubernetes-patch-merge-key'?: string;
  readonly 'x-kubernetes-patch-strategy'?: string;
}

interface OpenApiType {
  readonly properties?: Readonly<Record<string, OpenApiField>>;
}

/** `Container.env name` and so on, of the definitions that are in ours too. */
function mergingLists(name: string, schema: OpenApiType): string[] {
  const definition = /\.(?:batch|core|events|coordination|meta)\.v1\.(\w+)$/.exec(name)?.[1] ?? '';
  if (!Object.hasOwn(kubernetesDefinitions, definition)) return [];
  return Object.entries(schema.properties ?? {})
    .filter(([, marks]) => marks['x-kubernetes-patch-strategy']?.includes('merge'))
    .map(([field, marks]) => `${definition}.${field} ${marks['x-kubernetes-patch-merge-key'] ?? 'scalars'}`);
}

describe('merge keys', () => {
  it('are those of the Kubernetes 1.36 OpenAPI document', function () {
    if (!existsSync(ORACLE)) {
      console.log(`      ${ORACLE} is not here: comparison left out`);
      this.skip();
    }
    const document = JSON.parse(readFileSync(ORACLE, 'utf8'));
    const expected = Object.entries<OpenApiType>(document.definitions).flatMap(([name, schema]) =>
      mergingLists(name, schema),
    );

    const ours = Object.entries(MERGING_LISTS).flatMap(([definition, lists]) =>
      Object.entries(lists).map(([field, key]) => `${definition}.${field} ${key === SCALARS ? 'scalars' : key}`),
    );

    expect(ours).to.have.members(expected);
  });

  it('follow references into lists and maps', () => {
    expect(fieldType('PodSpec', 'containers')).to.deep.equal({ definition: 'Container', mergeKey: 'name' });
    expect(fieldType('PodSpec', 'affinity')).to.deep.equal({ definition: 'Affinity', mergeKey: undefined });
    expect(fieldType('PodSpec', 'tolerations')).to.deep.equal({ definition: 'Toleration', mergeKey: undefined });
    expect(fieldType('PodSpec', 'constructor')).to.deep.equal({ definition: undefined, mergeKey: undefined });
    expect(fieldType(undefined, 'anything')).to.deep.equal({ definition: undefined, mergeKey: undefined });
  });
});

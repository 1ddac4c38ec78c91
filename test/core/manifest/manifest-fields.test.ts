import { expect } from 'chai';
import { fieldsBelow, flattenFields, pathPrefixes } from '../../../src/core/manifest/manifest-fields.js';

describe('manifest fields', () => {
  const fields = flattenFields({
    metadata: { labels: { 'a.b/c': 'x' } },
    spec: {
      template: {
        spec: {
          containers: [
            {
              name: 'agent',
              env: [{ name: 'A', value: '1' }],
              volumeMounts: [{ name: 'v', mountPath: '/p' }],
              args: ['x', 'y'],
            },
          ],
          volumes: [{ name: 'v', emptyDir: {} }],
        },
      },
    },
  });

  it('names list elements by what identifies them', () => {
    expect([...fields.keys()].map((path) => path.replace('spec.template.spec.', ''))).to.deep.equal([
      'metadata.labels[a.b/c]',
      'containers[agent].name',
      'containers[agent].env[A].name',
      'containers[agent].env[A].value',
      'containers[agent].volumeMounts[/p].name',
      'containers[agent].volumeMounts[/p].mountPath',
      'containers[agent].args[0]',
      'containers[agent].args[1]',
      'volumes[v].name',
      'volumes[v].emptyDir',
    ]);
    expect(fields.get('spec.template.spec.volumes[v].emptyDir')).to.deep.equal({});
  });

  it('selects a subtree by its full or its short path, never half a name', () => {
    expect(fieldsBelow(fields.keys(), 'containers[agent].args')).to.have.length(2);
    expect(fieldsBelow(fields.keys(), 'spec.template.spec.containers[agent].args[1]')).to.have.length(1);
    expect(fieldsBelow(fields.keys(), 'containers[agent].arg')).to.deep.equal([]);
  });

  it('splits paths outside brackets only', () => {
    expect(pathPrefixes('metadata.labels[a.b/c]')).to.deep.equal([
      'metadata',
      'metadata.labels',
      'metadata.labels[a.b/c]',
    ]);
  });
});

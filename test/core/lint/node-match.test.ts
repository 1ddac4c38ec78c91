import { expect } from 'chai';
import type { V1NodeSelectorRequirement, V1PodSpec } from '@kubernetes/client-node';
import type { NodeFacts } from '../../../src/core/lint/cluster-facts.js';
import { whyNotOn } from '../../../src/core/lint/node-match.js';

const node: NodeFacts = {
  labels: { pool: 'ci', cores: '16' },
  taints: [
    { key: 'dedicated', value: 'ci', effect: 'NoSchedule' },
    { key: 'slow', effect: 'PreferNoSchedule' },
  ],
};
const tolerations = [{ key: 'dedicated', operator: 'Equal', value: 'ci', effect: 'NoSchedule' }];
const pod = (spec: Partial<V1PodSpec>): V1PodSpec => ({ containers: [], tolerations, ...spec });
const wanting = (...matchExpressions: V1NodeSelectorRequirement[]): V1PodSpec =>
  pod({
    affinity: {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions }] },
      },
    },
  });

describe('whyNotOn', () => {
  const cases: [name: string, spec: V1PodSpec, why: string | undefined][] = [
    ['a tolerant pod', pod({}), undefined],
    ['no toleration', pod({ tolerations: [] }), 'taints'],
    ['a toleration of another value', pod({ tolerations: [{ key: 'dedicated', value: 'gpu' }] }), 'taints'],
    ['a toleration of everything', pod({ tolerations: [{ operator: 'Exists' }] }), undefined],
    ['a selector that holds', pod({ nodeSelector: { pool: 'ci' } }), undefined],
    ['a selector that does not', pod({ nodeSelector: { pool: 'gpu' } }), 'labels'],
    ['In', wanting({ key: 'pool', operator: 'In', values: ['ci', 'x'] }), undefined],
    ['In that does not hold', wanting({ key: 'pool', operator: 'In', values: ['x'] }), 'labels'],
    ['NotIn', wanting({ key: 'zone', operator: 'NotIn', values: ['x'] }), undefined],
    ['Exists', wanting({ key: 'zone', operator: 'Exists' }), 'labels'],
    ['DoesNotExist', wanting({ key: 'zone', operator: 'DoesNotExist' }), undefined],
    ['Gt', wanting({ key: 'cores', operator: 'Gt', values: ['8'] }), undefined],
    ['Lt', wanting({ key: 'cores', operator: 'Lt', values: ['8'] }), 'labels'],
    ['an operator nobody knows', wanting({ key: 'cores', operator: 'Like', values: ['8'] }), undefined],
  ];
  for (const [name, spec, why] of cases) {
    it(`says ${why ?? 'nothing'} of ${name}`, () => {
      expect(whyNotOn(node, spec)).to.equal(why);
    });
  }
});

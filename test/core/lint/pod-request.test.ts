import { expect } from 'chai';
import type { V1Container, V1PodSpec } from '@kubernetes/client-node';
import { podRequest } from '../../../src/core/lint/pod-request.js';
import { formatQuantity } from '../../../src/core/quantity.js';

const container = (cpu: string, rest: Partial<V1Container> = {}): V1Container => ({
  name: 'a',
  resources: { requests: { cpu } },
  ...rest,
});

describe('podRequest', () => {
  const cases: [name: string, pod: V1PodSpec, cpu: string][] = [
    ['adds containers', { containers: [container('1'), container('500m')] }, '1500m'],
    ['counts a larger init container', { initContainers: [container('4')], containers: [container('1')] }, '4'],
    ['does not add a smaller init container', { initContainers: [container('1')], containers: [container('2')] }, '2'],
    [
      'adds sidecars to the containers',
      { initContainers: [container('1', { restartPolicy: 'Always' })], containers: [container('2')] },
      '3',
    ],
    [
      'adds the sidecars before an init container to it',
      {
        initContainers: [container('1', { restartPolicy: 'Always' }), container('4')],
        containers: [container('2')],
      },
      '5',
    ],
    ['takes a limit for a request', { containers: [container('0', { resources: { limits: { cpu: '2' } } })] }, '2'],
    ['adds the overhead', { containers: [container('1')], overhead: { cpu: '250m' } }, '1250m'],
    ['believes the pod', { containers: [container('1')], resources: { requests: { cpu: '6' } } }, '6'],
    ['leaves out what is no quantity', { containers: [container('lots'), container('1')] }, '1'],
  ];
  for (const [name, pod, cpu] of cases) {
    it(name, () => {
      const nanos = podRequest(pod).get('cpu') ?? 0n;

      expect(formatQuantity({ nanos, family: 'decimal' })).to.equal(cpu);
    });
  }
});

import type { RuleSet } from '../rule.js';
import { podLevelResources, missingResources } from './pod-resources.js';
import { selectors } from './selectors.js';

/** Where a pod is placed, and with how much of a node. */
export const schedulingRules: RuleSet = {
  rules: [
    {
      id: 'scheduling/selector-matches-nothing',
      severity: 'warning',
      summary: 'A rule about other pods selects labels that no pod of this pipeline has.',
      why: 'The pods of jobs carry the labels of the plugin\'s "metadata.labels" and the controller\'s own, nothing else. A selector for another label matches no pod, so jobs that should keep apart share a node all the same, without any message.',
      remedy: 'Write the label under "metadata.labels" of the kubernetes plugin.',
    },
    {
      id: 'resources/pod-level',
      severity: 'warning',
      summary: '"resources" stands beside the containers, not in one of them.',
      why: 'Kubernetes takes it for the resources of the pod as a whole, which older versions (before 1.34) drop or refuse; the container that was meant keeps what it had.',
      remedy: 'Indent it into the container that it is for.',
    },
    {
      id: 'resources/missing',
      severity: 'off',
      strict: 'info',
      summary: 'A container that runs commands requests no memory.',
      why: 'Without requests the scheduler puts any number of jobs on one node, and their pods are the first to be evicted when its memory is used up.',
      remedy:
        'Set "resources.requests", in the step or for all jobs in the controller\'s "pod-spec-patch" or resource classes.',
    },
  ],
  checks: [
    { scope: 'job', check: selectors },
    { scope: 'step', check: podLevelResources },
    { scope: 'job', check: missingResources },
  ],
};

import {
  numberAt,
  recordAt,
  recordsAt,
  sameJson,
  textAt,
  without,
  type JsonRecord,
  type KubeObject,
} from './objects.js';
import { defaultPodOnly, defaultPodSpec, qosClassOf } from './pod-defaults.js';
import { metadataFields, plainStrategy, textFields, type Strategy } from './strategy.js';
import { forbiddenField, type FieldError } from './validation/field-errors.js';
import { validatePodSpec } from './validation/pod-spec.js';

const POD_FIELDS = [
  'spec.nodeName',
  'spec.restartPolicy',
  'spec.schedulerName',
  'spec.serviceAccountName',
  'status.phase',
  'status.nominatedNodeName',
];

const MUTABLE =
  '`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,' +
  '`spec.tolerations` (only additions to existing tolerations),' +
  '`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';

/** The spec without the parts a client may change after creation. */
function fixedPart(spec: JsonRecord): JsonRecord {
  const withoutImages = (key: string): readonly JsonRecord[] =>
    recordsAt(spec, key).map((container) => without(container, 'image'));
  const rest = without(spec, 'activeDeadlineSeconds', 'tolerations');
  return { ...rest, containers: withoutImages('containers'), initContainers: withoutImages('initContainers') };
}

function immutableSpec(next: KubeObject, current: KubeObject): readonly FieldError[] {
  const same = sameJson(fixedPart(recordAt(next, 'spec')), fixedPart(recordAt(current, 'spec')));
  return same ? [] : [forbiddenField('spec', `pod updates may not change fields other than ${MUTABLE}`)];
}

/** Pods: the defaults of a pod spec, a Pending start, and a grace period while a node runs them. */
export const podStrategy: Strategy = {
  ...plainStrategy,
  selectable: new Set([
    ...plainStrategy.selectable,
    ...POD_FIELDS,
    'spec.hostNetwork',
    'status.podIP',
    'status.podIPs',
  ]),
  fieldsOf: (pod) => ({
    ...metadataFields(pod),
    ...textFields(pod, POD_FIELDS),
    'spec.hostNetwork': String(recordAt(pod, 'spec').hostNetwork === true),
    'status.podIP': textAt(pod, 'status', 'podIP'),
  }),
  withDefaults: (pod) => ({ ...pod, spec: defaultPodOnly(defaultPodSpec(recordAt(pod, 'spec'))) }),
  prepareForCreate: (pod) => ({ ...pod, status: { phase: 'Pending', qosClass: qosClassOf(recordAt(pod, 'spec')) } }),
  validate: (pod) => validatePodSpec(recordAt(pod, 'spec'), 'spec'),
  validateUpdate: immutableSpec,
  gracePeriod: (pod, asked) => {
    const phase = textAt(pod, 'status', 'phase');
    const idle = textAt(pod, 'spec', 'nodeName') === '' || phase === 'Failed' || phase === 'Succeeded';
    const seconds = asked ?? numberAt(pod, 'spec', 'terminationGracePeriodSeconds') ?? 0;
    if (idle) return 0;
    return seconds < 0 ? 1 : seconds;
  },
};

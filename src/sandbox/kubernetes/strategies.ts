import { jobStrategy } from './job-strategy.js';
import { recordAt, textAt, type JsonRecord, type KubeObject } from './objects.js';
import { defaultPodSpec } from './pod-defaults.js';
import { podStrategy } from './pod-strategy.js';
import type { ResourceName } from './resources.js';
import { metadataFields, plainStrategy, textFields, withStringData, type Strategy } from './strategy.js';
import { invalidValue, type FieldError } from './validation/field-errors.js';
import { checked } from './validation/metadata.js';
import { configKey, dns1123Label } from './validation/names.js';
import { validatePodTemplate } from './validation/pod-spec.js';

const EVENT_FIELDS = [
  'involvedObject.kind',
  'involvedObject.namespace',
  'involvedObject.name',
  'involvedObject.uid',
  'involvedObject.apiVersion',
  'involvedObject.resourceVersion',
  'involvedObject.fieldPath',
  'reason',
  'reportingComponent',
  'type',
];

function dataKeys(object: KubeObject): readonly FieldError[] {
  return ['data', 'binaryData'].flatMap((part) =>
    Object.keys(recordAt(object, part)).flatMap((key) => checked(`${part}[${key}]`, key, configKey)),
  );
}

function immutableData(next: KubeObject, current: KubeObject): readonly FieldError[] {
  if (current.immutable !== true) return [];
  const same = JSON.stringify(next.data) === JSON.stringify(current.data);
  const message = 'field is immutable when `immutable` is set';
  return same ? [] : [{ type: 'FieldValueForbidden', field: 'data', detail: message }];
}

const secretStrategy: Strategy = {
  ...plainStrategy,
  selectable: new Set([...plainStrategy.selectable, 'type']),
  fieldsOf: (object) => ({ ...metadataFields(object), type: textAt(object, 'type') }),
  withDefaults: (object) => ({ ...withStringData(object), type: textAt(object, 'type') || 'Opaque' }),
  validate: dataKeys,
  validateUpdate: (next, current) => [
    ...(next.type === current.type ? [] : [invalidValue('type', next.type, 'field is immutable')]),
    ...immutableData(next, current),
  ],
};

const eventStrategy: Strategy = {
  ...plainStrategy,
  withDefaults: (event) => ({ source: {}, reportingComponent: '', reportingInstance: '', ...event }),
  selectable: new Set([...plainStrategy.selectable, ...EVENT_FIELDS, 'source']),
  fieldsOf: (object) => ({
    ...metadataFields(object),
    ...textFields(object, EVENT_FIELDS),
    source: textAt(object, 'source', 'component') || textAt(object, 'reportingComponent'),
  }),
  validate: (object) => {
    const about = textAt(object, 'involvedObject', 'namespace') || 'default';
    const { namespace } = object.metadata;
    return about === namespace
      ? []
      : [
          invalidValue(
            'involvedObject.namespace',
            textAt(object, 'involvedObject', 'namespace'),
            'does not match event.namespace',
          ),
        ];
  },
};

const namespaceStrategy: Strategy = {
  ...plainStrategy,
  nameCheck: dns1123Label,
  selectable: new Set([...plainStrategy.selectable, 'status.phase']),
  fieldsOf: (object) => ({ ...metadataFields(object), 'status.phase': textAt(object, 'status', 'phase') }),
  prepareForCreate: (object) => ({
    ...object,
    metadata: {
      ...object.metadata,
      labels: { ...object.metadata.labels, 'kubernetes.io/metadata.name': object.metadata.name },
    },
    spec: { finalizers: ['kubernetes'] },
    status: { phase: 'Active' },
  }),
};

const podTemplateStrategy: Strategy = {
  ...plainStrategy,
  withDefaults: (object) => withTemplateDefaults(object),
  validate: (object) => validatePodTemplate(recordAt(object, 'template'), 'template'),
};

function withTemplateDefaults(object: JsonRecord): JsonRecord {
  const template = recordAt(object, 'template');
  return { ...object, template: { metadata: {}, ...template, spec: defaultPodSpec(recordAt(template, 'spec')) } };
}

const leaseStrategy: Strategy = {
  ...plainStrategy,
  validate: (object) => {
    const seconds = recordAt(object, 'spec').leaseDurationSeconds;
    if (typeof seconds !== 'number' || seconds > 0) return [];
    return [invalidValue('spec.leaseDurationSeconds', seconds, 'must be greater than 0')];
  },
};

const STRATEGIES: Readonly<Record<ResourceName, Strategy>> = {
  namespaces: namespaceStrategy,
  serviceaccounts: plainStrategy,
  secrets: secretStrategy,
  configmaps: { ...plainStrategy, validate: dataKeys, validateUpdate: immutableData },
  podtemplates: podTemplateStrategy,
  events: eventStrategy,
  pods: podStrategy,
  jobs: jobStrategy,
  leases: leaseStrategy,
};

/** How objects of a resource are defaulted, checked, selected and deleted. */
export function strategyOf(resource: ResourceName): Strategy {
  return STRATEGIES[resource];
}

import {
  at,
  isRecord,
  numberAt,
  recordAt,
  sameJson,
  stringsAt,
  textAt,
  type JsonRecord,
  type KubeObject,
} from './objects.js';
import { defaultPodSpec } from './pod-defaults.js';
import { metadataFields, plainStrategy, type Strategy } from './strategy.js';
import { invalidValue, notSupported, required, type FieldError } from './validation/field-errors.js';
import { validatePodTemplate } from './validation/pod-spec.js';
import { dns1123Label } from './validation/names.js';

const NAME_LABELS = ['job-name', 'batch.kubernetes.io/job-name'];
const UID_LABELS = ['controller-uid', 'batch.kubernetes.io/controller-uid'];
const COUNTS = ['parallelism', 'completions', 'activeDeadlineSeconds', 'backoffLimit', 'ttlSecondsAfterFinished'];

function withDefaults(job: JsonRecord): JsonRecord {
  const spec = recordAt(job, 'spec');
  const template = recordAt(spec, 'template');
  const single = spec.completions === undefined && spec.parallelism === undefined ? { completions: 1 } : {};
  return {
    ...job,
    metadata: { ...recordAt(job, 'metadata'), ...inheritedLabels(job, template) },
    spec: {
      parallelism: 1,
      ...single,
      backoffLimit: spec.backoffLimitPerIndex === undefined ? 6 : 2_147_483_647,
      completionMode: 'NonIndexed',
      suspend: false,
      podReplacementPolicy: spec.podFailurePolicy === undefined ? 'TerminatingOrFailed' : 'Failed',
      manualSelector: false,
      ...spec,
      template: { ...template, spec: defaultPodSpec(recordAt(template, 'spec')) },
    },
  };
}

/** A Job without labels takes those of its pods, generated ones included. */
function inheritedLabels(job: JsonRecord, template: JsonRecord): JsonRecord {
  const labels = stringsAt(template, 'metadata', 'labels');
  const own = Object.keys(recordAt(job, 'metadata', 'labels')).length > 0;
  return own || Object.keys(labels).length === 0 ? {} : { labels };
}

/** Adds the labels that tie pods to this Job, and the selector that finds them. */
function withSelector(job: KubeObject): KubeObject {
  const spec = recordAt(job, 'spec');
  if (spec.manualSelector === true) return { ...job, status: {} };
  const { name, uid } = job.metadata;
  const owned = {
    ...Object.fromEntries(NAME_LABELS.map((label) => [label, name])),
    ...Object.fromEntries(UID_LABELS.map((label) => [label, uid])),
  };
  const template = recordAt(spec, 'template');
  const metadata = recordAt(template, 'metadata');
  const selector = recordAt(spec, 'selector');
  const matchLabels = { 'batch.kubernetes.io/controller-uid': uid, ...stringsAt(selector, 'matchLabels') };
  const labelled = { ...template, metadata: { ...metadata, labels: { ...owned, ...stringsAt(metadata, 'labels') } } };
  return {
    ...job,
    spec: { ...spec, selector: { ...selector, matchLabels }, template: labelled },
    status: {},
  };
}

function validate(job: KubeObject): readonly FieldError[] {
  const spec = recordAt(job, 'spec');
  return [
    ...validateSelector(job),
    ...COUNTS.flatMap((key) => nonNegative(spec, key)),
    ...validatePodTemplate(recordAt(spec, 'template'), 'spec.template'),
    ...validateRestartPolicy(textAt(spec, 'template', 'spec', 'restartPolicy')),
  ];
}

function nonNegative(spec: JsonRecord, key: string): readonly FieldError[] {
  const value = numberAt(spec, key) ?? 0;
  return value < 0 ? [invalidValue(`spec.${key}`, value, 'must be greater than or equal to 0')] : [];
}

function validateSelector(job: KubeObject): readonly FieldError[] {
  const spec = recordAt(job, 'spec');
  const field = 'spec.template.metadata.labels';
  const labels = at(spec, 'template', 'metadata', 'labels');
  const wanted = stringsAt(spec, 'selector', 'matchLabels');
  const selects = Object.entries(wanted).every(([key, value]) => at(labels, key) === value);
  const unmatched = invalidValue(field, labels, '`selector` does not match template `labels`');
  const generated = spec.manualSelector === true ? manualProblems(spec) : generatedProblems(job, field);
  return [...generated, ...(isRecord(spec.selector) && selects ? [] : [unmatched])];
}

function manualProblems(spec: JsonRecord): readonly FieldError[] {
  return isRecord(spec.selector) ? [] : [required('spec.selector')];
}

function generatedProblems(job: KubeObject, field: string): readonly FieldError[] {
  const { uid, name } = job.metadata;
  const spec = recordAt(job, 'spec');
  const labels = stringsAt(spec, 'template', 'metadata', 'labels');
  const expected: readonly (readonly [string, string])[] = [
    ['controller-uid', uid],
    ['job-name', name],
    ['batch.kubernetes.io/controller-uid', uid],
    ['batch.kubernetes.io/job-name', name],
  ];
  const wrong = expected.filter(([label, value]) => labels[label] !== value);
  const matched = sameJson(spec.selector, { matchLabels: { 'batch.kubernetes.io/controller-uid': uid } });
  return [
    ...wrong.map(([label, value]) => invalidValue(`${field}[${label}]`, labels, `must be '${value}'`)),
    ...(matched ? [] : [invalidValue('spec.selector', spec.selector, '`selector` not auto-generated')]),
  ];
}

function validateRestartPolicy(policy: string): readonly FieldError[] {
  const field = 'spec.template.spec.restartPolicy';
  if (policy === 'OnFailure' || policy === 'Never') return [];
  // `Always` is what a missing policy defaults to, so the API server speaks of a missing value.
  if (policy === 'Always') return [required(field, 'valid values: "OnFailure", "Never"')];
  return [notSupported(field, policy, ['OnFailure', 'Never'])];
}

const IMMUTABLE = ['completions', 'selector', 'template', 'completionMode', 'podFailurePolicy', 'backoffLimitPerIndex'];
const WHILE_SUSPENDED = ['affinity', 'nodeSelector', 'tolerations', 'schedulingGates'];

function validateUpdate(next: KubeObject, current: KubeObject): readonly FieldError[] {
  return IMMUTABLE.filter((key) => !sameJson(fixed(next, current, key), fixed(current, current, key))).map((key) =>
    invalidValue(`spec.${key}`, recordAt(next, 'spec')[key], 'field is immutable'),
  );
}

/** A suspended Job that never started may still change where its pods may run. */
function fixed(job: KubeObject, current: KubeObject, key: string): unknown {
  const value = recordAt(job, 'spec')[key];
  const open = recordAt(current, 'spec').suspend === true && textAt(current, 'status', 'startTime') === '';
  if (key !== 'template' || !open) return value;
  const spec = Object.entries(recordAt(value, 'spec')).filter(([name]) => !WHILE_SUSPENDED.includes(name));
  return { spec: Object.fromEntries(spec) };
}

function warnings(job: KubeObject): readonly string[] {
  const problems = dns1123Label(job.metadata.name);
  if (problems.length === 0) return [];
  const advice = 'this is used in Pod names and hostnames, which can result in surprising behavior';
  return [`metadata.name: ${advice}; a DNS label is recommended: [${problems.join(' ')}]`];
}

/** Jobs: generated selector and labels, an immutable template, pods that outlive a plain DELETE. */
export const jobStrategy: Strategy = {
  ...plainStrategy,
  selectable: new Set([...plainStrategy.selectable, 'status.successful']),
  fieldsOf: (job) => ({
    ...metadataFields(job),
    'status.successful': String(numberAt(job, 'status', 'succeeded') ?? 0),
  }),
  withDefaults,
  prepareForCreate: withSelector,
  validate,
  validateUpdate,
  warnings,
  defaultPropagation: 'Orphan',
};

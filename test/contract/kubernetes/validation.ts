import { expect } from 'chai';
import { jobManifest, pathsOf, type Fixture } from './target.js';

type Cause = readonly [field: string, reason: string];
interface Case {
  readonly what: string;
  readonly change: (job: any) => void;
  readonly causes: readonly Cause[];
}

const POD = 'spec.template.spec';
const MAIN = `${POD}.containers[0]`;
const podOf = (job: any): any => job.spec.template.spec;
const mainOf = (job: any): any => podOf(job).containers[0];

const CASES: readonly Case[] = [
  {
    what: 'no containers',
    change: (job) => (podOf(job).containers = []),
    causes: [[`${POD}.containers`, 'FieldValueRequired']],
  },
  {
    what: 'a container without image',
    change: (job) => delete mainOf(job).image,
    causes: [[`${MAIN}.image`, 'FieldValueRequired']],
  },
  {
    what: 'a container without name',
    change: (job) => delete mainOf(job).name,
    causes: [[`${MAIN}.name`, 'FieldValueRequired']],
  },
  {
    what: 'a container name with an underscore',
    change: (job) => (mainOf(job).name = 'a_b'),
    causes: [[`${MAIN}.name`, 'FieldValueInvalid']],
  },
  {
    what: 'two containers of one name',
    change: (job) => podOf(job).containers.push({ name: 'main', image: 'busybox' }),
    causes: [[`${POD}.containers[1].name`, 'FieldValueDuplicate']],
  },
  {
    what: 'an init container named as a container',
    change: (job) => (podOf(job).initContainers = [{ name: 'main', image: 'busybox' }]),
    causes: [[`${POD}.initContainers[0].name`, 'FieldValueDuplicate']],
  },
  {
    what: 'an init container without image',
    change: (job) => (podOf(job).initContainers = [{ name: 'first' }]),
    causes: [[`${POD}.initContainers[0].image`, 'FieldValueRequired']],
  },
  {
    what: 'a pod that restarts always',
    change: (job) => (podOf(job).restartPolicy = 'Always'),
    causes: [[`${POD}.restartPolicy`, 'FieldValueRequired']],
  },
  {
    what: 'no restart policy',
    change: (job) => delete podOf(job).restartPolicy,
    causes: [[`${POD}.restartPolicy`, 'FieldValueRequired']],
  },
  {
    what: 'an unknown pull policy',
    change: (job) => (mainOf(job).imagePullPolicy = 'Sometimes'),
    causes: [[`${MAIN}.imagePullPolicy`, 'FieldValueNotSupported']],
  },
  {
    what: 'a label value with a space',
    change: (job) => (job.metadata.labels = { key: 'a b' }),
    causes: [['metadata.labels', 'FieldValueInvalid']],
  },
  {
    what: 'a label key that starts with a dash',
    change: (job) => (job.metadata.labels = { '-key': 'a' }),
    causes: [['metadata.labels', 'FieldValueInvalid']],
  },
  {
    what: 'a label value of 64 characters',
    change: (job) => (job.metadata.labels = { key: 'a'.repeat(64) }),
    causes: [['metadata.labels', 'FieldValueInvalid']],
  },
  {
    what: 'an annotation key with an exclamation mark',
    change: (job) => (job.metadata.annotations = { 'key!': 'a' }),
    causes: [['metadata.annotations', 'FieldValueInvalid']],
  },
  {
    what: 'bad labels and annotations of the pods',
    change: (job) => {
      job.metadata.labels = { good: 'yes' };
      job.spec.template.metadata = { labels: { '-key': 'a' }, annotations: { 'key!': 'a' } };
    },
    causes: [
      ['spec.template.labels', 'FieldValueInvalid'],
      ['spec.template.annotations', 'FieldValueInvalid'],
    ],
  },
  {
    what: 'a name with capitals',
    change: (job) => (job.metadata.name = 'Not-Good'),
    causes: [['metadata.name', 'FieldValueInvalid']],
  },
  {
    what: 'a mount of a volume there is not',
    change: (job) => (mainOf(job).volumeMounts = [{ name: 'nowhere', mountPath: '/x' }]),
    causes: [[`${MAIN}.volumeMounts[0].name`, 'FieldValueNotFound']],
  },
  {
    what: 'a mount without path',
    change: (job) => {
      podOf(job).volumes = [{ name: 'v', emptyDir: {} }];
      mainOf(job).volumeMounts = [{ name: 'v' }];
    },
    causes: [[`${MAIN}.volumeMounts[0].mountPath`, 'FieldValueRequired']],
  },
  {
    what: 'two mounts at one path',
    change: (job) => {
      podOf(job).volumes = [{ name: 'v', emptyDir: {} }];
      mainOf(job).volumeMounts = [
        { name: 'v', mountPath: '/x' },
        { name: 'v', mountPath: '/x' },
      ];
    },
    causes: [[`${MAIN}.volumeMounts[1].mountPath`, 'FieldValueInvalid']],
  },
  {
    what: 'two volumes of one name',
    change: (job) =>
      (podOf(job).volumes = [
        { name: 'v', emptyDir: {} },
        { name: 'v', emptyDir: {} },
      ]),
    causes: [[`${POD}.volumes[1].name`, 'FieldValueDuplicate']],
  },
  {
    what: 'a volume of two kinds',
    change: (job) => (podOf(job).volumes = [{ name: 'v', emptyDir: {}, hostPath: { path: '/x' } }]),
    causes: [[`${POD}.volumes[0].hostPath`, 'FieldValueForbidden']],
  },
  {
    what: 'an environment variable without name',
    change: (job) => (mainOf(job).env = [{ value: 'x' }]),
    causes: [[`${MAIN}.env[0].name`, 'FieldValueRequired']],
  },
  {
    what: 'an environment variable with two values',
    change: (job) =>
      (mainOf(job).env = [{ name: 'A', value: 'x', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } }]),
    causes: [[`${MAIN}.env[0].valueFrom`, 'FieldValueInvalid']],
  },
  {
    what: 'a field reference that leads nowhere',
    change: (job) => (mainOf(job).env = [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'spec.nowhere' } } }]),
    causes: [[`${MAIN}.env[0].valueFrom.fieldRef.fieldPath`, 'FieldValueInvalid']],
  },
  {
    what: 'more requested than allowed',
    change: (job) => (mainOf(job).resources = { requests: { cpu: '2' }, limits: { cpu: '1' } }),
    causes: [[`${MAIN}.resources.requests`, 'FieldValueInvalid']],
  },
  {
    what: 'a negative quantity',
    change: (job) => (mainOf(job).resources = { requests: { memory: '-1Gi' } }),
    causes: [[`${MAIN}.resources.requests[memory]`, 'FieldValueInvalid']],
  },
  {
    what: 'a port beyond 65535',
    change: (job) => (mainOf(job).ports = [{ containerPort: 70_000 }]),
    causes: [[`${MAIN}.ports[0].containerPort`, 'FieldValueInvalid']],
  },
  {
    what: 'a toleration with an unknown operator',
    change: (job) => (podOf(job).tolerations = [{ key: 'a', operator: 'Like', value: 'b' }]),
    causes: [[`${POD}.tolerations[0].operator`, 'FieldValueNotSupported']],
  },
  {
    what: 'an unknown DNS policy',
    change: (job) => (podOf(job).dnsPolicy = 'Guess'),
    causes: [[`${POD}.dnsPolicy`, 'FieldValueNotSupported']],
  },
  {
    what: 'a negative user id',
    change: (job) => (podOf(job).securityContext = { runAsUser: -1 }),
    causes: [[`${POD}.securityContext.runAsUser`, 'FieldValueInvalid']],
  },
  {
    what: 'a deadline of the pod of zero',
    change: (job) => (podOf(job).activeDeadlineSeconds = 0),
    causes: [[`${POD}.activeDeadlineSeconds`, 'FieldValueInvalid']],
  },
  {
    what: 'a negative deadline',
    change: (job) => (job.spec.activeDeadlineSeconds = -1),
    causes: [['spec.activeDeadlineSeconds', 'FieldValueInvalid']],
  },
  {
    what: 'a negative backoff limit',
    change: (job) => (job.spec.backoffLimit = -1),
    causes: [['spec.backoffLimit', 'FieldValueInvalid']],
  },
  {
    what: 'a negative time to live',
    change: (job) => (job.spec.ttlSecondsAfterFinished = -1),
    causes: [['spec.ttlSecondsAfterFinished', 'FieldValueInvalid']],
  },
  {
    what: 'a negative parallelism',
    change: (job) => (job.spec.parallelism = -1),
    causes: [['spec.parallelism', 'FieldValueInvalid']],
  },
  {
    what: 'an unknown completion mode',
    change: (job) => (job.spec.completionMode = 'Odd'),
    causes: [['spec.completionMode', 'FieldValueNotSupported']],
  },
  {
    what: 'a bad service account name',
    change: (job) => (podOf(job).serviceAccountName = 'Not_Good'),
    causes: [[`${POD}.serviceAccountName`, 'FieldValueInvalid']],
  },
  {
    what: 'a bad node selector',
    change: (job) => (podOf(job).nodeSelector = { 'a b': 'c' }),
    causes: [[`${POD}.nodeSelector`, 'FieldValueInvalid']],
  },
  {
    what: 'everything at once, all of it named',
    change: (job) => {
      job.metadata.labels = { key: 'a b' };
      job.spec.backoffLimit = -1;
      delete mainOf(job).image;
      mainOf(job).volumeMounts = [{ name: 'nowhere', mountPath: '/x' }];
    },
    causes: [
      ['metadata.labels', 'FieldValueInvalid'],
      ['spec.backoffLimit', 'FieldValueInvalid'],
      [`${MAIN}.image`, 'FieldValueRequired'],
      [`${MAIN}.volumeMounts[0].name`, 'FieldValueNotFound'],
    ],
  },
];

const show = (causes: readonly Cause[]): string[] => causes.map((cause) => cause.join(' ')).sort();

/** 422: the reasons and fields by which people find their mistake. */
export function describeValidation({ api, namespace }: Fixture): void {
  let jobs = '';
  before(async () => {
    jobs = pathsOf(await namespace()).jobs;
  });

  for (const { what, change, causes } of CASES) {
    it(`refuses ${what}`, async () => {
      const body = jobManifest('job');
      change(body);

      const answer = await api().request('POST', jobs, { body, query: { dryRun: 'All' } });

      expect(answer.status).to.equal(422);
      expect(answer.body).to.include({ kind: 'Status', status: 'Failure', reason: 'Invalid', code: 422 });
      expect(answer.body.details).to.include({ group: 'batch', kind: 'Job' });
      const found = answer.body.details.causes.map((cause: any): Cause => [cause.field, cause.reason]);
      expect(show(found)).to.deep.equal(show(causes));
      for (const [field] of causes) expect(answer.body.message).to.include(field);
    });
  }

  it('refuses a Secret whose data is no base64, or whose key is no file name', async () => {
    const secrets = pathsOf(await namespace()).secrets;

    const garbled = await api().request('POST', secrets, { body: { metadata: { name: 's' }, data: { a: '%' } } });
    const misnamed = await api().request('POST', secrets, {
      body: { metadata: { name: 's' }, data: { 'a/b': 'YQ==' } },
    });

    expect([garbled.status, garbled.body.reason]).to.deep.equal([400, 'BadRequest']);
    expect([misnamed.status, misnamed.body.details.causes[0].field]).to.deep.equal([422, 'data[a/b]']);
  });

  it('holds PodTemplates and Pods to the same rules', async () => {
    const { pods, podTemplates } = pathsOf(await namespace());
    const spec = { containers: [{ name: 'main' }] };

    const pod = await api().request('POST', pods, { body: { metadata: { name: 'p' }, spec } });
    const template = await api().request('POST', podTemplates, {
      body: { metadata: { name: 't' }, template: { spec } },
    });

    expect([pod.status, pod.body.details.causes[0].field]).to.deep.equal([422, 'spec.containers[0].image']);
    expect([template.status, template.body.details.causes[0].field]).to.deep.equal([
      422,
      'template.spec.containers[0].image',
    ]);
  });
}

import type { IncomingMessage } from 'node:http';
import { numberAt, recordAt, recordsAt, textAt, type JsonRecord, type KubeObject } from './objects.js';
import type { ResourceType } from './resources.js';

interface Column {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'date';
  cell(object: KubeObject): string | number;
}

const name: Column = { name: 'Name', type: 'string', cell: (object) => object.metadata.name };
const age: Column = { name: 'Age', type: 'date', cell: (object) => ageOf(object.metadata.creationTimestamp) };

const COLUMNS: Readonly<Record<string, readonly Column[]>> = {
  pods: [
    name,
    { name: 'Ready', type: 'string', cell: readyCell },
    { name: 'Status', type: 'string', cell: podStatus },
    { name: 'Restarts', type: 'integer', cell: restarts },
    age,
  ],
  jobs: [
    name,
    { name: 'Status', type: 'string', cell: jobStatus },
    { name: 'Completions', type: 'string', cell: completions },
    age,
  ],
  events: [
    { name: 'Last Seen', type: 'string', cell: (event) => ageOf(textAt(event, 'lastTimestamp')) },
    { name: 'Type', type: 'string', cell: (event) => textAt(event, 'type') },
    { name: 'Reason', type: 'string', cell: (event) => textAt(event, 'reason') },
    { name: 'Object', type: 'string', cell: eventObject },
    { name: 'Message', type: 'string', cell: (event) => textAt(event, 'message') || textAt(event, 'note') },
  ],
  leases: [name, { name: 'Holder', type: 'string', cell: (lease) => textAt(lease, 'spec', 'holderIdentity') }, age],
};

function eventObject(event: KubeObject): string {
  const about = { ...recordAt(event, 'involvedObject'), ...recordAt(event, 'regarding') };
  return `${textAt(about, 'kind').toLowerCase()}/${textAt(about, 'name')}`;
}

function readyCell(pod: KubeObject): string {
  const ready = recordsAt(pod, 'status', 'containerStatuses').filter((status) => status.ready === true);
  return `${ready.length}/${recordsAt(pod, 'spec', 'containers').length}`;
}

function restarts(pod: KubeObject): number {
  return recordsAt(pod, 'status', 'containerStatuses').reduce(
    (sum, item) => sum + (numberAt(item, 'restartCount') ?? 0),
    0,
  );
}

function podStatus(pod: KubeObject): string {
  if (pod.metadata.deletionTimestamp !== undefined) return 'Terminating';
  const reasons = recordsAt(pod, 'status', 'containerStatuses').map(
    (status) => textAt(status, 'state', 'waiting', 'reason') || textAt(status, 'state', 'terminated', 'reason'),
  );
  const phase = textAt(pod, 'status', 'phase');
  if (phase === 'Succeeded') return 'Completed';
  return textAt(pod, 'status', 'reason') || reasons.find((reason) => reason !== '' && reason !== 'Completed') || phase;
}

function jobStatus(job: KubeObject): string {
  const held = recordsAt(job, 'status', 'conditions').filter((condition) => condition.status === 'True');
  const types = held.map((condition) => textAt(condition, 'type'));
  const shown = ['Complete', 'Failed', 'Suspended', 'FailureTarget', 'SuccessCriteriaMet'];
  if (job.metadata.deletionTimestamp !== undefined) return 'Terminating';
  return shown.find((type) => types.includes(type)) ?? 'Running';
}

function completions(job: KubeObject): string {
  return `${numberAt(job, 'status', 'succeeded') ?? 0}/${numberAt(job, 'spec', 'completions') ?? 1}`;
}

/** `12s`, `5m`, `3h`, `2d`: how kubectl shows ages. */
function ageOf(time: string): string {
  const seconds = Math.max(0, Math.floor((Date.now() - Date.parse(time)) / 1000));
  if (Number.isNaN(seconds)) return '<unknown>';
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)}m`;
  return seconds < 172_800 ? `${Math.floor(seconds / 3600)}h` : `${Math.floor(seconds / 86_400)}d`;
}

/** Whether the client (kubectl) asked for rows to print instead of objects. */
export function wantsTable(incoming: IncomingMessage): boolean {
  return (incoming.headers.accept ?? '').includes('as=Table');
}

/** JSON text of a `meta.k8s.io/v1` Table with a row for each object. */
export function tableJson(type: ResourceType, objects: readonly KubeObject[], metadata: JsonRecord = {}): string {
  const columns = COLUMNS[type.plural] ?? [name, age];
  return JSON.stringify({
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata,
    columnDefinitions: columns.map((column) => ({
      name: column.name,
      type: column.type,
      format: column === name ? 'name' : '',
      description: '',
      priority: 0,
    })),
    rows: objects.map((object) => ({
      cells: columns.map((column) => column.cell(object)),
      object: { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata },
    })),
  });
}

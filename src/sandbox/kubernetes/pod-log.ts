import type { ServerResponse } from 'node:http';
import { badRequest } from './api-error.js';
import { isTrue, type ApiRequest } from './api-request.js';
import { recordAt, recordsAt, textAt, type KubeObject } from './objects.js';

export interface PodLogOptions {
  /** Go on until the container ends. */
  readonly follow: boolean;
  /** Only so many lines from the end. */
  readonly tailLines?: number | undefined;
  /** Put the time in front of every line. */
  readonly timestamps: boolean;
  /** The log of the instance before the last restart. */
  readonly previous: boolean;
  /** Aborts when the client is gone. */
  readonly signal: AbortSignal;
}

export interface PodLogTarget {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
}

/** Where the text of container logs comes from: the kubelet. */
export type PodLogProvider = (target: PodLogTarget, options: PodLogOptions) => AsyncIterable<string | Uint8Array>;

function containersOf(pod: KubeObject): readonly string[] {
  return [...recordsAt(pod, 'spec', 'initContainers'), ...recordsAt(pod, 'spec', 'containers')].map((container) =>
    textAt(container, 'name'),
  );
}

/** The container a log request means. Throws a 400 when that is unknown, unclear or not started yet. */
export function logContainerOf(pod: KubeObject, asked: string): string {
  const regular = recordsAt(pod, 'spec', 'containers').map((container) => textAt(container, 'name'));
  const { name } = pod.metadata;
  const container = asked || (regular.length === 1 ? (regular[0] ?? '') : '');
  if (container === '') {
    const init = recordsAt(pod, 'spec', 'initContainers').map((item) => textAt(item, 'name'));
    const also = init.length === 0 ? '' : ` or one of the init containers: [${init.join(' ')}]`;
    throw badRequest(
      `a container name must be specified for pod ${name}, choose one of: [${regular.join(' ')}]${also}`,
    );
  }
  if (!containersOf(pod).includes(container)) throw badRequest(`container ${container} is not valid for pod ${name}`);
  const waiting = waitingReason(pod, container);
  if (waiting === undefined) return container;
  throw badRequest(
    `container ${JSON.stringify(container)} in pod ${JSON.stringify(name)} is waiting to start: ${waiting}`,
  );
}

function waitingReason(pod: KubeObject, container: string): string | undefined {
  const statuses = [
    ...recordsAt(pod, 'status', 'initContainerStatuses'),
    ...recordsAt(pod, 'status', 'containerStatuses'),
  ];
  const status = statuses.find((item) => item.name === container);
  const restarted = Object.keys(recordAt(status, 'lastState')).length > 0;
  const waiting = recordAt(status, 'state').waiting;
  return waiting === undefined || restarted ? undefined : textAt(waiting, 'reason');
}

/** Streams a container's log as plain text. */
export async function sendPodLog(
  request: ApiRequest,
  response: ServerResponse,
  source: { readonly container: string; readonly provider: PodLogProvider | undefined },
): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const tail = request.query.get('tailLines');
  response.writeHead(200, { 'content-type': 'text/plain' });
  response.flushHeaders();
  const target = { namespace: request.namespace, pod: request.name, container: source.container };
  const chunks = source.provider?.(target, {
    follow: isTrue(request.query.get('follow')),
    tailLines: tail === null ? undefined : Number(tail),
    timestamps: isTrue(request.query.get('timestamps')),
    previous: isTrue(request.query.get('previous')),
    signal: gone.signal,
  });
  for await (const chunk of chunks ?? []) {
    if (response.destroyed) break;
    response.write(chunk);
  }
  response.end();
}

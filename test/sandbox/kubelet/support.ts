import { randomUUID } from 'node:crypto';
import {
  startBuildkiteServer,
  type BuildkiteServer,
  type BuildkiteServerOptions,
} from '../../../src/sandbox/buildkite/server.js';
import { ObjectStore } from '../../../src/sandbox/kubernetes/object-store.js';
import { textAt, type JsonRecord, type KubeObject } from '../../../src/sandbox/kubernetes/objects.js';
import { startKubelet, type Kubelet, type KubeletOptions } from '../../../src/sandbox/kubelet/kubelet.js';

/** An embedded Buildkite, the objects of an embedded cluster, and a kubelet between them. */
export interface World {
  readonly buildkite: BuildkiteServer;
  readonly store: ObjectStore;
  readonly kubelet: Kubelet;
  readonly errors: unknown[];
  /** Creates a pod from its spec (and metadata). */
  createPod(spec: JsonRecord, metadata?: JsonRecord): KubeObject;
  pod(name: string): KubeObject | undefined;
  phase(name: string): string;
  /** Waits until the pod is in this phase. */
  reached(name: string, ...phases: string[]): Promise<KubeObject>;
  containerLog(pod: string, container: string): Promise<string>;
  close(): Promise<void>;
}

export async function startWorld(
  options: { readonly kubelet?: Partial<KubeletOptions>; readonly buildkite?: BuildkiteServerOptions } = {},
): Promise<World> {
  const buildkite = await startBuildkiteServer({
    agentSettings: { jobStatusInterval: 0.05, chunksIntervalSeconds: 0.05 },
    ...options.buildkite,
  });
  const store = new ObjectStore();
  store.create('namespaces', { metadata: { name: 'default' } });
  const data = { BUILDKITE_AGENT_TOKEN: Buffer.from(buildkite.agentToken).toString('base64') };
  store.create('secrets', { metadata: { name: 'bk', namespace: 'default' }, data });
  const errors: unknown[] = [];
  const kubelet = startKubelet({ store, onError: (error) => errors.push(error), ...options.kubelet });
  const world: World = {
    buildkite,
    store,
    kubelet,
    errors,
    createPod: (spec, metadata = {}) =>
      store.create('pods', {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: `pod-${randomUUID().slice(0, 8)}`, namespace: 'default', ...metadata },
        spec: { restartPolicy: 'Never', ...spec },
      }),
    pod: (name) => store.find('pods', 'default', name),
    phase: (name) => textAt(world.pod(name), 'status', 'phase'),
    reached: (name, ...phases) =>
      new Promise((resolve) => {
        const stop = store.watch('pods', {}, ({ object }) => {
          if (object.metadata.name !== name || !phases.includes(textAt(object, 'status', 'phase'))) return;
          setImmediate(() => stop());
          resolve(object);
        });
      }),
    containerLog: async (pod, container) => {
      const parts: string[] = [];
      const target = { namespace: 'default', pod, container };
      const signal = new AbortController().signal;
      for await (const part of kubelet.podLogs(target, { follow: false, timestamps: false, signal })) parts.push(part);
      return parts.join('');
    },
    close: async () => {
      await kubelet.close();
      await buildkite.close();
    },
  };
  return world;
}

const WORKSPACE = [{ name: 'workspace', mountPath: '/workspace' }];

export interface JobPodOptions {
  readonly jobId: string;
  readonly commands: readonly string[];
  readonly endpoint: string;
  readonly env?: readonly JsonRecord[];
  readonly envFrom?: readonly JsonRecord[];
  readonly initContainers?: readonly JsonRecord[];
  readonly volumes?: readonly JsonRecord[];
  readonly graceSeconds?: number;
}

/** The pod the controller makes of a job, as far as a kubelet cares. */
export function jobPodSpec(options: JobPodOptions): JsonRecord {
  const grace = options.graceSeconds ?? 60;
  const env = (pairs: Record<string, string>): JsonRecord[] =>
    Object.entries(pairs).map(([name, value]) => ({ name, value }));
  const commandContainers = options.commands.map((command, index) => ({
    name: `container-${index}`,
    image: 'alpine:latest',
    command: ['/workspace/tini-static'],
    args: ['--', '/workspace/buildkite-agent', 'kubernetes-bootstrap'],
    workingDir: '/workspace',
    env: [
      ...(options.env ?? []),
      ...env({
        BUILDKITE_BOOTSTRAP_PHASES: 'plugin,command',
        BUILDKITE_COMMAND: command,
        BUILDKITE_CONTAINER_ID: String(index + 1),
        BUILDKITE_SOCKETS_PATH: `/workspace/sockets/container-${index}`,
      }),
    ],
    envFrom: options.envFrom ?? [],
    volumeMounts: WORKSPACE,
  }));
  return {
    terminationGracePeriodSeconds: grace,
    volumes: [{ name: 'workspace', emptyDir: {} }, ...(options.volumes ?? [])],
    initContainers: [
      { name: 'copy-agent', image: 'agent', command: ['/bin/sh'], args: ['-cefx', 'exit 9'], volumeMounts: WORKSPACE },
      {
        name: 'imagecheck-0',
        image: 'alpine',
        command: ['/workspace/tini-static'],
        args: ['--version'],
        volumeMounts: WORKSPACE,
      },
      ...(options.initContainers ?? []),
    ],
    containers: [
      ...commandContainers,
      {
        name: 'agent',
        image: 'agent',
        args: ['start'],
        workingDir: '/workspace',
        env: [
          ...env({
            BUILDKITE_KUBERNETES_EXEC: 'true',
            BUILDKITE_CONTAINER_COUNT: String(options.commands.length + 1),
            BUILDKITE_AGENT_TAGS: 'queue=default',
            BUILDKITE_BUILD_PATH: '/workspace/build',
            BUILDKITE_SHELL: '/bin/sh -ec',
            BUILDKITE_AGENT_ENDPOINT: options.endpoint,
            BUILDKITE_AGENT_ACQUIRE_JOB: options.jobId,
            BUILDKITE_REDACTED_VARS: '*_PASSWORD,*_SECRET,*_TOKEN',
            BUILDKITE_CANCEL_GRACE_PERIOD: String(grace),
            BUILDKITE_SIGNAL_GRACE_PERIOD_SECONDS: String(Math.max(0, grace - 10)),
          }),
          { name: 'BUILDKITE_K8S_NODE', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
          {
            name: 'BUILDKITE_AGENT_TOKEN',
            valueFrom: { secretKeyRef: { name: 'bk', key: 'BUILDKITE_AGENT_TOKEN' } },
          },
        ],
        volumeMounts: WORKSPACE,
      },
      {
        name: 'checkout',
        image: 'agent',
        command: ['/bin/sh', '-c'],
        args: ['exit 9'],
        workingDir: '/workspace',
        env: env({ BUILDKITE_BOOTSTRAP_PHASES: 'plugin,checkout', BUILDKITE_CONTAINER_ID: '0' }),
        volumeMounts: WORKSPACE,
      },
    ],
  };
}
